/* SPDX-License-Identifier: MIT */
/*
 * Look-alikes. The service refuses some characters anywhere in a name, a few only at its beginning
 * or end. The table says which, and what stands for each. A look-alike that is itself part of a
 * shown name is quoted on the server with rclone's mark, U+201B, so that both programs show the
 * same tree.
 *
 * Quoting is done by runs: let a run of marks stand before a character at a place where that
 * character has a look-alike. Then
 *
 *     shown: k marks, the plain character   <->   server: 2k marks, the look-alike
 *     shown: k marks, the look-alike        <->   server: 2k+1 marks, the look-alike
 *
 * and marks before anything else mean themselves. So a mark costs nothing in ordinary names, and
 * every combination has exactly one counterpart. At the beginning of a name the rule is different:
 * a plain character behind a mark isn't the first one, hence not refused there, so that
 *
 *     shown: the plain character            <->   server: the look-alike
 *     shown: k marks, the look-alike        <->   server: k+1 marks, the look-alike
 *
 * A single character is both first and last; the rule for the end holds.
 */
#include "config.h"

#include "tree/names.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/utf8.h"

#define QUOTE_MARK 0x201BU

/* Where in a name a character is refused. */
enum {
    FIRST = 1,
    LAST = 2,
    ANYWHERE = 4,
};

struct look_alike {
    uint32_t plain, alike;
    int where;
};

/* Full-width forms, and the symbol for a space. */
static const struct look_alike look_alikes[] = {
    { ' ', 0x2420, FIRST | LAST }, { '"', 0xFF02, ANYWHERE }, { '*', 0xFF0A, ANYWHERE },
    { '.', 0xFF0E, LAST },         { ':', 0xFF1A, ANYWHERE }, { '<', 0xFF1C, ANYWHERE },
    { '>', 0xFF1E, ANYWHERE },     { '?', 0xFF1F, ANYWHERE }, { '\\', 0xFF3C, ANYWHERE },
    { '|', 0xFF5C, ANYWHERE },     { '~', 0xFF5E, FIRST },
};

/* How the marks before a character, and the character itself, are to be read. */
enum rule {
    RULE_NONE,    /* as they stand */
    RULE_FIRST,   /* the rule for the beginning of a name */
    RULE_DOUBLED, /* the rule for anywhere else */
};

/* A part of a name: a run of marks, and the character behind it (0 at the end of the name). */
struct part {
    size_t marks;
    uint32_t character;
};

struct writer {
    char *out;
    size_t size, len;
};

static int put(struct writer *w, uint32_t character)
{
    char bytes[4];
    size_t n = utf8_put(character, bytes);

    if (w->size - w->len <= n)
        return -ENAMETOOLONG;
    memcpy(w->out + w->len, bytes, n);
    w->len += n;
    w->out[w->len] = '\0';
    return 0;
}

static int put_part(struct writer *w, struct part part)
{
    int r = 0;

    while (r == 0 && part.marks-- > 0)
        r = put(w, QUOTE_MARK);
    if (r == 0 && part.character)
        r = put(w, part.character);
    return r;
}

static const struct look_alike *find_look_alike(uint32_t character)
{
    for (size_t i = 0; i < sizeof look_alikes / sizeof look_alikes[0]; i++) {
        if (look_alikes[i].plain == character || look_alikes[i].alike == character)
            return &look_alikes[i];
    }
    return NULL;
}

static enum rule choose_rule(const struct look_alike *pair, bool is_first, bool is_last)
{
    if (!pair || (pair->plain == ':' && is_last))
        return RULE_NONE;
    if ((pair->where & ANYWHERE) || ((pair->where & LAST) && is_last))
        return RULE_DOUBLED;
    return (pair->where & FIRST) && is_first ? RULE_FIRST : RULE_NONE;
}

static struct part encode_part(struct part shown, const struct look_alike *pair, enum rule rule)
{
    bool is_plain;

    if (rule == RULE_NONE)
        return shown;
    is_plain = shown.character == pair->plain;
    if (rule == RULE_FIRST && is_plain && shown.marks)
        return shown;
    if (rule == RULE_FIRST)
        return (struct part){ is_plain ? 0 : shown.marks + 1, pair->alike };
    return (struct part){ 2 * shown.marks + (is_plain ? 0 : 1), pair->alike };
}

static struct part decode_part(struct part server, const struct look_alike *pair, enum rule rule)
{
    if (rule == RULE_NONE || server.character == pair->plain)
        return server;
    if (rule == RULE_FIRST)
        return server.marks ? (struct part){ server.marks - 1, pair->alike }
                            : (struct part){ 0, pair->plain };
    return (struct part){ server.marks / 2, server.marks % 2 ? pair->alike : pair->plain };
}

