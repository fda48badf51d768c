/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_STORE_STORE_H
#define GRAPHFS_STORE_STORE_H

/*
 * The store: every place in the tree is a row here, and all that the user sees is read from here.
 *
 * One SQLite file (WAL) per account. Written through one connection, in transactions, by whoever
 * holds the writer mutex (store_begin); read through one connection per thread. The metadata lock
 * is a read-write lock that favours writers: a handler of the kernel's requests holds it shared
 * from its SELECT to its reply; store_commit holds it exclusively around COMMIT alone, and
 * store_commit_reply through the reply. So no reply carries a state that is older than a
 * notification, or another reply, already sent.
 *
 * Lock order: writer mutex (store_begin .. store_commit/rollback), then the metadata lock, never
 * the other way round and never upgraded. The listener runs after both are released.
 */

#include "base/clock.h"
#include "base/err.h"
#include "graph/item.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct store;
struct store_txn;

/* Inode numbers: SQLite row ids, never reused. The fixed ones are seeded at creation. */
typedef uint64_t ino_nr;

#define STORE_INO_NONE   0  /* no place: children of it are in the tree for nobody */
#define STORE_INO_ROOT   1  /* "/"        */
#define STORE_INO_ME     2  /* "/me"      */
#define STORE_INO_DRIVES 3  /* "/drives"  */
#define STORE_INO_FIRST  16 /* the first number for everything else */

enum node_kind {
    NODE_VIEW,   /* a directory of Graph's own tree: "/", "/me", "/drives" */
    NODE_FOLDER, /* a folder of a drive, its root, or a shortcut to a folder elsewhere */
    NODE_FILE,
    NODE_PACKAGE, /* a OneNote notebook: a directory that can't be entered */
    NODE_LINK,    /* a symlink to the home of the node `target` */
};

enum node_flags {
    NODE_LOCAL = 1 << 0,  /* the local state exists (unset: deleted locally, base still there) */
    NODE_BASE = 1 << 1,   /* the base exists (unset: local-only, never seen by the server) */
    NODE_REMOTE = 1 << 2, /* a row in `remote` says what the server has now; it differs from base */
    NODE_COMPLETE = 1 << 3,     /* a directory whose children are all known */
    NODE_SAFE_NAME = 1 << 4,    /* `name` stands in for base.name, which can't be shown (taken,
                                   unsafe): this is no local change */
    NODE_MALWARE = 1 << 5,      /* content is refused: EACCES */
    NODE_SHORTCUT = 1 << 6,     /* lives in another drive: node.target_* */
    NODE_HAS_HASH = 1 << 7,     /* base.hash is the hash of base's content */
    NODE_WAS_COMPLETE = 1 << 8, /* it isn't complete any more, but may have been told to be */
    NODE_HAS_ATTR = 1 << 9,     /* store_get_attr() knows more of it; set by txn_set_attr() alone */
    NODE_LOCAL_ONLY = 1 << 10,  /* without a base, and with none to come: the name that it has here,
                                   or that of a folder above, is one that isn't sent */
    NODE_CONFLICT = 1 << 11,    /* a conflict copy that nobody has renamed since */
};

/* One state of an item: where it is and what it holds. Strings are owned by the node. */
struct node_state {
    ino_nr parent;
    char *name; /* as shown: decoded, bytes, no '/' */
    int64_t size;
    int64_t mtime_ns;
    uint64_t generation; /* the content generation that it stands for; 0 for directories */
    /* below: base and remote only, NULL/0 in local */
    char *etag;
    char *ctag;
    enum hash_kind hash_kind;
    char *hash;
    int64_t server_mtime_ns; /* lastModifiedDateTime: finds this version among /versions */
};

/* What a handler needs to answer the kernel: no strings, so that a stat allocates nothing. */
struct node_attr {
    ino_nr ino;
    ino_nr parent;
    enum node_kind kind;
    unsigned flags; /* enum node_flags */
    int64_t drive;  /* row id of its drive; 0: none */
    int64_t size;
    int64_t mtime_ns;
    uint64_t generation;
    ino_nr target;     /* NODE_LINK */
    int64_t listed_ms; /* when a listing of it, or of a shortcut to a file what that is, was last
                          completed; real time; 0: never */
};

