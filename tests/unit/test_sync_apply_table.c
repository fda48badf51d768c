/* SPDX-License-Identifier: MIT */
/*
 * apply.h: the whole table of (base, local, remote) x (place, content), with rows written directly:
 * what is decided, and what the row holds afterwards.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "store_fixture.h"
#include "sync/apply.h"
#include "unit.h"

#define SECOND INT64_C(1000000000)

/* The generations are larger than any that the store gives out here. */
enum { BASE_GENERATION = 1000, LOCAL_GENERATION = 1001, BASE_SIZE = 10, NEW_SIZE = 20 };

#define BASE_MTIME     (1000 * SECOND)
#define LOCAL_MTIME    (2000 * SECOND)
#define REPORTED_MTIME (3000 * SECOND)

/* What the user did since base. */
enum local_change {
    LOCAL_CLEAN,
    LOCAL_MOVED,      /* to another place than the report's */
    LOCAL_MOVED_SAME, /* to the report's */
    LOCAL_WRITTEN,
    LOCAL_TOUCHED,      /* another mtime than the report's */
    LOCAL_TOUCHED_SAME, /* the report's */
    LOCAL_MOVED_WRITTEN,
    LOCAL_DELETED,
    LOCAL_CHANGES
};

/* What the server did. */
enum remote_change {
    REMOTE_SAME,
    REMOTE_RETAGGED, /* the eTag moved, nothing else */
    REMOTE_MOVED,
    REMOTE_WRITTEN,
    REMOTE_TOUCHED,
    REMOTE_MOVED_WRITTEN,
    REMOTE_DELETED,
    REMOTE_CHANGES
};

/* Place and content: - none, F follow, A agree, K keep beside. For REMOTE_DELETED: existence. */
static const char *const expected[LOCAL_CHANGES][REMOTE_CHANGES] = {
    /*                        same  retag moved writ. touch both  deleted */
    [LOCAL_CLEAN] = { "--", "--", "F-", "-F", "-F", "FF", "F" },
    [LOCAL_MOVED] = { "--", "--", "K-", "-F", "-F", "KF", "K" },
    [LOCAL_MOVED_SAME] = { "--", "--", "A-", "-F", "-F", "AF", "K" },
    [LOCAL_WRITTEN] = { "--", "--", "F-", "-K", "-K", "FK", "K" },
    [LOCAL_TOUCHED] = { "--", "--", "F-", "-F", "-K", "FF", "F" },
    [LOCAL_TOUCHED_SAME] = { "--", "--", "F-", "-F", "-A", "FF", "F" },
    [LOCAL_MOVED_WRITTEN] = { "--", "--", "K-", "-K", "-K", "KK", "K" },
    [LOCAL_DELETED] = { "--", "--", "K-", "-K", "-K", "KK", "A" },
};

struct scene {
    struct fixture *fixture;
    struct drive_row drive;
    ino_nr folder; /* "folder" in the root */
};

static void set_text(char **variable, const char *text)
{
    free(*variable);
    *variable = x_strdup(text);
}

static void change_local(struct node *node, enum local_change change, const struct scene *scene)
{
    bool is_moved = change == LOCAL_MOVED || change == LOCAL_MOVED_WRITTEN;

    if (is_moved)
        set_text(&node->local.name, "mine");
    if (change == LOCAL_MOVED_SAME) {
        set_text(&node->local.name, "theirs");
        node->local.parent = scene->folder;
    }
    if (change == LOCAL_WRITTEN || change == LOCAL_MOVED_WRITTEN) {
        node->local.generation = LOCAL_GENERATION;
        node->local.size = 33;
        node->local.mtime_ns = LOCAL_MTIME;
    }
    if (change == LOCAL_TOUCHED)
        node->local.mtime_ns = LOCAL_MTIME;
    if (change == LOCAL_TOUCHED_SAME)
        node->local.mtime_ns = REPORTED_MTIME;
    if (change == LOCAL_DELETED)
        node->attr.flags &= ~(unsigned)NODE_LOCAL;
}

static struct item report_of(enum remote_change change, const struct scene *scene, const char *id)
{
    struct item item = {
        .id = id,
        .parent_id = scene->drive.root_rid,
        .name = "base",
        .kind = ITEM_FILE,
        .flags = ITEM_HAS_SIZE | ITEM_HAS_MTIME,
        .size = BASE_SIZE,
        .mtime_ns = BASE_MTIME,
        .etag = change == REMOTE_SAME ? "e1" : "e2",
        .ctag = "c1",
    };

