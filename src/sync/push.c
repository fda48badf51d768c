/* SPDX-License-Identifier: MIT */
/*
 * The reconciler: what was changed here goes to the service.
 *
 * There is no queue. A look goes through the rows that differ from base, in order of their number,
 * decides for each what is next (push_plan.c), and writes down what it is about to ask (the intent)
 * for as many as may be under way at once, all in one transaction; then they are sent. (The intent
 * of an upload has the hash of what is sent, and so comes a little later: push_upload.c.) When one
 * has ended the look goes on behind the last row. What ends may let go of rows that the pass is
 * beyond already: it never turns back, but if there was such news another one follows. So the work
 * grows with the rows, not with their square. After a pass without news the next one waits: for a
 * change, for the end of something under way, or for a time.
 *
 * A row rests for `upload_delay` after its last change here before anything is sent of it. Which
 * rows were changed lately is remembered in memory alone (push_pause.c), by whoever changes them,
 * before it can be seen: after a restart all have rested. The content of what somebody has open for
 * writing waits until it was closed, or synced (push_hold.c).
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "sync/push_facts.h"
#include "sync/push_fragment.h"
#include "sync/push_i.h"
#include "sync/push_identity.h"
#include "sync/push_rival.h"
#include "sync/settle.h"
#include "tree/names.h"

/* Rows that one turn considers. */
#define LOOK_MAX 500
/* After a failure of the store. */
#define PUSH_RETRY_MS 5000
/* While many rest, those that are done are looked at so often in the time of one rest. */
#define RESTS_IN_PARTS 16
/* What lags on the service is looked at again after so long, then twice that, up to a minute. */
#define LAG_MS        INT64_C(2000)
#define LAG_DOUBLINGS 5
/* The same while somebody waits for it. */
#define LAG_DOUBLINGS_AWAITED 1
/* A session that nothing stands in the way of is refused so often before the content goes another
 * way. */
#define NAME_REFUSALS 3

DEFINE_VEC(row_numbers, ino_nr);

/* ---- when to look ---- */

static int64_t now_ms_of(const struct sync *sync)
{
    return clock_mono_ms(sync->conf.clock);
}

/* The first that rests is waited for; who comes later is looked at then, or has its turn known. */
void push_note_change(struct sync *sync, ino_nr ino)
{
    if (pauses_rest(&sync->push.pauses, ino, now_ms_of(sync) + sync->conf.upload_delay_ms))
        inbox_wake(sync->inbox);
}

void push_hold(struct sync *sync, ino_nr ino)
{
    holds_begin(&sync->push.holds, ino);
}

void push_let_go(struct sync *sync, ino_nr ino, bool is_written)
{
    if (is_written)
        push_note_change(sync, ino);
    if (holds_end(&sync->push.holds, ino))
        inbox_wake(sync->inbox);
}

void push_note_written(struct sync *sync, ino_nr ino, bool is_synced)
{
    struct push_holds *holds = &sync->push.holds;

    if (!holds_has(holds, ino))
        push_note_change(sync, ino);
    else if (is_synced &&
             holds_note_synced(holds, ino, now_ms_of(sync) + sync->conf.upload_delay_ms))
        inbox_wake(sync->inbox);
}

void push_poke(struct sync *sync)
{
    sync->push.has_news = true;
}

void push_begin_again(struct sync *sync)
{
    sync->push.is_in_pass = false;
    push_poke(sync);
}

void push_note_no_bytes(struct sync *sync)
{
    sync->push.awaits_bytes = false;
}

bool push_is_busy(const struct sync *sync)
{
    return sync->push.job_count > 0 || sync->push.awaits_bytes ||
           (sync->conf.bytes && bytes_is_busy(sync->conf.bytes));
}

void push_list(const struct sync *sync, struct uploads *out)
{
    const struct push_job *job;

    LIST_FOREACH (job, &sync->push.jobs, link) {
        bool has_content = job->intent.verb == INTENT_UPLOAD && !job->is_conflict;

        (void)uploads_push(out, (struct sync_upload){
                                    .ino = job->ino,
                                    .size = has_content ? job->intent.size : 0,
                                    .sent = has_content ? job->offset : 0,
                                });
    }
}

