/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_CONTENT_CONTENT_I_H
#define GRAPHFS_CONTENT_CONTENT_I_H

/*
 * What the files of content share: its structs, and who may touch what.
 *
 * Locks, in order: evicting, then the table's lock, then one version's lock, then jobs_lock; and
 * wrong_lock, with which none of them is taken. Of versions only one is locked at a time. None but
 * wrong_lock is held while the remote or a function of others is called, and the table's is not
 * held over disk access.
 */

#include "content/block.h"
#include "content/content.h"
#include "content/format.h"
#include "content/readahead.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

/* A read, with all that it causes, ends within this time. */
#define READ_DEADLINE_MS 60000
/* Fetched in one range, and checked before anybody sees it. */
#define SMALL_SIZE CONTENT_SMALL_SIZE
/* The longest range of one request that a read waits for. */
#define RANGE_BLOCKS 32
/* A longer range arrives in pieces of so much: whole blocks. */
#define PIECE_BYTES (4 * BLOCK_SIZE)
/* Downloads that could not be believed or kept, of one fetch. */
#define FETCH_TRIES_MAX 3
/* What may be on its way ahead of readers, of the whole process. */
#define PREFETCH_BUDGET (INT64_C(256) * 1024 * 1024)

TAILQ_HEAD(version_list, version);
STAILQ_HEAD(version_queue, version);
TAILQ_HEAD(fetch_list, fetch);
LIST_HEAD(wait_list, content_wait);
STAILQ_HEAD(wait_queue, content_wait);

/* Any thread. */
struct content {
    char *base_directory;    /* has one directory per store; const after init */
    char *directory;         /* of this store's versions; const after init */
    char boot_id[UUID_SIZE]; /* const after init */
    int64_t limit_bytes;     /* const after init */
    int64_t min_free_bytes;  /* const after init */
    struct remote *remote;   /* const after init */
    struct pool *pool;       /* const after init */
    struct clock *clock;     /* const after init */

    pthread_mutex_t wrong_lock; /* held while on_wrong runs */
    content_wrong_fn *on_wrong; /* wrong_lock */
    void *on_wrong_arg;         /* wrong_lock */

    _Atomic int64_t used_bytes;     /* on disk, and on its way there */
    _Atomic int64_t pinned_bytes;   /* of these on disk in pinned versions */
    _Atomic int64_t on_way_bytes;   /* of these not on disk yet: the free space still has them */
    _Atomic int64_t files;          /* on disk */
    _Atomic int64_t prefetch_bytes; /* asked for ahead of readers and not here yet */
    _Atomic bool knows_pins;        /* nothing is evicted before */
    _Atomic bool is_closing;
    _Atomic bool has_said_full; /* that the disk is full is said once */
    _Atomic bool is_without_room;

    pthread_mutex_t evicting; /* one at a time makes room */

    pthread_mutex_t lock;               /* the table's */
    void *versions;                     /* lock; tsearch tree by generation */
    struct version_list idle;           /* lock; on disk, used by nobody; longest unused first */
    struct version_list kept;           /* lock; pinned, used by nobody */
    struct version_list active;         /* lock; referenced */
    struct version_queue persist_queue; /* lock; each holds a reference */
    bool is_persisting;                 /* lock; a job works on the queue */

    pthread_mutex_t jobs_lock;
    pthread_cond_t jobs_ended; /* signalled with jobs_lock held */
    unsigned jobs;             /* jobs_lock; requests and pool jobs that will still touch us */
    unsigned fetches_active;   /* jobs_lock */
};

/* What is known of a version's content; strings are owned. */
struct version_id {
    char *drive_id;
    char *item_id;
    char *etag;
    char *ctag;
    enum hash_kind hash_kind;
    char *hash;
    int64_t server_mtime_ns;
};

/*
 * A version: the file on disk and, while somebody uses it, what is going on with it. The table has
 * one per generation, so that all who open it share blocks and fetches. It is referenced by open
 * files, by requests under way and by jobs. Without a reference it is idle: known, not open. A
 * pinned one stays known although nothing of it is on disk.
 *
 * Always: a block is at most one of present and pending; synced is a subset of present; a version
 * of up to SMALL_SIZE has all its blocks or none; a verdict other than NONE means that it is whole.
 */
struct version {
    struct content *content; /* const after init */
    uint64_t generation;     /* const after init */