struct node {
    struct node_attr attr; /* local state's numbers */
    char *rid;             /* the server's item id; NULL: never uploaded */
    struct node_state local;
    struct node_state base;   /* whole even where the table has NULL for "as local" */
    struct node_state remote; /* valid with NODE_REMOTE and !remote_deleted */
    bool remote_deleted;      /* with NODE_REMOTE: the server has deleted it */
    int64_t confirmed_ms;  /* when a direct answer (listing, GET) last told its state; 0: never */
    char *target_drive_id; /* NODE_SHORTCUT */
    char *target_rid;
};

/* Frees what the node holds and zeroes it. */
void node_clear(struct node *node);

/* Which parts of local differ from base. */
enum node_dirty {
    DIRTY_PLACE = 1,
    DIRTY_CONTENT = 2,
    DIRTY_MTIME = 4,
    DIRTY_CREATED = 8,
    DIRTY_DELETED = 16
};

/* The one function that says how a row differs: enum node_dirty, or 0. NODE_SAFE_NAME and folder
 * times are no difference; mtime counts at granularity_ns. What is NODE_LOCAL_ONLY differs, and is
 * not sent. */
unsigned node_dirty(const struct node *node, int64_t granularity_ns);

/* ---- life ---- */

struct store_identity {
    const char *cloud;  /* "global", … */
    const char *tenant; /* "" if not known */
    const char *user;   /* the user's id */
};

/* Opens or creates the store in directory `dir` (store.db), migrates its schema, and binds it to
 * identity (NULL: as it is). A store of another identity is -EPERM with a message; one that SQLite
 * calls damaged is renamed to store.db.damaged-TIME and a new one is made (*ret_was_damaged). The
 * caller holds the account's lock file. */
int store_open(const char *dir, const struct store_identity *identity, struct clock *clock,
               struct store **ret, bool *ret_was_damaged, struct err *err);

/* Checkpoints and closes. No other thread may use the store. NULL is allowed. */
void store_close(struct store *store);

/* Changes whenever the store was made anew: names the content cache that belongs to it. */
const char *store_uuid(const struct store *store);

/* True if the last process did not call store_close(): check in the background. */
bool store_was_unclean(const struct store *store);
int store_quick_check(struct store *store, struct err *err);

/* How much is to be sent of a store that nobody has to have open, and somebody may: for a process
 * that isn't the daemon. 0 if there is no store; an error if it can't be read. */
int store_count_left(const char *dir, int64_t *ret);

/* ---- the metadata lock, for handlers ---- */

/* Held from SELECT to reply. Not to be taken twice by one thread, and no writing meanwhile. */
void store_lock_shared(struct store *store);
void store_unlock_shared(struct store *store);

/* ---- reading, on the calling thread's own connection; the strings given are the caller's ---- */

/* -ENOENT if there is no such row. */
int store_getattr(struct store *store, ino_nr ino, struct node_attr *ret);

/* A place by name, among local states. -ENOENT if none. */
int store_lookup(struct store *store, ino_nr parent, const char *name, struct node_attr *ret);

/* The whole row. -ENOENT if none. Clear with node_clear(). */
int store_get_node(struct store *store, ino_nr ino, struct node *ret);

/* Calls `each` for the children of parent whose number is greater than after, in order of number,
 * until it returns false. name is borrowed. */
typedef bool store_child_fn(const struct node_attr *attr, const char *name, void *arg);
int store_list(struct store *store, ino_nr parent, ino_nr after, store_child_fn *each, void *arg);

/* The same in order of name (of its bytes), for those behind the name `after`. */
int store_list_by_name(struct store *store, ino_nr parent, const char *after, store_child_fn *each,
                       void *arg);

/*
 * What may have to be sent: files and folders for which node_dirty() may say so, in order of
 * number, from the one behind `after` on, until `each` returns false. Reads these rows alone,
 * however many there are. A row that is NODE_LOCAL_ONLY isn't among them, nor one that only a child
 * told of. A time makes a row one of them if it differs in whole seconds:
 * node_dirty() is not to be asked for a finer granularity. `each` may not list them itself.
 */
int store_list_dirty(struct store *store, ino_nr after, store_child_fn *each, void *arg);
int store_count_dirty(struct store *store, int64_t *ret);