void push_wake(struct sync *sync)
{
    pauses_end_failed(&sync->push.pauses);
    push_poke(sync);
}

/* ---- jobs ---- */

static struct push_job *find_job(struct sync *sync, ino_nr ino)
{
    struct push_job *job;

    LIST_FOREACH (job, &sync->push.jobs, link) {
        if (job->ino == ino)
            return job;
    }
    return NULL;
}

bool push_has_job(struct sync *sync, ino_nr ino)
{
    return find_job(sync, ino) != NULL;
}

void push_job_free(struct push_job *job)
{
    push_close_bytes(job);
    drive_row_clear(&job->drive);
    intent_clear(&job->intent);
    free(job->if_match);
    free(job->url);
    free(job->buffer);
    free(job);
}

/* It takes memory, and the line. */
static bool has_bytes(const struct push_job *job)
{
    return job->is_conflict || job->intent.verb == INTENT_UPLOAD;
}

static bool is_large(const struct push_job *job)
{
    return has_bytes(job) && job->intent.size > PUSH_LARGE_BYTES;
}

/* What is changed together goes out together: there is room for more when some have ended. */
static bool is_full(struct push *push)
{
    size_t others = push->job_count - push->upload_count;

    if (others >= PUSH_OTHERS_MAX)
        push->is_full = true;
    else if (others <= PUSH_OTHERS_MAX - PUSH_TOGETHER)
        push->is_full = false;
    return push->is_full || push->upload_count >= PUSH_UPLOADS_MAX;
}

static void drop_job(struct sync *sync, struct push_job *job)
{
    LIST_REMOVE(job, link);
    sync->push.job_count--;
    sync->push.upload_count -= has_bytes(job);
    sync->push.large_count -= is_large(job);
    request_abandon(sync, job->request);
    job->request = NULL;
    if (job->is_reading)
        job->is_abandoned = true;
    else
        push_job_free(job);
}

static void end_with_pause(struct sync *sync, struct push_job *job, enum pause_kind kind,
                           int64_t pause_ms)
{
    ino_nr ino = job->ino;

    drop_job(sync, job);
    if (kind != PAUSE_NONE)
        pauses_fail(&sync->push.pauses, ino, kind, now_ms_of(sync) + pause_ms);
    push_poke(sync);
    push_waits_check(sync);
}

void push_end(struct sync *sync, struct push_job *job)
{
    end_with_pause(sync, job, PAUSE_NONE, 0);
}

void push_end_blocked(struct sync *sync, struct push_job *job, const struct err *err,
                      const struct refusal *refusal)
{
    struct err why = *err;

    if (refusal->why)
        (void)err_set(&why, err->code, "%s (%s)", refusal->why, refusal->remedy);
    push_waits_note_failure(sync, job->ino, &why);
    end_with_pause(sync, job, PAUSE_BLOCKED, refusal->retry_ms);
}

void push_end_failed(struct sync *sync, struct push_job *job, const struct err *err)
{
    unsigned failures = pauses_count_failures(&sync->push.pauses, job->ino) + 1;

    sync->push.has_resumed = false;
    log_info("sync", "%s: not sent yet: %s", job->intent.name ? job->intent.name : "a change",
             err->msg);
    push_waits_note_failure(sync, job->ino, err);
    end_with_pause(sync, job, PAUSE_FAILED, sync_backoff_ms(failures, err));
}

void push_end_lagging(struct sync *sync, struct push_job *job)
{
    unsigned times = pauses_count_failures(&sync->push.pauses, job->ino);
    unsigned most = push_waits_has(sync, job->ino) ? LAG_DOUBLINGS_AWAITED : LAG_DOUBLINGS;

    sync->push.has_resumed = false;
    end_with_pause(sync, job, PAUSE_LAG, LAG_MS << (times < most ? times : most));
}

void push_end_name_refused(struct sync *sync, struct push_job *job)
{
    ino_nr ino = job->ino;

    push_end_lagging(sync, job);
    pauses_note_refusal(&sync->push.pauses, ino);
}

struct apply_context push_context(struct sync *sync, const struct push_job *job)
{
    return (struct apply_context){
        .drive = &job->drive,
        .source = APPLY_ITEM,
        .now_ms = clock_real_ms(sync->conf.clock),
    };
}