    if (change == REMOTE_MOVED || change == REMOTE_MOVED_WRITTEN) {
        item.parent_id = "folder";
        item.name = "theirs";
    }
    if (change == REMOTE_WRITTEN || change == REMOTE_MOVED_WRITTEN) {
        item.ctag = "c2";
        item.size = NEW_SIZE;
        item.mtime_ns = REPORTED_MTIME;
    }
    if (change == REMOTE_TOUCHED)
        item.mtime_ns = REPORTED_MTIME;
    if (change == REMOTE_DELETED)
        item = (struct item){ .id = id, .kind = ITEM_UNKNOWN, .flags = ITEM_DELETED };
    return item;
}

static ino_nr write_row(struct scene *scene, enum local_change local, const char *id)
{
    struct node node = fixture_node(scene->drive.root, "base", NODE_FILE, scene->drive.id, id);
    struct store_txn *txn;
    ino_nr ino;

    node.local.mtime_ns = node.base.mtime_ns = BASE_MTIME;
    node.local.generation = node.base.generation = BASE_GENERATION;
    set_text(&node.base.etag, "e1");
    set_text(&node.base.ctag, "c1");
    change_local(&node, local, scene);
    assert_int_equal(store_begin(scene->fixture->store, &txn, NULL), 0);
    assert_int_equal(txn_put_node(txn, &node), 0);
    assert_int_equal(store_commit(txn, NULL), 0);
    ino = node.attr.ino;
    node_clear(&node);
    return ino;
}

static bool is_place(const struct node_state *state, ino_nr parent, const char *name)
{
    return state->parent == parent && strcmp(state->name, name) == 0;
}

static bool is_place_as(char action, const struct scene *scene, const struct node *was,
                        const struct node *is)
{
    switch (action) {
    case 'F':
        return is_place(&is->local, scene->folder, "theirs") &&
               is_place(&is->base, scene->folder, "theirs");
    case 'A':
        return is_place(&is->local, was->local.parent, was->local.name) &&
               is_place(&is->base, scene->folder, "theirs");
    case 'K':
        return is_place(&is->local, was->local.parent, was->local.name) &&
               is_place(&is->base, was->base.parent, was->base.name) &&
               is_place(&is->remote, scene->folder, "theirs");
    default:
        return is_place(&is->local, was->local.parent, was->local.name) &&
               is_place(&is->base, was->base.parent, was->base.name);
    }
}

static bool is_same_content(const struct node_state *a, const struct node_state *b)
{
    return a->generation == b->generation && a->size == b->size && a->mtime_ns == b->mtime_ns;
}

static bool is_content_as(char action, enum remote_change remote, const struct node *was,
                          const struct node *is)
{
    bool is_new = remote == REMOTE_WRITTEN || remote == REMOTE_MOVED_WRITTEN;
    const struct node_state *target = action == 'K' ? &is->remote : &is->base;

    if (action == '-')
        return is_same_content(&is->local, &was->local) && is_same_content(&is->base, &was->base);
    if (target->mtime_ns != REPORTED_MTIME || target->size != (is_new ? NEW_SIZE : BASE_SIZE) ||
        (target->generation != BASE_GENERATION) != is_new)
        return false;
    switch (action) {
    case 'F':
        return is_same_content(&is->local, &is->base);
    case 'A':
        return is_same_content(&is->local, &was->local);
    default:
        return is_same_content(&is->local, &was->local) && is_same_content(&is->base, &was->base);
    }
}

static bool is_row_as(const char *actions, enum remote_change remote, const struct scene *scene,
                      const struct node *was, const struct node *is)
{
    bool keeps = strchr(actions, 'K');
    const char *etag = keeps || remote == REMOTE_SAME ? "e1" : "e2";

    return is_place_as(actions[0], scene, was, is) && is_content_as(actions[1], remote, was, is) &&
           keeps == !!(is->attr.flags & NODE_REMOTE) && strcmp(is->base.etag, etag) == 0 &&
           (is->attr.flags & NODE_LOCAL) == (was->attr.flags & NODE_LOCAL);
}

static bool is_existence_as(char action, int found, const struct node *is)
{
    if (action == 'K')
        return found == 0 && is->attr.flags & NODE_REMOTE && is->remote_deleted;
    return found == -ENOENT;
}