/* How many rows of each drive are to be deleted there, if there are any; and how many a drive has
 * that the service knows of, for which all of them are read. */
typedef bool store_count_fn(int64_t drive, int64_t count, void *arg);
int store_count_deleted(struct store *store, store_count_fn *each, void *arg);
int store_count_items(struct store *store, int64_t drive, int64_t *ret);

/* The rows that are NODE_LOCAL_ONLY, the same way. */
int store_list_local_only(struct store *store, ino_nr after, store_child_fn *each, void *arg);

/* The sum of the sizes of files with content that is to be sent. */
int store_sum_dirty(struct store *store, int64_t *ret);

/* The conflict copies (NODE_CONFLICT), as store_list_dirty(). */
int store_list_conflicts(struct store *store, ino_nr after, store_child_fn *each, void *arg);
int store_count_conflicts(struct store *store, int64_t *ret);

/* The file that shows this content; -ENOENT: none does. Goes through all rows. */
int store_find_content(struct store *store, uint64_t generation, ino_nr *ret);

/* The path of a node from "/", for messages and symlinks. The caller frees it. */
int store_path(struct store *store, ino_nr ino, char **ret);

struct store_counts {
    int64_t nodes;
    int64_t folders;
    int64_t bytes; /* sum of file sizes */
    int64_t held;  /* rows missing on the server whose removal is held */
};

/* What the store holds. Reads every row: for status, not for handlers. */
int store_counts(struct store *store, struct store_counts *ret);

/* ---- pins: places whose content is kept here, theirs and that of all below them ---- */

/* A pin follows its row, whatever name, place or number that gets, and goes with it. */
int txn_pin(struct store_txn *txn, ino_nr ino);

/* Whether there is one on the row itself. */
int txn_has_pin(struct store_txn *txn, ino_nr ino, bool *ret);

/* Removes the pins of the row and of all below it. */
int txn_unpin(struct store_txn *txn, ino_nr ino);

/* The pins in order of number, from the one behind `after` on, until `each` returns false. */
typedef bool store_pin_fn(ino_nr ino, void *arg);
int store_list_pins(struct store *store, ino_nr after, store_pin_fn *each, void *arg);

/* The pin that holds the row: its own, else one above it; 0: none. */
int store_find_pin(struct store *store, ino_nr ino, ino_nr *ret);

/* ---- attributes that are kept here and never sent ---- */

enum local_attr_set { ATTR_MODE = 1, ATTR_UID = 2, ATTR_GID = 4, ATTR_ATIME = 8 };

struct local_attr {
    unsigned set; /* enum local_attr_set: which of these were ever set */
    mode_t mode;  /* permissions */
    uid_t uid;
    gid_t gid;
    int64_t atime_ns;
};

/* Nothing set if there are none: NODE_HAS_ATTR tells without a look. */
int store_get_attr(struct store *store, ino_nr ino, struct local_attr *ret);
/* Sets those in attr->set and leaves the others. -ENOENT if there is no such row. */
int txn_set_attr(struct store_txn *txn, ino_nr ino, const struct local_attr *attr);

/* Extended attributes: bytes under a name. */
#define STORE_XATTR_NAME_MAX  255
#define STORE_XATTR_VALUE_MAX ((size_t)64 * 1024)

/* The caller frees *ret, which isn't NULL for an empty value, and has a NUL behind it. -ENODATA. */
int store_get_xattr(struct store *store, ino_nr ino, const char *name, char **ret,
                    size_t *ret_size);
/* The names, in order, until `each` returns false. */
typedef bool store_xattr_fn(const char *name, void *arg);
int store_list_xattrs(struct store *store, ino_nr ino, store_xattr_fn *each, void *arg);
/* flags: XATTR_CREATE, XATTR_REPLACE or 0, as for setxattr(2). -ENOENT if there is no such row;
 * -EEXIST, -ENODATA by flags; -ERANGE, -E2BIG: the name, the value is too long. */
int txn_set_xattr(struct store_txn *txn, ino_nr ino, const char *name, const void *value,
                  size_t size, int flags);
int txn_remove_xattr(struct store_txn *txn, ino_nr ino, const char *name); /* or -ENODATA */

/* ---- drives ---- */