    TAILQ_ENTRY(version) listed;        /* table's lock; in active, idle or kept */
    STAILQ_ENTRY(version) persist_link; /* table's lock */
    _Atomic unsigned references;        /* leaves 0, and reaches it, under the table's lock */
    bool is_queued;                     /* table's lock; for persisting */

    pthread_mutex_t lock; /* guards all that follows */
    int64_t size;         /* const while is_loaded */
    size_t blocks;        /* const while is_loaded */
    unsigned handles;     /* open files */
    bool was_opened;      /* since it was loaded */
    bool is_dropped;      /* no row stands for it any more */
    bool is_pinned;       /* const while it is idle */

    /* The file. */
    bool is_loaded;       /* the bitmaps are here, and fd if there is a file */
    bool has_file;        /* on disk, as far as we know */
    bool is_shared;       /* others may read the file by themselves: no holes are made in it */
    int fd;               /* -1: not loaded, or no file */
    enum verdict verdict; /* known while idle, too, as is present_count */
    enum verdict verdict_synced;
    bool has_unsynced; /* present and synced differ, or the verdicts */
    bool is_verifying; /* a job computes the hash */
    bool is_broken;    /* two different wrong downloads */
    int64_t used;      /* bytes of the file that used_bytes counts */
    uint8_t *present;  /* blocks on disk */
    uint8_t *synced;   /* those that would survive a power cut */
    uint8_t *pending;  /* blocks that a fetch brings, or that are leaving (leave.c) */
    size_t present_count;
    size_t wrong_length; /* of wrong_digest; 0: no wrong download yet */
    uint8_t wrong_digest[FORMAT_DIGEST_MAX];
    uint64_t losses;        /* times that blocks were taken away */
    struct block_range hot; /* around the newest read: evicted last */

    /* Where it comes from. */
    struct version_id id;
    char *url;               /* preauthenticated, a secret; NULL: not known */
    int64_t url_until_ms;    /* when it is too old to be tried */
    char *located_etag;      /* of the item at that time, without quotes */
    char *good_etag;         /* the content host's own, once proven to mean this version */
    uint64_t locate_request; /* of the remote; 0: none, or not known yet */
    unsigned locates;        /* requests for the item so far, including one under way */
    bool is_locating;        /* one is under way */
    bool is_stale;           /* the item has other content now */
    bool is_perhaps_stale;   /* is_stale, as the content host says; the item doesn't say so yet */
    struct history *history; /* NULL: its old content was never needed */
    bool is_advancing;       /* a job for fetch_advance() is submitted */

    int64_t late_until_ms; /* a read has just waited for all its time in vain: others need not */

    struct fetch_list fetches; /* what reads wait for comes first */
    struct wait_list waits;    /* what they cover is pinned: neither evicted nor dropped */
};

struct content_file {
    struct version *version;    /* const after init */
    struct readahead readahead; /* version's lock */
};

/* A read: waiting for blocks, or being answered. The version's lock guards it until is_answering is
 * set; then it belongs to the thread that set it. */
struct content_wait {
    LIST_ENTRY(content_wait) listed;
    STAILQ_ENTRY(content_wait) answer_link;
    struct version *version; /* const after init */
    int64_t offset;          /* const after init */
    size_t length;           /* const after init; > 0 */
    struct block_range blocks;
    content_read_fn *done;
    void *arg;
    int64_t deadline_ms;
    bool is_background; /* const after init; nobody reads what it waits for */
    bool has_retried;   /* a fetch that it had joined failed, and it asked once more */
    bool is_answering;
    int status;
    char *held;           /* bytes that the disk did not take; as long as the read; NULL: none */
    uint8_t *held_blocks; /* bitmap of those, from blocks.first on */
};

enum fetch_state {
    FETCH_QUEUED,   /* waits for a URL, or to be sent */
    FETCH_SENT,     /* the request is under way, or its answer is being taken in */
    FETCH_CHECKING, /* the bytes are here; the item is asked whether they are this version's */
};

/* One range on its way. Its blocks are pending. The version's lock guards it, except for what only
 * the thread that takes in the answer touches. */
