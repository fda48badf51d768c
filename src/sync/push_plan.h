/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_SYNC_PUSH_PLAN_H
#define GRAPHFS_SYNC_PUSH_PLAN_H

/* What is next for a row whose local state differs from base: a pure function. */

#include "store/store.h"

enum push_action {
    PUSH_NOTHING,     /* it is as the server has it */
    PUSH_WAIT,        /* for something else; the row is looked at again after that */
    PUSH_SETTLE,      /* the server's newest word has to be settled first, see settle.h */
    PUSH_OWN,         /* the content of a backup becomes its own; then its item is handed over */
    PUSH_TAKE_OVER,   /* the item of a file that is gone is that of the new file in its place */
    PUSH_FORGET,      /* neither side has it any more: the row goes */
    PUSH_MAKE_FOLDER, /* in its parent */
    PUSH_CREATE,      /* a file in its parent, with its content */
    PUSH_UPLOAD,      /* new content of a file that the server has */
    PUSH_CHANGE,      /* another place, or another time */
    PUSH_DELETE,
};

/* What the row itself doesn't say. */
struct push_facts {
    bool has_rival;         /* an item of the server waits for the name that the row has here */
    bool parent_is_there;   /* the server has the folder that the row is in here */
    bool name_is_taken;     /* on the server, by a row that has given it up here */
    bool takes_detour;      /* each of them waits for another one: this one goes aside */
    bool name_is_refused;   /* by the server, again and again, though nothing has it there */
    bool is_resting;        /* nobody has changed it for a while, nor takes over the name it had */
    bool is_open;           /* somebody has it open for writing, and it isn't to be sent as it is */
    bool has_content;       /* all of its content is here */
    ino_nr partner;         /* the row that its item is to be handed over to, or is to come from */
    bool partner_is_busy;   /* something of that one is under way, or comes first */
    bool is_backup;         /* the partner is the file that this is the backup of */
    bool is_held;           /* too many are to be deleted */
    bool has_deleted_below; /* of a folder: what is in it has to go first, or to leave */
};

struct push_step {
    enum push_action action;
    bool with_place; /* PUSH_CHANGE: the place changes */
    bool with_mtime; /* same: the time does */
    bool is_detour;  /* same, and PUSH_CREATE: to a name of its own, for a while */
    bool is_whole;   /* PUSH_UPLOAD: in one request, if it can be */
};

/* How exactly a service keeps a time is ${granularity_ns}. */
struct push_step push_plan(const struct node *node, const struct push_facts *facts,
                           int64_t granularity_ns);

#endif
