/* SPDX-License-Identifier: MIT */
/*
 * Names that differ only in case, of which the service allows one in a folder.
 *
 * Two characters are the same if they are a pair, each the simple lower or upper case of the other.
 * So each has one other spelling at most, and all spellings of a name can be gone through in order
 * of bytes. What is no pair is different: one character for two (the German sharp s), a second
 * small letter for one capital (the Greek final sigma, the dotless i, the long s), letters for
 * titles, and what is composed differently, which the service keeps apart as well. Where the
 * service should think otherwise it refuses the name, as it would for any other reason.
 */
#include "config.h"

#include "tree/names.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <utf8proc.h>

#include "base/cleanup.h"
#include "base/utf8.h"

/* The capital of a pair; other characters stand for themselves. */
static uint32_t fold(uint32_t character)
{
    uint32_t upper = (uint32_t)utf8proc_toupper((utf8proc_int32_t)character);

    return (uint32_t)utf8proc_tolower((utf8proc_int32_t)upper) == character ? upper : character;
}

bool name_equal_fold(const char *a, const char *b)
{
    size_t a_left = strlen(a), b_left = strlen(b);

    while (a_left > 0 && b_left > 0) {
        uint32_t a_character, b_character;
        size_t a_length = utf8_next(a, a_left, &a_character);
        size_t b_length = utf8_next(b, b_left, &b_character);

        if (a_length == 0 || b_length == 0)
            return strcmp(a, b) == 0;
        if (fold(a_character) != fold(b_character))
            return false;
        a += a_length;
        b += b_length;
        a_left -= a_length;
        b_left -= b_length;
    }
    return a_left == b_left;
}

/* A character's spellings, in order of bytes. */
struct spellings {
    char text[2][5];
    size_t length[2];
    size_t count;
};

static void add_spelling(struct spellings *spellings, uint32_t character)
{
    size_t length = utf8_put(character, spellings->text[spellings->count]);

    spellings->text[spellings->count][length] = '\0';
    spellings->length[spellings->count++] = length;
}

/* Returns the character's length in ${name}; 0 at its end, or if it isn't UTF-8. */
static size_t spell(const char *name, struct spellings *ret)
{
    uint32_t character, upper, lower;
    size_t length = utf8_next(name, strlen(name), &character);

    *ret = (struct spellings){ .count = 0 };
    if (length == 0)
        return 0;
    upper = fold(character);
    lower = (uint32_t)utf8proc_tolower((utf8proc_int32_t)upper);
    if (fold(lower) != upper)
        lower = upper;
    add_spelling(ret, lower < upper ? lower : upper);
    if (lower != upper)
        add_spelling(ret, lower < upper ? upper : lower);
    return length;
}

/* Appends ${length} bytes; false if they don't fit. */
static bool append(char out[NAME_SPELLING_SIZE], size_t *at, const char *text, size_t length)
{
    if (length >= NAME_SPELLING_SIZE - *at)
        return false;
    memcpy(out + *at, text, length);
    *at += length;
    out[*at] = '\0';
    return true;
}

/* The first spelling of each character. */
static bool append_first(char out[NAME_SPELLING_SIZE], size_t *at, const char *name)
{
    struct spellings spellings;
    size_t length;

    while ((length = spell(name, &spellings)) > 0) {
        if (!append(out, at, spellings.text[0], spellings.length[0]))
            return false;
        name += length;
    }
    return *name == '\0';
}

/*
 * The result shares with ${after} as many characters as it can, then has one with a later spelling,
 * then the first spelling of all that is left.
 */
bool name_next_spelling(const char *name, const char *after, char out[NAME_SPELLING_SIZE])
{
    const char *shared = after, *shared_end = NULL, *rest = NULL;
    struct spellings spellings, turn = { .count = 0 };
    size_t length, turn_index = 0, at = 0;
    bool goes_on = true;

    while (goes_on && (length = spell(name, &spellings)) > 0) {
        const char *here = shared;

        name += length;
        goes_on = false;
        for (size_t i = spellings.count; i-- > 0;) {
            int order = strncmp(spellings.text[i], here, spellings.length[i]);

            if (order > 0) {
                turn = spellings;
                turn_index = i;
                shared_end = here;
                rest = name;
            } else if (order == 0) {
                shared = here + spellings.length[i];
                goes_on = true;
            }
        }
    }
    return rest && append(out, &at, after, (size_t)(shared_end - after)) &&
           append(out, &at, turn.text[turn_index], turn.length[turn_index]) &&
           append_first(out, &at, rest);
}

int name_find_twin(const struct name_source *source, const char *name)
{
    char spelling[NAME_SPELLING_SIZE];
    bool goes_on = name_next_spelling(name, "", spelling);

    while (goes_on) {
        cleanup_free char *found = NULL;
        int r = source->next(source->arg, spelling, &found);

        if (r < 0)
            return r;
        if (name_equal_fold(found, name)) {
            r = source->accept(source->arg, found);
            if (r != -ENOENT)
                return r;
        }
        goes_on = name_next_spelling(name, found, spelling);
    }
    return -ENOENT;
}