/* Takes a part off the beginning of ${name}; returns its length, 0 if it isn't UTF-8. */
static size_t take_part(const char *name, size_t len, struct part *ret_part)
{
    struct part part = { 0, 0 };
    size_t used = 0;

    while (used < len) {
        size_t n = utf8_next(name + used, len - used, &part.character);

        if (n == 0)
            return 0;
        used += n;
        if (part.character != QUOTE_MARK)
            break;
        part.character = 0;
        part.marks++;
    }
    *ret_part = part;
    return used;
}

static int convert(const char *name, char *out, size_t size,
                   struct part (*convert_part)(struct part, const struct look_alike *, enum rule))
{
    struct writer w = { .out = out, .size = size };
    size_t len = strlen(name), n;

    if (size == 0)
        return -ENAMETOOLONG;
    out[0] = '\0';
    for (size_t at = 0; at < len; at += n) {
        struct part part;
        const struct look_alike *pair;
        int r;

        n = take_part(name + at, len - at, &part);
        if (n == 0)
            return -EILSEQ;
        pair = find_look_alike(part.character);
        r = put_part(&w, convert_part(part, pair, choose_rule(pair, at == 0, at + n == len)));
        if (r < 0)
            return r;
    }
    return 0;
}

int name_decode(const char *server_name, char *out, size_t size)
{
    return convert(server_name, out, size, decode_part);
}

int name_encode(const char *shown_name, char *out, size_t size)
{
    if (name_is_reserved_shown(shown_name))
        return -EINVAL;
    return convert(shown_name, out, size, encode_part);
}

bool name_is_reserved_shown(const char *shown_name)
{
    size_t len = strlen(shown_name);

    return len && shown_name[len - 1] == ':';
}

int name_check(const char *server_name)
{
    char shown[NAME_SIZE];
    int r = name_decode(server_name, shown, sizeof shown);

    if (r < 0)
        return r;
    if (shown[0] == '\0' || strcmp(shown, ".") == 0 || strcmp(shown, "..") == 0 ||
        strchr(shown, '/') || name_is_reserved_shown(shown))
        return -EINVAL;
    return 0;
}

#define STEM_MAX_BYTES   120
#define ENDING_MAX_BYTES 16
#define TAG_LENGTH       8

/* 40 bits of a SHA-256, five to a digit. Ids share long beginnings, so it is hashed, not cut. */
static void make_tag(const char *id, char out[TAG_LENGTH + 1])
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint8_t hash[EVP_MAX_MD_SIZE] = { 0 };
    uint64_t bits = 0;

    (void)EVP_Digest(id, strlen(id), hash, NULL, EVP_sha256(), NULL);
    for (size_t i = 0; i < 5; i++)
        bits = bits << 8 | hash[i];
    for (size_t i = TAG_LENGTH; i-- > 0; bits >>= 5)
        out[i] = digits[bits & 31];
    out[TAG_LENGTH] = '\0';
}

/* The ending of ${name}, with its dot, if there is one of letters and digits; else the end. */
static const char *find_ending(const char *name)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const char *end = name + strlen(name), *dot = strrchr(name, '.');
    size_t len;

    if (!dot || dot == name)
        return end;
    len = strspn(dot + 1, plain);
    return len && len < ENDING_MAX_BYTES && dot[1 + len] == '\0' ? dot : end;
}

/* Copies up to ${len} bytes of ${name}, an underscore for each that can't stand in a name. */
static void put_stem(struct writer *w, const char *name, size_t len)
{
    while (len) {
        uint32_t character;
        size_t n = utf8_next(name, len, &character);
        bool is_usable = n && character >= 0x20 && character != 0x7F && character != '/';

        if (put(w, is_usable ? character : '_') < 0)
            return;
        name += n ? n : 1;
        len -= n ? n : 1;
    }
}

void name_make_safe(const char *server_name, const char *id, char out[NAME_SAFE_SIZE])
{
    const char *ending = find_ending(server_name);
    char stem[STEM_MAX_BYTES + 1] = "", tag[TAG_LENGTH + 1];
    struct writer w = { .out = stem, .size = sizeof stem };

    put_stem(&w, server_name, (size_t)(ending - server_name));
    make_tag(id, tag);
    (void)snprintf(out, NAME_SAFE_SIZE, "%s [%s]%s", stem[0] ? stem : "unnamed", tag, ending);
}
