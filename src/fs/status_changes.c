/* SPDX-License-Identifier: MIT */
/*
 * What was changed here and isn't on the service yet, for status: how much, what of it is on its
 * way, what was refused and why, and the conflict copies that nobody has seen to. Lists are cut;
 * the counts are of all.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/vec.h"
#include "base/xalloc.h"
#include "fs/status.h"

enum { WAITING_MAX = 10, LIST_MAX = 100 };

struct list {
    struct fs *fs;
    struct strbuf *out;
    size_t count, max;
};

/* As the user finds it in the mount; what is outside of that, as Graph has it. */
static char *shown_path(const struct fs *fs, ino_nr ino)
{
    cleanup_free char *path = NULL;
    const char *root = fs->root_path;

    if (store_path(fs->conf.store, ino, &path) < 0)
        return x_strdup("what was deleted");
    if (strcmp(root, "/") == 0)
        return x_asprintf("%s%s", fs->conf.mountpoint, path);
    if (!link_is_inside(root, path))
        return steal_ptr(&path);
    return x_asprintf("%s%s", fs->conf.mountpoint, path + strlen(root));
}

static void add_text(struct strbuf *out, const char *name, const char *value)
{
    (void)strbuf_addf(out, "\"%s\":", name);
    json_add_string(out, value);
}

static void begin_entry(struct list *list)
{
    if (list->count++ > 0)
        (void)strbuf_addch(list->out, ',');
}

static void add_path(struct list *list, ino_nr ino)
{
    cleanup_free char *path = shown_path(list->fs, ino);

    add_text(list->out, "path", path);
}

/* ---- lists ---- */

static bool add_row(const struct node_attr *attr, const char *name, void *arg)
{
    struct list *list = arg;
    cleanup_free char *path = shown_path(list->fs, attr->ino);

    (void)name;
    begin_entry(list);
    json_add_string(list->out, path);
    return list->count < list->max;
}

static bool add_blocked(const struct blocked *blocked, void *arg)
{
    struct list *list = arg;

    begin_entry(list);
    (void)strbuf_addch(list->out, '{');
    add_path(list, blocked->ino);
    (void)strbuf_addch(list->out, ',');
    add_text(list->out, "why", blocked->reason);
    (void)strbuf_addch(list->out, ',');
    add_text(list->out, "remedy", blocked->remedy);
    (void)strbuf_addf(list->out, ",\"since_ms\":%" PRId64 "}", blocked->since_ms);
    return list->count < list->max;
}

DEFINE_VEC(upload_list, struct sync_upload);

static void collect(const struct sync_upload *upload, void *arg)
{
    (void)upload_list_push(arg, *upload);
}

static void add_uploads(struct list *list)
{
    struct upload_list uploads = { 0 };

    sync_uploads(list->fs->conf.sync, collect, &uploads);
    for (size_t i = 0; i < uploads.len; i++) {
        begin_entry(list);
        (void)strbuf_addch(list->out, '{');
        add_path(list, uploads.items[i].ino);
        (void)strbuf_addf(list->out, ",\"size\":%" PRId64 ",\"sent\":%" PRId64 "}",
                          uploads.items[i].size, uploads.items[i].sent);
    }
    upload_list_clear(&uploads);
}

static struct list begin_list(struct fs *fs, struct strbuf *out, const char *name, size_t max)
{
    (void)strbuf_addf(out, ",\"%s\":[", name);
    return (struct list){ .fs = fs, .out = out, .max = max };
}

static void end_list(struct strbuf *out)
{
    (void)strbuf_addch(out, ']');
}

void status_write_changes(struct fs *fs, struct strbuf *out)
{
    struct store *store = fs->conf.store;
    int64_t pending = 0, bytes = 0, blocked = 0, conflicts = 0;
    struct list list;

    if (store_count_dirty(store, &pending) < 0 || store_sum_dirty(store, &bytes) < 0 ||
        store_count_blocked(store, &blocked) < 0 || store_count_conflicts(store, &conflicts) < 0)
        return;
    (void)strbuf_addf(out,
                      ",\"changes\":{\"pending\":%" PRId64 ",\"bytes\":%" PRId64
                      ",\"blocked\":%" PRId64 ",\"conflicts\":%" PRId64 ",\"held\":%" PRId64,
                      pending, bytes, blocked, conflicts, sync_count_held_deletes(fs->conf.sync));
    list = begin_list(fs, out, "pending_paths", WAITING_MAX);
    (void)store_list_dirty(store, 0, add_row, &list);
    end_list(out);
    list = begin_list(fs, out, "uploading", LIST_MAX);
    add_uploads(&list);
    end_list(out);
    list = begin_list(fs, out, "blocked_items", LIST_MAX);
    (void)store_list_blocked(store, 0, add_blocked, &list);
    end_list(out);
    list = begin_list(fs, out, "conflict_paths", LIST_MAX);
    (void)store_list_conflicts(store, 0, add_row, &list);
    end_list(out);
    (void)strbuf_addch(out, '}');
}