/* ---- looking ---- */

/* One look, or a part of it. */
struct look {
    struct sync *sync;
    struct store_txn *txn;
    struct row_numbers inos;
    int64_t next_ms; /* when the first of those that are left alone is due */
    LIST_HEAD(, push_job) begun;
    bool has_changed;   /* the store: rows were settled, or forgotten */
    bool is_whole;      /* the last row was come to */
    uint64_t hold_mark; /* of the row that is planned, see push_hold.h */
    struct err err;
};

static bool add_ino(const struct node_attr *attr, const char *name, void *arg)
{
    struct look *look = arg;

    (void)name;
    (void)row_numbers_push(&look->inos, attr->ino);
    return look->inos.len < LOOK_MAX;
}

/* Whether it is left alone for now. */
static bool is_paused(struct look *look, ino_nr ino)
{
    int64_t until_ms = pauses_until(&look->sync->push.pauses, ino, now_ms_of(look->sync));

    if (until_ms != 0 && until_ms < look->next_ms)
        look->next_ms = until_ms;
    return until_ms != 0;
}

static void add_job(struct look *look, struct push_job *job)
{
    LIST_INSERT_HEAD(&look->begun, job, link);
    look->sync->push.job_count++;
    look->sync->push.upload_count += has_bytes(job);
    look->sync->push.large_count += is_large(job);
}

/* ---- intents ---- */

static char *server_name_of(const struct node *node)
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

static int find_id(struct look *look, ino_nr ino, char **ret)
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
static int fill_parent(struct look *look, const struct node *node, const struct push_step *step,
                       struct intent *intent)
{
    int r = find_id(look, node->local.parent, &intent->parent_rid);

    intent->parent = node->local.parent;
    if (r == 0 && !intent->parent_rid && step->is_detour && node->attr.flags & NODE_BASE) {
        intent->parent = node->base.parent;
        r = find_id(look, node->base.parent, &intent->parent_rid);
    }
    return r;
}

static int fill_intent(struct look *look, const struct node *node, const struct push_step *step,
                       struct push_job *job)
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
    intent->name = step->is_detour ? detour_name_of(node) : server_name_of(node);
    return fill_parent(look, node, step, intent);
}

/* Small files don't wait behind large ones, which leave them half of the line. */
static bool waits_for_small(const struct look *look, int64_t size)
{
    return size > PUSH_LARGE_BYTES && look->sync->push.large_count >= PUSH_LARGE_MAX;
}

static int begin_job(struct look *look, const struct node *node, const struct push_step *step,
                     struct bytes_file *file, int64_t size)
{
    struct sync *sync = look->sync;
    struct push_job *job = x_calloc(1, sizeof *job);
    int r = txn_get_drive(look->txn, node->attr.drive, &job->drive);

    job->ino = node->attr.ino;
    job->is_folder = node->attr.kind == NODE_FOLDER;
    job->began_ms = now_ms_of(sync);
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
    add_job(look, job);
    return r;
}

/* An intent that nobody waits for an answer to: the process that had it has ended. */
static int resume_job(struct look *look, const struct node *node, struct intent *intent)
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
    add_job(look, job);
    return r;
}

/* ---- what is next for a row ---- */

/* What the server's content of the row's name, or of the row, is known by. */
static enum hash_kind rival_hash_kind(struct look *look, const struct node *node)
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

static int begin_conflict(struct look *look, const struct node *node)
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
    add_job(look, job);
    return 0;
}

static int settle(struct look *look, const struct node *node)
{
    enum settle_outcome outcome = SETTLE_NOTHING;
    int r = push_settle_in(look->sync, look->txn, node->attr.ino, NULL, &outcome, &look->err);

    look->has_changed |= outcome == SETTLE_DONE;
    return r == 0 && outcome == SETTLE_NEEDS_HASH ? begin_conflict(look, node) : r;
}

/* ---- a file that was saved anew ---- */

/* Nothing is handed over of which something is under way, or may have been done. A backup gives up
 * its item when the new file has rested, too. */
