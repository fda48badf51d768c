/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_SYNC_SYNC_I_H
#define GRAPHFS_SYNC_SYNC_I_H

/* What the files of src/sync share and nobody else sees. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/vec.h"
#include "sync/apply.h"
#include "sync/inbox.h"
#include "sync/push_hold.h"
#include "sync/push_pause.h"
#include "sync/request.h"
#include "sync/strset.h"
#include "sync/sync.h"
#include "sync/timing.h"
#include "sync/waiters.h"

/* The most pages that one round or listing may have, and the most items in one request for items
 * or in one transaction that applies a round. The server's bytes are not trusted to end. */
#define PAGES_MAX      200000
#define ITEMS_PER_ASK  200
#define ITEMS_PER_STEP 500

DEFINE_VEC(drive_numbers, int64_t);
DEFINE_VEC(drive_states, struct sync_drive_status);
DEFINE_VEC(uploads, struct sync_upload);

/* What a drive does right now. */
enum follow_phase {
    FOLLOW_RESTING,  /* until its time has come */
    FOLLOW_FETCHING, /* a page was asked for */
    FOLLOW_APPLYING, /* a step at each turn */
    FOLLOW_CHECKING, /* items were asked for, which apply could not decide without */
};

/* A drive whose changes are followed. Sync thread only. */
struct follow {
    LIST_ENTRY(follow) link;
    int64_t drive; /* row id */
    char *drive_id;
    enum follow_phase phase;
    struct request *request; /* of the page under way */
    struct check *check;
    bool round_is_new;       /* the page under way is the first one of its round */
    bool followed_link;      /* it was asked for by a link */
    struct strset links;     /* that were followed in this round, in this process */
    struct strset undecided; /* staged items that apply wants to be asked for */
    int64_t due_ms;          /* monotonic: after a failure, not before this */
    int64_t ended_ms;        /* monotonic: of the last round; 0: none in this process */
    unsigned failures;       /* in a row */
    unsigned failed_checks;  /* in a row, for the sake of single items */
    unsigned broken_links;   /* of this round: see round_plan.h */
    unsigned lost_links;     /* in a row */
    unsigned restarts;       /* of this round, from its beginning */
    bool waits_for_wake;     /* the failure ends with the network, or with a sign-in */
    uint64_t began_pull;     /* sync.pulls_asked when this round began */
    uint64_t done_pull;      /* the same of the last round that was applied */
    struct sync_drive_status status;
};

struct pull {
    uint64_t waiter;
    uint64_t number; /* a round that began with at least this number ends it */
};

DEFINE_VEC(pull_list, struct pull);

struct discovery {
    struct request *request;
    int64_t due_ms; /* monotonic */
    unsigned failures;
    bool waits_for_wake;
    struct err error;
    struct waiter_ids waiters; /* for the views, and for names in them */
};

DEFINE_VEC(missing_rows, struct missing_row);

struct absence {
    struct request *request;
    struct missing_rows asked; /* what the request is for */
    int64_t due_ms;            /* monotonic */
    unsigned failures;
    int64_t held_elsewhere; /* removals held in drives that aren't followed: shared folders */
};

/* Sync thread only, but for what is atomic. */
struct ahead {
    TAILQ_HEAD(ahead_folders, ahead_folder) folders; /* in the order of a walk */
    LIST_HEAD(, ahead_batch) batches;
    int64_t drive; /* the one that is walked through: row id */
    size_t folder_count;
    size_t batch_count;
    size_t unused;         /* folders that were asked for ahead, and not opened since */
    size_t window;         /* how many there may be */
    int64_t due_ms;        /* monotonic: after a failure, not before this */
    unsigned failures;     /* in a row */
    atomic_bool is_wanted; /* a first round is under way */
};

DEFINE_VEC(push_rows, ino_nr);

/* What is to be deleted of one drive. */
struct push_deletions {
    int64_t drive;
    int64_t count;
    int64_t limit; /* more than that are held; 0: so few never are */
    bool is_held;
    bool is_confirmed;
};

DEFINE_VEC(deletions_list, struct push_deletions);

