/* SPDX-License-Identifier: MIT */
/* Pages of children and delta: whatever comes, each item of a page has an id, and flags that agree
 * with what else is told of it. */
#include "config.h"

#include "fuzz.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "graph/decode.h"

static void check_item(const struct item *item)
{
    must(item->id && item->id[0] != '\0');
    must(item->size >= 0);
    must(item->size == 0 || item->flags & ITEM_HAS_SIZE);
    must((item->hash != NULL) == (item->hash_kind != HASH_NONE));
    must(!(item->flags & ITEM_DELETED) || item->kind == ITEM_UNKNOWN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_strbuf struct strbuf body;
    struct item_page *page;
    struct err err;

    log_set_level(LOG_LEVEL_ERROR);
    strbuf_init(&body, 1 << 20);
    (void)strbuf_add(&body, (const char *)data, size);
    cleanup_json struct json_object *json = decode_answer(&body, &err);
    if (!json || decode_page(json, &page, &err) < 0)
        return 0;
    for (size_t i = 0; i < page->count; i++)
        check_item(&page->items[i]);
    item_page_free(page);
    return 0;
}
