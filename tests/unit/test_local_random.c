/* SPDX-License-Identifier: MIT */
/*
 * local.h: whatever is called, rows are as a small model of a directory tree says.
 *
 * Each seed makes some thousand calls with few names, so that they meet: of files, folders and what
 * is neither any more. In between the service agrees with rows, confirms deletions, is asked, and
 * answers; and folders come to be unknown and known again. The model finds all reasons for which a
 * call can be refused, and the errno must be one of them; without any the call must work. After
 * each call all that was told is own, and now and then all rows are compared, with the list of what
 * may be dirty, and with the contents that were told to be unused.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "base/xalloc.h"
#include "local_model.h"
#include "local_scene.h"
#include "unit.h"

enum { SEEDS = 8, STEPS = 2500, COMPARE_EVERY = 40, REOPEN_EVERY = 700 };

#define SECOND_NS INT64_C(1000000000)

/* A content that was given out. */
struct content {
    uint64_t generation;
    unsigned told; /* how often it was told to be unused */
    bool is_held;
};

DEFINE_VEC(contents, struct content);

struct world {
    struct scene *scene;
    struct model model;
    struct contents contents;
    uint64_t random;
    unsigned seed, step;
    int64_t now_ns;
    unsigned worked, refused;
};

static unsigned pick(struct world *world, unsigned below)
{
    world->random ^= world->random << 13;
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return (unsigned)(world->random >> 33) % below;
}

static void give_up(const struct world *world, const char *what, int code)
{
    fail_msg("seed %u, step %u: %s: %d", world->seed, world->step, what, code);
}

static struct thing *at(struct world *world, int index)
{
    return model_at(&world->model, index);
}

/* ---- contents ---- */

static void add_content(struct world *world, uint64_t generation)
{
    (void)contents_push(&world->contents, (struct content){ .generation = generation });
}

/* NULL if it was never given out. */
static struct content *find_content(struct world *world, uint64_t generation)
{
    for (size_t i = 0; i < world->contents.len; i++)
        if (world->contents.items[i].generation == generation)
            return &world->contents.items[i];
    return NULL;
}

static void note_unused(struct world *world, uint64_t generation)
{
    struct content *content = find_content(world, generation);

    if (content)
        content->told++;
    else
        give_up(world, "unused, but never given out", (int)generation);
}

/* ---- transactions ---- */

static struct store_txn *begin(struct world *world, bool is_own)
{
    struct store_txn *txn;

    assert_int_equal(store_begin(world->scene->fixture->store, &txn, NULL), 0);
    (void)txn_set_own(txn, is_own);
    fixture_forget_told(world->scene->fixture);
    return txn;
}

static void commit(struct world *world, struct store_txn *txn, bool is_own)
{
    const struct fixture *fixture = world->scene->fixture;

    assert_int_equal(store_commit(txn, NULL), 0);
    for (size_t i = 0; i < fixture->told_count; i++) {
        if (fixture->told[i].is_own != is_own)
            give_up(world, "told as if it was another's", (int)fixture->told[i].kind);
        if (fixture->told[i].kind == CHANGE_UNUSED)
            note_unused(world, fixture->told[i].generation);
    }
}

/* Ends a call, and says whether it worked, which is as the model says. */
static bool end_call(struct world *world, struct store_txn *txn, const char *what, int r,
                     const struct reasons *reasons)
{
    bool is_expected = r == 0 ? reasons->count == 0 : reasons_have(reasons, r);

    commit(world, txn, true);
    if (!is_expected)
        give_up(world, what, r);
    if (r < 0 && world->scene->fixture->told_count > 0)
        give_up(world, "refused, but told", r);
    world->worked += r == 0;
    world->refused += r < 0;
    return r == 0;
}

/* ---- calls ---- */

static int pick_any(struct world *world)
{
    return (int)pick(world, (unsigned)world->model.things.len);
}

/* Mostly a folder that is there. */
static int pick_parent(struct world *world)
{
    for (int tries = 0; tries < 20; tries++) {
        int index = pick(world, 3) ? pick_any(world) : MODEL_TOP;

        if (at(world, index)->is_shown && at(world, index)->is_folder)
            return index;
    }
    return pick_any(world);
}

static int pick_name(struct world *world)
{
    return (int)pick(world, MODEL_NAMES);
}

/* Mostly the name of something in there. */
static int pick_child_name(struct world *world, int parent)
{
    for (int tries = 0; tries < 20; tries++) {
        int index = pick_any(world);

        if (model_is_child(&world->model, index, parent))
            return at(world, index)->name;
    }
    return pick_name(world);
}

