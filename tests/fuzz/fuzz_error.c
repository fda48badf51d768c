/* SPDX-License-Identifier: MIT */
/* Error bodies of Graph: the status comes first, in two bytes. */
#include "config.h"

#include "fuzz.h"

#include <string.h>

#include "graph/errmap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err;
    long status;

    if (size < 2)
        return 0;
    status = 400 + (data[0] * 256 + data[1]) % 200;
    must(errmap_answer(&err, status, (const char *)data + 2, size - 2, "id") < 0);
    must(err.code < 0);
    must(strlen(err.msg) < sizeof err.msg);
    for (const char *p = err.msg; *p; p++)
        must((unsigned char)*p >= 0x20);
    return 0;
}
