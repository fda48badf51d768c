/* SPDX-License-Identifier: MIT */
/* Names of the server: what is shown of them can be shown, and means the same back again. */
#include "config.h"

#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

#include "base/xalloc.h"
#include "tree/names.h"

/* What the service itself would have refused has no way back. */
static bool is_accepted(const char *name)
{
    size_t length = strlen(name);

    return length > 0 && !strpbrk(name, "\"*:<>?\\|/") && name[0] != ' ' && name[0] != '~' &&
           name[length - 1] != ' ' && name[length - 1] != '.';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char shown[NAME_SIZE], back[NAME_SIZE], safe[NAME_SAFE_SIZE];
    char *name = x_strndup((const char *)data, size);

    name_make_safe(name, "id", safe);
    must(safe[0] != '\0' && !strchr(safe, '/'));
    must(strcmp(safe, ".") != 0 && strcmp(safe, "..") != 0);
    if (name_check(name) == 0 && name_decode(name, shown, sizeof shown) == 0) {
        must(shown[0] != '\0' && !strchr(shown, '/'));
        if (is_accepted(name) && name_encode(shown, back, sizeof back) == 0)
            must(strcmp(back, name) == 0);
    }
    (void)name_is_reserved_shown(name);
    free(name);
    return 0;
}
