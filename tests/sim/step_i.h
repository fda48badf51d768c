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

/* The path of something here is a number: its digits, the lowest first, are the names on the way
 * down, from 1 on. 0 is the drive. */
#define STEP_PATH_BASE  (STEP_NAMES + 1)
#define STEP_PATH_DEPTH 5

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
    PATH,
    FILE_PATH,
    FOLDER_PATH,
    NAME,
    NUMBER, /* below type->bound, and not 0 if it is a size or a count */
};

struct step_type {
    const char *name;
    unsigned weight; /* how often it is drawn */
    enum operand a, b, c, d;
    unsigned bound;
    step_run_fn *run;
    const char *words; /* #a is an item, @a a path here, $a a number, $n a name */
};

extern const struct step_type step_types[STEP_KINDS];

/* ---- step_edit.c ---- */

step_run_fn edit_create_file, edit_create_folder, edit_fill, edit_create_shortcut, edit_move,
    edit_rename, edit_swap, edit_delete, edit_replace, edit_write, edit_touch, edit_restore,
    edit_migrate, edit_migrate_drive, edit_retag;

/* ---- step_service.c ---- */

step_run_fn service_lag, service_shuffle, service_repeat, service_omit_tombstones,
    service_omit_ctags, service_page_size, service_children_page_size, service_expire, service_lose,
    service_serve, service_deliver, service_fail, service_wrong_412, service_rewrite,
    service_move_etags, service_lose_sessions;

/* ---- step_user.c ---- */

step_run_fn user_list, user_look_up, user_follow, user_pull, user_use, user_confirm, user_wake;

/* ---- step_local.c ---- */

step_run_fn local_make_file, local_make_folder, local_save, local_replace, local_write_some,
    local_close, local_copy, local_touch, local_remove_one, local_rename_one, local_push,
    local_read, local_fill;

/* ---- step_time.c ---- */

step_run_fn life_make_writable, time_turn, time_wait, time_next, time_run, time_calm, death_kill,
    death_cut_power, death_kill_later, death_cut_power_later;

#endif
