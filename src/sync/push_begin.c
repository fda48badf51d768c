/* SPDX-License-Identifier: MIT */
/* What is next for a row becomes a job, and what is about to be asked an intent in the store. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/xalloc.h"
#include "sync/push_look.h"
#include "sync/push_rival.h"
#include "tree/names.h"

char *begin_server_name(const struct node *node)
{
    char name[4 * NAME_SIZE];

    return name_encode(node->local.name, name, sizeof name) == 0 ? x_strdup(name) : NULL;
}

/* Aside, where nobody has a name; until the one that is wanted is free. */
static char *detour_name_of(const struct node *node)
{
    return x_asprintf(".graphfs-%016llx~", (unsigned long long)node->attr.ino);
}

static enum intent_verb verb_of(enum push_action action)
{
    switch (action) {
    case PUSH_MAKE_FOLDER:
        return INTENT_CREATE_FOLDER;
    case PUSH_CREATE:
    case PUSH_UPLOAD:
        return INTENT_UPLOAD;
    case PUSH_DELETE:
        return INTENT_DELETE;
    case PUSH_CHANGE:
    case PUSH_NOTHING:
    case PUSH_WAIT:
    case PUSH_SETTLE:
    case PUSH_OWN:
    case PUSH_TAKE_OVER:
    case PUSH_FORGET:
        break;
    }
    return INTENT_CHANGE;
}

static int find_id(struct push_look *look, ino_nr ino, char **ret)
{
    struct node parent;
    int r = txn_get_node(look->txn, ino, &parent);

    if (r < 0)
        return r;
    *ret = steal_ptr(&parent.rid);
    node_clear(&parent);
    return 0;
}

/* What goes aside stays where it is, as long as the folder that it goes to isn't there. */
static int fill_parent(struct push_look *look, const struct node *node,
                       const struct push_step *step, struct intent *intent)
{
    int r = find_id(look, node->local.parent, &intent->parent_rid);

    intent->parent = node->local.parent;
    if (r == 0 && !intent->parent_rid && step->is_detour && node->attr.flags & NODE_BASE) {
        intent->parent = node->base.parent;
        r = find_id(look, node->base.parent, &intent->parent_rid);
    }
    return r;
}

static int fill_intent(struct push_look *look, const struct node *node,
                       const struct push_step *step, struct push_job *job)
{
    struct intent *intent = &job->intent;
    bool is_placed =
        step->with_place || step->action == PUSH_MAKE_FOLDER || step->action == PUSH_CREATE;
    bool has_mtime = step->with_mtime || step->action == PUSH_CREATE || step->action == PUSH_UPLOAD;

    *intent = (struct intent){
        .ino = node->attr.ino,
        .verb = verb_of(step->action),
        .rid = x_strdup(node->rid),
        .generation = node->local.generation,
        .size = node->local.size,
        .hash_kind = node->base.hash_kind != HASH_NONE ? node->base.hash_kind : HASH_QUICKXOR,
        .mtime_ns = has_mtime ? node->local.mtime_ns : 0,
        .asked_ms = clock_real_ms(look->sync->conf.clock),
    };
    job->if_match = x_strdup(node->base.etag);
    job->is_new = step->action == PUSH_CREATE || step->action == PUSH_MAKE_FOLDER;
    if (!is_placed)
        return 0;
    intent->name = step->is_detour ? detour_name_of(node) : begin_server_name(node);
    return fill_parent(look, node, step, intent);
}

int begin_step(struct push_look *look, const struct node *node, const struct push_step *step,
               struct bytes_file *file, int64_t size)
{
    struct sync *sync = look->sync;
    struct push_job *job = x_calloc(1, sizeof *job);
    int r = txn_get_drive(look->txn, node->attr.drive, &job->drive);

    job->ino = node->attr.ino;
    job->is_folder = node->attr.kind == NODE_FOLDER;
    job->began_ms = push_now_ms(sync);
    job->hold_mark = look->hold_mark;
    job->bytes = sync->conf.bytes;
    job->file = file;
    job->is_whole = file && size <= (int64_t)REMOTE_PUT_MAX && (step->is_whole || size == 0);
    if (r == 0)
        r = fill_intent(look, node, step, job);
    if (r == 0 && file)
        job->intent.size = size;
    else if (r == 0)
        r = txn_put_intent(look->txn, &job->intent);
    push_add_job(look->sync, job);
    return r;
}

int begin_resumed(struct push_look *look, const struct node *node, struct intent *intent)
{
    struct push_job *job = x_calloc(1, sizeof *job);
    int r = txn_get_drive(look->txn, node->attr.drive, &job->drive);

    job->ino = node->attr.ino;
    job->is_folder = node->attr.kind == NODE_FOLDER;
    job->intent = *intent;
    job->is_new = !intent->rid;
    *intent = (struct intent){ 0 };
    job->bytes = look->sync->conf.bytes;
    job->is_resumed = true;
    push_add_job(look->sync, job);
    return r;
}

/* What the server's content of the row's name, or of the row, is known by. */
static enum hash_kind rival_hash_kind(struct push_look *look, const struct node *node)
{
    enum hash_kind kind = node->remote.hash_kind;
    struct node rival;
    ino_nr waiting;

    if (node->attr.flags & NODE_REMOTE || rival_find(look->txn, node, &waiting) < 0 ||
        txn_get_node(look->txn, waiting, &rival) < 0)
        return kind;
    kind = rival.base.hash_kind;
    node_clear(&rival);
    return kind;
}

int begin_conflict(struct push_look *look, const struct node *node)
{
    struct bytes *bytes = look->sync->conf.bytes;
    struct push_job *job;
    struct bytes_file *file;
    int64_t size;
    int r = bytes_open(bytes, node->local.generation, &file, &size);

    if (r < 0)
        return r == -EAGAIN || r == -ENOENT ? 0 : r;
    job = x_calloc(1, sizeof *job);
    job->ino = node->attr.ino;
    job->is_conflict = true;
    job->bytes = bytes;
    job->file = file;
    job->intent.generation = node->local.generation;
    job->intent.hash_kind = rival_hash_kind(look, node);
    push_add_job(look->sync, job);
    return 0;
}

void begin_owning(struct push_look *look, const struct node *node)
{
    struct push_job *job = x_calloc(1, sizeof *job);

    job->ino = node->attr.ino;
    job->is_to_own = true;
    job->intent.name = x_strdup(node->local.name);
    push_add_job(look->sync, job);
}
