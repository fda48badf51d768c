/* SPDX-License-Identifier: MIT */
/*
 * Names that stay here: what the service refuses outright, and what programs make for themselves
 * and nobody wants elsewhere. A file under such a name is an ordinary one, but for being sent.
 */
#include "config.h"

#include "tree/names.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum {
    ANY_CASE = 1,  /* the service looks at no case, so neither do we */
    ROOT_ONLY = 2, /* in the root of a library */
};

static const struct {
    const char *pattern;
    unsigned flags;
} local_only[] = {
    /* Devices of Windows, with any ending too. */
    { "CON", ANY_CASE },
    { "CON.*", ANY_CASE },
    { "PRN", ANY_CASE },
    { "PRN.*", ANY_CASE },
    { "AUX", ANY_CASE },
    { "AUX.*", ANY_CASE },
    { "NUL", ANY_CASE },
    { "NUL.*", ANY_CASE },
    { "COM[0-9]", ANY_CASE },
    { "COM[0-9].*", ANY_CASE },
    { "LPT[0-9]", ANY_CASE },
    { "LPT[0-9].*", ANY_CASE },
    /* Names that the service keeps for itself, and Office for its locks. */
    { ".lock", ANY_CASE },
    { "desktop.ini", ANY_CASE },
    { "*_vti_*", ANY_CASE },
    { "forms", ANY_CASE | ROOT_ONLY },
    { "~$*", 0 },
};

/* What nobody wants elsewhere; NULL: the usual. Const while there are threads. */
static char *wanted_here;

void name_set_local_only(const char *patterns)
{
    free(wanted_here);
    wanted_here = x_strdup(patterns);
}

static bool is_wanted_here(const char *shown_name)
{
    const char *patterns = wanted_here ? wanted_here : NAME_LOCAL_ONLY_USUAL;
    size_t length;

    for (; *patterns; patterns += length + (patterns[length] == ':')) {
        char pattern[NAME_SIZE];

        length = strcspn(patterns, ":");
        if (length == 0 || length >= sizeof pattern)
            continue;
        memcpy(pattern, patterns, length);
        pattern[length] = '\0';
        if (fnmatch(pattern, shown_name, FNM_NOESCAPE) == 0)
            return true;
    }
    return false;
}

static bool has_control_character(const char *name)
{
    while (*name && (unsigned char)*name >= 0x20 && *name != 0x7F)
        name++;
    return *name != '\0';
}

bool name_is_local_only(const char *shown_name, bool is_root_child)
{
    for (size_t i = 0; i < sizeof local_only / sizeof local_only[0]; i++) {
        unsigned flags = local_only[i].flags;
        int how = FNM_NOESCAPE | (flags & ANY_CASE ? FNM_CASEFOLD : 0);

        if ((!(flags & ROOT_ONLY) || is_root_child) &&
            fnmatch(local_only[i].pattern, shown_name, how) == 0)
            return true;
    }
    return has_control_character(shown_name) || is_wanted_here(shown_name);
}

bool name_is_trash(const char *shown_name)
{
    return strncmp(shown_name, ".Trash", strlen(".Trash")) == 0;
}
