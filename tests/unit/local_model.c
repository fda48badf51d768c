/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "local_model.h"

#include <errno.h>
#include <stdio.h>

#include "unit.h"

#define SECOND_NS INT64_C(1000000000)

const struct model_name model_names[MODEL_NAMES] = {
    { "a", 'a', false, 0 },
    { "A", 'a', false, 0 },
    { "b.txt", 'b', false, 0 },
    { "B.TXT", 'b', false, 0 },
    { "c", 'c', false, 0 },
    { "\u00E4\u00F6", 'd', false, 0 },
    { "\u00C4\u00D6", 'd', false, 0 },
    { "con", 'e', true, 0 },
    { "CON", 'e', true, 0 },
    { ".d.swp", 'f', true, 0 },
    { "a:", 0, false, -EINVAL },
    { ".Trash-1", 0, false, -EPERM },
};

/* ---- what is where ---- */

bool model_is_child(struct model *model, int index, int parent)
{
    const struct thing *thing = model_at(model, index);

    return index != MODEL_TOP && thing->is_shown && thing->parent == parent;
}

int model_find_child(struct model *model, int parent, int name)
{
    for (int i = 0; i < (int)model->things.len; i++)
        if (model_is_child(model, i, parent) && model_at(model, i)->name == name)
            return i;
    return MODEL_NOTHING;
}

static bool has_twin(struct model *model, int parent, int name, int except)
{
    for (int i = 0; i < (int)model->things.len; i++)
        if (i != except && model_is_child(model, i, parent) &&
            model_names[model_at(model, i)->name].letter == model_names[name].letter)
            return true;
    return false;
}

static bool has_children(struct model *model, int parent)
{
    for (int i = 0; i < (int)model->things.len; i++)
        if (model_is_child(model, i, parent))
            return true;
    return false;
}

static bool is_inside(struct model *model, int index, int folder)
{
    while (index != MODEL_TOP && index != folder)
        index = model_at(model, index)->parent;
    return index == folder;
}

static bool is_sent(const struct thing *thing)
{
    return thing->has_base || thing->intended != 0;
}

static bool is_any_sent(struct model *model, int top)
{
    for (int i = 0; i < (int)model->things.len; i++) {
        const struct thing *thing = model_at(model, i);

        if (thing->is_shown && is_sent(thing) && is_inside(model, i, top))
            return true;
    }
    return false;
}

bool model_is_local_only(struct model *model, int parent, int name)
{
    while (!model_names[name].is_local_only) {
        const struct thing *above = model_at(model, parent);

        if (above->has_base)
            return false;
        parent = above->parent;
        name = above->name;
    }
    return true;
}

bool model_is_needed(struct model *model, int index)
{
    for (int i = 0; i < (int)model->things.len; i++) {
        const struct thing *thing = model_at(model, i);

        if (i != index && !thing->is_gone &&
            (thing->parent == index || (thing->has_base && thing->base_parent == index)))
            return true;
    }
    return false;
}

bool model_is_dirty(struct model *model, const struct thing *thing)
{
    if (thing->is_shown && !thing->has_base)
        return !model_is_local_only(model, thing->parent, thing->name);
    if (!thing->is_shown)
        return !thing->is_gone;
    if (thing->parent != thing->base_parent || thing->name != thing->base_name)
        return true;
    return !thing->is_folder && (thing->generation != thing->base_generation ||
                                 thing->mtime_ns / SECOND_NS != thing->base_mtime_ns / SECOND_NS);
}

/* ---- refusals ---- */

void reasons_add(struct reasons *reasons, bool holds, int code)
{
    if (holds)
        reasons->codes[reasons->count++] = code;
}

bool reasons_have(const struct reasons *reasons, int code)
{
    for (size_t i = 0; i < reasons->count; i++)
        if (reasons->codes[i] == code)
            return true;
    return false;
}

static void refuse_parent(struct model *model, int parent, struct reasons *reasons)
{
    const struct thing *thing = model_at(model, parent);

    reasons_add(reasons, !thing->is_shown, -ENOENT);
    reasons_add(reasons, !thing->is_folder, -ENOTDIR);
}

static void refuse_text(int name, struct reasons *reasons)
{
    reasons_add(reasons, model_names[name].refusal != 0, model_names[name].refusal);
}

/* A name that nothing stands under, for the thing `index` or a new one. */
static void refuse_new_name(struct model *model, int parent, int name, int index,
                            struct reasons *reasons)
{
    refuse_text(name, reasons);
    reasons_add(reasons, has_twin(model, parent, name, index), -EEXIST);
    reasons_add(reasons, !model_at(model, parent)->is_complete, -EAGAIN);
}

