/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_SYNC_PUSH_I_H
#define GRAPHFS_SYNC_PUSH_I_H

/*
 * What the files of the reconciler share: push.c (when rows are looked at), push_look.c (a look
 * at them: push_look.h), push_job.c (what is under way), push_wait.c (who waits for it),
 * push_send.c (one change after the other), push_delete.c, push_upload.c (content), push_guard.c
 * (that nothing is written over), push_resolve.c (changes whose fate is not known). All of it
 * belongs to the sync thread.
 */

#include "sync/bytes.h"
#include "sync/push_plan.h"
#include "sync/refusal.h"
#include "sync/settle.h"
#include "sync/sync_i.h"

/* Changes under way at a time: uploads, and others, of which so many go in one request. */
#define PUSH_UPLOADS_MAX 8
#define PUSH_LARGE_MAX   4 /* of the uploads */
#define PUSH_LARGE_BYTES (INT64_C(16) << 20)
#define PUSH_OTHERS_MAX  60
#define PUSH_TOGETHER    20

/* A change of one row that is under way. Its intent is in the store. */
struct push_job {
    LIST_ENTRY(push_job) link;
    ino_nr ino;
    struct drive_row drive;
    struct intent intent;
    char *if_match; /* the tag that the item must have; NULL: none, or it is new */
    bool is_folder;
    bool is_begun;    /* it is sent when its intent is in the store */
    bool is_new;      /* addressed by its place */
    bool is_by_place; /* the place was asked for, not the item */
    bool is_to_own;   /* nothing is sent: it gets a content of its own */
    bool is_resumed;  /* its intent was found in the store */
    bool is_refused;  /* because something has its name, or is being sent to it */
    bool is_unknown;  /* no answer has said whether it was carried out */
    bool is_repeated; /* since it wasn't known */
    struct request *request;

    int64_t began_ms;   /* monotonic */
    uint64_t hold_mark; /* see push_hold.h: of the content that is sent */

    /* Of an upload, or of a conflict that needs a hash (intent.hash_kind, and no intent). */
    bool is_conflict;
    struct bytes *bytes;
    struct bytes_file *file;
    bool is_whole;        /* all of them go in one request */
    char *url;            /* of the session, a secret; NULL: none yet */
    int64_t offset;       /* what is before is on the server */
    char *buffer;         /* what is being read */
    size_t length;        /* of that */
    int64_t sent_ms;      /* monotonic: when it was sent */
    bool has_tag_guard;   /* the session began with the item's tag */
    bool end_was_refused; /* for that tag */
    bool has_come;        /* something was sent since the session was asked for */
    bool is_reading;      /* a read will come back */
    bool is_abandoned;    /* it is freed when that has */
};

static inline int64_t push_now_ms(const struct sync *sync)
{
    return clock_mono_ms(sync->conf.clock);
}

/* ---- push.c ---- */

/* The next pass begins now, whatever this one has come to. */
void push_begin_again(struct sync *sync);

/* ---- push_look.c ---- */

/* Looks at rows, from where the pass is. Returns whether there is more to look at in it, now. */
bool push_look(struct sync *sync);

/* ---- push_job.c ---- */

/* The job is one of those under way from now on: sync's. It is sent when the look that has begun it
 * is in the store. */
void push_add_job(struct sync *sync, struct push_job *job);

/* Whether something of the row is under way, or is about to be. */
bool push_has_job(const struct sync *sync, ino_nr ino);

/* Whether no more may be begun before some have ended. */
bool push_is_full(struct sync *sync);

/* Forgets the job, whatever becomes of what was asked. */
void push_drop_job(struct sync *sync, struct push_job *job);

/* The job is over, and gone; the row is looked at again. */
void push_end(struct sync *sync, struct push_job *job);

/* The same after a failure of the service, by what it says. */
void push_end_failed(struct sync *sync, struct push_job *job, const struct err *err);

/* The same after a refusal that only the user can do something about. */
void push_end_blocked(struct sync *sync, struct push_job *job, const struct err *err,
                      const struct refusal *refusal);

void push_job_free(struct push_job *job);

/* The same until what lags on the service has come up. The intent stays. */
void push_end_lagging(struct sync *sync, struct push_job *job);

/* The same where a session was refused though nothing stands in its way. */
void push_end_name_refused(struct sync *sync, struct push_job *job);

