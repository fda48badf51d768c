/* SPDX-License-Identifier: MIT */
/* Names are unique in a folder, in the model as in the store: so both are the same if each row has
 * its item and there are as many of them. */
#include "config.h"

#include "fake_compare.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/xalloc.h"

/* The children of a directory; store_list can't be called inside of itself. */
struct shown {
    struct node_attr attr;
    char *name;
};

DEFINE_VEC(shown_list, struct shown);

static bool add_shown(const struct node_attr *attr, const char *name, void *arg)
{
    (void)shown_list_push(arg, (struct shown){ .attr = *attr, .name = x_strdup(name) });
    return true;
}

static bool has_kind(const struct fake_item *item, const struct node_attr *attr)
{
    return (item->kind == ITEM_FOLDER) == (attr->kind == NODE_FOLDER) &&
           (item->target != SIZE_MAX) == !!(attr->flags & NODE_SHORTCUT);
}

/* What the row is to show: of a shortcut to a file, what that holds. SIZE_MAX: nobody knows. */
static size_t content_of(const struct fake_comparison *comparison, size_t item,
                         const struct node_attr *attr)
{
    const struct fake_model *model = comparison->model;
    size_t target = model->items.items[item].target;

    if (target == SIZE_MAX)
        return item;
    if (!comparison->enters_shortcuts || attr->listed_ms == 0 ||
        fake_truth(model, target)->is_deleted)
        return SIZE_MAX;
    return target;
}

static char *compare_content(const struct fake_comparison *comparison, const struct shown *shown,
                             size_t item)
{
    size_t holder = content_of(comparison, item, &shown->attr);
    const struct fake_version *truth;

    if (holder == SIZE_MAX)
        return NULL;
    truth = fake_truth(comparison->model, holder);
    if (shown->attr.size == truth->size && shown->attr.mtime_ns == truth->mtime_ns)
        return NULL;
    return x_asprintf("/%s has size %lld and time %lld, not %lld and %lld", shown->name,
                      (long long)shown->attr.size, (long long)shown->attr.mtime_ns,
                      (long long)truth->size, (long long)truth->mtime_ns);
}

static char *compare_folder(const struct fake_comparison *comparison, const struct shown *shown,
                            size_t item)
{
    size_t target = comparison->model->items.items[item].target;
    bool is_complete = shown->attr.flags & NODE_COMPLETE;
    cleanup_free char *below = NULL;

    if (target == SIZE_MAX && comparison->must_be_complete && !is_complete)
        return x_asprintf("/%s is not complete", shown->name);
    if (target == SIZE_MAX)
        below = fake_compare(comparison, shown->attr.ino, item);
    else if (comparison->enters_shortcuts && is_complete &&
             !fake_truth(comparison->model, target)->is_deleted)
        below = fake_compare(comparison, shown->attr.ino, target);
    return below ? x_asprintf("/%s%s", shown->name, below) : NULL;
}

static char *compare_child(const struct fake_comparison *comparison, const struct shown *shown,
                           size_t folder)
{
    size_t item = fake_child(comparison->model, folder, shown->name);

    if (item == SIZE_MAX)
        return x_asprintf("/%s is shown, but isn't there", shown->name);
    if (!has_kind(&comparison->model->items.items[item], &shown->attr))
        return x_asprintf("/%s is of another kind", shown->name);
    return shown->attr.kind == NODE_FILE ? compare_content(comparison, shown, item)
                                         : compare_folder(comparison, shown, item);
}

static char *find_lacking(const struct fake_model *model, const struct shown_list *list,
                          size_t folder)
{
    for (size_t i = 0; i < model->items.len; i++) {
        const struct fake_version *truth = fake_truth(model, i);
        bool is_shown = truth->is_deleted || truth->parent != folder || i == folder;

        for (size_t j = 0; j < list->len && !is_shown; j++)
            is_shown = strcmp(list->items[j].name, truth->name) == 0;
        if (!is_shown)
            return x_asprintf("/%s is there, but isn't shown", truth->name);
    }
    return NULL;
}

char *fake_compare(const struct fake_comparison *comparison, ino_nr directory, size_t folder)
{
    struct shown_list list = { 0 };
    char *difference = NULL;

    if (store_list(comparison->store, directory, 0, add_shown, &list) < 0)
        difference = x_strdup(" can't be read");
    for (size_t i = 0; i < list.len && !difference; i++)
        difference = compare_child(comparison, &list.items[i], folder);
    if (!difference)
        difference = find_lacking(comparison->model, &list, folder);
    for (size_t i = 0; i < list.len; i++)
        free(list.items[i].name);
    shown_list_clear(&list);
    return difference;
}