static void check_cell(struct scene *scene, enum local_change local, enum remote_change remote)
{
    const struct apply_context context = {
        .drive = &scene->drive,
        .source = APPLY_ITEM,
        .now_ms = FIXTURE_START_MS,
    };
    const char *actions = expected[local][remote];
    struct item report = report_of(remote, scene, "item");
    struct node was, is = { 0 };
    struct store_txn *txn;
    ino_nr ino = write_row(scene, local, "item");
    int found;
    bool is_right;

    assert_int_equal(store_get_node(scene->fixture->store, ino, &was), 0);
    assert_int_equal(store_begin(scene->fixture->store, &txn, NULL), 0);
    assert_int_equal(apply_report(txn, &context, &report, NULL, NULL), 0);
    found = txn_get_node(txn, ino, &is);
    is_right = remote == REMOTE_DELETED ? is_existence_as(actions[0], found, &is)
                                        : is_row_as(actions, remote, scene, &was, &is);
    if (!is_right)
        fail_msg("local %d, remote %d: not as %s says", (int)local, (int)remote, actions);
    if (found == 0)
        assert_int_equal(txn_remove_node(txn, ino), 0);
    assert_int_equal(txn_remove_tombstone(txn, scene->drive.id, "item"), 0);
    assert_int_equal(store_commit(txn, NULL), 0);
    node_clear(&was);
    node_clear(&is);
}

static struct scene make_scene(struct fixture *fixture)
{
    struct scene scene = { .fixture = fixture };
    ino_nr root;
    int64_t drive = fixture_add_drive(fixture, "D", &root);

    assert_int_equal(store_get_drive(fixture->store, drive, &scene.drive), 0);
    scene.folder = fixture_add(fixture, root, "folder", NODE_FOLDER, drive, "folder");
    return scene;
}

static void test_each_part_goes_as_the_table_says(void **state)
{
    struct scene scene = make_scene(*state);

    for (int local = 0; local < LOCAL_CHANGES; local++)
        for (int remote = 0; remote < REMOTE_CHANGES; remote++)
            check_cell(&scene, (enum local_change)local, (enum remote_change)remote);
    drive_row_clear(&scene.drive);
}

static void test_report_equal_to_base_ends_a_conflict(void **state)
{
    struct scene scene = make_scene(*state);
    const struct apply_context context = {
        .drive = &scene.drive,
        .source = APPLY_ITEM,
        .now_ms = FIXTURE_START_MS,
    };
    struct item written = report_of(REMOTE_WRITTEN, &scene, "item");
    struct item back = report_of(REMOTE_RETAGGED, &scene, "item");
    ino_nr ino = write_row(&scene, LOCAL_WRITTEN, "item");
    struct store_txn *txn;
    struct node node;

    assert_int_equal(store_begin(scene.fixture->store, &txn, NULL), 0);
    assert_int_equal(apply_report(txn, &context, &written, NULL, NULL), 0);
    assert_int_equal(txn_get_node(txn, ino, &node), 0);
    assert_true(node.attr.flags & NODE_REMOTE);
    node_clear(&node);
    assert_int_equal(apply_report(txn, &context, &back, NULL, NULL), 0);
    assert_int_equal(txn_get_node(txn, ino, &node), 0);
    assert_false(node.attr.flags & NODE_REMOTE);
    assert_int_equal(node.local.generation, LOCAL_GENERATION);
    node_clear(&node);
    store_rollback(txn);
    drive_row_clear(&scene.drive);
}

/* ---- is it the same content? ---- */

