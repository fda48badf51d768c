/* SPDX-License-Identifier: MIT */
/* Headers and links: Retry-After, Content-Range, and where a URL leads. */
#include "config.h"

#include "fuzz.h"

#include "base/xalloc.h"
#include "graph/range.h"
#include "graph/retry.h"
#include "graph/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = x_strndup((const char *)data, size);
    struct content_range range;
    struct url_origin origin;

    must(retry_after_ms(text, 1800000000000) >= -1);
    if (content_range_parse(text, &range) && range.has_range)
        must(range.first >= 0 && range.first <= range.last &&
             (range.total < 0 || range.last < range.total));
    (void)url_parse_origin(text, &origin, NULL);
    free(text);
    return 0;
}