enum round_kind {
    ROUND_NONE,  /* between rounds: delta_link leads on; NULL: no first round yet */
    ROUND_FIRST, /* the first enumeration: applied page by page; next_link leads on */
    ROUND_DELTA, /* pages are being staged */
    ROUND_FULL,  /* a full enumeration after a 410, staged; what it lacks is asked for */
    ROUND_APPLY, /* staging is whole: being applied; delta_link is the next round's */
};

enum drive_kind {
    DRIVE_OWN,    /* in /drives or /me/drive; has delta */
    DRIVE_SHARED, /* what a shortcut points to: no delta, relisted when opened */
};

struct drive_row {
    int64_t id;
    enum drive_kind kind;
    char *drive_id; /* the server's, normalised */
    char *type;     /* personal, business, documentLibrary */
    char *name;
    char *owner;
    ino_nr root;    /* its root folder, or the shortcut */
    char *root_rid; /* the item id of the root; NULL: not known yet */
    bool is_default;
    int64_t quota_total, quota_used, quota_remaining; /* bytes */
    enum round_kind round;
    bool round_was_full; /* with ROUND_APPLY: absence is to be looked at when it ends */
    char *next_link;
    char *delta_link;
    int64_t round_started_ms; /* real time */
    int64_t round_ended_ms;   /* of the last whole round; 0: none yet */
    int64_t items_seen;       /* of this round: progress */
};

/* Frees what the row holds and zeroes it. */
void drive_row_clear(struct drive_row *drive);

/* -ENOENT if there is none. Clear with drive_row_clear(). */
int store_get_drive(struct store *store, int64_t id, struct drive_row *ret);
/* The drive of this root: for a shortcut, the one that its children belong to. */
int store_find_drive_by_root(struct store *store, ino_nr root, struct drive_row *ret);
typedef bool store_drive_fn(const struct drive_row *drive, void *arg);
int store_list_drives(struct store *store, store_drive_fn *each, void *arg);

/* ---- writing ---- */

/* What the kernel (and those who keep content) must be told once a transaction is committed. */
enum change_kind {
    CHANGE_ENTRY,   /* what (parent, name) stands for changed or appeared: drop that name */
    CHANGE_DELETED, /* (parent, name) is gone, and ino with it */
    /* No name; parent is where ino could be looked up until now, if that is known. */
    CHANGE_ATTR,    /* attributes of ino, or its place */
    CHANGE_LISTING, /* names in the directory ino, and its attributes. Comes after what tells of the
                       names */
    CHANGE_CONTENT, /* content of ino */
    /* Neither name nor number: no row has the content `generation` any more, in none of its states,
       and no intent speaks of it. After a power cut a row may have it again, if the commit was not
       a durable one: what can't be fetched again must outlive that. */
    CHANGE_UNUSED,
};

struct change {
    enum change_kind kind;
    ino_nr parent;
    ino_nr ino;
    uint64_t generation; /* CHANGE_UNUSED */
    char *name;          /* owned by the list */
    bool is_own;         /* the kernel asked for it, and knows: see txn_set_own() */
};

typedef void store_listener_fn(const struct change *changes, size_t count, void *arg);

/* Runs in the committing thread after every commit that changed what is seen, with no lock held. */
void store_set_listener(struct store *store, store_listener_fn *listener, void *arg);

/* Asked under the exclusive metadata lock, at commit, for each file whose content changed, but not
 * by an own change. If open, the row takes a new inode number (as if a new file had been renamed
 * over it), and the old number is left to the open files: so the size and bytes of an inode in use
 * never change. */
typedef bool store_is_open_fn(ino_nr ino, void *arg);
void store_set_is_open(struct store *store, store_is_open_fn *is_open, void *arg);

/* Whether somebody has this file open for writing, who goes on with the content that he opened.
 * False for all, unless there is somebody to ask. */
bool txn_is_being_written(const struct store_txn *txn, ino_nr ino);
void store_set_is_being_written(struct store *store, store_is_open_fn *fn, void *arg);

/* Takes the writer mutex and begins. Pair with store_commit or store_rollback. Blocks on another
 * writer. */
int store_begin(struct store *store, struct store_txn **ret, struct err *err);
int store_commit(struct store_txn *txn, struct err *err);
void store_rollback(struct store_txn *txn); /* NULL is allowed */