/* Sync thread only, but for the pauses and holds. */
struct push {
    LIST_HEAD(, push_job) jobs;
    LIST_HEAD(, push_wait) waits;
    struct push_rows first; /* that a pass looks at before all others: see push_wait.c */
    size_t first_done;      /* so many of them it has looked at */
    size_t job_count;
    struct deletions_list deletions;
    size_t upload_count;     /* of these jobs */
    size_t large_count;      /* of these uploads */
    unsigned fragment_units; /* see push_fragment.h */
    bool is_full;            /* there are so many others that some have to end first */
    struct push_pauses pauses;
    struct push_holds holds;
    ino_nr cursor;           /* the pass goes on behind this row */
    bool is_in_pass;         /* the last row hasn't been come to */
    bool has_news;           /* since the pass began: there has to be another one */
    int64_t began_ms;        /* monotonic: of this process */
    int64_t due_ms;          /* monotonic: of what failed the first is to be tried again */
    int64_t rested_ms;       /* monotonic: when those that had rested were looked at last */
    bool awaits_bytes;       /* content that is to be sent is on its way here */
    bool sessions_move_tags; /* of the items that they begin to replace: see push_guard.c */
    bool has_resumed;        /* the intents that were found in the store were looked at */
};

struct sync {
    struct sync_conf conf;  /* const after init */
    struct inbox *inbox;    /* const after init; has its own lock */
    struct waiters waiters; /* has its own lock */
    pthread_t thread;
    bool is_running;         /* the thread of sync_start and sync_stop */
    _Atomic int64_t used_ms; /* monotonic: when somebody used the mount last */

    pthread_mutex_t lock;
    int64_t held_deletes;            /* lock: deletions that wait to be confirmed */
    struct drive_states states;      /* lock: the copies that sync_status shows */
    struct uploads uploads;          /* lock: the same of sync_uploads */
    struct drive_numbers with_delta; /* lock: the drives that are not DRIVE_SHARED */

    /* Sync thread only. */
    LIST_HEAD(, follow) follows;
    LIST_HEAD(, listing) listings;
    LIST_HEAD(, child_ask) child_asks;
    LIST_HEAD(, target_ask) target_asks;
    LIST_HEAD(, refusal) refusals;
    LIST_HEAD(, request) requests;
    struct discovery discovery;
    struct absence absence;
    struct ahead ahead;
    struct push push;
    struct pull_list pulls;
    uint64_t pulls_asked;
    struct waiter_ids idle_waiters;
};

/* ---- sync.c ---- */

/* What the thread does first; then one turn: all messages, then all that is due. A turn returns
 * when the next one is due, monotonic; 0: at once. The thread repeats turns; tests call them. */
void sync_begin(struct sync *sync);
int64_t sync_turn(struct sync *sync);

/* A transaction that is rolled back at the end of the block, unless sync_commit() ended it before.
 */
#define cleanup_txn __attribute__((cleanup(sync_rollback)))
void sync_rollback(struct store_txn **txn);

/* Commits *txn and sets it to NULL. */
int sync_commit(struct store_txn **txn, struct err *err);

/* Fills err in from a failed call that has not done so itself. Returns r. */
int sync_explain(struct err *err, int r, const char *what);

/* The pause after a failure, with jitter. */
int64_t sync_backoff_ms(unsigned failures, const struct err *err);

/* True if waiting alone won't help: the network or the sign-in has to come back. */
bool sync_waits_for_wake(const struct err *err);

/* ---- drives.c ---- */

int64_t drives_turn(struct sync *sync, int64_t now_ms);

/* Asks for the drives now, unless that is under way; the waiter (0: none) is told of the result. */
void drives_ask(struct sync *sync, uint64_t waiter);

/* Whether drives other than DRIVE_SHARED have this number. Any thread. */
bool drives_has_delta(struct sync *sync, int64_t drive);
int drives_note_delta(struct sync *sync); /* those that the store knows by now */

/* ---- rounds.c ---- */

/* Follows the drive from now on, if it is one with delta. */
void rounds_follow(struct sync *sync, int64_t drive);
void rounds_follow_known(struct sync *sync);
struct follow *rounds_find(struct sync *sync, int64_t drive);
int64_t rounds_turn(struct sync *sync, int64_t now_ms);
void rounds_wake(struct sync *sync);
void rounds_free(struct sync *sync);

/* ---- push.c ---- */