static void test_content_is_compared_by_tag_then_hash_then_size(void **state)
{
    static const struct {
        const char *base_ctag, *base_hash, *ctag, *hash, *etag;
        int64_t size, mtime;
        enum apply_action by_delta, by_item;
    } rows[] = {
        /* the tag decides */
        { "c1", NULL, "c1", NULL, "e2", 10, 5, ACT_NONE, ACT_NONE },
        { "c1", NULL, "c2", NULL, "e2", 10, 5, ACT_FOLLOW, ACT_FOLLOW },
        { "c1", "h1", "c1", "h2", "e2", 10, 5, ACT_NONE, ACT_NONE },
        { "c1", "h1", "c2", "h1", "e2", 10, 5, ACT_NONE, ACT_NONE },
        /* another size is another content, whatever else is said */
        { "c1", "h1", "c1", "h1", "e2", 11, 5, ACT_FOLLOW, ACT_FOLLOW },
        { NULL, "h1", NULL, "h1", "e2", 11, 5, ACT_FOLLOW, ACT_FOLLOW },
        { NULL, NULL, NULL, NULL, "e2", 11, 5, ACT_FOLLOW, ACT_FOLLOW },
        /* without tags, the hash */
        { "c1", "h1", NULL, "h1", "e2", 10, 5, ACT_NONE, ACT_NONE },
        { "c1", "h1", NULL, "h2", "e2", 10, 5, ACT_FOLLOW, ACT_FOLLOW },
        /* neither: the eTag if it is the same; else ask; if that doesn't help, mtime */
        { "c1", "h1", NULL, NULL, "e1", 10, 5, ACT_NONE, ACT_NONE },
        { "c1", "h1", NULL, NULL, "e2", 10, 5, ACT_CHECK, ACT_NONE },
        { "c1", "h1", NULL, NULL, "e2", 10, 6, ACT_CHECK, ACT_FOLLOW },
        { NULL, NULL, "c1", "h1", "e2", 10, 5, ACT_CHECK, ACT_NONE },
        /* a fraction of a second is no difference */
        { "c1", NULL, "c1", NULL, "e2", 10, -5, ACT_NONE, ACT_NONE },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        bool has_fraction = rows[i].mtime < 0;
        struct node node = fixture_node(2, "f", NODE_FILE, 1, "r");
        struct apply_view view = {
            .state = { .parent = 2,
                       .name = x_strdup("f"),
                       .size = rows[i].size,
                       .mtime_ns = has_fraction ? 5 * SECOND + 7 : rows[i].mtime * SECOND,
                       .etag = x_strdup(rows[i].etag),
                       .ctag = x_strdup(rows[i].ctag),
                       .hash = x_strdup(rows[i].hash),
                       .hash_kind = rows[i].hash ? HASH_QUICKXOR : HASH_NONE },
            .has_size = true,
            .has_mtime = true,
        };

        set_text(&node.base.etag, "e1");
        set_text(&node.base.ctag, rows[i].base_ctag);
        set_text(&node.base.hash, rows[i].base_hash);
        node.base.hash_kind = rows[i].base_hash ? HASH_QUICKXOR : HASH_NONE;
        node.base.mtime_ns = node.local.mtime_ns = 5 * SECOND;
        assert_int_equal(apply_decide(&node, &view, APPLY_DELTA, 0).content, rows[i].by_delta);
        assert_int_equal(apply_decide(&node, &view, APPLY_ITEM, 0).content, rows[i].by_item);

        view.state.hash_kind = HASH_SHA1; /* hashes of two kinds say nothing of each other */
        if (rows[i].base_hash && rows[i].hash && !rows[i].ctag && rows[i].size == 10)
            assert_int_equal(apply_decide(&node, &view, APPLY_DELTA, 0).content, ACT_CHECK);
        free(view.state.name);
        free(view.state.etag);
        free(view.state.ctag);
        free(view.state.hash);
        node_clear(&node);
    }
}

static void test_late_reports_are_checked_unless_they_agree(void **state)
{
    static const struct {
        enum apply_source source;
        int64_t age_ms;
        bool moved, deleted;
        enum apply_action expected;
    } rows[] = {
        { APPLY_DELTA, 0, false, false, ACT_NONE },
        { APPLY_DELTA, 0, true, false, ACT_CHECK },
        { APPLY_DELTA, APPLY_LATE_MS - 1, true, false, ACT_CHECK },
        { APPLY_DELTA, APPLY_LATE_MS, true, false, ACT_FOLLOW },
        { APPLY_DELTA, -1, true, false, ACT_CHECK },                 /* the clock was set back */
        { APPLY_DELTA, -2 * APPLY_LATE_MS, true, false, ACT_CHECK }, /* and far */
        { APPLY_FIRST, 0, true, false, ACT_CHECK },
        { APPLY_ITEM, 0, true, false, ACT_FOLLOW },
        { APPLY_NO_DELTA, 0, true, false, ACT_FOLLOW },
        { APPLY_LISTING, APPLY_LATE_MS, true, false, ACT_NONE }, /* left to delta */
        { APPLY_DELTA, 0, false, true, ACT_CHECK },
        { APPLY_DELTA, APPLY_LATE_MS, false, true, ACT_FOLLOW },
        { APPLY_ITEM, 0, false, true, ACT_FOLLOW },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct node node = fixture_node(2, "f", NODE_FILE, 1, "r");
        struct apply_view view = {
            .state = { .parent = 2,
                       .name = x_strdup(rows[i].moved ? "g" : "f"),
                       .etag = node.base.etag },
            .deleted = rows[i].deleted,
        };
        struct apply_decision decision;

        node.confirmed_ms = FIXTURE_START_MS;
        decision = apply_decide(&node, &view, rows[i].source, FIXTURE_START_MS + rows[i].age_ms);
        assert_int_equal(rows[i].deleted ? decision.existence : decision.place, rows[i].expected);
        free(view.state.name);
        node_clear(&node);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_part_goes_as_the_table_says, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_report_equal_to_base_ends_a_conflict, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test(test_content_is_compared_by_tag_then_hash_then_size),
        cmocka_unit_test(test_late_reports_are_checked_unless_they_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