static int is_busy(struct look *look, const struct push_facts *facts, bool *ret)
{
    struct intent intent;
    int r = txn_get_intent(look->txn, facts->partner, &intent);

    *ret = facts->partner_is_busy || r == 0 || find_job(look->sync, facts->partner) ||
           (facts->is_backup && is_paused(look, facts->partner));
    if (r == 0)
        intent_clear(&intent);
    return r == -ENOENT ? 0 : r;
}

/* Where a backup can't have a content of its own (there is no room) each goes its way. */
static bool goes_alone(struct look *look, ino_nr ino, const struct push_facts *facts)
{
    ino_nr backup = facts->is_backup ? ino : facts->partner;

    return pauses_count_refusals(&look->sync->push.pauses, backup) > 0;
}

static int find_partner(struct look *look, ino_nr ino, struct push_facts *facts)
{
    if (facts->partner != STORE_INO_NONE && goes_alone(look, ino, facts))
        facts->partner = STORE_INO_NONE;
    if (facts->partner != STORE_INO_NONE)
        return is_busy(look, facts, &facts->partner_is_busy);
    facts->partner_is_busy = false;
    return 0;
}

static int take_over(struct look *look, const struct node *node, ino_nr partner)
{
    look->has_changed = true;
    return identity_hand_over(look->txn, node->attr.ino, partner);
}

static int begin_owning(struct look *look, const struct node *node)
{
    struct push_job *job = x_calloc(1, sizeof *job);

    job->ino = node->attr.ino;
    job->is_to_own = true;
    job->intent.name = x_strdup(node->local.name);
    add_job(look, job);
    return 0;
}

/* Disk alone. */
static void own(struct sync *sync, struct push_job *job)
{
    int r = bytes_own(sync->conf.bytes, job->ino);
    struct err err;

    if (r < 0) {
        (void)err_set_errno(&err, r, "a backup can't have a content of its own");
        log_info("sync", "%s", err.msg);
        push_end_name_refused(sync, job);
    } else {
        push_end(sync, job);
    }
}

static bool needs_content(const struct node *node)
{
    return node->attr.kind == NODE_FILE && node->attr.flags & NODE_LOCAL &&
           node_dirty(node, APPLY_MTIME_GRANULARITY_NS) & (DIRTY_CREATED | DIRTY_CONTENT);
}

static int act(struct look *look, const struct node *node, const struct push_step *step,
               ino_nr partner, struct bytes_file *file, int64_t size)
{
    switch (step->action) {
    case PUSH_NOTHING:
    case PUSH_WAIT:
        break;
    case PUSH_SETTLE:
        return settle(look, node);
    case PUSH_OWN:
        return begin_owning(look, node);
    case PUSH_TAKE_OVER:
        return take_over(look, node, partner);
    case PUSH_FORGET:
        look->has_changed = true;
        return txn_remove_node(look->txn, node->attr.ino);
    case PUSH_CREATE:
    case PUSH_UPLOAD:
        return begin_job(look, node, step, file, size);
    case PUSH_MAKE_FOLDER:
    case PUSH_CHANGE:
    case PUSH_DELETE:
        return begin_job(look, node, step, NULL, 0);
    }
    return 0;
}

/* What is asked for now may have the name by the time that the row asks for it. */
static bool is_name_asked_for(const struct push_job *job, const struct node *node, const char *name)
{
    const struct intent *intent = &job->intent;

    return job->ino != node->attr.ino && name && intent->name &&
           intent->parent == node->local.parent && strcmp(intent->name, name) == 0;
}

static bool is_name_under_way(const struct look *look, const struct node *node)
{
    cleanup_free char *name = NULL;
    const struct push_job *job;

    if (!(node->attr.flags & NODE_LOCAL) ||
        !(node_dirty(node, APPLY_MTIME_GRANULARITY_NS) & (DIRTY_CREATED | DIRTY_PLACE)))
        return false;
    name = server_name_of(node);
    LIST_FOREACH (job, &look->begun, link) {
        if (is_name_asked_for(job, node, name))
            return true;
    }
    LIST_FOREACH (job, &look->sync->push.jobs, link) {
        if (is_name_asked_for(job, node, name))
            return true;
    }
    return false;
}

/* Until when the row's content waits for those who write to it; 0: it doesn't. */
static int64_t held_until_ms(struct look *look, ino_nr ino)
{
    int64_t until_ms = holds_until(&look->sync->push.holds, ino, now_ms_of(look->sync));

    if (until_ms != 0 && until_ms < look->next_ms)
        look->next_ms = until_ms;
    return until_ms;
}

