/* SPDX-License-Identifier: MIT */
/* What the sign-in service answers: tokens, device codes, and what is in an id token. */
#include "config.h"

#include "fuzz.h"

#include "base/xalloc.h"
#include "graph/oauth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct oauth_grant grant = { 0 };
    struct oauth_device device = { 0 };
    char *text = x_strndup((const char *)data, size);
    struct err err;

    for (long status = 200; status <= 400; status += 200) {
        if (oauth_read_grant(status, (const char *)data, size, &grant, &err) == AUTH_GRANTED)
            must(grant.access_token != NULL);
        oauth_grant_clear(&grant);
        (void)oauth_read_device(status, (const char *)data, size, &device, &err);
        oauth_device_clear(&device);
    }
    free(oauth_claim(text, "oid"));
    free(text);
    return 0;
}