static void call_create(struct world *world)
{
    int parent = pick_parent(world), name = pick_name(world);
    bool is_folder = pick(world, 3) == 0;
    struct store_txn *txn = begin(world, true);
    struct reasons reasons = { .count = 0 };
    struct node_attr attr = { 0 };
    int r = local_create(txn, at(world, parent)->ino, model_names[name].text,
                         is_folder ? NODE_FOLDER : NODE_FILE, world->now_ns, &attr);

    model_refuse_creation(&world->model, parent, name, &reasons);
    if (!end_call(world, txn, "create", r, &reasons))
        return;
    if (!is_folder)
        add_content(world, attr.generation);
    (void)things_push(&world->model.things, (struct thing){
                                                .ino = attr.ino,
                                                .is_folder = is_folder,
                                                .is_shown = true,
                                                .is_complete = is_folder,
                                                .parent = parent,
                                                .name = name,
                                                .mtime_ns = world->now_ns,
                                                .generation = attr.generation,
                                            });
    at(world, parent)->mtime_ns = world->now_ns;
}

static void call_remove(struct world *world)
{
    int parent = pick_parent(world), name = pick_child_name(world, parent);
    int index = model_find_child(&world->model, parent, name);
    bool wants_directory = index != MODEL_NOTHING && at(world, index)->is_folder;
    struct store_txn *txn = begin(world, true);
    struct reasons reasons = { .count = 0 };
    struct node_attr attr;
    int r;

    if (pick(world, 6) == 0)
        wants_directory = !wants_directory;
    r = local_remove(txn, at(world, parent)->ino, model_names[name].text, wants_directory,
                     world->now_ns, &attr);
    model_refuse_removal(&world->model, parent, index, wants_directory, &reasons);
    if (!end_call(world, txn, "remove", r, &reasons))
        return;
    assert_int_equal(attr.ino, at(world, index)->ino);
    model_remove(&world->model, parent, index, world->now_ns);
}

static void call_rename(struct world *world)
{
    static const unsigned flags[] = { 0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE };
    struct model_rename call = { .parent = pick_parent(world), .new_parent = pick_parent(world) };
    struct store_txn *txn = begin(world, true);
    struct reasons reasons = { .count = 0 };
    struct local_rename done;
    int r;

    call.name = pick_child_name(world, call.parent);
    call.new_name = pick(world, 2) ? pick_name(world) : pick_child_name(world, call.new_parent);
    call.flags = flags[pick(world, ROWS(flags))];
    call.source = model_find_child(&world->model, call.parent, call.name);
    call.target = model_find_child(&world->model, call.new_parent, call.new_name);
    r = local_rename(txn, at(world, call.parent)->ino, model_names[call.name].text,
                     at(world, call.new_parent)->ino, model_names[call.new_name].text, call.flags,
                     world->now_ns, &done);
    model_refuse_rename(&world->model, &call, &reasons);
    if (!end_call(world, txn, "rename", r, &reasons) || call.source == call.target)
        return;
    assert_int_equal(done.moved.ino, at(world, call.source)->ino);
    assert_int_equal(done.replaced.ino,
                     call.target == MODEL_NOTHING ? 0 : at(world, call.target)->ino);
    model_rename(&world->model, &call, world->now_ns);
}

static void call_write(struct world *world)
{
    struct thing *thing = at(world, pick_any(world));
    struct store_txn *txn = begin(world, true);
    struct reasons reasons = { .count = 0 };
    uint64_t generation;
    int r;

    assert_int_equal(txn_next_generation(txn, &generation), 0);
    r = local_write(txn, thing->ino, generation);
    if (r == 0)
        r = local_set_content(txn, thing->ino, generation, 1, world->now_ns);
    reasons_add(&reasons, !thing->is_shown, -ENOENT);
    reasons_add(&reasons, thing->is_folder, -EISDIR);
    if (!end_call(world, txn, "write", r, &reasons))
        return;
    add_content(world, generation);
    thing->generation = generation;
    thing->mtime_ns = world->now_ns;
}

static void call_set_content_late(struct world *world)
{
    const struct thing *thing = at(world, pick_any(world));
    struct store_txn *txn = begin(world, true);
    struct reasons reasons = { .count = 0 };
    int r = local_set_content(txn, thing->ino, thing->generation + 1, 1, 1);

    reasons_add(&reasons, !thing->is_shown, -ENOENT);
    reasons_add(&reasons, thing->is_folder, -EISDIR);
    reasons_add(&reasons, true, -ESTALE);
    (void)end_call(world, txn, "set content", r, &reasons);
}

static void call_set_mtime(struct world *world)
{
    struct thing *thing = at(world, pick_any(world));
    struct store_txn *txn = begin(world, true);
    struct reasons reasons = { .count = 0 };
    int r = local_set_mtime(txn, thing->ino, world->now_ns);

    reasons_add(&reasons, !thing->is_shown, -ENOENT);
    if (end_call(world, txn, "set the mtime", r, &reasons))
        thing->mtime_ns = world->now_ns;
}