/* Whether a file that is being written, or was just now, has the name that the row had: it may turn
 * out to be what the row is from now on. */
static int find_heir(struct look *look, const struct node *node, bool *ret)
{
    struct node_attr heir;
    int r;

    *ret = false;
    if (node->attr.kind != NODE_FILE ||
        !(node_dirty(node, APPLY_MTIME_GRANULARITY_NS) & (DIRTY_PLACE | DIRTY_DELETED)))
        return 0;
    r = txn_lookup(look->txn, node->base.parent, node->base.name, &heir);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (heir.ino != node->attr.ino && heir.kind == NODE_FILE)
        *ret = held_until_ms(look, heir.ino) != 0 || is_paused(look, heir.ino);
    return 0;
}

struct folder_use {
    ino_nr folder;
    bool is_found;
};

static bool note_use(const struct intent *intent, void *arg)
{
    struct folder_use *use = arg;

    use->is_found |= intent->parent == use->folder;
    return !use->is_found;
}

/* Whether something was asked for, or is about to be, that is made in the folder or goes there: it
 * would go with it. */
static int find_use(struct look *look, const struct node *node, bool *ret)
{
    struct folder_use use = { .folder = node->attr.ino };
    const struct push_job *job;
    int r = store_list_intents(look->sync->conf.store, 0, note_use, &use);

    LIST_FOREACH (job, &look->begun, link)
        (void)note_use(&job->intent, &use);
    LIST_FOREACH (job, &look->sync->push.jobs, link)
        (void)note_use(&job->intent, &use);
    *ret |= use.is_found;
    return r;
}

static int find_facts(struct look *look, const struct node *node, struct push_facts *ret)
{
    struct push_pauses *pauses = &look->sync->push.pauses;
    bool has_heir = false;
    int r = push_find_facts(look->txn, node, ret);

    if (r == 0)
        r = find_heir(look, node, &has_heir);
    if (r == 0 && node->attr.kind == NODE_FOLDER && !(node->attr.flags & NODE_LOCAL))
        r = find_use(look, node, &ret->has_deleted_below);
    ret->is_resting = !has_heir; /* what isn't has a pause */
    ret->is_open = held_until_ms(look, node->attr.ino) != 0;
    ret->name_is_refused = pauses_count_refusals(pauses, node->attr.ino) >= NAME_REFUSALS;
    return r;
}

static bool sends_content(const struct push_step *step)
{
    return step->action == PUSH_CREATE || step->action == PUSH_UPLOAD;
}

static int plan_row(struct look *look, const struct node *node)
{
    struct sync *sync = look->sync;
    struct bytes_file *file = NULL;
    struct push_facts facts;
    struct push_step step;
    int64_t size = 0;
    bool is_lost = false;
    int r = find_facts(look, node, &facts);

    if (r == 0)
        r = find_partner(look, node->attr.ino, &facts);
    if (r < 0)
        return r;
    facts.name_is_taken |= is_name_under_way(look, node);
    facts.is_held = push_is_held(sync, node->attr.drive);
    look->hold_mark = holds_mark(&sync->push.holds, node->attr.ino);
    /* A backup that is being written needs all of it to become an item of its own. */
    if (needs_content(node) && (!facts.is_open || facts.is_backup)) {
        r = bytes_open(sync->conf.bytes, node->local.generation, &file, &size);
        facts.has_content = r == 0;
        is_lost = r == -ESTALE;
        sync->push.awaits_bytes |= r == -EAGAIN;
    }
    step = push_plan(node, &facts, APPLY_MTIME_GRANULARITY_NS);
    if (sends_content(&step) && waits_for_small(look, size))
        step.action = PUSH_WAIT;
    if (step.action == PUSH_WAIT && facts.is_held && !(node->attr.flags & NODE_LOCAL))
        push_held_note(sync, node->attr.ino);
    r = act(look, node, &step, facts.partner, file, size);
    if (step.action == PUSH_NOTHING || step.action == PUSH_FORGET)
        pauses_end(&sync->push.pauses, node->attr.ino);
    if (r == 0 && is_lost)
        r = push_note_lost(sync, look->txn, node->attr.ino);
    if (file && !sends_content(&step))
        bytes_close(sync->conf.bytes, file);
    return r;
}