struct fetch {
    TAILQ_ENTRY(fetch) listed;
    struct version *version;   /* const after init */
    struct block_range blocks; /* still pending: what is proven is taken off at the front */
    int64_t bytes;             /* of these */
    size_t written_end;        /* pieces before this block are on the disk, but not proven */
    int64_t deadline_ms;       /* const after init */
    unsigned references;       /* the list; who sends it */
    unsigned sends;            /* times that it was sent */
    enum fetch_state state;
    bool is_prefetch;       /* no read waits for it, or none did when it was sent */
    bool is_cancelled;      /* not wanted any more */
    bool has_relocated;     /* its URL was dead once */
    bool has_wrong_size;    /* the host tells another size than the version's */
    bool is_void;           /* what arrives is of no use, see arrive.c */
    bool is_unkept;         /* the disk didn't take a piece of it */
    unsigned tries;         /* downloads that could not be believed */
    int64_t prefetch_bytes; /* its share of content's */
    int64_t reserved;       /* bytes of used_bytes that are its own until blocks are present */
    uint64_t request;       /* of the remote; 0: not known yet */
    unsigned locates;       /* of the version, when the URL was taken */
    unsigned check;         /* CHECKING: the locate that decides */
    char *data;             /* CHECKING: what the disk did not take */
    char *etag;             /* of the content host for what isn't proven, without quotes */
    enum verdict verdict;   /* of content that is one range */
};

/* ---- content.c: the table ---- */

/* Finds or makes the version, and references it. Takes the table's lock. */
struct version *content_get_version(struct content *content, uint64_t generation, int64_t size);

/* Same, NULL if the table doesn't have it. */
struct version *content_find_version(struct content *content, uint64_t generation);

/* A further reference; the caller has one. */
void version_ref(struct version *version);

/* Ends a reference; the last one puts the version to rest. May access the disk; holds no lock. */
void version_unref(struct version *version);

/* The idle version that nobody has used for the longest time, referenced (and so active); NULL:
 * none. */
struct version *content_take_idle(struct content *content);

/* Goes round the active versions: the next one, referenced. NULL: none. */
struct version *content_next_active(struct content *content);
size_t content_count_active(struct content *content);

/* Counts what will touch content later on: content_free() waits until all have ended. */
void content_job_begin(struct content *content);
void content_job_end(struct content *content);

/* Runs fn with the version, referenced until fn returns, on the pool. Any lock may be held. */
void content_submit(struct version *version, void (*fn)(void *version));

/* ---- version.c: the file; the version's lock is held ---- */

struct version *version_new(struct content *content, uint64_t generation, int64_t size);
void version_free(struct version *version);

/* The path of its file, for the caller to free. Needs no lock. */
char *version_path(const struct content *content, uint64_t generation);

/* Reads the header of a file. Returns 0, or a negative errno: -EBADMSG if it is no version, or of
 * another length than its header implies. Needs no lock. */
int version_read_header(int fd, struct format_header *ret);

/* Opens the file, if there is one, and believes of it what may be believed. A damaged one is
 * removed. Then is_loaded is set. */
void version_load(struct version *version);

/* Loads it, if it isn't, as content of that size. Returns 0, or -EBUSY: it is loaded with another
 * one. */
int version_load_as(struct version *version, int64_t size);

/* Closes the file; removes it if nothing in it is worth keeping. is_loaded is unset. */
void version_unload(struct version *version);

/* Unloads, and removes the file. */
void version_remove(struct version *version);

/* Makes the file if there is none; the caller has reserved room for its trailer.
 * Returns 0 or -errno. */
int version_create(struct version *version);

/* The file is there, with its trailer, for which the caller has reserved room; there was none. The
 * version owns fd from now on. */
void version_attach(struct version *version, int fd);

/* Makes room for so many bytes of content, and the file if there is none. Returns 0, and they are
 * on their way from then on; or -errno, and neither is there. No lock is held. */
int version_reserve(struct version *version, int64_t bytes);

bool version_has(const struct version *version, struct block_range blocks);
bool version_is_whole(const struct version *version);
struct block_range version_all(const struct version *version);

/* The first blocks in a row that are present. */
struct block_range version_present_run(const struct version *version);

/* Whether somebody else has cut the file. */
bool version_is_cut(const struct version *version);

/* The blocks have been written and belong: they are present, and no longer pending. */
void version_publish(struct version *version, struct block_range blocks);

/* The blocks, which are present, count no longer. *ret_was_synced: a power cut may still bring
 * their bits back, before the file is synced. Returns 0, or -errno if the disk has the bits still.
 */
int version_clear(struct version *version, struct block_range blocks, bool *ret_was_synced);

/* The blocks, which are present, count no longer, and a power cut does not bring them back. Their
 * bytes stay on the disk for whoever is reading them, until they are fetched again. Returns 0 or
 * -errno. */
