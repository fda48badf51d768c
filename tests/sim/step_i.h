/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_STEP_I_H
#define GRAPHFS_TESTS_STEP_I_H

/* What the kinds of steps are: for step.c, which has the table, dice.c, which draws from it, and
 * the files that hold what they do. */

#include "step.h"
#include "world.h"

/* The longest lag, and the longest pause. */
#define STEP_LAG_MAX_MS 60000

#define STEP_NAMES 7
extern const char *const step_names[STEP_NAMES];

/* Does it. False: there was nothing to do it with. */
typedef bool step_run_fn(struct world *world, const struct step *step);

enum operand {
    NOTHING,
    ITEM,
    NEW_ITEM,
    FOLDER,
    OWN_FOLDER,
    FILE_ITEM,
    MOVABLE,
    DELETED,
    SHORTCUT,
    SHARED,
    NAME,
    NUMBER, /* below type->bound, and not 0 if it is a size or a count */
};

struct step_type {
    const char *name;
    unsigned weight; /* how often it is drawn */
    enum operand a, b, c, d;
    unsigned bound;
    step_run_fn *run;
    const char *words; /* #a is an item, $a a number, $n a name */
};

extern const struct step_type step_types[STEP_KINDS];

/* ---- step_edit.c ---- */

step_run_fn edit_create_file, edit_create_folder, edit_fill, edit_create_shortcut, edit_move,
    edit_rename, edit_swap, edit_delete, edit_replace, edit_write, edit_touch, edit_restore,
    edit_migrate, edit_migrate_drive;

/* ---- step_service.c ---- */

step_run_fn service_lag, service_shuffle, service_repeat, service_omit_tombstones,
    service_omit_ctags, service_page_size, service_children_page_size, service_expire, service_lose,
    service_serve, service_deliver, service_fail;

/* ---- step_user.c ---- */

step_run_fn user_list, user_look_up, user_follow, user_pull, user_use, user_confirm, user_wake;

/* ---- step_time.c ---- */

step_run_fn time_turn, time_wait, time_next, time_run, time_calm, death_kill, death_cut_power,
    death_kill_later, death_cut_power_later;

#endif
