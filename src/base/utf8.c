/* SPDX-License-Identifier: MIT */
/*
 * UTF-8. The table gives, for a lead byte, the length, the bits it contributes, and the smallest
 * character that needs that length: anything below is an overlong form.
 */
#include "config.h"

#include "base/utf8.h"

#include <string.h>

#include "base/xalloc.h"

#define UTF8_REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

static const struct {
    uint8_t lead, mask; /* (byte & mask) == lead */
    uint8_t len;
    uint32_t smallest;
} utf8_forms[] = {
    { 0x00, 0x80, 1, 0x0 },
    { 0xC0, 0xE0, 2, 0x80 },
    { 0xE0, 0xF0, 3, 0x800 },
    { 0xF0, 0xF8, 4, 0x10000 },
};

#define FORMS (sizeof utf8_forms / sizeof utf8_forms[0])

size_t utf8_next(const char *str, size_t len, uint32_t *ret_char)
{
    const uint8_t *bytes = (const uint8_t *)str;
    uint32_t character;
    size_t form = 0;

    if (len == 0)
        return 0;
    if (bytes[0] < 0x80) { /* nearly all that comes */
        *ret_char = bytes[0];
        return 1;
    }
    while (form < FORMS && (bytes[0] & utf8_forms[form].mask) != utf8_forms[form].lead)
        form++;
    if (form == FORMS || len < utf8_forms[form].len)
        return 0;
    character = bytes[0] & (uint8_t)~utf8_forms[form].mask;
    for (size_t i = 1; i < utf8_forms[form].len; i++) {
        if ((bytes[i] & 0xC0) != 0x80)
            return 0;
        character = character << 6 | (bytes[i] & 0x3F);
    }
    if (character < utf8_forms[form].smallest || character > 0x10FFFF ||
        (character >= 0xD800 && character <= 0xDFFF))
        return 0;
    *ret_char = character;
    return utf8_forms[form].len;
}

size_t utf8_put(uint32_t character, char out[4])
{
    size_t form = FORMS - 1;

    while (character < utf8_forms[form].smallest)
        form--;
    for (size_t i = utf8_forms[form].len; i-- > 1; character >>= 6)
        out[i] = (char)(0x80 | (character & 0x3F));
    out[0] = (char)(utf8_forms[form].lead | character);
    return utf8_forms[form].len;
}

/* How many bytes there are, in whole words, before the first one that isn't ASCII. */
static size_t ascii_words(const char *str, size_t len)
{
    uint64_t word;
    size_t done = 0;

    while (len - done >= sizeof word) {
        memcpy(&word, str + done, sizeof word);
        if (word & UINT64_C(0x8080808080808080))
            break;
        done += sizeof word;
    }
    return done;
}

bool utf8_valid(const char *str, size_t len)
{
    uint32_t character;

    while (len) {
        size_t n = ascii_words(str, len);

        if (n == 0)
            n = utf8_next(str, len, &character);

        if (n == 0)
            return false;
        str += n;
        len -= n;
    }
    return true;
}

size_t utf8_utf16_units(const char *str, size_t len)
{
    size_t units = 0, n;
    uint32_t character;

    for (; (n = utf8_next(str, len, &character)) != 0; str += n, len -= n)
        units += character > 0xFFFF ? 2 : 1;
    return units;
}

/* How much of ${str} can be copied as it is: valid, and ${is_wanted}. */
static size_t good_length(const char *str, size_t len, bool (*is_wanted)(uint32_t character))
{
    size_t good = 0, n;
    uint32_t character;

    while ((n = utf8_next(str + good, len - good, &character)) != 0 && is_wanted(character))
        good += n;
    return good;
}

static void replace_unwanted(const char *str, size_t len, bool (*is_wanted)(uint32_t character),
                             struct strbuf *out)
{
    while (len > 0) {
        size_t good = good_length(str, len, is_wanted);
        uint32_t character;

        (void)strbuf_add(out, str, good);
        if (good < len) {
            size_t bad = utf8_next(str + good, len - good, &character);

            (void)strbuf_addstr(out, UTF8_REPLACEMENT);
            good += bad > 0 ? bad : 1;
        }
        str += good;
        len -= good;
    }
}

static bool is_any(uint32_t character)
{
    (void)character;
    return true;
}

static bool is_printable(uint32_t character)
{
    bool is_control = character < 0x20 || (character >= 0x7F && character < 0xA0);
    bool is_turn = character == 0x061C || (character >= 0x200E && character <= 0x200F) ||
                   (character >= 0x2028 && character <= 0x202E) ||
                   (character >= 0x2066 && character <= 0x2069);

    return !is_control && !is_turn;
}

int utf8_repair(const char *str, size_t len, struct strbuf *out)
{
    replace_unwanted(str, len, is_any, out);
    return strbuf_error(out);
}

char *utf8_printable(const char *str)
{
    size_t len = strlen(str);
    struct strbuf out;

    strbuf_init(&out, 3 * len);
    replace_unwanted(str, len, is_printable, &out);
    char *text = strbuf_steal(&out);
    return text ? text : x_strdup("");
}
