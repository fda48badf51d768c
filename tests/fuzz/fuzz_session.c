/* SPDX-License-Identifier: MIT */
/* Upload sessions: whatever comes, one goes on within its content or nowhere. */
#include "config.h"

#include "fuzz.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "graph/decode.h"

#define TOTAL 1000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_strbuf struct strbuf body;
    struct err err = { 0 };
    int64_t next = -1;
    int64_t expires_ms = -1;

    log_set_level(LOG_LEVEL_ERROR);
    strbuf_init(&body, 1 << 20);
    (void)strbuf_add(&body, (const char *)data, size);
    cleanup_json struct json_object *json = decode_answer(&body, &err);
    if (!json)
        return 0;
    if (decode_session(json, TOTAL, -1, &next, &expires_ms, &err) < 0) {
        must(err.code < 0 && next == -1);
        return 0;
    }
    must(next >= 0 && next <= TOTAL);
    must(expires_ms >= 0);
    return 0;
}
