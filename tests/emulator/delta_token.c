/* SPDX-License-Identifier: MIT */
/* Delta tokens as text: numbers, the items that go along, and a seal, in base64. */
#include "delta_token.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "drive.h"
#include "encode.h"
#include "memory.h"

enum { TOKEN_TEXT_MAX = 4096, FIELDS = 8 };

static const char note_marks[NOTE_KINDS] = {
    [NOTE_SILENT] = 's', [NOTE_HELD] = 'h', [NOTE_AGAIN] = 'r'
};

bool notes_add(struct notes *notes, uint32_t limit, uint32_t item)
{
    if (notes->count >= limit)
        return false;
    notes->items[notes->count++] = item;
    return true;
}

bool notes_have(const struct notes *notes, uint32_t item)
{
    for (uint32_t i = 0; i < notes->count; i++)
        if (notes->items[i] == item)
            return true;
    return false;
}

static uint64_t seal(const struct drive *drive, const char *text)
{
    uint64_t hash = drive->seed;

    for (; *text; text++)
        hash = random_mix(hash ^ (uint64_t)(unsigned char)*text);
    return hash;
}

void delta_token_add(const struct drive *drive, const struct delta_token *token, struct buffer *out)
{
    const uint64_t fields[FIELDS] = { token->start,    token->epoch,
                                      token->scope,    token->cursor,
                                      token->position, token->base,
                                      token->scanned,  (uint64_t)token->since_ms };
    struct buffer text = { 0 };

    buffer_add_char(&text, token->is_enumeration ? 'e' : 'p');
    for (int i = 0; i < FIELDS; i++)
        buffer_addf(&text, ";%" PRIx64, fields[i]);
    for (int kind = 0; kind < NOTE_KINDS; kind++)
        for (uint32_t i = 0; i < token->notes[kind].count; i++)
            buffer_addf(&text, "%c%" PRIx32, note_marks[kind], token->notes[kind].items[i]);
    buffer_addf(&text, "|%" PRIx64, seal(drive, text.data));

    char *encoded = mem_alloc(BASE64_SIZE(text.length));

    base64url_encode(text.data, text.length, encoded);
    buffer_add_text(out, encoded);
    free(encoded);
    buffer_free(&text);
}

/* Reads the items at the end of the text. */
static void parse_notes(const char *text, struct delta_token *token)
{
    while (*text) {
        int kind = 0;
        char *end;
        uint32_t item = (uint32_t)strtoul(text + 1, &end, 16);

        while (kind < NOTE_KINDS && note_marks[kind] != *text)
            kind++;
        if (kind == NOTE_KINDS || end == text + 1 ||
            !notes_add(&token->notes[kind], NOTES_MAX, item))
            return;
        text = end;
    }
}

bool delta_token_parse(const struct drive *drive, const char *encoded, struct delta_token *token)
{
    char text[TOKEN_TEXT_MAX] = "";
    uint64_t fields[FIELDS];
    char *mark, *next;

    if (strlen(encoded) >= sizeof text || base64_decode(encoded, text) < 0)
        return false;
    mark = strchr(text, '|');
    if (!mark)
        return false;
    *mark = '\0';
    if (strtoull(mark + 1, NULL, 16) != seal(drive, text))
        return false;
    next = text + 1;
    for (int i = 0; i < FIELDS; i++) {
        if (*next != ';')
            return false;
        fields[i] = strtoull(next + 1, &next, 16);
    }
    *token = (struct delta_token){ .is_enumeration = text[0] == 'e',
                                   .start = (uint32_t)fields[0],
                                   .epoch = (uint32_t)fields[1],
                                   .scope = (uint32_t)fields[2],
                                   .cursor = (uint32_t)fields[3],
                                   .position = (uint32_t)fields[4],
                                   .base = (uint32_t)fields[5],
                                   .scanned = (uint32_t)fields[6],
                                   .since_ms = (int64_t)fields[7] };
    parse_notes(next, token);
    return true;
}
