/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_WORLD_H
#define GRAPHFS_TESTS_WORLD_H

/*
 * The world of one run: a service (tests/fakes), a sync engine with its real store, and a clock
 * that stands still, all on one thread. Nothing happens but in world_turn() and what is built on
 * it, so a run is the same each time.
 */

#include "../fakes/fake_remote.h"
#include "ledger.h"
#include "memory_bytes.h"
#include "memory_disk.h"
#include "scratch.h"
#include "shown.h"
#include "store/store.h"
#include "sync/sync_i.h"
#include "tally.h"

/* What many runs in one process have in common. */
struct bench {
    struct scratch scratch; /* the store is on the memory disk, its name is here */
    struct memory_disk *disk;
    struct memory_image *blank; /* a store that was made and closed */
};

void bench_init(struct bench *bench);
void bench_clear(struct bench *bench);

/* The numbers of items: 0 and 1 are the roots of the user's own drive and of one that is somebody
 * else's, without delta. */
#define WORLD_OWN    0
#define WORLD_SHARED 1
#define WORLD_ITEMS  400

/* Behind them come those that were made from here. */
#define WORLD_UPLOADS     WORLD_ITEMS
#define WORLD_UPLOADS_MAX 400

/* A file that a user here has open for writing. */
struct world_handle {
    ino_nr ino;
    uint64_t generation;
};

DEFINE_VEC(world_handles, struct world_handle);

struct world {
    struct bench *bench; /* borrowed */
    struct tally *tally; /* borrowed */
    struct clock *clock;
    struct fake_remote *fake;
    struct fake_model *model;
    struct fake_settings *settings;
    struct store *store;
    struct sync *sync;
    /* By their numbers: those of the model; SIZE_MAX: not made. */
    size_t items[WORLD_ITEMS + WORLD_UPLOADS_MAX];
    unsigned next_item; /* the next number to give out */
    unsigned uploads;   /* how many behind WORLD_UPLOADS are given out */
    bool is_writable;   /* users here change things; fixed when the engine begins */
    struct memory_bytes *bytes;
    struct ledger ledger;
    struct world_handles handles;
    struct shown shown;
    bool is_calm;      /* nothing has changed since the last comparison */
    bool moved_calmly; /* the account was moved since then */
    bool is_moving;    /* that, and something was changed: rows may be lost */
    unsigned wants, wants_done;
    char failure[512]; /* "": none so far */
};

/* With the two drives, both empty, and the engine running. */
struct world *world_new(struct bench *bench, struct tally *tally);
/* Ends the engine. Fails if somebody was never told what he had waited for. */
void world_stop(struct world *world);
void world_free(struct world *world);

/* The run has failed; the first reason counts. */
void world_fail(struct world *world, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool world_has_failed(const struct world *world);

void world_note(struct world *world, enum event event);
/* Somebody has changed the drive. */
void world_note_edit(struct world *world);

/* The engine begins anew, and sends from now on what is changed here. */
void world_make_writable(struct world *world);

/* A user here has done something: the death that was to come may have come with it. True: it has,
 * and all has started again. */
bool world_take_death(struct world *world);

/* One turn of the engine. If its death was to come and has, it is over and starts again. Returns
 * when the next turn is due, monotonic. */
int64_t world_turn(struct world *world);

/* Answers all and takes turns as long as there is something to do; and that for a time, in which
 * the clock goes from one timer to the next. */
void world_settle(struct world *world);
void world_run(struct world *world, int64_t ms);

/* The engine is dead, and starts again with what was left of its files. */
void world_kill(struct world *world, bool is_power_cut);

/* Lets everything that lags arrive, and looks at all that isn't followed. Fails unless the store is
 * as the server is then, and there is nothing left to do. */
void world_calm(struct world *world);

/* Fails if more is asked for than polls need, once all is calm. */
void world_check_quiet(struct world *world);

/* The row of the user's drive, or of an item. STORE_INO_NONE if there is none. */
ino_nr world_root(struct world *world);
ino_nr world_ino(struct world *world, size_t item);

/* For waiters: counts that they were told. */
void world_note_done(const struct err *err, void *arg);

#endif
