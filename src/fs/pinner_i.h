/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_FS_PINNER_I_H
#define GRAPHFS_FS_PINNER_I_H

/* What the files of the pinner share: pinner.c has its thread and its passes, pinner_gather.c finds
 * what is below the pins, pinner_tell.c tells content of it, pinner_fetch.c fetches it, and
 * pinner_wait.c waits for what sync and content do for it. */

#include "fs/pinner.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/vec.h"

/* A file below a pin. */
struct wanted {
    ino_nr ino;
    uint64_t generation;
    int64_t size;
};

DEFINE_VEC(wanted_list, struct wanted);

struct pinner {
    struct fs *fs;           /* const after init */
    struct wanted_list told; /* thread's: what content spares; in order of generation */
    struct err error;        /* thread's: the first one of the pass under way */
    int64_t retry_ms;        /* thread's */
    bool knows_pins;         /* thread's: content was told of all pins */
    bool may_ask;            /* thread's: folders are listed in this pass, shortcuts followed */
    bool has_unreported;     /* thread's: nobody tells of changes in some place below the pins */
    atomic_bool has_pins;    /* as far as the last pass knows; who adds one wakes the pinner */
    pthread_t thread;        /* pinner_start() and pinner_stop() only */
    bool is_started;         /* the same */

    /* Held while content is told of pins, and from the question whether a file is pinned to its
     * eviction. */
    pthread_mutex_t telling;

    pthread_mutex_t lock;   /* all below */
    pthread_cond_t changed; /* by CLOCK_MONOTONIC */
    bool is_stopping;
    bool is_due;      /* a pass is to begin */
    bool is_busy;     /* one is under way */
    bool is_answered; /* what the thread waits for has ended */
    int answer;       /* with 0 or -errno */
    uint64_t begun;   /* passes */
    struct pin_status status;
};

/* All below is for the pinner's thread, with no lock held. */

/* ---- pinner.c ---- */

bool pinner_is_stopping(struct pinner *pinner);

/* Whether the pass is to end: something has changed, or all ends. */
bool pinner_is_over(struct pinner *pinner);

/* The first error of a pass is the one that is told. */
void pinner_note_error(struct pinner *pinner, int code, ino_nr ino, const char *what);

/* ---- pinner_gather.c ---- */

/* All files below the pins, in order of generation. Asks the service for what nobody has listed, if
 * pinner->may_ask. An error of the store: what was found is not all; -ECANCELED: all ends. */
int pinner_gather(struct pinner *pinner, struct wanted_list *ret);

/* ---- pinner_tell.c ---- */

void wanted_sort(struct wanted_list *list, int (*compare)(const void *, const void *));
int wanted_by_generation(const void *one, const void *other);

/* Tells content what is pinned now and wasn't, and the other way round. Takes over the list, which
 * is in order of generation. */
void pinner_tell(struct pinner *pinner, struct wanted_list *wanted);

/* ---- pinner_fetch.c ---- */

/* Fetches what isn't here of what content was told of, until the pass is over. */
void pinner_fetch(struct pinner *pinner);

/* ---- pinner_wait.c: 0 or -errno; -ECANCELED: all ends ---- */

int pinner_list_folder(struct pinner *pinner, ino_nr ino);
int pinner_follow_shortcut(struct pinner *pinner, ino_nr ino);
int pinner_fetch_range(struct pinner *pinner, struct content_file *file, int64_t offset,
                       size_t size);

#endif