int version_lose(struct version *version, struct block_range blocks);

/* The same for blocks that nobody reads; frees their space. Returns the bytes freed. */
int64_t version_forget(struct version *version, struct block_range blocks);

/* Frees the space of blocks whose bits are gone from the disk, unless the file is shared: then all
 * goes with the file. Needs no lock. */
void version_punch(const struct version *version, struct block_range blocks);

/* Writes the header: verdict and wrong digest. */
void version_write_header(struct version *version);

/* Writes the bytes of a bitmap that hold ${blocks}. Returns 0 or -errno. */
int version_write_map(const struct version *version, enum format_map map,
                      struct block_range blocks);

/* So much more of the disk, or less, is its file's. used_bytes is the caller's. */
void version_count(struct version *version, int64_t bytes);

/* Whether its bytes count for the limit, and may be evicted. */
void version_set_pinned(struct version *version, bool is_pinned);

/* Takes over all that is said of the content: the version's lock is held. */
void version_describe(struct version *version, const struct content_id *id);

/* ---- leave.c ---- */

/* What is to go next: present, and neither waited for nor being read. An empty range: nothing. The
 * version's lock is held. */
typedef struct block_range leave_pick_fn(struct version *version);

/* Takes what pick says off the disk, all other locks than the version's being allowed. The caller
 * has a reference. Nobody who reads other blocks waits for the disk. Returns the bytes freed; 0:
 * there was nothing. */
int64_t version_leave(struct version *version, leave_pick_fn *pick);

/* The blocks are pending no longer. Those that reads wait for, and that aren't present, are
 * fetched. Takes the version's lock. */
void version_release(struct version *version, struct block_range blocks);

/* ---- persist.c ---- */

/* Has what is present synced in the background. Takes the table's lock. */
void version_persist_later(struct version *version);

/* ---- read.c: waiting reads; the version's lock is held, except for read_settle() ---- */

/* Whether a read waits for, or is being answered from, any of the blocks. */
bool read_is_waiting(const struct version *version, struct block_range blocks);

/* Hands bytes that the disk did not take to the reads that wait for them. */
void read_hold(struct version *version, struct block_range blocks, const char *data,
               int64_t length);

/* Whether one waits that somebody reads by, and nothing is decided about it. */
bool read_is_unanswered(const struct version *version);

/* Fails the reads that have waited for all their time. Returns how long the next one may wait. */
int64_t read_expire(struct version *version);

/* The fetch of these blocks failed: reads that wait for them fail, too, or, if that may help and
 * they have the time, ask once more. What old versions may help with goes on waiting. */
void read_fail(struct version *version, struct block_range blocks, int code, bool may_retry);

/* The end of a version, ${arg}: all waiting reads are answered -ECANCELED, all fetches given up.
 * For content_submit(). */
void read_give_up(void *arg);

/* Blocks were lost: what waiting reads counted on is fetched again. */
void read_want_again(struct version *version);

/* Answers the reads that have all their blocks, or have failed. No lock is held. */
void read_settle(struct version *version);

/* ---- fetch.c: ranges; the version's lock is held where not said otherwise ---- */

/* A read needs the blocks by ${deadline_ms}: those that are neither present nor pending are
 * fetched. Nothing is sent before fetch_advance(). */
void fetch_want(struct version *version, struct block_range blocks, int64_t deadline_ms);

/* Same for blocks that a read will need, behind all that reads wait for, in ranges of up to
 * ${chunk} blocks. */
void fetch_want_ahead(struct version *version, struct block_range blocks, size_t chunk);

/* Sends what is to be sent, answers reads, starts the hash of what became whole. No lock is held;
 * may access the disk, call the remote and done functions. */
void fetch_advance(struct version *version);

/* fetch_advance(), soon, on the pool. */
void fetch_advance_later(struct version *version);

/* Gives up the fetches that no read waits for and no open file reads ahead by. No lock is held. */
void fetch_cancel_unwanted(struct version *version);

/* The bytes of a fetch are proven to be the version's. Ends the fetch. */
void fetch_accept(struct fetch *fetch);

/* Ends the fetch, and the reads that wait for it, with an error. */
void fetch_fail(struct fetch *fetch, int code);

/* Has it downloaded again, from a URL that is still to be located. */
void fetch_again(struct fetch *fetch);

/* What a read answers where the remote failed with err. */
int fetch_status(const struct err *err);

