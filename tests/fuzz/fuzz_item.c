/* SPDX-License-Identifier: MIT */
/* One item, and the same JSON as a drive. */
#include "config.h"

#include "fuzz.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "graph/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_strbuf struct strbuf body;
    struct item_page *page;
    struct drive_list *drives;
    struct err err;

    log_set_level(LOG_LEVEL_ERROR);
    strbuf_init(&body, 1 << 20);
    (void)strbuf_add(&body, (const char *)data, size);
    cleanup_json struct json_object *json = decode_answer(&body, &err);
    if (!json)
        return 0;
    page = decode_page_new(1);
    must((decode_page_put(page, 0, json, &err) == 0) == (page->items[0].id != NULL));
    item_page_free(page);
    drives = decode_drives_new();
    (void)decode_drives_add(drives, json, true, &err);
    (void)decode_drives_add(drives, json, false, &err);
    must(drives->count <= 1);
    drive_list_free(drives);
    return 0;
}
