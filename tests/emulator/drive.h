/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_DRIVE_H
#define EMULATOR_DRIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blob.h"
#include "feed.h"
#include "memory.h"
#include "options.h"
#include "random.h"

/* The service's read models, each of which learns of a change in its own time; and the truth. */
enum view { VIEW_ITEM, VIEW_PATH, VIEW_CHILDREN, VIEW_DELTA, VIEW_COUNT, VIEW_TRUTH = VIEW_COUNT };

enum { ITEM_ROOT = 0, ITEM_NONE = UINT32_MAX, TREE_DEPTH_MAX = 1000 };

/* What an item was from one change to the next. */
struct state {
    const char *name;            /* in the drive's arena */
    struct blob *blob;           /* NULL for a folder */
    struct state *older;         /* kept until every view has seen this one */
    int64_t seen_ms[VIEW_COUNT]; /* when each view learns of it */
    int64_t mtime_ms;            /* what fileSystemInfo says */
    int64_t changed_ms;          /* the server's own time of the change */
    uint32_t parent;             /* ITEM_NONE for the root */
    uint32_t etag;
    uint32_t ctag;
    bool is_deleted;
};

/* An earlier content of a file. */
struct version {
    struct version *older;
    struct blob *blob;
    int64_t changed_ms;
    uint32_t number;
};

/* Sorted by name when somebody needs the order. */
struct children {
    uint32_t *items;
    size_t count;
    size_t capacity;
    bool is_sorted;
};

struct oddity;

struct item {
    struct state now;
    int64_t created_ms;
    int64_t tree_size;         /* of a folder: all bytes below */
    struct children *children; /* of a folder, else NULL */
    struct version *versions;  /* newest first, without the current one */
    struct oddity *oddity;     /* NULL for an ordinary item */
    uint32_t version;          /* number of the current content */
    uint32_t hash_next;
    uint32_t published;   /* its newest place in the feed, plus 1 */
    uint32_t told_parent; /* where it was when delta last told of it */
    uint32_t binned_with; /* deleted: the item whose deletion took it along, itself for that one;
                             ITEM_NONE when nothing brings it back */
    bool is_folder;
    bool is_unsettled;       /* listed in the drive's `unsettled` */
    bool is_quiet_tombstone; /* deleted with its folder, and delta names only the folder ... */
    uint32_t quiet_after;    /* ... to those who know the item as it was then: feed position */
};

enum drive_role { DRIVE_DEFAULT, DRIVE_LIBRARY, DRIVE_SHARED, DRIVE_PHANTOM };

/* One drive. Guarded by the world lock, like all below it. Items are never freed: their index is
 * part of their id. */
struct drive {
    enum drive_role role;
    enum profile profile;
    char id[80];
    char owner_id[20]; /* consumer: the CID as item ids write it */
    char site_id[37];
    uint32_t id_prefix; /* business: the 4 bytes that item ids begin with */
    uint64_t seed;
    const char *name;
    const char *drive_type;
    const char *web_url;
    int64_t created_ms;
    int64_t quota_total;
    int64_t quota_used; /* -1: the size of the tree */
    struct arena arena;
    struct item *items;
    uint32_t count;
    uint32_t capacity;
    uint32_t *buckets; /* (parent, folded name) of living items */
    uint32_t bucket_count;
    uint32_t *unsettled; /* items that some view has not seen yet */
    size_t unsettled_count;
    size_t unsettled_capacity;
    uint32_t *specials; /* folders that were given a special name, oldest first */
    size_t special_count;
    size_t special_capacity;
    struct feed feed;
};

/* Who changes what, when, and how late the views may learn of it. */
struct change {
    struct drive *drive;
    struct random *random;
    int64_t now_ms;
    int64_t lag_max_ms;
    bool is_initial; /* there before any client looked: nothing lags and delta says nothing */
};

void drive_init(struct drive *drive, int64_t now_ms);
void drive_clear(struct drive *drive);

/* Forgets the states that no view needs any longer and moves due changes to the delta feed. Called
 * before anything is read through a view. */
void drive_settle(struct drive *drive, int64_t now_ms);

/* The newest state of `item` that `view` has seen by now, NULL if it has not seen the item at
 * all. A deleted state is returned as such. */
const struct state *drive_see(const struct drive *drive, uint32_t item, enum view view,
                              int64_t now_ms);

/* The living child called `name` (without case), ITEM_NONE if there is none. */
uint32_t drive_find_child(const struct drive *drive, uint32_t folder, const char *name,
                          enum view view, int64_t now_ms);

/* Follows a path of decoded names from `start`; ITEM_NONE if something on it is missing. */
uint32_t drive_find_path(const struct drive *drive, uint32_t start, const char *path,
                         enum view view, int64_t now_ms);

/* A part of a folder's listing, in the order of names. */
struct drive_page {
    uint32_t *items;
    size_t count;
    size_t total;  /* of the whole folder */
    uint32_t next; /* what comes after the last of them, ITEM_NONE at the end */
};

/* The living children as `view` sees them whose names come after `after` (NULL: all), `limit` of
 * them at most. Costs no more for a large folder. The caller frees the items. */
struct drive_page drive_list(struct drive *drive, uint32_t folder, enum view view, int64_t now_ms,
                             const char *after, size_t limit);

/* Adds "/a/b" of the item as it truly is; nothing for the root. */
struct buffer;
void drive_add_path(const struct drive *drive, uint32_t item, struct buffer *path);

/* True if `item` is `folder` or somewhere in it. */
bool drive_is_below(const struct drive *drive, uint32_t item, uint32_t folder);

/* Changes of items by their number. Names must be free, parents living folders: callers check. A
 * NULL blob makes a folder. */
uint32_t change_create(const struct change *change, uint32_t parent, const char *name,
                       struct blob *blob, int64_t mtime_ms);
void change_write(const struct change *change, uint32_t number, struct blob *blob,
                  int64_t mtime_ms);
void change_move(const struct change *change, uint32_t number, uint32_t parent, const char *name);
void change_swap(const struct change *change, uint32_t one, uint32_t other);
void change_touch(const struct change *change, uint32_t number, int64_t mtime_ms);

/* Gives the item a new eTag and nothing else. */
void change_tag(const struct change *change, uint32_t number);

/* Deletes with everything below. */
void change_delete(const struct change *change, uint32_t number);

/* Brings back what change_delete() was called for, with everything that went with it. */
void change_restore(const struct change *change, uint32_t number, uint32_t parent,
                    const char *name);

/* Makes the index and the listings anew, of a drive that has neither. */
void drive_rebuild(struct drive *drive);

/* A time as precise as the drive keeps it. */
int64_t change_round_time(const struct drive *drive, int64_t time_ms);

#endif
