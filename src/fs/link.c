/* SPDX-License-Identifier: MIT */
/*
 * Symlinks. A NODE_LINK says "the thing at my place has its home elsewhere". Inside of the mount it
 * is a relative symlink to that home; if the home is outside of what is mounted, the link is shown
 * as the thing itself, under the link's name.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "fs/fs_i.h"

enum { LINK_MAX_BYTES = 64 * 1024 };

bool link_is_inside(const char *root, const char *path)
{
    size_t length = strlen(root);

    if (strcmp(root, "/") == 0)
        return true;
    return strncmp(path, root, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* The length of the directories that both paths begin with, without the slash that follows. */
static size_t common_length(const char *from, const char *to)
{
    size_t common = 0, i;

    for (i = 0; from[i] && from[i] == to[i]; i++) {
        if (from[i] == '/')
            common = i;
    }
    /* `from` ends in the symlink's own name, so only `to` can be a whole directory of the other. */
    if (to[i] == '\0' && from[i] == '/')
        common = i;
    return common;
}

char *link_relative_path(const char *from, const char *to)
{
    cleanup_strbuf struct strbuf path;
    size_t common = common_length(from, to);

    strbuf_init(&path, LINK_MAX_BYTES);
    for (const char *rest = from + common + 1; (rest = strchr(rest, '/')); rest++)
        (void)strbuf_addstr(&path, "../");
    if (to[common] == '/')
        (void)strbuf_addstr(&path, to + common + 1);
    if (path.len > 0 && path.data[path.len - 1] == '/')
        strbuf_truncate(&path, path.len - 1);
    if (path.len == 0)
        (void)strbuf_addch(&path, '.');
    return strbuf_steal(&path);
}

int link_target(const struct fs *fs, const struct node_attr *attr, char **ret_target)
{
    cleanup_free char *from = NULL, *to = NULL;
    char *target;
    int r = store_path(fs->conf.store, attr->ino, &from);

    if (r == 0)
        r = store_path(fs->conf.store, attr->target, &to);
    if (r != 0)
        return r;
    target = link_relative_path(from, to);
    if (!target)
        return -ENAMETOOLONG;
    *ret_target = target;
    return 0;
}

int link_show(const struct fs *fs, struct node_attr *attr)
{
    cleanup_free char *home = NULL;
    int r;

    if (attr->kind != NODE_LINK)
        return 0;
    r = store_path(fs->conf.store, attr->target, &home);
    if (r < 0 || link_is_inside(fs->root_path, home))
        return r;
    return store_getattr(fs->conf.store, attr->target, attr);
}
