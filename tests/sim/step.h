/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_STEP_H
#define GRAPHFS_TESTS_STEP_H

/*
 * The steps that a run consists of. A step says all about itself: what is drawn while it runs comes
 * from its own seed, and items are named by the numbers that the steps which made them gave them.
 * So any step can be left out and the others stay what they are; one whose items aren't there does
 * nothing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"

enum step_kind {
    /* how the service behaves from now on */
    STEP_LAG,
    STEP_SHUFFLE,
    STEP_REPEAT,
    STEP_OMIT_TOMBSTONES,
    STEP_OMIT_CTAGS,
    STEP_PAGE_SIZE,
    STEP_CHILDREN_PAGE_SIZE,
    STEP_WRONG_412,
    STEP_REWRITE,
    STEP_MOVE_ETAGS,
    STEP_WRITABLE,
    /* somebody changes the drive */
    STEP_CREATE_FILE,
    STEP_CREATE_FOLDER,
    STEP_FILL,
    STEP_SHORTCUT,
    STEP_MOVE,
    STEP_RENAME,
    STEP_SWAP,
    STEP_REPLACE,
    STEP_WRITE,
    STEP_TOUCH,
    STEP_DELETE,
    STEP_RESTORE,
    STEP_MIGRATE,
    STEP_MIGRATE_DRIVE,
    STEP_RETAG,
    /* the service and the network */
    STEP_EXPIRE,
    STEP_LOSE,
    STEP_SERVE,
    STEP_DELIVER,
    STEP_FAIL,
    STEP_LOSE_SESSIONS,
    /* the user */
    STEP_LIST,
    STEP_LOOK_UP,
    STEP_FOLLOW,
    STEP_PULL,
    STEP_USE,
    STEP_CONFIRM,
    STEP_WAKE,
    /* the user changes things */
    STEP_MAKE_FILE,
    STEP_MAKE_FOLDER,
    STEP_SAVE,
    STEP_REPLACE_HERE,
    STEP_WRITE_SOME,
    STEP_CLOSE,
    STEP_COPY,
    STEP_TOUCH_HERE,
    STEP_REMOVE,
    STEP_RENAME_HERE,
    STEP_PUSH,
    STEP_READ,
    STEP_FILL_IN,
    /* time */
    STEP_TURN,
    STEP_WAIT,
    STEP_NEXT,
    STEP_RUN,
    STEP_CALM,
    /* death */
    STEP_KILL,
    STEP_KILL_LATER,
    STEP_CUT_POWER,
    STEP_CUT_POWER_LATER,
    STEP_KINDS
};

struct step {
    enum step_kind kind;
    unsigned a, b, c, d;
    uint64_t seed;
};

DEFINE_VEC(step_list, struct step);

struct world;

/* Does it. False: it could not do anything. */
bool step_run(struct world *world, const struct step *step);

/* In words, for the caller to free. */
char *step_tell(const struct step *step);

const char *step_name(enum step_kind kind);

#endif
