/* SPDX-License-Identifier: MIT */
/*
 * apply.h: whatever the order, the store ends as the server's tree.
 *
 * Each seed builds a small tree on a model server and edits it in rounds: creates, writes, renames,
 * moves, deletes, swaps of names and of folders. The reports of the first round come in random
 * order, page by page; those of later rounds are staged with older states before them, repeats, and
 * ancestors, and applied some at a time. Listings of folders come in between, so that reports are
 * late. What apply wants to be asked for is answered from the model.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "store_fixture.h"
#include "sync/apply.h"
#include "unit.h"

enum { SEEDS = 1500, ROUNDS = 4, ITEMS_MAX = 24, NAMES = 4, HISTORY_MAX = 64, NO_ITEM = -1 };

struct model_item {
    bool exists;
    bool changed; /* since the last round */
    bool is_folder;
    int parent; /* index; NO_ITEM: the root */
    int name;   /* index into names */
    int version;
};

struct scene {
    struct fixture *fixture;
    uint64_t random;
    unsigned seed;
    struct drive_row drive;
    struct model_item items[ITEMS_MAX];
    int count;
    int64_t now_ms;
};

static const char *const names[NAMES] = { "a", "b", "c", "d" };

static unsigned pick(struct scene *scene, unsigned below)
{
    scene->random ^= scene->random << 13;
    scene->random ^= scene->random >> 7;
    scene->random ^= scene->random << 17;
    return (unsigned)(scene->random >> 33) % below;
}

/* ---- the model server ---- */

static bool is_taken(const struct scene *scene, int parent, int name)
{
    for (int i = 0; i < scene->count; i++) {
        const struct model_item *item = &scene->items[i];

        if (item->exists && item->parent == parent && item->name == name)
            return true;
    }
    return false;
}

static bool is_inside(const struct scene *scene, int item, int folder)
{
    while (item != NO_ITEM && item != folder)
        item = scene->items[item].parent;
    return item == folder;
}

static int pick_folder(struct scene *scene)
{
    int item = (int)pick(scene, (unsigned)scene->count + 1) - 1;

    if (item != NO_ITEM && (!scene->items[item].exists || !scene->items[item].is_folder))
        return NO_ITEM;
    return item;
}

static int pick_item(struct scene *scene)
{
    for (int attempt = 0; attempt < 8; attempt++) {
        int item = (int)pick(scene, (unsigned)scene->count);

        if (scene->items[item].exists)
            return item;
    }
    return NO_ITEM;
}

static void edit_create(struct scene *scene)
{
    int parent = scene->count > 0 ? pick_folder(scene) : NO_ITEM;
    int name = (int)pick(scene, NAMES);

    if (scene->count == ITEMS_MAX || is_taken(scene, parent, name))
        return;
    scene->items[scene->count++] = (struct model_item){
        .exists = true,
        .changed = true,
        .is_folder = pick(scene, 3) > 0,
        .parent = parent,
        .name = name,
    };
}

static void edit_move(struct scene *scene)
{
    int item = pick_item(scene), parent = pick_folder(scene), name = (int)pick(scene, NAMES);

    if (item == NO_ITEM || is_inside(scene, parent, item) || is_taken(scene, parent, name))
        return;
    scene->items[item].parent = parent;
    scene->items[item].name = name;
    scene->items[item].changed = true;
}

/* The two change places: names, and what is between, where that makes a tree. */
static void edit_swap(struct scene *scene)
{
    int a = pick_item(scene), b = pick_item(scene);
    struct model_item *left, *right;
    int parent, name;

    if (a == NO_ITEM || b == NO_ITEM || is_inside(scene, a, b) || is_inside(scene, b, a))
        return;
    left = &scene->items[a];
    right = &scene->items[b];
    parent = left->parent;
    name = left->name;
    left->parent = right->parent;
    left->name = right->name;
    right->parent = parent;
    right->name = name;
    left->changed = right->changed = true;
}

/* root/A/B becomes root/B/A. */
static void edit_turn_over(struct scene *scene)
{
    int b = pick_item(scene), a, name;

    if (b == NO_ITEM || !scene->items[b].is_folder)
        return;
    a = scene->items[b].parent;
    if (a == NO_ITEM || is_taken(scene, b, scene->items[b].name))
        return;
    name = scene->items[b].name;
    scene->items[b].parent = scene->items[a].parent;
    scene->items[a].parent = b;
    scene->items[b].name = scene->items[a].name;
    scene->items[a].name = name;
    scene->items[a].changed = scene->items[b].changed = true;
}

static void edit_write(struct scene *scene)
{
    int item = pick_item(scene);

    if (item == NO_ITEM || scene->items[item].is_folder)
        return;
    scene->items[item].version++;
    scene->items[item].changed = true;
}

