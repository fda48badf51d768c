/* SPDX-License-Identifier: MIT */
/*
 * UTF-8. The table gives, for a lead byte, the length, the bits it contributes, and the smallest
 * character that needs that length: anything below is an overlong form.
 */
#include "config.h"

#include "base/utf8.h"

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

bool utf8_valid(const char *str, size_t len)
{
    uint32_t character;

    while (len) {
        size_t n = utf8_next(str, len, &character);

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
