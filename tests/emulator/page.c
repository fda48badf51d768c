/* SPDX-License-Identifier: MIT */
/* Pages of listings: how many items one has, and the token that says where it begins. */
#include "page.h"

#include <stdlib.h>
#include <string.h>

#include "encode.h"
#include "link.h"
#include "memory.h"
#include "request.h"

static void read_token(const char *token, const char *key, struct page *page)
{
    char *text = mem_zalloc(strlen(token) + 1);
    const char *value = base64_decode(token, text) > 0 ? strstr(text, key) : NULL;

    if (value) {
        value += strlen(key);
        page->after = url_decode(value, strcspn(value, "&"), false);
        page->was_empty = strstr(text, "p_Empty=1");
    }
    free(text);
}

bool page_parse(const struct request *request, struct response *response, const char *key,
                struct page *ret_page)
{
    const char *top = request_option(request, "$top");
    char *token = link_read_option(request, "$skiptoken");
    long long limit = top ? strtoll(top, NULL, 10) : PAGE_DEFAULT;

    *ret_page = (struct page){ .limit = (size_t)request_page_limit(request, limit, PAGE_MAX) };
    if (limit < 1) {
        response_error(request, response, 400, "invalidRequest",
                       "The limit for the top query must be positive.", "invalidQueryOption");
        free(token);
        return false;
    }
    if (!request_option(request, "$skiptoken"))
        return true;
    if (token)
        read_token(token, key, ret_page);
    free(token);
    if (!ret_page->after)
        response_error(request, response, 400, "invalidRequest", "The skip token is malformed.",
                       "invalidQueryOption");
    return ret_page->after;
}

void page_clear(struct page *page)
{
    free(page->after);
}

void page_add_options(struct buffer *link, size_t limit, const struct buffer *position)
{
    char *encoded = mem_alloc(BASE64_SIZE(position->length));

    base64url_encode(position->data, position->length, encoded);
    buffer_addf(link, "$top=%zu&$skiptoken=", limit);
    link_add_value(link, encoded);
    free(encoded);
}
