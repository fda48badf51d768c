/* SPDX-License-Identifier: MIT */
/*
 * Per folder that is being read there is a run: opens that follow each other in one order. A run
 * of RUN_MIN opens is believed. Then the files behind it are fetched, a window of them, which
 * doubles each time that half of what was fetched has been opened; so a reader who stops early
 * costs little. The few runs that are known drive each other out.
 *
 * Order by name is what a shell's `*` and most sorted walks give; order by number is that of
 * readdir. Where both hold, name is taken.
 */
#include "config.h"

#include "fs/prefetch.h"
#include "fs/written.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "base/vec.h"
#include "base/xalloc.h"

enum { RUNS = 16, RUN_MIN = 3, WINDOW_MIN = 16, WINDOW_MAX = 256 };

enum order { ORDER_NONE, ORDER_NAME, ORDER_NUMBER };

struct run {
    ino_nr folder; /* 0: free */
    enum order order;
    unsigned length; /* opens in this order */
    ino_nr last;     /* the one opened last */
    char *last_name; /* its name, owned */
    ino_nr mark;     /* what was fetched ahead ends here */
    char *mark_name; /* owned; NULL: nothing was */
    unsigned ahead;  /* files fetched and not opened yet, about */
    unsigned window;
    uint64_t used;
};

struct prefetcher {
    pthread_mutex_t lock; /* all below */
    struct run runs[RUNS];
    uint64_t uses;
};

/* What is to be fetched: behind this place. */
struct plan {
    ino_nr folder;
    enum order order;
    ino_nr after;
    char *after_name; /* owned */
    unsigned count;
};

DEFINE_VEC(node_list, struct node);
DEFINE_VEC(content_ids, struct content_id);

struct prefetcher *prefetcher_new(void)
{
    struct prefetcher *prefetcher = x_calloc(1, sizeof *prefetcher);

    (void)pthread_mutex_init(&prefetcher->lock, NULL);
    return prefetcher;
}

static void run_clear(struct run *run)
{
    free(run->last_name);
    free(run->mark_name);
    *run = (struct run){ 0 };
}

void prefetcher_free(struct prefetcher *prefetcher)
{
    if (!prefetcher)
        return;
    for (size_t i = 0; i < RUNS; i++)
        run_clear(&prefetcher->runs[i]);
    (void)pthread_mutex_destroy(&prefetcher->lock);
    free(prefetcher);
}

/* ---- runs; the lock is held ---- */

/* The run of the folder, or the one that was not used for the longest time, begun anew. */
static struct run *find_run(struct prefetcher *prefetcher, ino_nr folder)
{
    struct run *eldest = &prefetcher->runs[0];

    for (size_t i = 0; i < RUNS; i++) {
        struct run *run = &prefetcher->runs[i];

        if (run->folder == folder)
            return run;
        if (run->used < eldest->used)
            eldest = run;
    }
    run_clear(eldest);
    eldest->folder = folder;
    return eldest;
}

/* In which order this file follows the last one. */
static enum order order_after(const struct run *run, const struct node *node)
{
    bool is_after_by_name = run->last_name && strcmp(node->local.name, run->last_name) > 0;
    bool is_after_by_number = run->last_name && node->attr.ino > run->last;

    if (is_after_by_name && run->order != ORDER_NUMBER)
        return ORDER_NAME;
    if (is_after_by_number)
        return ORDER_NUMBER;
    return is_after_by_name ? ORDER_NAME : ORDER_NONE;
}

static void note(struct run *run, const struct node *node)
{
    enum order order = order_after(run, node);

    if (order == ORDER_NONE || (run->order != ORDER_NONE && order != run->order)) {
        free(run->mark_name);
        run->mark_name = NULL;
        run->length = run->ahead = run->window = 0;
    }
    run->order = order;
    run->length++;
    if (run->ahead > 0)
        run->ahead--;
    run->last = node->attr.ino;
    free(run->last_name);
    run->last_name = x_strdup(node->local.name);
}

