/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_GRAPH_SECRET_H
#define GRAPHFS_GRAPH_SECRET_H

/* Strings that are wiped before their memory goes back: tokens, and what is built of them. */

#include "base/strbuf.h"

#include <stdlib.h>
#include <string.h>

/* cleanup_secret: wipes and frees a struct strbuf at the end of the scope */
#define cleanup_secret __attribute__((cleanup(secret_clear_strbuf)))

static inline void secret_clear_strbuf(struct strbuf *text)
{
    if (text->capacity > 0)
        explicit_bzero(text->data, text->capacity);
    strbuf_clear(text);
}

/* Wipes and frees a string; NULL is allowed. */
static inline void secret_free(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

/* Puts a string that the caller gives away into *place, and frees what was there. */
static inline void secret_replace(char **place, char *text)
{
    secret_free(*place);
    *place = text;
}

#endif
