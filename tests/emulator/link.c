/* SPDX-License-Identifier: MIT */
/*
 * Opaque values in links. Each has characters that are escaped though some would leave them, and
 * one that is not though some would escape it. A client that takes a link apart and puts it
 * together in its own way changes one of them, which the service that signed the link would not
 * forgive either.
 */
#include "link.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "encode.h"
#include "memory.h"
#include "request.h"

static const char head[] = "1!%2C", tail[] = "%2B%3D";

void link_add_value(struct buffer *link, const char *text)
{
    buffer_add_text(link, head);
    buffer_add_text(link, text);
    buffer_add_text(link, tail);
}

static char *read_between(const char *spelled, size_t length, const char *before,
                          const char *behind)
{
    size_t first = strlen(before), last = strlen(behind);

    if (length < first + last || strncmp(spelled, before, first) != 0 ||
        strncmp(spelled + length - last, behind, last) != 0)
        return NULL;
    return mem_strndup(spelled + first, length - first - last);
}

char *link_read_value(const char *spelled, char end)
{
    const char *stop = end ? strchr(spelled, end) : spelled + strlen(spelled);

    return stop ? read_between(spelled, (size_t)(stop - spelled), head, tail) : NULL;
}

/* True if the `length` characters at `text` name the option; without its dollar sign, too. */
static bool is_named(const char *text, size_t length, const char *name)
{
    char *given = url_decode(text, length, true);
    bool is_it = given && (strcasecmp(given, name) == 0 ||
                           (name[0] == '$' && strcasecmp(given, name + 1) == 0));

    free(given);
    return is_it;
}

char *link_read_option(const struct request *request, const char *name)
{
    const char *decoded = request_option(request, name);

    for (const char *next = request->raw_query ? request->raw_query : ""; *next;) {
        size_t length = strcspn(next, "&"), equals = strcspn(next, "=&");

        if (is_named(next, equals, name))
            return equals < length
                       ? read_between(next + equals + 1, length - equals - 1, head, tail)
                       : NULL;
        next += length + (next[length] == '&');
    }
    /* It stood in the path, which is decoded by now. */
    return decoded ? read_between(decoded, strlen(decoded), "1!,", "+=") : NULL;
}
