/* SPDX-License-Identifier: MIT */
/* See range.h. */
#include "config.h"

#include "graph/range.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Eighteen digits always fit; no content has more bytes than that. */
#define MAX_DIGITS 18

static bool parse_number(const char **text, int64_t *ret_number)
{
    size_t digits = strspn(*text, "0123456789");
    int64_t number = 0;
    if (digits == 0 || digits > MAX_DIGITS)
        return false;
    for (size_t i = 0; i < digits; i++)
        number = number * 10 + ((*text)[i] - '0');
    *text += digits;
    *ret_number = number;
    return true;
}

static bool skip_char(const char **text, char c)
{
    if (**text != c)
        return false;
    (*text)++;
    return true;
}

bool content_range_parse(const char *value, struct content_range *ret_range)
{
    struct content_range range = { .total = -1 };
    if (!value || strncasecmp(value, "bytes", 5) != 0)
        return false;
    value += 5;
    if (!skip_char(&value, ' '))
        return false;
    value += strspn(value, " ");
    if (!skip_char(&value, '*')) {
        range.has_range = true;
        if (!parse_number(&value, &range.first) || !skip_char(&value, '-') ||
            !parse_number(&value, &range.last))
            return false;
    }
    if (!skip_char(&value, '/'))
        return false;
    bool is_open = skip_char(&value, '*');
    if (!is_open && !parse_number(&value, &range.total))
        return false;
    if (*value != '\0' || (is_open && !range.has_range))
        return false;
    if (range.has_range && (range.last < range.first || (!is_open && range.last >= range.total)))
        return false;
    *ret_range = range;
    return true;
}