/* ---- the service, and what is known of it ---- */

static void edit_row(struct world *world, const struct thing *thing,
                     void (*edit)(struct node *node))
{
    struct store_txn *txn = begin(world, false);
    struct node node;

    assert_int_equal(txn_get_node(txn, thing->ino, &node), 0);
    edit(&node);
    assert_int_equal(txn_put_node(txn, &node), 0);
    commit(world, txn, false);
    node_clear(&node);
}

static void agree(struct world *world)
{
    struct thing *thing = at(world, pick_any(world));

    if (!thing->is_shown || thing->intended || !at(world, thing->parent)->has_base ||
        model_is_local_only(&world->model, thing->parent, thing->name))
        return;
    edit_row(world, thing, edit_agree);
    thing->has_base = true;
    thing->is_complete = thing->is_folder;
    thing->base_parent = thing->parent;
    thing->base_name = thing->name;
    thing->base_mtime_ns = thing->mtime_ns;
    thing->base_generation = thing->generation;
}

static void remove_row(struct world *world, struct thing *thing)
{
    struct store_txn *txn = begin(world, false);

    assert_int_equal(txn_remove_node(txn, thing->ino), 0);
    commit(world, txn, false);
    thing->is_gone = true;
    thing->has_base = false;
    thing->intended = 0;
}

static void confirm_deletion(struct world *world)
{
    int index = pick_any(world);
    struct thing *thing = at(world, index);

    if (!thing->is_gone && !thing->is_shown && !model_is_needed(&world->model, index))
        remove_row(world, thing);
}

static void ask(struct world *world)
{
    struct thing *thing = at(world, pick_any(world));
    struct intent intent = { .ino = thing->ino, .verb = INTENT_UPLOAD };
    struct store_txn *txn;

    if (thing->is_folder || !thing->is_shown ||
        model_is_local_only(&world->model, thing->parent, thing->name))
        return;
    intent.generation = thing->generation;
    txn = begin(world, false);
    assert_int_equal(txn_put_intent(txn, &intent), 0);
    commit(world, txn, false);
    thing->intended = thing->generation;
}

static void answer(struct world *world)
{
    struct thing *thing = at(world, pick_any(world));
    struct store_txn *txn;

    if (thing->intended == 0)
        return;
    if (!thing->is_shown && !thing->has_base) {
        remove_row(world, thing);
        return;
    }
    txn = begin(world, false);
    assert_int_equal(txn_clear_intent(txn, thing->ino), 0);
    commit(world, txn, false);
    thing->intended = 0;
}

static void edit_complete(struct node *node)
{
    node->attr.flags |= NODE_COMPLETE;
}

static void know(struct world *world)
{
    struct thing *thing = at(world, pick_any(world));

    if (!thing->is_shown || !thing->is_folder)
        return;
    thing->is_complete = pick(world, 4) != 0;
    edit_row(world, thing, thing->is_complete ? edit_complete : edit_incomplete);
}

/* ---- comparing ---- */

static bool is_at(struct world *world, const struct node_state *state, int parent, int name)
{
    return state->parent == at(world, parent)->ino &&
           strcmp(state->name, model_names[name].text) == 0;
}

static void compare_thing(struct world *world, int index)
{
    const struct thing *thing = at(world, index);
    struct node node;
    int r = store_get_node(world->scene->fixture->store, thing->ino, &node);

    if (r != (thing->is_gone ? -ENOENT : 0))
        give_up(world, "a row should be there, or not", index);
    if (r < 0)
        return;
    if (!(node.attr.flags & NODE_LOCAL) != !thing->is_shown ||
        !(node.attr.flags & NODE_BASE) != !thing->has_base ||
        !(node.attr.flags & NODE_COMPLETE) != !thing->is_complete)
        give_up(world, "other states", index);
    if (index != MODEL_TOP && !is_at(world, &node.local, thing->parent, thing->name))
        give_up(world, "another place", index);
    if (index != MODEL_TOP && thing->has_base &&
        !is_at(world, &node.base, thing->base_parent, thing->base_name))
        give_up(world, "another base", index);
    if (node.local.generation != thing->generation || node.local.mtime_ns != thing->mtime_ns)
        give_up(world, "other content or time", index);
    if (node_dirty(&node, SECOND_NS) != 0 && !(node.attr.flags & NODE_LOCAL_ONLY) &&
        !model_is_dirty(&world->model, thing))
        give_up(world, "dirty", index);
    if (node.attr.flags & NODE_LOCAL_ONLY && model_is_dirty(&world->model, thing))
        give_up(world, "never sent", index);
    node_clear(&node);
}