/* As store_commit(), and reply(arg) runs right after COMMIT, still under the exclusive metadata
 * lock, so it must not block, take that lock, or write. It doesn't run if the commit fails. */
typedef void store_reply_fn(void *arg);
int store_commit_reply(struct store_txn *txn, store_reply_fn *reply, void *arg, struct err *err);

/* As store_commit(), and the commit, with all that came before it, is on the disk when this
 * returns, also if it changed nothing. Blocks on the disk; other commits don't wait for that. If it
 * fails for the disk the transaction is committed all the same, and its changes are told but for
 * CHANGE_UNUSED. */
int store_commit_durably(struct store_txn *txn, struct err *err);

/* All that was committed before is on the disk when this returns; as store_commit_durably(). */
int store_sync(struct store *store, struct err *err);

/* Whether the kernel asked for what is changed from now on in this transaction, and makes the
 * changes in its caches itself: names, the attributes of what has them, and of the directory that
 * they are in. Such changes are told as own. Returns what was said before; a transaction begins
 * with false. */
bool txn_set_own(struct store_txn *txn, bool is_own);

/* The same reads, inside the transaction. */
int txn_getattr(struct store_txn *txn, ino_nr ino, struct node_attr *ret);
int txn_get_node(struct store_txn *txn, ino_nr ino, struct node *ret);
int txn_find_node(struct store_txn *txn, int64_t drive, const char *rid, struct node *ret);
int txn_lookup(struct store_txn *txn, ino_nr parent, const char *name, struct node_attr *ret);
int txn_list(struct store_txn *txn, ino_nr parent, ino_nr after, store_child_fn *each, void *arg);
int txn_list_dirty(struct store_txn *txn, ino_nr after, store_child_fn *each, void *arg);
int txn_list_local_only(struct store_txn *txn, ino_nr after, store_child_fn *each, void *arg);
int txn_get_drive(struct store_txn *txn, int64_t id, struct drive_row *ret);
/* The one with this id; of shared ones, which can have several roots in one drive, the eldest. */
int txn_find_drive(struct store_txn *txn, const char *drive_id, enum drive_kind kind,
                   struct drive_row *ret);
int txn_find_drive_by_root(struct store_txn *txn, ino_nr root, struct drive_row *ret);

/* The first name in a directory, in order of bytes, that isn't before `from`, whether its row is
 * shown or was deleted locally. -ENOENT if there is none. The caller frees it. */
int txn_next_name(struct store_txn *txn, ino_nr parent, const char *from, char **ret);

/* The eldest row in parent that is shown under another name (NODE_SAFE_NAME) though base's is this.
 * -ENOENT if none. */
int txn_find_waiting(struct store_txn *txn, ino_nr parent, const char *name, ino_nr *ret);

/* The numbers, in order, of rows whose base is in this place though they are shown elsewhere, under
 * a safe name, or not at all: what the server has there, as far as is known. The caller frees *ret.
 */
int txn_find_base_place(struct store_txn *txn, ino_nr parent, const char *name, ino_nr **ret,
                        size_t *ret_count);

/* The numbers of all rows that have directory as local parent (deleted locally or not) or as base
 * parent; and of those without a place whose `remote` names one, the next hundred after a number.
 * The caller frees *ret. */
int txn_list_related(struct store_txn *txn, ino_nr directory, ino_nr **ret, size_t *ret_count);
int txn_list_held_back(struct store_txn *txn, ino_nr after, ino_nr **ret, size_t *ret_count);

/* Rows in the tree of which the server's newest word differs from base. */
int txn_list_with_remote(struct store_txn *txn, ino_nr **ret, size_t *ret_count);

/* Inserts (attr.ino == 0: a new number, set in *node) or replaces the whole row; works out which
 * changes are to be told (by comparing with the row as it was) and writes NULL where base equals
 * local. A visible child of `complete` or ever-listed parents is told; so is the parent's mtime. */
int txn_put_node(struct store_txn *txn, struct node *node);

/* The directory's mtime is this after the commit, rather than that of the commit itself. */
void txn_touch(struct store_txn *txn, ino_nr directory, int64_t time_ns);

/* How many rows of a drive the server has; goes through all. */
int txn_count_rows(struct store_txn *txn, int64_t drive, int64_t *ret);

