/* SPDX-License-Identifier: MIT */
/*
 * From a Graph path to the row at the mount's root, name by name. A link leads to its home: what is
 * mounted is the thing itself.
 */
#include "config.h"

#include "cmd/mount_root.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/xalloc.h"

int mount_root_check(const char *path, struct err *err)
{
    cleanup_free char *copy = x_strdup(path);
    char *rest = copy + 1, *name;

    if (path[0] != '/')
        return err_set(err, -EINVAL, "the root %s doesn't begin with a slash (--root=/me/drive)",
                       path);
    if (path[1] == '\0')
        return 0;
    while ((name = strsep(&rest, "/"))) {
        if (strcmp(name, "") == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            return err_set(err, -EINVAL, "the root %s has an empty part, or \".\" or \"..\"", path);
    }
    return 0;
}

/* ---- asking, and waiting for it ---- */

struct answer {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_there;  /* lock */
    struct err err; /* lock; code 0: none */
};

static void on_listed(const struct err *err, void *arg)
{
    struct answer *answer = arg;

    LOCKED(&answer->lock);
    if (err)
        answer->err = *err;
    answer->is_there = true;
    (void)pthread_cond_signal(&answer->changed);
}

static int list_and_wait(struct sync *sync, ino_nr directory, struct err *err)
{
    struct answer answer = {
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .changed = PTHREAD_COND_INITIALIZER,
    };

    (void)sync_want_listing(sync, directory, on_listed, &answer);

    {
        LOCKED(&answer.lock);
        while (!answer.is_there)
            (void)pthread_cond_wait(&answer.changed, &answer.lock);
    }
    if (answer.err.code != 0)
        *err = answer.err;
    return answer.err.code;
}

/* ---- walking ---- */

static int look_up(struct store *store, const struct node_attr *directory, const char *name,
                   struct node_attr *ret)
{
    int r;

    store_lock_shared(store);
    r = store_lookup(store, directory->ino, name, ret);
    if (r == 0 && ret->kind == NODE_LINK)
        r = store_getattr(store, ret->target, ret);
    store_unlock_shared(store);
    return r;
}

/* sync is NULL if nobody is to be asked. */
static int walk(struct store *store, struct sync *sync, const char *path, struct node_attr *ret,
                struct err *err)
{
    cleanup_free char *copy = x_strdup(path + 1);
    char *rest = *copy ? copy : NULL, *name;
    int r = store_getattr(store, STORE_INO_ROOT, ret);

    while (r == 0 && (name = strsep(&rest, "/"))) {
        struct node_attr directory = *ret;

        r = look_up(store, &directory, name, ret);
        if (r == -ENOENT && sync && sync_needs_listing(sync, &directory)) {
            r = list_and_wait(sync, directory.ino, err);
            if (r == 0)
                r = look_up(store, &directory, name, ret);
        }
    }
    return r == 0 && ret->kind != NODE_VIEW && ret->kind != NODE_FOLDER ? -ENOTDIR : r;
}

int mount_root_find_known(struct store *store, const char *path, ino_nr *ret_root)
{
    struct node_attr attr;
    int r = walk(store, NULL, path, &attr, NULL);

    if (r == 0)
        *ret_root = attr.ino;
    return r;
}

int mount_root_find(struct store *store, struct sync *sync, const char *path, ino_nr *ret_root,
                    struct err *err)
{
    struct node_attr attr;
    int r;

    err_clear(err);
    r = walk(store, sync, path, &attr, err);
    if (r == -ENETDOWN)
        return err_wrap(err, "the root %s was never seen before and can't be asked for", path);
    if (r == -ENOENT)
        return err_set(err, r, "the root %s: no such place", path);
    if (r == -ENOTDIR)
        return err_set(err, r, "the root %s: not a directory that can be entered", path);
    if (r < 0)
        return err->code != 0 ? err_wrap(err, "the root %s", path)
                              : err_set_errno(err, r, "the root %s", path);
    *ret_root = attr.ino;
    return 0;
}
