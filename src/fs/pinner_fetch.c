/* SPDX-License-Identifier: MIT */
/*
 * Fetching what is missing, one file after another. A change ends it soon, but not before a certain
 * amount is here: a tree that changes all the time, as in its first round, would let no file come.
 */
#include "config.h"

#include <errno.h>

#include "base/lock.h"
#include "fs/pinner_i.h"
#include "fs/written.h"

/* Files of one go: they are located together. */
enum { BATCH = 20 };

/* Asked for at once of a large file: ranges side by side. */
#define WINDOW (INT64_C(16) * 1024 * 1024)

/* What a pass fetches whatever changes: a window of a large file, or a batch of small ones. */
struct fetching {
    struct pinner *pinner;
    int64_t owed_bytes;
};

static void note_fetched(struct fetching *fetching, int64_t bytes)
{
    fetching->owed_bytes -= bytes < WINDOW / BATCH ? WINDOW / BATCH : bytes;
}

static bool is_over(const struct fetching *fetching)
{
    struct pinner *pinner = fetching->pinner;

    return fetching->owed_bytes > 0 ? pinner_is_stopping(pinner) : pinner_is_over(pinner);
}

/* Small ones first: they are what most of a tree is. */
static int by_size(const void *one, const void *other)
{
    const struct wanted *a = one, *b = other;
    bool is_large = a->size > CONTENT_SMALL_SIZE, is_other_large = b->size > CONTENT_SMALL_SIZE;

    if (is_large != is_other_large)
        return is_large ? 1 : -1;
    return a->ino < b->ino ? -1 : a->ino > b->ino;
}

static bool is_here(struct fs *fs, const struct wanted *wanted)
{
    enum content_state state;

    if (written_is_here(fs, wanted->generation))
        return true;
    state = content_state(fs->conf.content, wanted->generation, wanted->size);

    return state == CONTENT_CACHED || state == CONTENT_UNVERIFIED;
}

/* What isn't here, in the order in which it is fetched; counts it. */
static void find_missing(struct pinner *pinner, struct wanted_list *ret)
{
    const struct wanted_list *told = &pinner->told;
    int64_t bytes = 0, missing_bytes = 0;

    for (size_t i = 0; i < told->len; i++) {
        bytes += told->items[i].size;
        if (is_here(pinner->fs, &told->items[i]))
            continue;
        missing_bytes += told->items[i].size;
        (void)wanted_list_push(ret, told->items[i]);
    }
    wanted_sort(ret, by_size);
    LOCKED(&pinner->lock);
    pinner->status.files = (int64_t)told->len;
    pinner->status.bytes = bytes;
    pinner->status.missing_files = (int64_t)ret->len;
    pinner->status.missing_bytes = missing_bytes;
}

static int get_node(struct fs *fs, ino_nr ino, struct node *ret)
{
    READING(fs);
    return store_get_node(fs->conf.store, ino, ret);
}

/* Has the small ones located together; they are waited for one by one then. */
static void prefetch(struct fs *fs, const struct node *nodes, size_t count, int64_t drive_row)
{
    struct content_id ids[BATCH];
    struct drive_row drive = { 0 };
    size_t known = 0;

    if (store_get_drive(fs->conf.store, drive_row, &drive) < 0)
        return;
    for (size_t i = 0; i < count; i++)
        if (nodes[i].attr.drive == drive_row && !(nodes[i].attr.flags & NODE_SHORTCUT) &&
            !written_is_here(fs, nodes[i].attr.generation))
            ids[known++] = fs_content_id(&nodes[i], drive.drive_id);
    content_prefetch(fs->conf.content, drive.drive_id, ids, known);
    drive_row_clear(&drive);
}

static int fetch_file(struct fetching *fetching, const struct node *node)
{
    struct pinner *pinner = fetching->pinner;
    struct content_file *file = NULL;
    struct err err = { 0 };
    int r;

    if (written_is_here(pinner->fs, node->local.generation))
        return 0;
    r = fs_open_version(pinner->fs, node, &file, &err);

    for (int64_t offset = 0; r == 0 && offset < node->local.size; offset += WINDOW) {
        r = is_over(fetching) ? -ECANCELED
                              : pinner_fetch_range(pinner, file, offset, (size_t)WINDOW);
        note_fetched(fetching, node->local.size < WINDOW ? node->local.size : WINDOW);
    }
    content_close(file);
    if (r < 0 && r != -ECANCELED)
        pinner_note_error(pinner, r, node->attr.ino, "fetching");
    return r;
}

/* Whoever has unpinned and evicted it would be surprised to find it here again. */
static bool is_pinned(struct fs *fs, ino_nr ino)
{
    ino_nr pin = STORE_INO_NONE;

    READING(fs);
    return store_find_pin(fs->conf.store, ino, &pin) == 0 && pin != STORE_INO_NONE;
}

static void note_here(struct pinner *pinner, const struct node *node)
{
    LOCKED(&pinner->lock);
    pinner->status.missing_files--;
    pinner->status.missing_bytes -= node->local.size;
}

/* Returns 0, or why it makes no sense to go on. */
static int fetch_batch(struct fetching *fetching, const struct wanted *wanted, size_t count)
{
    struct pinner *pinner = fetching->pinner;
    struct node nodes[BATCH] = { 0 };
    size_t known = 0;
    int r = 0;

    for (size_t i = 0; i < count; i++)
        if (get_node(pinner->fs, wanted[i].ino, &nodes[known]) == 0)
            known++;
    if (known > 0)
        prefetch(pinner->fs, nodes, known, nodes[0].attr.drive);
    for (size_t i = 0; r == 0 && i < known && !is_over(fetching); i++) {
        int status =
            is_pinned(pinner->fs, nodes[i].attr.ino) ? fetch_file(fetching, &nodes[i]) : -ECANCELED;

        if (status == 0)
            note_here(pinner, &nodes[i]);
        else if (status == -ENETDOWN || status == -ENOSPC || status == -ECANCELED)
            r = status; /* the others would end the same way */
    }
    for (size_t i = 0; i < known; i++)
        node_clear(&nodes[i]);
    return r;
}

void pinner_fetch(struct pinner *pinner)
{
    struct fetching fetching = { pinner, WINDOW };
    struct wanted_list missing = { 0 };

    find_missing(pinner, &missing);
    for (size_t i = 0; i < missing.len && !is_over(&fetching); i += BATCH) {
        size_t left = missing.len - i;

        if (fetch_batch(&fetching, &missing.items[i], left < BATCH ? left : BATCH) < 0)
            break;
    }
    wanted_list_clear(&missing);
}
