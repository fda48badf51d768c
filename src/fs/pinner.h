/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_FS_PINNER_H
#define GRAPHFS_FS_PINNER_H

/*
 * Keeps here what is pinned: one thread goes through all that is below the pins at each change of
 * the tree, tells content what to spare, lists folders that nobody has listed, and fetches what is
 * missing, small files first, behind all readers. What fails is tried again; places whose changes
 * nobody reports are looked at again from time to time.
 *
 * Passes are numbered. Who has changed something waits for the end of a pass that began afterwards:
 * only its result says anything about the change.
 */

#include "fs/fs_i.h"

struct pinner;

/* One that does nothing yet. For pinner_free(). */
struct pinner *pinner_new(struct fs *fs);

/* Begins. Returns 0 or -errno. */
int pinner_start(struct pinner *pinner);

/* Ends the thread; sync and content are still needed. Can be called more than once. */
void pinner_stop(struct pinner *pinner);
void pinner_free(struct pinner *pinner); /* NULL is allowed */

/* Something has changed: pins, or the network. Returns the number of the first pass that
 * sees it. Any thread, any lock above the pinner's own. */
uint64_t pinner_wake(struct pinner *pinner);

/* The tree has changed: wakes it if anything is pinned, so that a program that changes thousands of
 * files doesn't have it look each time. */
void pinner_note_change(struct pinner *pinner);

/* The clock was moved: what is to be tried again may be due. */
void pinner_clock_moved(struct pinner *pinner);

struct pin_status {
    int64_t pins;
    int64_t files; /* below the pins */
    int64_t bytes;
    int64_t missing_files; /* not here yet */
    int64_t missing_bytes;
    bool is_busy;     /* still looking or fetching, or about to */
    uint64_t passes;  /* the number of the last pass that has ended */
    struct err error; /* why it left something missing; code 0: nothing failed */
};

/* How far it is: as of the pass under way, or of the last one. */
void pinner_status(struct pinner *pinner, struct pin_status *ret);

/* Drops what is here of a file, unless it is pinned (-EPERM) or open (-EBUSY). Accesses the disk;
 * no lock is held. */
int pinner_evict(struct pinner *pinner, const struct node_attr *attr, int64_t *ret_freed);

#endif
