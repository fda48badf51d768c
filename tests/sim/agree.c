/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "agree.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "world.h"

/* So many rows are told of. */
#define LOGGED_ROWS 200

struct child {
    ino_nr ino;
    char *name;
};

DEFINE_VEC(children, struct child);

static bool add_child(const struct node_attr *attr, const char *name, void *arg)
{
    (void)children_push(arg, (struct child){ .ino = attr->ino, .name = x_strdup(name) });
    return true;
}

static char *compare_file(struct world *world, const struct node *node, size_t item)
{
    const struct fake_version *truth = fake_truth(world->model, item);
    unsigned content = ledger_shown(world, node);

    if (!ledger_is_same(world, content, truth->content))
        return x_asprintf("/%s shows content %u, but the server has %u", node->local.name, content,
                          truth->content);
    if (node->local.mtime_ns / 1000000000 != truth->mtime_ns / 1000000000)
        return x_asprintf("/%s has time %lld, but on the server %lld", node->local.name,
                          (long long)node->local.mtime_ns, (long long)truth->mtime_ns);
    return NULL;
}

static char *compare_directory(struct world *world, ino_nr directory, size_t folder);

static char *compare_node(struct world *world, const struct node *node, size_t folder)
{
    size_t item = fake_child(world->model, folder, node->local.name);
    const struct fake_item *there = &world->model->items.items[item == SIZE_MAX ? 0 : item];
    unsigned dirty = node_dirty(node, APPLY_MTIME_GRANULARITY_NS);
    cleanup_free char *below = NULL;

    if (item == SIZE_MAX)
        return x_asprintf("/%s is shown, but isn't on the server (dirty: %u)", node->local.name,
                          dirty);
    if (dirty != 0)
        return x_asprintf("/%s is still dirty: %u", node->local.name, dirty);
    if ((there->kind == ITEM_FOLDER) != (node->attr.kind == NODE_FOLDER))
        return x_asprintf("/%s is of another kind", node->local.name);
    if (!node->rid || fake_find_item(world->model, node->rid) != item)
        return x_asprintf("/%s stands for item %s, but is %s", node->local.name,
                          node->rid ? node->rid : "none", there->id);
    if (there->kind != ITEM_FOLDER)
        return compare_file(world, node, item);
    below = compare_directory(world, node->attr.ino, item);
    return below ? x_asprintf("/%s%s", node->local.name, below) : NULL;
}

static char *compare_child(struct world *world, ino_nr ino, size_t folder)
{
    struct node node;
    char *difference;

    if (store_get_node(world->store, ino, &node) < 0)
        return x_strdup("/? can't be read");
    difference = compare_node(world, &node, folder);
    node_clear(&node);
    return difference;
}

static size_t count_live(const struct world *world, size_t folder)
{
    size_t count = 0;

    for (size_t i = 0; i < world->model->items.len; i++) {
        const struct fake_version *truth = fake_truth(world->model, i);

        count += i != folder && !truth->is_deleted && truth->parent == folder;
    }
    return count;
}

static char *name_lacking(const struct world *world, const struct children *list, size_t folder)
{
    for (size_t i = 0; i < world->model->items.len; i++) {
        const struct fake_version *truth = fake_truth(world->model, i);
        bool is_shown = i == folder || truth->is_deleted || truth->parent != folder;

        for (size_t j = 0; j < list->len && !is_shown; j++)
            is_shown = strcmp(list->items[j].name, truth->name) == 0;
        if (!is_shown)
            return x_asprintf("/%s is on the server, but isn't shown", truth->name);
    }
    return x_strdup("/ has as many names, but others");
}

static char *compare_directory(struct world *world, ino_nr directory, size_t folder)
{
    struct children list = { 0 };
    char *difference = NULL;

    if (store_list(world->store, directory, 0, add_child, &list) < 0)
        difference = x_strdup("/ can't be read");
    for (size_t i = 0; i < list.len && !difference; i++)
        difference = compare_child(world, list.items[i].ino, folder);
    if (!difference && list.len != count_live(world, folder))
        difference = name_lacking(world, &list, folder);
    for (size_t i = 0; i < list.len; i++)
        free(list.items[i].name);
    children_clear(&list);
    return difference;
}

static bool note_intent(const struct intent *intent, void *arg)
{
    *(ino_nr *)arg = intent->ino;
    return false;
}

static bool note_dirty(const struct node_attr *attr, const char *name, void *arg)
{
    (void)name;
    *(ino_nr *)arg = attr->ino;
    return false;
}

/* For who looks for the reason. */
static void log_row(struct world *world, ino_nr ino)
{
    struct node node;

    if (store_get_node(world->store, ino, &node) < 0)
        return;
    log_info("sim",
             "row %llu, %s: flags %x; here \"%s\" in %llu, generation %llu; "
             "base \"%s\" in %llu, generation %llu, %s, %s; dirty: %u",
             (unsigned long long)ino, node.rid ? node.rid : "-", node.attr.flags, node.local.name,
             (unsigned long long)node.local.parent, (unsigned long long)node.local.generation,
             node.base.name, (unsigned long long)node.base.parent,
             (unsigned long long)node.base.generation, node.base.etag ? node.base.etag : "-",
             node.base.hash ? node.base.hash : "-", node_dirty(&node, APPLY_MTIME_GRANULARITY_NS));
    if (node.attr.flags & NODE_REMOTE)
        log_info("sim", "    remote \"%s\" in %llu, generation %llu, %s, %s%s",
                 node.remote.name ? node.remote.name : "-", (unsigned long long)node.remote.parent,
                 (unsigned long long)node.remote.generation,
                 node.remote.etag ? node.remote.etag : "-",
                 node.remote.hash ? node.remote.hash : "-", node.remote_deleted ? ", deleted" : "");
    node_clear(&node);
}

static bool log_intent(const struct intent *intent, void *arg)
{
    (void)arg;
    log_info("sim", "intent of %llu: %d, %s in %s as %s, generation %llu",
             (unsigned long long)intent->ino, (int)intent->verb, intent->rid ? intent->rid : "-",
             intent->parent_rid ? intent->parent_rid : "-", intent->name ? intent->name : "-",
             (unsigned long long)intent->generation);
    return true;
}

void agree_log(struct world *world)
{
    for (ino_nr ino = STORE_INO_FIRST; ino < STORE_INO_FIRST + LOGGED_ROWS; ino++)
        log_row(world, ino);
    (void)store_list_intents(world->store, 0, log_intent, NULL);
    for (size_t i = 0; i < world->model->items.len; i++) {
        const struct fake_version *truth = fake_truth(world->model, i);

        log_info("sim", "%s: \"%s\" in I%zu, content %u, change %u%s",
                 world->model->items.items[i].id, truth->name, truth->parent, truth->content,
                 truth->change, truth->is_deleted ? ", deleted" : "");
    }
}

char *agree_compare(struct world *world)
{
    char *difference = compare_directory(world, world_root(world), world->items[WORLD_OWN]);
    ino_nr ino = STORE_INO_NONE;

    if (!difference && store_list_intents(world->store, 0, note_intent, &ino) == 0 &&
        ino != STORE_INO_NONE)
        difference = x_asprintf("row %llu has an intent still", (unsigned long long)ino);
    if (!difference && store_list_dirty(world->store, 0, note_dirty, &ino) == 0 &&
        ino != STORE_INO_NONE)
        difference = x_asprintf("row %llu is still dirty", (unsigned long long)ino);
    return difference;
}
