/* SPDX-License-Identifier: MIT */
/* Replies to a batch. */
#include "config.h"

#include "fuzz.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "graph/batch.h"
#include "graph/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_strbuf struct strbuf body;
    struct batch_part parts[BATCH_MAX];
    struct err err;

    log_set_level(LOG_LEVEL_ERROR);
    strbuf_init(&body, 1 << 20);
    (void)strbuf_add(&body, (const char *)data, size);
    cleanup_json struct json_object *json = decode_answer(&body, &err);
    if (!json || batch_read(json, 0, parts, BATCH_MAX, &err) < 0)
        return 0;
    for (size_t i = 0; i < BATCH_MAX; i++) {
        must(parts[i].status == 0 || (parts[i].status >= 100 && parts[i].status <= 599));
        must(parts[i].retry_after_ms >= -1);
    }
    return 0;
}
