/* SPDX-License-Identifier: MIT */
/* See id.h. Most ids are in their normal form already: then nothing is allocated. */
#include "config.h"

#include "graph/id.h"

#include "base/xalloc.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define OWNER_DIGITS 16
#define GUID_DIGITS  32
#define HEX_DIGITS   "0123456789abcdefABCDEF"

/* ASCII only: ids must not depend on the locale. */
static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static char to_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

bool id_is_personal_drive(const char *id)
{
    size_t digits = strspn(id, HEX_DIGITS);
    return digits > 0 && digits <= OWNER_DIGITS && id[digits] == '\0';
}

char *id_normalise_drive(const char *id)
{
    char normal[OWNER_DIGITS + 1];
    if (!id_is_personal_drive(id))
        return NULL;
    size_t padding = OWNER_DIGITS - strlen(id);
    memset(normal, '0', padding);
    for (size_t i = padding; i <= OWNER_DIGITS; i++)
        normal[i] = to_lower(id[i - padding]);
    return strcmp(normal, id) == 0 ? NULL : x_strdup(normal);
}

/* True for `s` and the 32 digits of a GUID, the form of ids that the present back end gives out. */
static bool is_guid_part(const char *part)
{
    return to_lower(part[0]) == 's' && strspn(part + 1, HEX_DIGITS) == GUID_DIGITS &&
           part[1 + GUID_DIGITS] == '\0';
}

char *id_normalise_item(const char *id)
{
    size_t owner = strspn(id, HEX_DIGITS);
    if (owner == 0 || owner > OWNER_DIGITS || id[owner] != '!')
        return NULL;
    size_t zeros = strspn(id, "0");
    if (zeros >= owner)
        zeros = owner - 1;
    char *normal = x_strdup(id + zeros);
    size_t bang = owner - zeros;
    for (size_t i = 0; i < bang; i++)
        normal[i] = to_upper(normal[i]);
    if (is_guid_part(normal + bang + 1)) {
        for (char *p = normal + bang + 1; *p != '\0'; p++)
            *p = to_lower(*p);
    }
    if (strcmp(normal, id) == 0) {
        free(normal);
        return NULL;
    }
    return normal;
}