/* What is below goes with it, and is reported or not. */
static void edit_delete(struct scene *scene)
{
    int top = pick_item(scene);
    bool reports_all = pick(scene, 2);

    if (top == NO_ITEM)
        return;
    for (int i = 0; i < scene->count; i++) {
        if (i != top && scene->items[i].exists && is_inside(scene, i, top)) {
            scene->items[i].exists = false;
            scene->items[i].changed |= reports_all;
        }
    }
    scene->items[top].exists = false;
    scene->items[top].changed = true;
}

static void edit(struct scene *scene)
{
    static void (*const edits[])(struct scene *) = {
        edit_create, edit_create,    edit_move,  edit_move,   edit_swap,
        edit_swap,   edit_turn_over, edit_write, edit_delete,
    };

    edits[pick(scene, ROWS(edits))](scene);
}

/* ---- its reports ---- */

struct report {
    struct item item;
    char id[24], parent_id[24], ctag[24], etag[32];
};

static void make_report(const struct scene *scene, int index, const struct model_item *item,
                        struct report *ret)
{
    static unsigned etags;

    memset(ret, 0, sizeof *ret);
    (void)snprintf(ret->id, sizeof ret->id, "%u-%d", scene->seed, index);
    if (item->parent == NO_ITEM)
        (void)snprintf(ret->parent_id, sizeof ret->parent_id, "%s", scene->drive.root_rid);
    else
        (void)snprintf(ret->parent_id, sizeof ret->parent_id, "%u-%d", scene->seed, item->parent);
    (void)snprintf(ret->ctag, sizeof ret->ctag, "c%d", item->version);
    (void)snprintf(ret->etag, sizeof ret->etag, "e%u", etags++);
    ret->item = (struct item){
        .id = ret->id,
        .parent_id = ret->parent_id,
        .name = names[item->name],
        .kind = item->is_folder ? ITEM_FOLDER : ITEM_FILE,
        .flags = ITEM_HAS_SIZE | ITEM_HAS_MTIME,
        .size = 100 + item->version,
        .mtime_ns = INT64_C(1000000000) * (1000 + item->version),
        .etag = ret->etag,
        .ctag = item->is_folder ? NULL : ret->ctag,
    };
    if (!item->exists)
        ret->item = (struct item){ .id = ret->id, .kind = ITEM_UNKNOWN, .flags = ITEM_DELETED };
}

static struct apply_context context_of(struct scene *scene, enum apply_source source)
{
    return (struct apply_context){
        .drive = &scene->drive,
        .source = source,
        .now_ms = scene->now_ms,
    };
}

static struct store_txn *begin(struct scene *scene)
{
    struct store_txn *txn;

    assert_int_equal(store_begin(scene->fixture->store, &txn, NULL), 0);
    return txn;
}

/* The item is asked for, twice five minutes apart if it is absent. */
static void answer_check(struct scene *scene, struct store_txn *txn, int index)
{
    const struct apply_context context = context_of(scene, APPLY_ITEM);
    struct report report;
    struct node node;

    make_report(scene, index, &scene->items[index], &report);
    if (scene->items[index].exists) {
        assert_int_equal(apply_report(txn, &context, &report.item, NULL, NULL), 0);
    } else if (txn_find_node(txn, scene->drive.id, report.id, &node) == 0) {
        assert_int_equal(apply_delete(txn, &context, node.attr.ino, NULL), 0);
        node_clear(&node);
    }
}

static int index_of(const char *id)
{
    return (int)strtol(strchr(id, '-') + 1, NULL, 10);
}

/* ---- rounds ---- */

/* All that exists, in random order, some of it twice. */
static void first_round(struct scene *scene)
{
    const struct apply_context context = context_of(scene, APPLY_FIRST);
    int order[ITEMS_MAX] = { 0 };

    for (int i = 0; i < scene->count; i++)
        order[i] = i;
    for (int i = scene->count - 1; i > 0; i--) {
        int other = (int)pick(scene, (unsigned)i + 1), item = order[i];

        order[i] = order[other];
        order[other] = item;
    }
    for (int i = 0; i < scene->count + 3; i++) {
        int index = i < scene->count ? order[i] : (int)pick(scene, (unsigned)scene->count);
        struct store_txn *txn = begin(scene);
        struct report report;
        enum apply_outcome outcome;

        make_report(scene, index, &scene->items[index], &report);
        assert_int_equal(apply_report(txn, &context, &report.item, &outcome, NULL), 0);
        if (outcome == APPLY_CHECK)
            answer_check(scene, txn, index);
        assert_int_equal(store_commit(txn, NULL), 0);
        scene->items[index].changed = false;
    }
    for (int i = 0; i < scene->count; i++)
        scene->items[i].changed = false;
}

