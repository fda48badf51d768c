/* SPDX-License-Identifier: MIT */
/* Permissions as OAuth lists them. */
#include "scope.h"

#include <string.h>
#include <strings.h>

#include "buffer.h"
#include "memory.h"

/* The next name of a list, without its host; NULL at the end. */
static const char *next_name(const char **list, size_t *ret_length)
{
    const char *word = *list + strspn(*list, " ");
    size_t length = strcspn(word, " ");
    const char *name = word;

    *list = word + length;
    for (size_t i = 0; i < length; i++)
        if (word[i] == '/')
            name = word + i + 1;
    *ret_length = (size_t)(word + length - name);
    return length ? name : NULL;
}

static bool has_name(const char *scopes, const char *name, size_t length)
{
    const char *other;
    size_t other_length;

    while ((other = next_name(&scopes, &other_length)))
        if (other_length == length && strncasecmp(other, name, length) == 0)
            return true;
    return false;
}

bool scope_has(const char *scopes, const char *name)
{
    return has_name(scopes, name, strlen(name));
}

bool scope_allows_files(const char *scopes)
{
    const char *name;
    size_t length;

    while ((name = next_name(&scopes, &length)))
        if (strncasecmp(name, "Files.", 6) == 0 || strncasecmp(name, "Sites.", 6) == 0 ||
            (length == 8 && strncasecmp(name, ".default", 8) == 0))
            return true;
    return false;
}

bool scope_allows_writing(const char *scopes)
{
    static const char *const writing[] = { "Files.ReadWrite",       "Files.ReadWrite.All",
                                           "Sites.ReadWrite.All",   "Sites.Manage.All",
                                           "Sites.FullControl.All", ".default" };

    for (size_t i = 0; i < sizeof writing / sizeof writing[0]; i++)
        if (scope_has(scopes, writing[i]))
            return true;
    return false;
}

char *scope_grant(const char *asked, const char *consented)
{
    static const char sign_in[] = "openid profile email offline_access";
    struct buffer granted = { 0 };
    bool has_permission = false;
    const char *name;
    size_t length;

    if (scope_has(asked, ".default"))
        return mem_strdup(consented);
    while ((name = next_name(&asked, &length))) {
        if (!has_name(consented, name, length))
            continue;
        if (granted.length)
            buffer_add_char(&granted, ' ');
        buffer_add(&granted, name, length);
        has_permission |= !has_name(sign_in, name, length);
    }
    if (has_permission)
        return granted.data;
    buffer_free(&granted);
    return NULL;
}