/* Sets confirmed_ms alone: nothing is told. */
int txn_confirm_node(struct store_txn *txn, ino_nr ino, int64_t now_ms);

/* Removes one row (not its children), with what side tables have of it, and tells it. */
int txn_remove_node(struct store_txn *txn, ino_nr ino);

/* A content generation that was never given out before. No two rows may share one. */
int txn_next_generation(struct store_txn *txn, uint64_t *ret);

/* Remembers the names that aren't sent. *ret_is_new: others were, or none. */
int txn_note_local_only(struct store_txn *txn, const char *patterns, bool *ret_is_new);

/* Sets listed_ms alone: nothing is told. */
int txn_set_listed(struct store_txn *txn, ino_nr ino, int64_t now_ms);

/* Sets NODE_COMPLETE (and listed_ms = now) on a directory, or clears it. */
int txn_set_complete(struct store_txn *txn, ino_nr ino, bool complete);
/* After an enumeration that began at began_ms: all that it named are complete. Those that are
 * missing are not, unless they were listed since. */
int txn_set_all_complete(struct store_txn *txn, int64_t drive, int64_t began_ms);

/* Inserts (id == 0, set in *drive) or replaces. */
int txn_put_drive(struct store_txn *txn, struct drive_row *drive);
int txn_remove_drive(struct store_txn *txn, int64_t id);

/* Staging: the last word on each id wins. The item given back, with its strings, lives until fn
 * returns; fn may stage and unstage. */
int txn_stage(struct store_txn *txn, int64_t drive, const struct item *item);
typedef int txn_staged_fn(struct store_txn *txn, const struct item *item, void *arg);
/* -ENOENT if it isn't staged, else what fn returned. */
int txn_get_staged(struct store_txn *txn, int64_t drive, const char *rid, txn_staged_fn *fn,
                   void *arg);
/* The next `max` staged items: live ones before tombstones. fn returns 0, or an error that ends it.
 */
int txn_each_staged(struct store_txn *txn, int64_t drive, size_t max, txn_staged_fn *fn, void *arg);
/* The same for live ones whose id has no row, or one without name and place that only what is in it
 * has told of, in order of their ids, from the one after `after` on. */
int txn_each_unknown(struct store_txn *txn, int64_t drive, const char *after, size_t max,
                     txn_staged_fn *fn, void *arg);
/* All tombstones. */
int txn_each_removed(struct store_txn *txn, int64_t drive, txn_staged_fn *fn, void *arg);
int txn_unstage(struct store_txn *txn, int64_t drive, const char *rid);
int txn_clear_staging(struct store_txn *txn, int64_t drive);
int txn_has_staged_live(struct store_txn *txn, int64_t drive, bool *ret);
int txn_count_staged(struct store_txn *txn, int64_t drive, int64_t *ret);

/* Rows of a drive (base exists) which the staged full enumeration lacks are recorded as missing. To
 * be called before staging is applied. */
int txn_note_missing(struct store_txn *txn, int64_t drive, int64_t *ret_count);
/* Those of a drive that are recorded are so since now. */
int txn_renew_missing(struct store_txn *txn, int64_t drive);

struct missing_row {
    ino_nr ino;
    int64_t drive;
    char *rid;            /* its item id now: told by store_list_missing, never written */
    int64_t since_ms;     /* when it was noted, real time */
    int64_t asked_ms;     /* when it was asked for last, whatever the answer; 0: never */
    int64_t first_404_ms; /* 0: none so far */
    bool held;            /* too many at once: waits for the user */
};

/* Gives the topmost ones only: those below go, or come to be the topmost, when these are settled.
 */
typedef bool store_missing_fn(const struct missing_row *row, void *arg);
int store_list_missing(struct store *store, int64_t drive, store_missing_fn *each, void *arg);
int txn_get_missing(struct store_txn *txn, ino_nr ino, struct missing_row *ret); /* or -ENOENT */
int txn_put_missing(struct store_txn *txn, const struct missing_row *row);
int txn_add_missing(struct store_txn *txn, const struct missing_row *row); /* if there is none */
int txn_clear_missing(struct store_txn *txn, ino_nr ino);
/* All of a drive, those below others too: how many, how many held; hold them, or let them go. */
int txn_count_missing(struct store_txn *txn, int64_t drive, int64_t *ret);
int store_count_held(struct store *store, int64_t drive, int64_t *ret);
int txn_hold_missing(struct store_txn *txn, int64_t drive, bool held);