/* What a folder holds on the server right now, or (older) did before the edits. */
static void listing(struct scene *scene, const struct model_item *items, int folder)
{
    struct apply_context context = context_of(scene, APPLY_LISTING);
    struct store_txn *txn = begin(scene);
    struct node node;

    if (folder == NO_ITEM) {
        context.listed = scene->drive.root;
    } else {
        struct report report;

        make_report(scene, folder, &items[folder], &report);
        if (txn_find_node(txn, scene->drive.id, report.id, &node) < 0) {
            store_rollback(txn);
            return;
        }
        context.listed = node.attr.ino;
        node_clear(&node);
    }
    for (int i = 0; i < scene->count; i++) {
        struct report report;
        enum apply_outcome outcome;

        if (!items[i].exists || items[i].parent != folder)
            continue;
        make_report(scene, i, &items[i], &report);
        assert_int_equal(apply_report(txn, &context, &report.item, &outcome, NULL), 0);
        if (outcome == APPLY_CHECK)
            answer_check(scene, txn, i);
    }
    assert_int_equal(store_commit(txn, NULL), 0);
}

static void stage(struct scene *scene, struct store_txn *txn, int index,
                  const struct model_item *item)
{
    struct report report;

    make_report(scene, index, item, &report);
    assert_int_equal(txn_stage(txn, scene->drive.id, &report.item), 0);
}

/* Older states of what changed come first, then the last ones and some of what didn't change. */
static void stage_round(struct scene *scene, const struct model_item *before, int count_before)
{
    struct store_txn *txn = begin(scene);

    for (int i = 0; i < count_before; i++)
        if (pick(scene, 3) == 0 && scene->items[i].changed)
            stage(scene, txn, i, &before[i]);
    for (int i = 0; i < scene->count; i++) {
        bool repeats = scene->items[i].exists && pick(scene, 4) == 0;

        if (scene->items[i].changed || repeats)
            stage(scene, txn, i, &scene->items[i]);
        scene->items[i].changed = false;
    }
    assert_int_equal(store_commit(txn, NULL), 0);
}

struct ids {
    char id[ITEMS_MAX][24];
    size_t count;
};

static int collect_id(struct store_txn *txn, const struct item *item, void *arg)
{
    struct ids *ids = arg;

    (void)txn;
    (void)snprintf(ids->id[ids->count++], sizeof ids->id[0], "%s", item->id);
    return 0;
}

struct apply_call {
    struct apply_context context;
    enum apply_outcome outcome;
};

static int apply_item(struct store_txn *txn, const struct item *item, void *arg)
{
    struct apply_call *call = arg;

    return apply_report(txn, &call->context, item, &call->outcome, NULL);
}

/* A few at a time, each batch in its own transaction; what needs a check is asked for at the end.
 */
static void apply_round(struct scene *scene)
{
    bool undecided[ITEMS_MAX] = { false };
    bool is_done = false;

    while (!is_done) {
        struct store_txn *txn = begin(scene);
        struct ids ids = { 0 };
        size_t applied = 0, batch = 1 + pick(scene, 6);

        assert_int_equal(txn_each_staged(txn, scene->drive.id, ITEMS_MAX, collect_id, &ids), 0);
        for (size_t i = 0; i < ids.count && applied < batch; i++) {
            struct apply_call call = { .context = context_of(scene, APPLY_DELTA) };
            int r;

            if (undecided[index_of(ids.id[i])])
                continue;
            r = txn_get_staged(txn, scene->drive.id, ids.id[i], apply_item, &call);
            assert_true(r == 0 || r == -ENOENT);
            if (r == 0 && call.outcome == APPLY_CHECK)
                undecided[index_of(ids.id[i])] = true;
            else if (r == 0)
                assert_int_equal(txn_unstage(txn, scene->drive.id, ids.id[i]), 0);
            applied++;
        }
        is_done = applied == 0;
        assert_int_equal(store_commit(txn, NULL), 0);
    }
    for (int i = 0; i < scene->count; i++) {
        struct store_txn *txn = begin(scene);
        struct report report;

        if (undecided[i]) {
            make_report(scene, i, &scene->items[i], &report);
            answer_check(scene, txn, i);
            assert_int_equal(txn_unstage(txn, scene->drive.id, report.id), 0);
        }
        assert_int_equal(store_commit(txn, NULL), 0);
    }
}

