/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_FAKE_MODEL_H
#define GRAPHFS_TESTS_FAKE_MODEL_H

/*
 * A service without HTTP: drives and their items, with all versions that each has had. The read
 * models (item, path, children, delta) lag behind the truth, each by a time of its own for each
 * version; a reader sees the newest version whose time has come. Everything random comes from the
 * seed.
 *
 * Not thread safe. Items are numbered as they are made, and numbers are never used again.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/vec.h"
#include "graph/item.h"

enum fake_reader {
    FAKE_ITEM,
    FAKE_PATH,
    FAKE_CHILDREN,
    FAKE_DELTA,
    FAKE_READERS,
};

/* What an item was from one moment on. */
struct fake_version {
    int64_t visible_ms[FAKE_READERS]; /* real time */
    bool is_deleted;
    bool is_clients;   /* made by the program under test, not by somebody else */
    unsigned deletion; /* if so: which one; those of a folder and of what is below it are one */
    size_t parent;     /* index of the item; its own for a root */
    char name[256];
    int64_t size;
    int64_t mtime_ns;
    unsigned content; /* number of the content: names cTag and hash */
    unsigned change;  /* number of the change: names the eTag */
};

DEFINE_VEC(fake_versions, struct fake_version);

struct fake_item {
    char id[32];
    size_t drive;
    enum item_kind kind;
    bool is_root;
    bool is_hidden;          /* from delta alone: a feed that has lost it; for tests to set */
    int64_t hidden_until_ms; /* the same for a while; real time */
    long get_status; /* the item alone can't be had: with this status (200: an answer that calls it
                        deleted); for tests to set */
    size_t target;   /* of a shortcut; else SIZE_MAX */
    int64_t listed_ms;      /* of a folder: when its children were told last; real time */
    unsigned listed_change; /* and the last change that there was then */
    struct fake_versions versions;
};

DEFINE_VEC(fake_items, struct fake_item);

struct fake_drive {
    char id[32];
    size_t root; /* index of the item */
    bool is_default;
    bool is_shared; /* somebody else's: not listed, and without delta */
};

DEFINE_VEC(fake_drives, struct fake_drive);

struct fake_model {
    struct clock *clock; /* borrowed */
    uint64_t random;
    int64_t lag_ms; /* the longest; 0: all is seen at once */
    unsigned last_content, last_change, last_deletion;
    unsigned back_end;    /* all tags change with it; for tests to set */
    bool is_clients_turn; /* what changes now is made by the program under test */
    struct fake_drives drives;
    struct fake_items items;
};

void fake_model_init(struct fake_model *model, struct clock *clock, uint64_t seed);
void fake_model_clear(struct fake_model *model);

/* Below bound, which is not 0. */
unsigned fake_random(struct fake_model *model, unsigned bound);

/* ---- changes by somebody: items are named by their number ---- */

/* The first one is the default drive. Returns its root. */
size_t fake_add_drive(struct fake_model *model, const char *id, bool is_shared);
size_t fake_create(struct fake_model *model, size_t parent, const char *name, enum item_kind kind);
/* A shortcut to a folder or a file of another drive. */
size_t fake_create_shortcut(struct fake_model *model, size_t parent, const char *name,
                            size_t target);
void fake_move(struct fake_model *model, size_t item, size_t parent, const char *name);
void fake_write(struct fake_model *model, size_t item, int64_t size);
/* The content that it was given last is this one. */
void fake_set_content(struct fake_model *model, size_t item, unsigned content, int64_t size,
                      int64_t mtime_ns);
/* Another version which is as the last one: for the caller to change, and for the eTag alone. */
struct fake_version *fake_change(struct fake_model *model, size_t item);
/* Its time alone is another one. */
void fake_touch(struct fake_model *model, size_t item, int64_t mtime_ns);
/* Its id is another one from now on; the one that it was made with goes on to lead to it. */
void fake_set_id(struct fake_model *model, size_t item, const char *id);
/* With all that is below. */
void fake_delete(struct fake_model *model, size_t item);
/* From the bin to where it was, with what was deleted with it. */
void fake_restore(struct fake_model *model, size_t item);

/* ---- reading ---- */

/* By the service's id; SIZE_MAX if there is none. */
size_t fake_find_drive(const struct fake_model *model, const char *id);
size_t fake_find_item(const struct fake_model *model, const char *id);

/* The newest version that this reader sees and its number, or NULL and -1; and the truth. */
const struct fake_version *fake_seen(const struct fake_model *model, size_t item,
                                     enum fake_reader reader, int *ret_number);
const struct fake_version *fake_truth(const struct fake_model *model, size_t item);

/* The live child of this name, in truth; SIZE_MAX if there is none. */
size_t fake_child(const struct fake_model *model, size_t parent, const char *name);

/* Whether the folder has another item than `but` with this name; case is no difference. */
bool fake_is_taken(const struct fake_model *model, size_t folder, const char *name, size_t but);

/* Whether the item is parent, or is below it, in truth. */
bool fake_is_below(const struct fake_model *model, size_t item, size_t parent);

#endif