/* What is fetched begins where the reader is, or where the last plan ended, if that is farther. */
static bool make_plan(struct run *run, struct plan *ret)
{
    bool is_passed;

    if (run->order == ORDER_NONE || run->length < RUN_MIN || run->ahead > run->window / 4)
        return false;
    is_passed =
        !run->mark_name || (run->order == ORDER_NAME ? strcmp(run->mark_name, run->last_name) < 0
                                                     : run->mark < run->last);
    run->window = run->window == 0 ? WINDOW_MIN : run->window * 2;
    if (run->window > WINDOW_MAX)
        run->window = WINDOW_MAX;
    *ret = (struct plan){
        .folder = run->folder,
        .order = run->order,
        .after = is_passed ? run->last : run->mark,
        .after_name = x_strdup(is_passed ? run->last_name : run->mark_name),
        .count = run->window - run->ahead,
    };
    return true;
}

/* ---- the files that come next ---- */

struct gathering {
    struct fs *fs;
    struct node_list nodes;
    unsigned wanted;
};

static bool add_small(const struct node_attr *attr, const char *name, void *arg)
{
    struct gathering *gathering = arg;
    struct node node = { 0 };

    (void)name;
    if (attr->kind == NODE_FILE && attr->size > 0 && attr->size <= CONTENT_SMALL_SIZE &&
        !(attr->flags & (NODE_MALWARE | NODE_SHORTCUT)) &&
        !written_is_here(gathering->fs, attr->generation) &&
        store_get_node(gathering->fs->conf.store, attr->ino, &node) == 0)
        (void)node_list_push(&gathering->nodes, node);
    return gathering->nodes.len < gathering->wanted;
}

static void gather(struct fs *fs, const struct plan *plan, struct node_list *ret_nodes)
{
    struct gathering gathering = { .fs = fs, .wanted = plan->count };

    READING(fs);
    if (plan->order == ORDER_NAME)
        (void)store_list_by_name(fs->conf.store, plan->folder, plan->after_name, add_small,
                                 &gathering);
    else
        (void)store_list(fs->conf.store, plan->folder, plan->after, add_small, &gathering);
    *ret_nodes = gathering.nodes;
}

/* The next plan goes on behind the last of these. */
static void note_fetched(struct prefetcher *prefetcher, const struct plan *plan,
                         const struct node_list *nodes)
{
    const struct node *last = nodes->len > 0 ? &nodes->items[nodes->len - 1] : NULL;
    struct run *run;

    LOCKED(&prefetcher->lock);
    run = find_run(prefetcher, plan->folder);
    if (!last || run->order != plan->order)
        return;
    run->mark = last->attr.ino;
    free(run->mark_name);
    run->mark_name = x_strdup(last->local.name);
    run->ahead += (unsigned)nodes->len;
}

static void fetch(struct fs *fs, int64_t drive_row, const struct node_list *nodes)
{
    struct content_ids ids = { 0 };
    struct drive_row drive;

    if (nodes->len == 0 || store_get_drive(fs->conf.store, drive_row, &drive) < 0)
        return;
    for (size_t i = 0; i < nodes->len; i++)
        (void)content_ids_push(&ids, fs_content_id(&nodes->items[i], drive.drive_id));
    content_prefetch(fs->conf.content, drive.drive_id, ids.items, ids.len);
    content_ids_clear(&ids);
    drive_row_clear(&drive);
}

void prefetch_note_open(struct fs *fs, const struct node *node)
{
    struct prefetcher *prefetcher = fs->prefetcher;
    struct node_list nodes = { 0 };
    struct plan plan;
    bool has_plan;

    {
        LOCKED(&prefetcher->lock);
        struct run *run = find_run(prefetcher, node->attr.parent);

        run->used = ++prefetcher->uses;
        note(run, node);
        has_plan = make_plan(run, &plan);
    }
    if (!has_plan)
        return;
    gather(fs, &plan, &nodes);
    note_fetched(prefetcher, &plan, &nodes);
    fetch(fs, node->attr.drive, &nodes);
    for (size_t i = 0; i < nodes.len; i++)
        node_clear(&nodes.items[i]);
    node_list_clear(&nodes);
    free(plan.after_name);
}