/* ---- arrive.c; no lock is held ---- */

/* A piece of the range has come; ${arg} is the fetch. A remote_piece_fn. */
void arrive_piece(const struct fetch_answer *answer, void *arg);

/* Whether it says that the URL is of no use any more. */
bool arrive_is_dead_url(const struct err *err);

/* The rest of the range has come, or err says why not. fetch_advance() is to follow. */
void arrive_end(struct fetch *fetch, const struct fetch_answer *answer, const struct err *err);

/* ---- locate.c: where the bytes are, and whose ---- */

/* A request for the item is under way from now on; the version's lock is held. */
void locate_mark(struct version *version);

/* Its number of the remote, for locate_cancel(); it may have been answered already. ${number} is
 * version->locates of when it was marked. Takes the version's lock. True: it is still under way. */
bool locate_note_request(struct version *version, uint64_t request, unsigned number);

/* Takes in the i-th answer of such a request, as a remote_items_fn gets it. Takes the version's
 * lock; fetch_advance() is to follow. */
void locate_answer(struct version *version, const struct item_page *page, const struct err *errors,
                   const struct err *err, size_t i);

/* Asks for the item if a fetch needs a URL or waits for a check. No lock is held. */
void locate_if_needed(struct version *version);

/* Whether there is a URL that may be tried. The version's lock is held. */
bool locate_has_url(const struct version *version);

/* Forgets the URL. The version's lock is held. */
void locate_forget(struct version *version);

/* Ends the request for the item early, if there is one. No lock is held. */
void locate_cancel(struct version *version);

/* ---- history.c: content that the item had before; the version's lock is held where not said
 * otherwise ---- */

/* Whether reads that the item can't serve any more may be served from its versions. */
bool history_may_help(const struct version *version);

/* Whether what is missing is being brought from there: then none of the rest may go. */
bool history_is_running(const struct version *version);

/* Whether history_if_needed() would begin. */
bool history_is_due(const struct version *version);

/* Begins to bring what is missing, if a read waits for it and nothing else will bring it. No lock
 * is held; may access the disk, and call the remote. */
void history_if_needed(struct version *version);

/* Nobody has the version open any more. No lock is held. */
void history_cancel(struct version *version);

/* What could not be had may be asked for once more. */
void history_forget(struct version *version);

/* When it isn't running. NULL is allowed. */
void history_free(struct history *history);

/* ---- verify.c ---- */

/* Starts to compute the hash of a version that is whole and has no verdict, if it has a hash. The
 * version's lock is held. */
void verify_if_whole(struct version *version);

enum verify_result {
    VERIFY_MATCH,
    VERIFY_FIRST_WRONG, /* fetch it once more */
    VERIFY_SAME_WRONG,  /* the same bytes twice: the service's hash is wrong */
    VERIFY_BROKEN,      /* different wrong bytes */
    VERIFY_NO_HASH,
};

/* The digest of all bytes of a version's file, on a pool thread without a lock; of length 0 if they
 * can't be read. It is void if version->losses isn't ${losses} any more. */
typedef void verify_done_fn(struct version *version, const uint8_t *digest, size_t length,
                            uint64_t losses);

/* Has the file hashed, whatever the bits say; as the version's own hash is. False: nobody can. The
 * version's lock is held. */
bool verify_start(struct version *version, verify_done_fn *done);

/* Whether it is the digest of the version's content. The version's lock is held. */
bool verify_matches(const struct version *version, const uint8_t *digest, size_t length);

/* Compares a digest of the whole content, and remembers a wrong one. The version's lock is held. */
enum verify_result verify_digest(struct version *version, const uint8_t *digest, size_t length);

/* ---- evict.c ---- */

/* Makes room for ${bytes} and counts them as used. Returns 0, or -ENOSPC if the limits can't be
 * kept; what is pinned is bound by the floor of free space alone. Takes the locks of the table and
 * of versions; accesses the disk. */
int room_reserve(struct content *content, int64_t bytes, bool is_pinned);

/* Frees at least ${bytes}, if it can, whatever the limits say: the disk is full. Locks as above. */
void room_free(struct content *content, int64_t bytes);

/* The end of a reservation: the bytes are on the disk now; or they won't come. */
void room_take(struct content *content, int64_t bytes);
void room_give_back(struct content *content, int64_t bytes);

/* ---- scan.c ---- */

/* Finds what is on disk, in the background. */
void scan_start(struct content *content);

#endif