void model_refuse_creation(struct model *model, int parent, int name, struct reasons *reasons)
{
    refuse_parent(model, parent, reasons);
    refuse_new_name(model, parent, name, MODEL_NOTHING, reasons);
}

static void refuse_emptiness(struct model *model, int index, struct reasons *reasons)
{
    const struct thing *thing = model_at(model, index);
    bool has_any = has_children(model, index);

    reasons_add(reasons, thing->is_folder && has_any, -ENOTEMPTY);
    reasons_add(reasons, thing->is_folder && !thing->is_complete && !has_any, -EAGAIN);
}

void model_refuse_removal(struct model *model, int parent, int index, bool wants_directory,
                          struct reasons *reasons)
{
    refuse_parent(model, parent, reasons);
    reasons_add(reasons, index == MODEL_NOTHING, -ENOENT);
    if (index != MODEL_NOTHING) {
        bool is_folder = model_at(model, index)->is_folder;

        reasons_add(reasons, wants_directory && !is_folder, -ENOTDIR);
        reasons_add(reasons, !wants_directory && is_folder, -EISDIR);
        refuse_emptiness(model, index, reasons);
    }
}

static void refuse_sent(struct model *model, int index, int parent, int name,
                        struct reasons *reasons)
{
    reasons_add(reasons, model_is_local_only(model, parent, name) && is_any_sent(model, index),
                -EXDEV);
}

static void refuse_target(struct model *model, const struct model_rename *call,
                          struct reasons *reasons)
{
    bool is_folder = model_at(model, call->source)->is_folder;
    bool is_target_folder = model_at(model, call->target)->is_folder;

    refuse_text(call->new_name, reasons);
    reasons_add(reasons, call->flags & RENAME_NOREPLACE, -EEXIST);
    if (call->flags & RENAME_EXCHANGE) {
        reasons_add(reasons, is_inside(model, call->parent, call->target), -EINVAL);
        refuse_sent(model, call->target, call->parent, call->name, reasons);
        return;
    }
    reasons_add(reasons, is_folder && !is_target_folder, -ENOTDIR);
    reasons_add(reasons, !is_folder && is_target_folder, -EISDIR);
    refuse_emptiness(model, call->target, reasons);
}

void model_refuse_rename(struct model *model, const struct model_rename *call,
                         struct reasons *reasons)
{
    refuse_parent(model, call->parent, reasons);
    refuse_parent(model, call->new_parent, reasons);
    reasons_add(reasons, call->source == MODEL_NOTHING, -ENOENT);
    if (reasons->count > 0)
        return;
    if (call->source == call->target) {
        reasons_add(reasons, call->flags & RENAME_NOREPLACE, -EEXIST);
        return;
    }
    reasons_add(reasons, is_inside(model, call->new_parent, call->source), -EINVAL);
    if (call->target != MODEL_NOTHING) {
        refuse_target(model, call, reasons);
    } else {
        refuse_new_name(model, call->new_parent, call->new_name, call->source, reasons);
        reasons_add(reasons, call->flags & RENAME_EXCHANGE, -ENOENT);
    }
    refuse_sent(model, call->source, call->new_parent, call->new_name, reasons);
}

/* ---- what becomes of things ---- */

static void take_away(struct thing *thing)
{
    thing->is_shown = false;
    if (!is_sent(thing)) {
        thing->is_gone = true;
    } else if (thing->has_base) {
        thing->parent = thing->base_parent;
        thing->name = thing->base_name;
        thing->mtime_ns = thing->base_mtime_ns;
        thing->generation = thing->base_generation;
    }
}

void model_remove(struct model *model, int parent, int index, int64_t now_ns)
{
    take_away(model_at(model, index));
    model_at(model, parent)->mtime_ns = now_ns;
}

void model_rename(struct model *model, const struct model_rename *call, int64_t now_ns)
{
    if (call->flags & RENAME_EXCHANGE) {
        model_at(model, call->target)->parent = call->parent;
        model_at(model, call->target)->name = call->name;
    } else if (call->target != MODEL_NOTHING) {
        take_away(model_at(model, call->target));
    }
    model_at(model, call->source)->parent = call->new_parent;
    model_at(model, call->source)->name = call->new_name;
    model_at(model, call->parent)->mtime_ns = now_ns;
    model_at(model, call->new_parent)->mtime_ns = now_ns;
}
