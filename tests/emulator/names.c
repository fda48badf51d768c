/* SPDX-License-Identifier: MIT */
/*
 * Names of drive items: compared without case, stored as sent, and refused by the service's rules.
 * Case folding is the C library's, in the C.UTF-8 locale: one code point to one code point, which
 * is what the service does as well.
 */
#include "names.h"

#include <string.h>
#include <strings.h>
#include <wctype.h>

#include "buffer.h"

/* Decodes one code point and advances; a byte that is not UTF-8 counts as itself, above all code
 * points, so that broken names still have an order. */
static uint32_t next_code_point(const char **text)
{
    const unsigned char *bytes = (const unsigned char *)*text;
    unsigned length = bytes[0] < 0x80   ? 1
                      : bytes[0] < 0xc2 ? 0
                      : bytes[0] < 0xe0 ? 2
                      : bytes[0] < 0xf0 ? 3
                      : bytes[0] < 0xf5 ? 4
                                        : 0;
    uint32_t point = length > 1 ? bytes[0] & (0x7fu >> length) : bytes[0];

    for (unsigned i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            length = 0;
        else
            point = point << 6 | (bytes[i] & 0x3f);
    }
    if ((length == 3 && point < 0x800) || (length == 4 && (point < 0x10000 || point > 0x10ffff)) ||
        (point >= 0xd800 && point < 0xe000))
        length = 0;
    if (!length) {
        *text += 1;
        return 0x110000u + bytes[0];
    }
    *text += length;
    return point;
}

static uint32_t fold(uint32_t point)
{
    if (point < 0x80)
        return point >= 'A' && point <= 'Z' ? point + 32 : point;
    return point < 0x110000 ? (uint32_t)towlower((wint_t)point) : point;
}

int names_compare(const char *a, const char *b)
{
    while (*a && *b) {
        uint32_t left = fold(next_code_point(&a)), right = fold(next_code_point(&b));

        if (left != right)
            return left < right ? -1 : 1;
    }
    return *a ? 1 : *b ? -1 : 0;
}

uint64_t names_hash(const char *name)
{
    uint64_t hash = 0xcbf29ce484222325u;

    while (*name)
        hash = (hash ^ fold(next_code_point(&name))) * 0x100000001b3u;
    return hash;
}

long names_utf16_length(const char *text)
{
    long units = 0;

    while (*text) {
        uint32_t point = next_code_point(&text);

        if (point >= 0x110000)
            return -1;
        units += point >= 0x10000 ? 2 : 1;
    }
    return units;
}

/* True for a device name that Windows reserves, alone or before an extension. */
static bool is_device_name(const char *name)
{
    static const char *const plain[] = { "CON", "PRN", "AUX", "NUL" };
    size_t stem = strcspn(name, ".");

    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        if (stem == 3 && strncasecmp(name, plain[i], 3) == 0)
            return true;
    return stem == 4 && (strncasecmp(name, "COM", 3) == 0 || strncasecmp(name, "LPT", 3) == 0) &&
           name[3] >= '0' && name[3] <= '9';
}

const char *names_refusal(const char *name)
{
    size_t length = strlen(name);
    long units = names_utf16_length(name);

    if (!length || units < 0 || units > NAME_MAX_UNITS || strpbrk(name, "\"*:<>?/\\|"))
        return "invalidPath";
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
            return "invalidPath";
    if (name[0] == ' ' || name[length - 1] == ' ' || name[length - 1] == '.')
        return "invalidPath";
    if (is_device_name(name) || strcasecmp(name, ".lock") == 0 ||
        strcasecmp(name, "desktop.ini") == 0 || strncmp(name, "~$", 2) == 0 ||
        strcasestr(name, "_vti_"))
        return "invalidPath";
    return NULL;
}

const char *names_library_refusal(const char *name, bool is_folder, bool is_in_root)
{
    if ((is_folder && name[0] == '~') || (is_in_root && strcasecmp(name, "forms") == 0))
        return "invalidPath";
    return NULL;
}

char *names_numbered(const char *name, unsigned number)
{
    const char *dot = strrchr(name, '.');
    size_t stem = dot && dot != name ? (size_t)(dot - name) : strlen(name);
    struct buffer text = { 0 };

    buffer_addf(&text, "%.*s %u%s", (int)stem, name, number, name + stem);
    return text.data;
}