void push_begin(struct sync *sync); /* before the first turn */
int64_t push_turn(struct sync *sync, int64_t now_ms);
void push_note_change(struct sync *sync, ino_nr ino); /* the user changes this row; any thread */
void push_list(const struct sync *sync, struct uploads *out);
void push_waits_ask(struct sync *sync, ino_nr top, bool keeps_trying, uint64_t waiter);
void push_note_written(struct sync *sync, ino_nr ino, bool is_synced); /* its content; any thread */
void push_hold(struct sync *sync, ino_nr ino);                         /* any thread */
void push_let_go(struct sync *sync, ino_nr ino, bool is_written);      /* any thread */
void push_poke(struct sync *sync);                                     /* rows may be dirty: look */
void push_wake(struct sync *sync); /* the same, even if sending has failed */
void push_note_no_bytes(struct sync *sync);
bool push_is_busy(const struct sync *sync); /* something is under way */
void push_free(struct sync *sync);

/* ---- push_held.c ---- */

/* Deletions that are held may go. */
void push_held_confirm(struct sync *sync);

/* ---- pull.c ---- */

void pull_ask(struct sync *sync, uint64_t waiter);
void pull_finish_done(struct sync *sync);
void pull_finish_if_none(struct sync *sync); /* no drive is followed, and that is known */
void pull_fail(struct sync *sync, const struct err *err);

/* ---- listing.c ---- */

void listing_want(struct sync *sync, ino_nr ino, uint64_t waiter);
/* A listing that nobody waits for yet, whose first page is the caller's to ask for: by the folder's
 * id, which is the result. NULL: not to be listed now. */
const char *listing_begin(struct sync *sync, ino_nr ino, int64_t drive);
/* That page, or why there is none. */
void listing_take_first(struct sync *sync, ino_nr ino, struct answer *answer);
/* A round of the drive has ended: it may have told what is being asked for. */
void listing_note_round(struct sync *sync, int64_t drive);
void listing_wake(struct sync *sync);
void listing_free(struct sync *sync);

/* ---- ahead.c ---- */

int64_t ahead_turn(struct sync *sync, int64_t now_ms);
/* Somebody opens this folder; if he has to wait for a listing of it, before that begins. */
void ahead_note_opened(struct sync *sync, ino_nr ino);
/* The children of a folder have come since somebody saw that they were missing. */
bool ahead_has_listed(struct sync *sync, const struct node_attr *attr);
/* A listing of it has ended. */
void ahead_note_listed(struct sync *sync, ino_nr ino, bool is_complete);
void ahead_note_round(struct sync *sync, int64_t drive); /* a round has ended */
void ahead_clear(struct sync *sync);

/* ---- child.c ---- */

void child_want(struct sync *sync, ino_nr parent, const char *name, uint64_t waiter);
void child_free(struct sync *sync);

/* ---- target.c ---- */

void target_want(struct sync *sync, ino_nr ino, uint64_t waiter);
void target_free(struct sync *sync);

/* ---- check.c ---- */

/* The end of a check; err is NULL unless it has to be made again. has_left: some items alone could
 * not be had. The check is gone when it runs. */
typedef void check_done_fn(struct sync *sync, const struct err *err, bool has_left, void *owner);

struct check_query {
    int64_t drive;
    const char *drive_id;
    const struct strset *ids; /* copied */
    bool is_staged;           /* reports of these items are staged: they are settled too */
    bool gives_up;            /* an item that can't be had is settled without an answer */
    enum remote_priority priority;
};

struct check *check_new(struct sync *sync, const struct check_query *query, check_done_fn *done,
                        void *owner);
void check_abandon(struct sync *sync, struct check *check); /* NULL is allowed */

/* ---- absence.c ---- */

int64_t absence_turn(struct sync *sync, int64_t now_ms);

/* The row of this item, if there is one, is in doubt from now on (and has just been a 404), or
 * isn't. */
int absence_note(struct store_txn *txn, const struct apply_context *context, const char *rid,
                 bool was_404);
/* All rows below this item's are. */
int absence_note_below(struct store_txn *txn, const struct apply_context *context, const char *rid);
int absence_note_present(struct store_txn *txn, int64_t drive, const char *rid);

/* As apply_report, for what comes beside delta. A row that this makes or changes is in doubt until
 * delta has told of it, or it was asked for later: the answer may be late, and then delta won't
 * tell once more. An item whose place is another row's is left to delta. */
int absence_apply_unreported(struct store_txn *txn, const struct apply_context *context,
                             const struct item *item, enum apply_outcome *ret, struct err *err);

void absence_poke(struct sync *sync); /* rows may be missing: look */
void absence_wake(struct sync *sync); /* the same, even if asking has failed */
/* Removals that were held may go. */
void absence_confirm(struct sync *sync);
void absence_free(struct sync *sync);

/* ---- status.c ---- */

void status_publish(struct sync *sync);

#endif