/* ---- what the service was asked for, and has not answered ---- */

enum intent_verb {
    INTENT_CREATE_FOLDER,
    INTENT_UPLOAD,
    INTENT_CHANGE, /* of place, mtime or both */
    INTENT_DELETE,
};

/*
 * Recorded before a request that changes the server: whatever becomes of the process or the answer,
 * this tells what may have been done. A row has one at most. The row itself may say something else
 * by now, or have lost its local state. Strings are the holder's.
 */
struct intent {
    ino_nr ino;
    enum intent_verb verb;
    char *rid; /* the item that it is addressed to; NULL: by place */
    ino_nr parent;
    char *parent_rid;
    char *name;          /* as sent: the server's form */
    uint64_t generation; /* what is uploaded; 0: no content is sent */
    int64_t size;
    int64_t mtime_ns;
    enum hash_kind hash_kind;
    char *hash;
    char *session_url; /* a secret: who has it can write; never to be logged. NULL: no session */
    int64_t session_until_ms; /* real time */
    int64_t asked_ms;         /* real time; 0: the item can't have been changed yet */
};

/* Frees what it holds and zeroes it. */
void intent_clear(struct intent *intent);

/* Replaces. The generation that it speaks of isn't told as unused before it is cleared. */
int txn_put_intent(struct store_txn *txn, const struct intent *intent);
/* -ENOENT if there is none. Clear with intent_clear(). */
int txn_get_intent(struct store_txn *txn, ino_nr ino, struct intent *ret);
/* Whose it is to make something at a place; -ENOENT: nobody's. */
int txn_find_intent(struct store_txn *txn, const char *parent_rid, const char *name, ino_nr *ret);
int txn_clear_intent(struct store_txn *txn, ino_nr ino);
/* In order of number, from the one behind `after` on, until `each` returns false. */
typedef bool store_intent_fn(const struct intent *intent, void *arg);
int store_list_intents(struct store *store, ino_nr after, store_intent_fn *each, void *arg);

/* The server names of what is being made in this folder, until `each` returns false. */
typedef bool store_name_fn(const char *name, void *arg);
int txn_list_made(struct store_txn *txn, ino_nr parent, store_name_fn *each, void *arg);

/* ---- what can't be sent before somebody does something ---- */

struct blocked {
    ino_nr ino;
    int64_t since_ms; /* real time; kept when it is put again */
    int64_t retry_ms; /* when it is tried again all the same */
    int code;         /* -errno */
    char *reason;     /* for the user */
    char *remedy;     /* what to do about it */
};

/* Whether a row is one of these; since_ms is that of the first time. A row that becomes clean isn't
 * any more. */
int txn_put_blocked(struct store_txn *txn, const struct blocked *blocked);
int txn_clear_blocked(struct store_txn *txn, ino_nr ino);
/* In order of number, from the one behind `after` on, until `each` returns false. */
typedef bool store_blocked_fn(const struct blocked *blocked, void *arg);
int store_list_blocked(struct store *store, ino_nr after, store_blocked_fn *each, void *arg);
int store_count_blocked(struct store *store, int64_t *ret);
/* -ENOENT if it isn't. The caller frees the strings. */
int store_get_blocked(struct store *store, ino_nr ino, struct blocked *ret);

/* ---- what was deleted on the server ---- */

/* A confirmed delete, kept so that a late report doesn't bring it back; whether there is one, or
 * when it was (-ENOENT: there is none). */
int txn_put_tombstone(struct store_txn *txn, int64_t drive, const char *rid, int64_t now_ms);
int txn_has_tombstone(struct store_txn *txn, int64_t drive, const char *rid, bool *ret);
int txn_get_tombstone(struct store_txn *txn, int64_t drive, const char *rid, int64_t *ret_ms);
int txn_remove_tombstone(struct store_txn *txn, int64_t drive, const char *rid);
/* Drops those older than before_ms. */
int txn_purge_tombstones(struct store_txn *txn, int64_t drive, int64_t before_ms);

#endif