/* A row whose intent was found is come to a second time if it is dirty. */
static bool is_begun(const struct look *look, ino_nr ino)
{
    const struct push_job *job;

    LIST_FOREACH (job, &look->begun, link) {
        if (job->ino == ino)
            return true;
    }
    return false;
}

static int consider(struct look *look, ino_nr ino)
{
    struct intent intent = { 0 };
    struct node node;
    int r;

    if (find_job(look->sync, ino) || is_begun(look, ino) || is_paused(look, ino))
        return 0;
    r = txn_get_node(look->txn, ino, &node);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    r = txn_get_intent(look->txn, ino, &intent);
    if (r == 0)
        r = resume_job(look, &node, &intent);
    else if (r == -ENOENT)
        r = plan_row(look, &node);
    intent_clear(&intent);
    node_clear(&node);
    return r;
}

/* Sends what was begun, if the intents are in the store; else it is as if nothing had been. */
static void send_begun(struct look *look, bool is_committed)
{
    struct sync *sync = look->sync;
    struct push_job *job;

    while ((job = LIST_FIRST(&look->begun))) {
        LIST_REMOVE(job, link);
        LIST_INSERT_HEAD(&sync->push.jobs, job, link);
        if (!is_committed)
            drop_job(sync, job);
        else if (job->is_conflict)
            push_settle_with_hash(sync, job);
        else if (job->is_to_own)
            own(sync, job);
        else if (!job->is_resumed)
            push_send(sync, job);
        else if (!push_resume_upload(sync, job))
            push_resolve(sync, job);
    }
}

static bool add_intent(const struct intent *intent, void *arg)
{
    struct look *look = arg;

    (void)row_numbers_push(&look->inos, intent->ino);
    return true;
}

/* What the server has may differ where nothing does here: it waited for those who have it open. */
static int add_with_remote(struct look *look)
{
    cleanup_free ino_nr *inos = NULL;
    size_t count = 0;
    int r = txn_list_with_remote(look->txn, &inos, &count);

    for (size_t i = 0; i < count && r == 0; i++)
        (void)row_numbers_push(&look->inos, inos[i]);
    return r;
}

/* Changes that nobody waits for an answer to, which may be of rows that are clean by now, and in
 * the beginning of a pass rows that the server has news of; then what differs, from the cursor on.
 */
static int list_rows(struct look *look, size_t *ret_intents)
{
    struct push *push = &look->sync->push;
    int r = push->has_resumed ? 0 : store_list_intents(look->sync->conf.store, 0, add_intent, look);

    if (r == 0 && push->cursor == 0)
        r = add_with_remote(look);
    *ret_intents = look->inos.len;
    return r < 0 ? r : txn_list_dirty(look->txn, push->cursor, add_ino, look);
}

/* Those that somebody waits for, in a look of their own. */
static int look_at_first(struct look *look)
{
    struct push *push = &look->sync->push;
    int r = 0;

    while (push->first_done < push->first.len && r == 0 && !is_full(push))
        r = consider(look, push->first.items[push->first_done++]);
    return r;
}

static int look_at_rows(struct look *look)
{
    struct push *push = &look->sync->push;
    size_t intents = 0, i;
    int r;

    if (push->first_done < push->first.len)
        return look_at_first(look);
    r = list_rows(look, &intents);

    for (i = 0; i < look->inos.len && r == 0 && !is_full(push); i++) {
        r = consider(look, look->inos.items[i]);
        if (i >= intents)
            push->cursor = look->inos.items[i];
        else if (i + 1 == intents)
            push->has_resumed = look->next_ms == TIME_NEVER;
    }
    if (intents == 0)
        push->has_resumed = true;
    look->is_whole = i == look->inos.len && look->inos.len - intents < LOOK_MAX;
    return r;
}

static void explain(struct look *look, int r)
{
    if (sync_explain(&look->err, r, "sending changes") < 0)
        log_error("sync", "%s", look->err.msg);
}