/* The context in which an answer about the job's item is applied. */
struct apply_context push_context(struct sync *sync, const struct push_job *job);

/* ---- push_wait.c ---- */

/* Ends the waits that are over. */
void push_waits_check(struct sync *sync);

/* The row was not sent, for this reason. */
void push_waits_note_failure(struct sync *sync, ino_nr ino, const struct err *err);

/* Whether somebody waits for the row. */
bool push_waits_has(struct sync *sync, ino_nr ino);

/* A pass begins: fills in what it looks at first. */
void push_waits_begin_pass(struct sync *sync);
void push_waits_free(struct sync *sync);

/* ---- push_held.c ---- */

/* Counts what is to be deleted. */
void push_held_count(struct sync *sync);

/* Whether deletions in this drive are held: there are too many. */
bool push_is_held(struct sync *sync, int64_t drive);

/* Tells those who wait for the row that its deletion is. */
void push_held_note(struct sync *sync, ino_nr ino);

/* ---- push_lost.c ---- */

/* What is to be sent of the row can't be had (see bytes.h): it is blocked. */
int push_note_lost(struct sync *sync, struct store_txn *txn, ino_nr ino);

/* ---- push_send.c ---- */

/* Sends what the intent says. */
void push_send(struct sync *sync, struct push_job *job);

/* The item is as the intent asked. */
void push_succeed(struct sync *sync, struct push_job *job, const struct item *item);

void push_succeed_gone(struct sync *sync, struct push_job *job);

/* The service refused, or it isn't known what it did. */
void push_refused(struct sync *sync, struct push_job *job, const struct err *err);

/* ---- push_delete.c ---- */

void push_delete(struct sync *sync, struct push_job *job);

/* ---- push_upload.c ---- */

/* Sends the content that the job has open. */
void push_upload(struct sync *sync, struct push_job *job);

/* Goes on with a session of a process that has ended. False: it can't. */
bool push_resume_upload(struct sync *sync, struct push_job *job);

/* Opens what the intent was about, to be sent once more. -ENOENT if it isn't there any more. */
int push_reopen(struct sync *sync, struct push_job *job);

/* Stores the job's intent; -ENOENT if no row stands for it any more. */
int push_put_intent(struct sync *sync, const struct push_job *job, struct err *err);

/* Sends what the job has read; forgets the session. */
void push_send_fragment(struct sync *sync, struct push_job *job);
void push_end_session(struct sync *sync, const struct push_job *job);

/* ---- push_guard.c ---- */

/* Whether a session that begins now is to be given the item's tag. */
bool guard_takes_tag(const struct sync *sync, const struct push_job *job);

/* Whether the item is to be read before the last fragment; does that, and sends the fragment if
 * the item's content is base's, else ends the job as one that was refused. */
bool guard_has_to_look(const struct push_job *job);
void guard_look(struct sync *sync, struct push_job *job);

/* What the item is after a refusal. */
void guard_learn(struct sync *sync, const struct push_job *job, const struct item *item);

/* ---- push_bytes.c ---- */

/* text is of a hash, borrowed. */
typedef void push_bytes_fn(struct sync *sync, struct push_job *job, int status, const char *text);

/* Reads the job's length bytes at its offset into its buffer; one at a time. */
void push_read(struct sync *sync, struct push_job *job, push_bytes_fn *fn);
void push_hash(struct sync *sync, struct push_job *job, enum hash_kind kind, push_bytes_fn *fn);
void push_close_bytes(struct push_job *job);

/* ---- push_settle.c ---- */

struct push_known_hash {
    const char *text;
    enum hash_kind kind;
};

/* Settles a row in the caller's transaction; known: the hash of its content, or NULL. */
int push_settle_in(struct sync *sync, struct store_txn *txn, ino_nr ino,
                   const struct push_known_hash *known, enum settle_outcome *ret, struct err *err);

/* The same once the hash has been computed; ends the job. */
void push_settle_with_hash(struct sync *sync, struct push_job *job);

/* ---- push_resolve.c ---- */

/* Reads the server: has the intent been carried out? It is repeated, or the job ends, one way or
 * the other. */
void push_resolve(struct sync *sync, struct push_job *job);

/* The same for one whose answer was lost just now. */
void push_lost_answer(struct sync *sync, struct push_job *job);

/* Someone else has changed the item, or what has its name: that is applied, and the job ends. */
void push_look_again(struct sync *sync, struct push_job *job, const struct err *err);

#endif
