/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_STORE_FIXTURE_H
#define GRAPHFS_TESTS_STORE_FIXTURE_H

/* A store in a directory of its own, with a clock that stands still. */

#include "store/store.h"

#define FIXTURE_START_MS INT64_C(1700000000000)

struct fixture {
    char *dir;
    struct clock *clock;
    struct store *store;
    /* what the listener was told, in order, since fixture_forget_told() */
    struct change *told;
    size_t told_count;
};

/* For cmocka: *state is a struct fixture. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Closes and opens the store again; what is on disk stays. */
void fixture_reopen(struct fixture *fixture);

void fixture_forget_told(struct fixture *fixture);

/* True if a change of this kind was told; ino 0 and name NULL fit all. */
bool fixture_was_told(const struct fixture *fixture, enum change_kind kind, ino_nr parent,
                      const char *name, ino_nr ino);

/* A node as the server and the user agree on it, for txn_put_node; clear it. */
struct node fixture_node(ino_nr parent, const char *name, enum node_kind kind, int64_t drive,
                         const char *rid);

/* Puts such a node in a transaction of its own; returns its number. */
ino_nr fixture_add(struct fixture *fixture, ino_nr parent, const char *name, enum node_kind kind,
                   int64_t drive, const char *rid);

/* The same, as the whole drive with a root at (/me, "drive"); returns the drive's row id. */
int64_t fixture_add_drive(struct fixture *fixture, const char *drive_id, ino_nr *ret_root);

/* A path from "/" to its row; -ENOENT if there is none. */
int fixture_find(struct fixture *fixture, const char *path, struct node_attr *ret);

#endif