static void later_round(struct scene *scene)
{
    struct model_item before[ITEMS_MAX];
    int count_before = scene->count, edits = 1 + (int)pick(scene, 8);

    memcpy(before, scene->items, sizeof before);
    for (int i = 0; i < edits; i++)
        edit(scene);
    if (pick(scene, 3) == 0) {
        int folder = pick_folder(scene);

        if (pick(scene, 2) || folder >= count_before)
            listing(scene, scene->items, folder);
        else
            listing(scene, before, folder);
    }
    stage_round(scene, before, count_before);
    apply_round(scene);
    scene->now_ms += pick(scene, 2) ? 1000 : APPLY_LATE_MS + 1;
}

/* ---- the comparison ---- */

static bool count_child(const struct node_attr *attr, const char *name, void *arg)
{
    int *count = arg;

    (void)attr;
    (void)name;
    ++*count;
    return true;
}

static void check_item(struct scene *scene, struct store_txn *txn, int index)
{
    const struct model_item *item = &scene->items[index];
    const char *where = item->parent == NO_ITEM ? "root" : names[scene->items[item->parent].name];
    ino_nr parent = scene->drive.root;
    struct report report;
    struct node node;
    int r, children = 0, expected = 0;

    make_report(scene, index, item, &report);
    r = txn_find_node(txn, scene->drive.id, report.id, &node);
    if (!item->exists) {
        if (r != -ENOENT)
            fail_msg("seed %u: item %d was deleted and is here", scene->seed, index);
        return;
    }
    if (r < 0)
        fail_msg("seed %u: item %d (%s in %s) is not here", scene->seed, index, names[item->name],
                 where);
    if (item->parent != NO_ITEM) {
        struct node above;

        assert_int_equal(txn_find_node(txn, scene->drive.id, report.parent_id, &above), 0);
        parent = above.attr.ino;
        node_clear(&above);
    }
    if (node.local.parent != parent || strcmp(node.local.name, names[item->name]) != 0 ||
        node.attr.flags & (NODE_SAFE_NAME | NODE_REMOTE) || node_dirty(&node, 1) != 0)
        fail_msg("seed %u: item %d is not at %s in %s but at %s, flags %#x", scene->seed, index,
                 names[item->name], where, node.local.name, node.attr.flags);
    if (!item->is_folder && (node.attr.size != report.item.size || node.attr.generation == 0 ||
                             strcmp(node.base.ctag, report.ctag) != 0))
        fail_msg("seed %u: item %d has other content", scene->seed, index);
    for (int i = 0; i < scene->count; i++)
        expected += scene->items[i].exists && scene->items[i].parent == index;
    assert_int_equal(txn_list(txn, node.attr.ino, 0, count_child, &children), 0);
    if (children != expected)
        fail_msg("seed %u: item %d has %d children, not %d", scene->seed, index, children,
                 expected);
    node_clear(&node);
}

static void check_tree(struct scene *scene)
{
    struct store_txn *txn = begin(scene);

    for (int i = 0; i < scene->count; i++)
        check_item(scene, txn, i);
    store_rollback(txn);
}

static void make_drive(struct scene *scene)
{
    cleanup_free char *id = x_asprintf("drive%u", scene->seed);
    struct store_txn *txn = begin(scene);
    struct node root;

    scene->drive.drive_id = x_strdup(id);
    scene->drive.root_rid = x_asprintf("root%u", scene->seed);
    assert_int_equal(txn_put_drive(txn, &scene->drive), 0);
    root = fixture_node(STORE_INO_DRIVES, id, NODE_FOLDER, scene->drive.id, scene->drive.root_rid);
    assert_int_equal(txn_put_node(txn, &root), 0);
    scene->drive.root = root.attr.ino;
    node_clear(&root);
    assert_int_equal(store_commit(txn, NULL), 0);
}

static void run_seed(struct fixture *fixture, unsigned seed)
{
    struct scene scene = {
        .fixture = fixture,
        .seed = seed,
        .random = UINT64_C(0x9E3779B97F4A7C15) * (seed + 1),
        .now_ms = FIXTURE_START_MS,
    };

    make_drive(&scene);
    for (int i = 0; i < 16; i++)
        edit_create(&scene);
    if (scene.count > 0) {
        first_round(&scene);
        check_tree(&scene);
        for (int round = 0; round < ROUNDS; round++) {
            later_round(&scene);
            check_tree(&scene);
        }
    }
    drive_row_clear(&scene.drive);
}

static void test_store_ends_as_the_servers_tree_whatever_the_order(void **state)
{
    const char *only = getenv("GRAPHFS_TEST_SEED"); /* to look at one that failed */

    log_set_level(LOG_LEVEL_ERROR);
    if (only) {
        run_seed(*state, (unsigned)strtoul(only, NULL, 10));
        return;
    }
    for (unsigned seed = 0; seed < unit_seeds(SEEDS); seed++)
        run_seed(*state, seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_store_ends_as_the_servers_tree_whatever_the_order,
                                        fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
