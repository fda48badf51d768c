/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_PAGE_H
#define EMULATOR_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"

struct request;
struct response;

enum { PAGE_DEFAULT = 200, PAGE_MAX = 1000 };

/* Which page of a listing is asked for: it begins after what ended the last one. */
struct page {
    char *after;    /* as the key in the token names it, NULL at the beginning */
    bool was_empty; /* the last page had no items though there are more */
    size_t limit;
};

/* Reads $top and $skiptoken, whose position stands behind `key`; false after an error answer. The
 * page is to be cleared in any case. */
bool page_parse(const struct request *request, struct response *response, const char *key,
                struct page *ret_page);
void page_clear(struct page *page);

/* Adds the options that lead to the page after `position`, which is the token's text. */
void page_add_options(struct buffer *link, size_t limit, const struct buffer *position);

#endif
