/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_SYNC_FIXTURE_H
#define GRAPHFS_TESTS_SYNC_FIXTURE_H

/*
 * The sync engine with a real store, a fake remote and a clock that stands still, all on the test's
 * thread: nothing happens but in sync_fixture_step() and what is built on it.
 */

#include "../fakes/fake_remote.h"
#include "store_fixture.h"
#include "sync/sync_i.h"

struct sync_fixture {
    struct fixture *base;
    struct fake_remote *fake;
    struct fake_model *model;
    struct fake_settings *settings;
    size_t root; /* of the default drive "D1" in the model */
    struct sync *sync;
};

#define FIXTURE_POLL_S      30
#define FIXTURE_POLL_IDLE_S 300
#define FIXTURE_TTL_S       60

/* For cmocka: *state is a struct sync_fixture with a default drive that is empty. The engine isn't
 * made before sync_fixture_open(). */
int sync_fixture_setup(void **state);
int sync_fixture_teardown(void **state);
struct sync_fixture *sync_fixture_new(uint64_t seed);
void sync_fixture_free(struct sync_fixture *fixture);

void sync_fixture_open(struct sync_fixture *fixture);
/* Ends the engine, as a kill does: what is on the way is lost. */
void sync_fixture_close(struct sync_fixture *fixture);
/* Ends the engine, opens the store again, and makes a new engine. */
void sync_fixture_reopen(struct sync_fixture *fixture);

/* Answers what waits, then one turn. False if nothing was to be done and nothing is due. */
bool sync_fixture_step(struct sync_fixture *fixture);

/* Steps until nothing is left to do at this time. Fails the test if that doesn't end. */
void sync_fixture_settle(struct sync_fixture *fixture);

/* The same, for so long: the clock goes from one timer to the next. */
void sync_fixture_run(struct sync_fixture *fixture, int64_t ms);

/* Fails unless the store shows the default drive as it is in truth. With `complete`, all of its
 * folders must be complete too. */
void sync_fixture_assert_equal(struct sync_fixture *fixture, bool complete);

/* By path from "/"; fails the test if there is none. */
ino_nr sync_fixture_ino(struct sync_fixture *fixture, const char *path);
bool sync_fixture_has(struct sync_fixture *fixture, const char *path);

/* What sync_status says of the default drive. */
struct sync_drive_status sync_fixture_status(struct sync_fixture *fixture);

/* Of the folder at a path. */
bool sync_fixture_is_complete(struct sync_fixture *fixture, const char *path);
bool sync_fixture_needs_listing(struct sync_fixture *fixture, const char *path);

/* Has it listed, and fails unless that ends so: 0 or a negative errno. */
void sync_fixture_list(struct sync_fixture *fixture, const char *path, int expected);

/* A done function and what it was told. */
struct outcome {
    unsigned calls;
    int code;
};

void outcome_note(const struct err *err, void *arg);

#endif