DEFINE_VEC(row_numbers, ino_nr);

static bool add_number(const struct node_attr *attr, const char *name, void *arg)
{
    (void)name;
    (void)row_numbers_push(arg, attr->ino);
    return true;
}

/* Things are in order of their numbers. */
static void compare_dirty(struct world *world)
{
    struct row_numbers listed = { 0 };
    size_t next = 0;

    assert_int_equal(store_list_dirty(world->scene->fixture->store, 0, add_number, &listed), 0);
    for (int i = MODEL_TOP + 1; i < (int)world->model.things.len; i++) {
        const struct thing *thing = at(world, i);

        if (model_is_dirty(&world->model, thing) &&
            (next == listed.len || listed.items[next++] != thing->ino))
            give_up(world, "not among what may be dirty", i);
    }
    if (next != listed.len)
        give_up(world, "too much may be dirty", (int)listed.len);
    row_numbers_clear(&listed);
}

static void hold(struct world *world, uint64_t generation, bool is_held)
{
    struct content *content = find_content(world, generation);

    if (content && is_held)
        content->is_held = true;
}

/* Each content is somebody's, or was told once to be nobody's. */
static void compare_contents(struct world *world)
{
    for (size_t i = 0; i < world->contents.len; i++)
        world->contents.items[i].is_held = false;
    for (int i = 0; i < (int)world->model.things.len; i++) {
        const struct thing *thing = at(world, i);

        hold(world, thing->generation, thing->is_shown);
        hold(world, thing->base_generation, thing->has_base);
        hold(world, thing->intended, true);
    }
    for (size_t i = 0; i < world->contents.len; i++) {
        const struct content *content = &world->contents.items[i];

        if (content->told != (content->is_held ? 0 : 1))
            give_up(world, "told as unused too often, or not", (int)content->generation);
    }
}

static void compare(struct world *world)
{
    for (int i = 0; i < (int)world->model.things.len; i++)
        compare_thing(world, i);
    compare_dirty(world);
    compare_contents(world);
}

/* ---- all together ---- */

/* Those that are wanted more often stand here more than once. */
static void (*const actions[])(struct world *world) = {
    call_create,
    call_create,
    call_create,
    call_remove,
    call_remove,
    call_rename,
    call_rename,
    call_rename,
    call_write,
    call_set_mtime,
    agree,
    agree,
    agree,
    know,
    ask,
    confirm_deletion,
    confirm_deletion,
    call_set_content_late,
    answer,
    answer,
};

static void add_top(struct world *world)
{
    struct node_attr attr;

    assert_int_equal(store_getattr(world->scene->fixture->store, world->scene->root, &attr), 0);
    (void)things_push(&world->model.things, (struct thing){
                                                .ino = world->scene->root,
                                                .is_folder = true,
                                                .is_shown = true,
                                                .has_base = true,
                                                .is_complete = true,
                                                .mtime_ns = attr.mtime_ns,
                                            });
}

static void run_seed(struct scene *scene, unsigned seed)
{
    struct world world = {
        .scene = scene,
        .seed = seed,
        .random = UINT64_C(0x9E3779B97F4A7C15) * (seed + 1),
        .now_ns = SCENE_NOW_NS,
    };

    add_top(&world);
    for (world.step = 0; world.step < STEPS; world.step++) {
        world.now_ns += SECOND_NS / 3;
        actions[pick(&world, ROWS(actions))](&world);
        if (world.step % COMPARE_EVERY == 0)
            compare(&world);
        if (world.step % REOPEN_EVERY == REOPEN_EVERY - 1)
            fixture_reopen(scene->fixture);
    }
    compare(&world);
    assert_true(world.worked > STEPS / 10);
    assert_true(world.refused > STEPS / 10);
    things_clear(&world.model.things);
    contents_clear(&world.contents);
}

static void run_seed_in_a_store_of_its_own(unsigned seed)
{
    void *scene = NULL;

    assert_int_equal(scene_setup(&scene), 0);
    run_seed(scene, seed);
    assert_int_equal(scene_teardown(&scene), 0);
}

static void test_rows_are_as_the_model_says_whatever_is_called(void **state)
{
    const char *only = getenv("GRAPHFS_TEST_SEED"); /* to look at one that failed */

    (void)state;
    if (only) {
        run_seed_in_a_store_of_its_own((unsigned)strtoul(only, NULL, 10));
        return;
    }
    for (unsigned seed = 0; seed < unit_seeds(SEEDS); seed++)
        run_seed_in_a_store_of_its_own(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_as_the_model_says_whatever_is_called),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