/* Returns whether there is more to look at in this pass, now. */
static bool look_once(struct sync *sync)
{
    struct push *push = &sync->push;
    struct look look = { .sync = sync, .next_ms = TIME_NEVER };
    cleanup_txn struct store_txn *txn = NULL;
    int r;

    LIST_INIT(&look.begun);
    r = store_begin(sync->conf.store, &txn, &look.err);
    if (r == 0) {
        look.txn = txn;
        r = look_at_rows(&look);
    }
    if (r == 0)
        r = sync_commit(&txn, &look.err);
    explain(&look, r);
    send_begun(&look, r == 0);
    row_numbers_clear(&look.inos);
    if (r < 0)
        look.next_ms = now_ms_of(sync) + PUSH_RETRY_MS;
    if (look.next_ms < push->due_ms)
        push->due_ms = look.next_ms;
    push->has_news |= r == 0 && look.has_changed;
    return r == 0 && !look.is_whole;
}

/* ---- passes ---- */

/* When those that rest are looked at: where one after the other is done, many at once. */
static int64_t next_rest_ms(struct sync *sync)
{
    int64_t rested_ms = pauses_next_rest(&sync->push.pauses);
    int64_t earliest_ms = sync->push.rested_ms + sync->conf.upload_delay_ms / RESTS_IN_PARTS;

    return rested_ms > earliest_ms ? rested_ms : earliest_ms;
}

/* When there will be news, as is known now. */
static int64_t next_news_ms(struct sync *sync)
{
    int64_t rest_ms = next_rest_ms(sync), held_ms = holds_next(&sync->push.holds);

    return rest_ms < held_ms ? rest_ms : held_ms;
}

static bool has_rested(struct sync *sync, int64_t now_ms)
{
    if (pauses_next_rest(&sync->push.pauses) == TIME_NEVER || now_ms < next_rest_ms(sync))
        return false;
    sync->push.rested_ms = now_ms;
    return pauses_end_rests(&sync->push.pauses, now_ms);
}

static void begin_pass(struct sync *sync)
{
    struct push *push = &sync->push;

    push_waits_begin_pass(sync);
    push_held_count(sync);
    push->is_in_pass = true;
    push->has_news = push->awaits_bytes = false;
    push->cursor = 0;
    push->due_ms = TIME_NEVER;
}

static int64_t next_pass_ms(struct sync *sync)
{
    int64_t due_ms = sync->push.due_ms, news_ms = next_news_ms(sync);

    return due_ms < news_ms ? due_ms : news_ms;
}

int64_t push_turn(struct sync *sync, int64_t now_ms)
{
    struct push *push = &sync->push;

    if (!sync->conf.bytes || is_full(push))
        return TIME_NEVER; /* nothing is written; or the end of a job comes first */
    push->has_news |= has_rested(sync, now_ms);
    push->has_news |= holds_take_news(&push->holds, now_ms);
    if (!push->is_in_pass) {
        if (!push->has_news && now_ms < push->due_ms)
            return next_pass_ms(sync);
        begin_pass(sync);
    }
    if (look_once(sync))
        return is_full(push) ? TIME_NEVER : 0;
    push->is_in_pass = false;
    push_waits_check(sync);
    return push->has_news ? 0 : next_pass_ms(sync);
}

static bool is_being_written(ino_nr ino, void *arg)
{
    struct sync *sync = arg;

    return holds_has(&sync->push.holds, ino);
}

void push_begin(struct sync *sync)
{
    LIST_INIT(&sync->push.jobs);
    LIST_INIT(&sync->push.waits);
    pauses_init(&sync->push.pauses);
    holds_init(&sync->push.holds);
    store_set_is_being_written(sync->conf.store, is_being_written, sync);
    sync->push.fragment_units = FRAGMENT_FIRST;
    sync->push.began_ms = now_ms_of(sync);
    sync->push.has_news = true;
}

void push_free(struct sync *sync)
{
    push_waits_free(sync);
    push_rows_clear(&sync->push.first);
    while (!LIST_EMPTY(&sync->push.jobs))
        drop_job(sync, LIST_FIRST(&sync->push.jobs));
    deletions_list_clear(&sync->push.deletions);
    pauses_clear(&sync->push.pauses);
    store_set_is_being_written(sync->conf.store, NULL, NULL);
    holds_clear(&sync->push.holds);
}
