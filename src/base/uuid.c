/* SPDX-License-Identifier: MIT */
/* Random bytes and UUIDs. The random ones name requests and files; none of them is a secret. */
#include "config.h"

#include "base/uuid.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/paths.h"

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"

void random_bytes(void *out, size_t len)
{
    uint8_t *bytes = out;

    while (len) {
        ssize_t n = getrandom(bytes, len, 0);

        if (n < 0 && errno != EINTR)
            abort();
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        }
    }
}

void uuid_v4(char out[UUID_SIZE])
{
    uint8_t b[16];

    random_bytes(b, sizeof b);
    b[6] = (uint8_t)((b[6] & 0x0F) | 0x40); /* version: random */
    b[8] = (uint8_t)((b[8] & 0x3F) | 0x80); /* variant: RFC 4122 */
    (void)snprintf(out, UUID_SIZE,
                   "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
                   b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
                   b[14], b[15]);
}

/* That a test has said instead; NULL: none. */
static const char *told_boot(void)
{
#ifdef GRAPHFS_TEST_HOOKS
    return getenv("GRAPHFS_BOOT_ID");
#else
    return NULL;
#endif
}

int uuid_boot(char out[UUID_SIZE])
{
    cleanup_strbuf struct strbuf text;
    const char *told = told_boot();
    int r;

    strbuf_init(&text, UUID_SIZE);
    if (told) {
        (void)snprintf(out, UUID_SIZE, "%s", told);
        return 0;
    }
    r = file_read_all(BOOT_ID_FILE, UUID_SIZE, &text);
    if (r < 0)
        return r;
    text.data[strcspn(text.data, "\n")] = '\0';
    (void)snprintf(out, UUID_SIZE, "%s", text.data);
    return 0;
}
