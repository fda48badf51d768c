/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_LOCAL_MODEL_H
#define GRAPHFS_TESTS_LOCAL_MODEL_H

/* A directory tree as POSIX and a drive have it, of few names: what may become of a call, and what
 * becomes of things. */

#include "base/vec.h"
#include "store/store.h"

enum { MODEL_NOTHING = -1, MODEL_TOP = 0, MODEL_NAMES = 12 };

/* Names with the same letter are the same but for case. */
struct model_name {
    const char *text;
    char letter;
    bool is_local_only;
    int refusal;
};

extern const struct model_name model_names[MODEL_NAMES];

/* Parents are indices of things, names those of model_names. */
struct thing {
    ino_nr ino;
    bool is_folder, is_shown, has_base, is_complete, is_gone; /* gone: there is no row any more */
    int parent, name, base_parent, base_name;
    int64_t mtime_ns, base_mtime_ns;
    uint64_t generation, base_generation, intended; /* intended 0: no intent */
};

DEFINE_VEC(things, struct thing);

struct model {
    struct things things; /* the first is the drive's root: MODEL_TOP */
};

/* All for which a call may be refused. */
struct reasons {
    int codes[24];
    size_t count;
};

static inline struct thing *model_at(struct model *model, int index)
{
    return &model->things.items[index];
}

bool model_is_child(struct model *model, int index, int parent);
int model_find_child(struct model *model, int parent, int name);
bool model_is_local_only(struct model *model, int parent, int name);
/* Whether something of it is to be sent. */
bool model_is_dirty(struct model *model, const struct thing *thing);

/* Whether a row is still in the place, or in the place of base, of another. */
bool model_is_needed(struct model *model, int index);

void reasons_add(struct reasons *reasons, bool holds, int code);
bool reasons_have(const struct reasons *reasons, int code);

void model_refuse_creation(struct model *model, int parent, int name, struct reasons *reasons);
/* index: what stands there, or MODEL_NOTHING. */
void model_refuse_removal(struct model *model, int parent, int index, bool wants_directory,
                          struct reasons *reasons);

struct model_rename {
    int parent, name, new_parent, new_name;
    int source, target; /* or MODEL_NOTHING */
    unsigned flags;
};

void model_refuse_rename(struct model *model, const struct model_rename *call,
                         struct reasons *reasons);

void model_remove(struct model *model, int parent, int index, int64_t now_ns);
void model_rename(struct model *model, const struct model_rename *call, int64_t now_ns);

#endif
