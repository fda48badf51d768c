/* SPDX-License-Identifier: MIT */
/* store.h: nodes, what is told of their changes, renumbering, staging, absence */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xalloc.h"
#include "store/store.h"
#include "store_fixture.h"
#include "unit.h"

static void edit_begin(struct fixture *fixture, ino_nr ino, struct store_txn **txn,
                       struct node *node)
{
    assert_int_equal(store_begin(fixture->store, txn, NULL), 0);
    assert_int_equal(txn_get_node(*txn, ino, node), 0);
}

static void edit_end(struct store_txn *txn, struct node *node)
{
    assert_int_equal(txn_put_node(txn, node), 0);
    assert_int_equal(store_commit(txn, NULL), 0);
    node_clear(node);
}

static void set_complete(struct fixture *fixture, ino_nr ino)
{
    struct store_txn *txn;

    assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
    assert_int_equal(txn_set_complete(txn, ino, true), 0);
    assert_int_equal(store_commit(txn, NULL), 0);
}

static void set_name(struct node_state *state, const char *name)
{
    free(state->name);
    state->name = x_strdup(name);
}

static void test_row_comes_back_with_all_three_states(void **state)
{
    struct fixture *fixture = *state;
    struct node node = fixture_node(STORE_INO_ME, "base", NODE_FILE, 1, "R");
    struct store_txn *txn;
    struct node back;

    set_name(&node.local, "local");
    node.local.size = 0;
    node.local.generation = 9;
    node.base.server_mtime_ns = 55;
    node.base.hash = x_strdup("aGFzaA==");
    node.base.hash_kind = HASH_QUICKXOR;
    node.base.ctag = x_strdup("\"c1\"");
    node.attr.flags |= NODE_REMOTE | NODE_SHORTCUT;
    node.remote = (struct node_state){
        .parent = STORE_INO_DRIVES,
        .name = x_strdup("remote"),
        .size = 77,
        .mtime_ns = -5,
        .etag = x_strdup("\"e2\""),
    };
    node.target_drive_id = x_strdup("D2");
    node.target_rid = x_strdup("T");
    node.confirmed_ms = 4;
    assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
    assert_int_equal(txn_put_node(txn, &node), 0);
    assert_int_equal(store_commit(txn, NULL), 0);

    assert_int_equal(store_get_node(fixture->store, node.attr.ino, &back), 0);
    assert_string_equal(back.local.name, "local");
    assert_int_equal(back.local.size, 0);
    assert_int_equal(back.local.generation, 9);
    assert_string_equal(back.base.name, "base");
    assert_int_equal(back.base.size, 10);
    assert_int_equal(back.base.generation, 7);
    assert_int_equal(back.base.parent, STORE_INO_ME);
    assert_string_equal(back.base.etag, "\"e1\"");
    assert_string_equal(back.base.ctag, "\"c1\"");
    assert_string_equal(back.base.hash, "aGFzaA==");
    assert_int_equal(back.base.hash_kind, HASH_QUICKXOR);
    assert_int_equal(back.base.server_mtime_ns, 55);
    assert_string_equal(back.remote.name, "remote");
    assert_int_equal(back.remote.parent, STORE_INO_DRIVES);
    assert_int_equal(back.remote.size, 77);
    assert_int_equal(back.remote.mtime_ns, -5);
    assert_false(back.remote_deleted);
    assert_string_equal(back.target_drive_id, "D2");
    assert_string_equal(back.target_rid, "T");
    assert_int_equal(back.confirmed_ms, 4);
    node_clear(&back);
    node_clear(&node);
}

static void test_dirty_is_the_difference_of_local_and_base(void **state)
{
    static const struct {
        unsigned flags;
        enum node_kind kind;
        const char *local_name, *base_name;
        ino_nr local_parent, base_parent;
        uint64_t local_generation, base_generation;
        int64_t local_mtime, base_mtime;
        unsigned expected;
    } rows[] = {
        { NODE_LOCAL | NODE_BASE, NODE_FILE, "a", "a", 2, 2, 1, 1, 5, 5, 0 },
        { NODE_LOCAL | NODE_BASE, NODE_FILE, "b", "a", 2, 2, 1, 1, 5, 5, DIRTY_PLACE },
        { NODE_LOCAL | NODE_BASE, NODE_FILE, "a", "a", 3, 2, 1, 1, 5, 5, DIRTY_PLACE },
        { NODE_LOCAL | NODE_BASE | NODE_SAFE_NAME, NODE_FILE, "b", "a", 2, 2, 1, 1, 5, 5, 0 },
        { NODE_LOCAL | NODE_BASE, NODE_FILE, "a", "a", 2, 2, 2, 1, 5, 5, DIRTY_CONTENT },
        { NODE_LOCAL | NODE_BASE, NODE_FILE, "a", "a", 2, 2, 1, 1, 999, 5, 0 },
        { NODE_LOCAL | NODE_BASE, NODE_FILE, "a", "a", 2, 2, 1, 1, 1000, 5, DIRTY_MTIME },
        { NODE_LOCAL | NODE_BASE, NODE_FILE, "a", "a", 2, 2, 1, 1, -1, 0, DIRTY_MTIME },
        { NODE_LOCAL | NODE_BASE, NODE_FOLDER, "a", "a", 2, 2, 0, 0, 9999, 5, 0 },
        { NODE_LOCAL, NODE_FILE, "a", NULL, 2, 0, 1, 0, 5, 0, DIRTY_CREATED },
        { NODE_BASE, NODE_FILE, "a", "a", 2, 2, 1, 1, 5, 5, DIRTY_DELETED },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct node node = {
            .attr = { .kind = rows[i].kind, .flags = rows[i].flags },
            .local = { .parent = rows[i].local_parent,
                       .name = x_strdup(rows[i].local_name),
                       .generation = rows[i].local_generation,
                       .mtime_ns = rows[i].local_mtime },
            .base = { .parent = rows[i].base_parent,
                      .name = x_strdup(rows[i].base_name),
                      .generation = rows[i].base_generation,
                      .mtime_ns = rows[i].base_mtime },
        };

        assert_int_equal(node_dirty(&node, 1000), rows[i].expected);
        node_clear(&node);
    }
}

static void test_names_appearing_are_told_only_where_they_may_be_cached(void **state)
{
    struct fixture *fixture = *state;
    ino_nr folder = fixture_add(fixture, STORE_INO_ME, "d", NODE_FOLDER, 1, "D");
    struct node_attr before, after;

    fixture_forget_told(fixture);
    assert_int_equal(store_getattr(fixture->store, folder, &before), 0);
    (void)fixture_add(fixture, folder, "early", NODE_FILE, 1, "E");
    assert_int_equal(fixture->told_count, 0);
    assert_int_equal(store_getattr(fixture->store, folder, &after), 0);
    assert_int_equal(after.mtime_ns, before.mtime_ns);

    set_complete(fixture, folder);
    (void)fixture_add(fixture, folder, "late", NODE_FILE, 1, "L");
    assert_true(fixture_was_told(fixture, CHANGE_ENTRY, folder, "late", 0));
    assert_true(fixture_was_told(fixture, CHANGE_LISTING, STORE_INO_ME, NULL, folder));
    assert_int_equal(store_getattr(fixture->store, folder, &after), 0);
    assert_int_equal(after.mtime_ns, FIXTURE_START_MS * 1000000);
}

static void test_touched_directory_is_told_once_and_does_not_become_dirty(void **state)
{
    struct fixture *fixture = *state;
    ino_nr folder = fixture_add(fixture, STORE_INO_ME, "d", NODE_FOLDER, 1, "D");
    struct store_txn *txn;
    struct node node;
    size_t told = 0;

    set_complete(fixture, folder);
    fixture_forget_told(fixture);
    assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
    for (int i = 0; i < 5; i++) {
        cleanup_free char *name = x_asprintf("f%d", i);

        node = fixture_node(folder, name, NODE_FILE, 1, name);
        assert_int_equal(txn_put_node(txn, &node), 0);
        node_clear(&node);
    }
    assert_int_equal(store_commit(txn, NULL), 0);
    for (size_t i = 0; i < fixture->told_count; i++)
        told += fixture->told[i].kind == CHANGE_LISTING;
    assert_int_equal(told, 1);
    /* What the kernel reads of the directory while it is told of the names must not stay. */
    assert_int_equal(fixture->told[fixture->told_count - 1].kind, CHANGE_LISTING);
    assert_int_equal(store_get_node(fixture->store, folder, &node), 0);
    assert_int_equal(node.base.mtime_ns, INT64_C(1600000000000000000));
    assert_int_equal(node_dirty(&node, 1000000000), 0);
    node_clear(&node);
}

static void test_moves_edits_and_removals_are_told(void **state)
{
    struct fixture *fixture = *state;
    ino_nr folder = fixture_add(fixture, STORE_INO_ME, "d", NODE_FOLDER, 1, "D");
    ino_nr file = fixture_add(fixture, folder, "f", NODE_FILE, 1, "F");
    struct store_txn *txn;
    struct node node;

    set_complete(fixture, folder);
    set_complete(fixture, STORE_INO_ME);
    fixture_forget_told(fixture);
    edit_begin(fixture, file, &txn, &node);
    node.local.parent = STORE_INO_ME;
    edit_end(txn, &node);
    assert_true(fixture_was_told(fixture, CHANGE_ENTRY, folder, "f", file));
    assert_true(fixture_was_told(fixture, CHANGE_ENTRY, STORE_INO_ME, "f", file));
    /* Lookups may still be under way where it was. */
    assert_true(fixture_was_told(fixture, CHANGE_ATTR, folder, NULL, file));
    assert_false(fixture_was_told(fixture, CHANGE_CONTENT, 0, NULL, file));

    fixture_forget_told(fixture);
    edit_begin(fixture, file, &txn, &node);
    node.local.mtime_ns++;
    edit_end(txn, &node);
    assert_int_equal(fixture->told_count, 1);
    assert_true(fixture_was_told(fixture, CHANGE_ATTR, 0, NULL, file));

    fixture_forget_told(fixture);
    edit_begin(fixture, file, &txn, &node);
    node.local.generation = 8;
    edit_end(txn, &node);
    assert_int_equal(fixture->told_count, 1);
    assert_true(fixture_was_told(fixture, CHANGE_CONTENT, 0, NULL, file));

    fixture_forget_told(fixture);
    edit_begin(fixture, file, &txn, &node);
    node.local.parent = folder;
    node.local.generation = 9;
    edit_end(txn, &node);
    assert_true(fixture_was_told(fixture, CHANGE_CONTENT, STORE_INO_ME, NULL, file));

    fixture_forget_told(fixture);
    assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
    assert_int_equal(txn_remove_node(txn, file), 0);
    assert_int_equal(store_commit(txn, NULL), 0);
    assert_true(fixture_was_told(fixture, CHANGE_DELETED, folder, "f", file));
}

static void test_nothing_is_told_of_what_is_rolled_back(void **state)
{
    struct fixture *fixture = *state;
    ino_nr file = fixture_add(fixture, STORE_INO_ME, "f", NODE_FILE, 1, "F");
    struct store_txn *txn;
    struct node_attr attr;

    fixture_forget_told(fixture);
    assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
    assert_int_equal(txn_remove_node(txn, file), 0);
    store_rollback(txn);
    (void)fixture_add(fixture, STORE_INO_DRIVES, "other", NODE_FILE, 1, "O");
    assert_int_equal(fixture->told_count, 0);
    assert_int_equal(store_getattr(fixture->store, file, &attr), 0);
}

static void test_numbers_are_never_used_again(void **state)
{
    struct fixture *fixture = *state;
    ino_nr first = fixture_add(fixture, STORE_INO_ME, "f", NODE_FILE, 1, "F");
    struct store_txn *txn;

    assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
    assert_int_equal(txn_remove_node(txn, first), 0);
    assert_int_equal(store_commit(txn, NULL), 0);
    fixture_reopen(fixture);
    assert_true(fixture_add(fixture, STORE_INO_ME, "f", NODE_FILE, 1, "F") > first);
}

static bool is_the_open_one(ino_nr ino, void *arg)
{
    const ino_nr *open = arg;

    return ino == *open;
}

static void test_open_file_whose_content_changes_leaves_its_number(void **state)
{
    struct fixture *fixture = *state;
    ino_nr file = fixture_add(fixture, STORE_INO_ME, "f", NODE_FILE, 1, "F");
    ino_nr other = fixture_add(fixture, STORE_INO_ME, "g", NODE_FILE, 1, "G");
    struct store_txn *txn;
    struct node_attr attr;
    struct node node;

    store_set_is_open(fixture->store, is_the_open_one, &file);
    fixture_forget_told(fixture);
    edit_begin(fixture, file, &txn, &node);
    node.local.generation = node.base.generation = 8;
    node.attr.flags |= NODE_REMOTE;
    node.remote_deleted = true;
    edit_end(txn, &node);

    assert_int_equal(store_getattr(fixture->store, file, &attr), -ENOENT);
    assert_int_equal(fixture_find(fixture, "/me/f", &attr), 0);
    assert_true(attr.ino > other);
    assert_int_equal(attr.generation, 8);
    assert_int_equal(store_get_node(fixture->store, attr.ino, &node), 0);
    assert_true(node.remote_deleted);
    node_clear(&node);
    assert_int_equal(fixture->told_count, 3);
    assert_true(fixture_was_told(fixture, CHANGE_ENTRY, STORE_INO_ME, "f", attr.ino));
    assert_true(fixture_was_told(fixture, CHANGE_UNUSED, 0, NULL, 0));
    assert_true(fixture_was_told(fixture, CHANGE_LISTING, 0, NULL, STORE_INO_ME));
    assert_true(fixture_add(fixture, STORE_INO_ME, "h", NODE_FILE, 1, "H") > attr.ino);

    edit_begin(fixture, other, &txn, &node);
    node.local.generation = 9;
    edit_end(txn, &node);
    assert_int_equal(store_getattr(fixture->store, other, &attr), 0);
}

static void test_open_file_that_changes_and_goes_at_once_is_just_gone(void **state)
{
    struct fixture *fixture = *state;
    ino_nr file = fixture_add(fixture, STORE_INO_ME, "f", NODE_FILE, 1, "F");
    struct store_txn *txn;
    struct node node;

    store_set_is_open(fixture->store, is_the_open_one, &file);
    fixture_forget_told(fixture);
    edit_begin(fixture, file, &txn, &node);
    node.local.generation = 8;
    assert_int_equal(txn_put_node(txn, &node), 0);
    node_clear(&node);
    assert_int_equal(txn_remove_node(txn, file), 0);
    assert_int_equal(store_commit(txn, NULL), 0);
    assert_true(fixture_was_told(fixture, CHANGE_DELETED, STORE_INO_ME, "f", file));
    assert_false(fixture_was_told(fixture, CHANGE_ENTRY, STORE_INO_ME, "f", 0));
}

struct listing {
    ino_nr inos[8];
    char names[8][8];
    size_t count, max;
};

static bool collect(const struct node_attr *attr, const char *name, void *arg)
{
    struct listing *listing = arg;

    listing->inos[listing->count] = attr->ino;
    (void)snprintf(listing->names[listing->count], sizeof listing->names[0], "%s", name);
    return ++listing->count < listing->max;
}

static void test_listing_goes_on_after_a_number(void **state)
{
    struct fixture *fixture = *state;
    ino_nr folder = fixture_add(fixture, STORE_INO_ME, "d", NODE_FOLDER, 1, "D");
    static const char *const names[] = { "z", "a", "m", "b" };
    struct listing listing = { .max = 2 };

    for (size_t i = 0; i < ROWS(names); i++)
        (void)fixture_add(fixture, folder, names[i], NODE_FILE, 1, names[i]);
    assert_int_equal(store_list(fixture->store, folder, 0, collect, &listing), 0);
    assert_int_equal(listing.count, 2);
    listing.max = 8;
    assert_int_equal(store_list(fixture->store, folder, listing.inos[1], collect, &listing), 0);
    assert_int_equal(listing.count, ROWS(names));
    for (size_t i = 0; i < ROWS(names); i++)
        assert_string_equal(listing.names[i], names[i]);
}

static void test_path_is_known_only_below_the_root(void **state)
{
    struct fixture *fixture = *state;
    ino_nr folder = fixture_add(fixture, STORE_INO_ME, "d", NODE_FOLDER, 1, "D");
    ino_nr file = fixture_add(fixture, folder, "f", NODE_FILE, 1, "F");
    ino_nr nowhere = fixture_add(fixture, STORE_INO_NONE, "n", NODE_FOLDER, 1, "N");
    ino_nr below = fixture_add(fixture, nowhere, "b", NODE_FILE, 1, "B");

    const struct {
        ino_nr ino;
        int result;
        const char *path;
    } rows[] = {
        { STORE_INO_ROOT, 0, "/" }, { file, 0, "/me/d/f" },   { nowhere, -ENOENT, NULL },
        { below, -ENOENT, NULL },   { 99999, -ENOENT, NULL },
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        cleanup_free char *path = NULL;

        assert_int_equal(store_path(fixture->store, rows[i].ino, &path), rows[i].result);
        if (rows[i].path)
            assert_string_equal(path, rows[i].path);
    }
}

static int note_item(struct store_txn *txn, const struct item *item, void *arg)
{
    char *seen = arg;

    (void)txn;
    (void)snprintf(seen + strlen(seen), 100 - strlen(seen), "%s=%s%s ", item->id,
                   item->name ? item->name : "-", item->flags & ITEM_DELETED ? "!" : "");
    return 0;
}

static void test_last_word_on_an_id_is_staged_and_live_items_come_first(void **state)
{
    struct fixture *fixture = *state;
    const struct item items[] = {
        { .id = "a", .name = "old" },
        { .id = "b", .name = "bee" },
        { .id = "a", .flags = ITEM_DELETED },
        { .id = "c", .flags = ITEM_DELETED },
        { .id = "c", .name = "new", .etag = "\"x\"" },
    };
    struct store_txn *txn;
    char seen[100] = "";
    int64_t count;

    assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
    for (size_t i = 0; i < ROWS(items); i++)
        assert_int_equal(txn_stage(txn, 1, &items[i]), 0);
    assert_int_equal(store_commit(txn, NULL), 0);
    fixture_reopen(fixture);

    assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
    assert_int_equal(txn_each_staged(txn, 1, 10, note_item, seen), 0);
    assert_string_equal(seen, "b=bee c=new a=-! ");
    assert_int_equal(txn_unstage(txn, 1, "b"), 0);
    assert_int_equal(txn_count_staged(txn, 1, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(txn_get_staged(txn, 1, "b", note_item, seen), -ENOENT);
    assert_int_equal(txn_clear_staging(txn, 1), 0);
    assert_int_equal(txn_count_staged(txn, 1, &count), 0);
    assert_int_equal(count, 0);
    store_rollback(txn);
}

static bool note_missing_row(const struct missing_row *row, void *arg)
{
    char *seen = arg;

    (void)snprintf(seen + strlen(seen), 100 - strlen(seen), "%s ", row->rid);
    return true;
}

static void test_what_a_full_round_lacks_is_missing_topmost_first(void **state)
{
    struct fixture *fixture = *state;
    ino_nr root, gone, below;
    int64_t drive = fixture_add_drive(fixture, "D", &root), count;
    const struct item kept = { .id = "kept", .name = "kept" };
    struct store_txn *txn;
    char seen[100] = "";

    gone = fixture_add(fixture, root, "gone", NODE_FOLDER, drive, "gone");
    below = fixture_add(fixture, gone, "below", NODE_FILE, drive, "below");
    (void)fixture_add(fixture, root, "kept", NODE_FILE, drive, "kept");
    assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
    assert_int_equal(txn_stage(txn, drive, &kept), 0);
    assert_int_equal(txn_note_missing(txn, drive, &count), 0);
    assert_int_equal(store_commit(txn, NULL), 0);
    assert_int_equal(count, 2);
    assert_int_equal(store_list_missing(fixture->store, drive, note_missing_row, seen), 0);
    assert_string_equal(seen, "gone ");

    assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
    assert_int_equal(txn_clear_missing(txn, gone), 0);
    assert_int_equal(store_commit(txn, NULL), 0);
    seen[0] = '\0';
    assert_int_equal(store_list_missing(fixture->store, drive, note_missing_row, seen), 0);
    assert_string_equal(seen, "below ");

    assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
    assert_int_equal(txn_remove_node(txn, below), 0);
    assert_int_equal(store_commit(txn, NULL), 0);
    seen[0] = '\0';
    assert_int_equal(store_list_missing(fixture->store, drive, note_missing_row, seen), 0);
    assert_string_equal(seen, "");
}

static void test_first_round_makes_known_folders_complete(void **state)
{
    struct fixture *fixture = *state;
    ino_nr root, folder, placeholder, other;
    int64_t drive = fixture_add_drive(fixture, "D", &root);

    const struct {
        ino_nr *ino;
        bool complete;
    } rows[] = { { &root, true }, { &folder, true }, { &placeholder, false }, { &other, false } };
    struct store_txn *txn;

    folder = fixture_add(fixture, root, "d", NODE_FOLDER, drive, "d");
    placeholder = fixture_add(fixture, STORE_INO_NONE, "", NODE_FOLDER, drive, "p");
    other = fixture_add(fixture, STORE_INO_ME, "o", NODE_FOLDER, drive + 1, "o");
    assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
    assert_int_equal(txn_set_all_complete(txn, drive, FIXTURE_START_MS), 0);
    assert_int_equal(store_commit(txn, NULL), 0);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct node_attr attr;

        assert_int_equal(store_getattr(fixture->store, *rows[i].ino, &attr), 0);
        assert_int_equal((attr.flags & NODE_COMPLETE) != 0, rows[i].complete);
    }
}

static void test_tombstones_last_until_they_are_purged(void **state)
{
    struct fixture *fixture = *state;
    struct store_txn *txn;
    bool has;

    assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
    assert_int_equal(txn_put_tombstone(txn, 1, "r", 1000), 0);
    assert_int_equal(txn_purge_tombstones(txn, 1, 1000), 0);
    assert_int_equal(txn_has_tombstone(txn, 1, "r", &has), 0);
    assert_true(has);
    assert_int_equal(txn_has_tombstone(txn, 2, "r", &has), 0);
    assert_false(has);
    assert_int_equal(txn_purge_tombstones(txn, 1, 1001), 0);
    assert_int_equal(txn_has_tombstone(txn, 1, "r", &has), 0);
    assert_false(has);
    store_rollback(txn);
}

/* ---- threads: a writer moves a file between two names, readers must see it under exactly one ----
 */

struct race {
    struct fixture *fixture;
    ino_nr folder;
    _Atomic ino_nr open;
    atomic_bool stop;
    atomic_int torn;
};

static void *read_until_stopped(void *arg)
{
    struct race *race = arg;

    while (!race->stop) {
        struct listing listing = { .max = 8 };
        struct node_attr attr;

        store_lock_shared(race->fixture->store);
        if (store_list(race->fixture->store, race->folder, 0, collect, &listing) < 0 ||
            listing.count != 1 || store_getattr(race->fixture->store, listing.inos[0], &attr) < 0)
            race->torn++;
        else
            race->open = attr.ino;
        store_unlock_shared(race->fixture->store);
    }
    return NULL;
}

static bool is_open_in_race(ino_nr ino, void *arg)
{
    struct race *race = arg;

    return race->open == ino;
}

static void test_readers_see_committed_states_while_open_files_are_renumbered(void **state)
{
    struct fixture *fixture = *state;
    struct race race = { .fixture = fixture };
    pthread_t readers[3];

    enum { EDITS = 300 };

    race.folder = fixture_add(fixture, STORE_INO_ME, "d", NODE_FOLDER, 1, "D");
    (void)fixture_add(fixture, race.folder, "f", NODE_FILE, 1, "F");
    store_set_is_open(fixture->store, is_open_in_race, &race);
    for (size_t i = 0; i < ROWS(readers); i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_until_stopped, &race), 0);
    for (int i = 0; i < EDITS; i++) {
        struct store_txn *txn;
        struct node node;

        assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
        assert_int_equal(txn_find_node(txn, 1, "F", &node), 0);
        set_name(&node.local, i % 2 ? "f" : "g");
        assert_int_equal(txn_next_generation(txn, &node.local.generation), 0);
        assert_int_equal(txn_put_node(txn, &node), 0);
        assert_int_equal(store_commit(txn, NULL), 0);
        node_clear(&node);
    }
    race.stop = true;
    for (size_t i = 0; i < ROWS(readers); i++)
        assert_int_equal(pthread_join(readers[i], NULL), 0);
    assert_int_equal(race.torn, 0);
}

/* Names that were absent may be cached from the time before. */
static void test_folder_that_is_complete_no_more_still_tells_of_new_names(void **state)
{
    struct fixture *fixture = *state;
    ino_nr root;
    int64_t drive = fixture_add_drive(fixture, "D", &root);
    ino_nr folder = fixture_add(fixture, root, "d", NODE_FOLDER, drive, "d");
    struct missing_row row = { .ino = folder, .drive = drive };
    struct node_attr attr;
    struct store_txn *txn;

    assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
    assert_int_equal(txn_set_all_complete(txn, drive, FIXTURE_START_MS), 0);
    assert_int_equal(txn_put_missing(txn, &row), 0);
    assert_int_equal(txn_set_all_complete(txn, drive, FIXTURE_START_MS), 0);
    assert_int_equal(store_commit(txn, NULL), 0);
    assert_int_equal(store_getattr(fixture->store, folder, &attr), 0);
    assert_false(attr.flags & NODE_COMPLETE);
    fixture_forget_told(fixture);
    (void)fixture_add(fixture, folder, "new", NODE_FILE, drive, "n");
    assert_true(fixture_was_told(fixture, CHANGE_ENTRY, folder, "new", 0));
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_row_comes_back_with_all_three_states),
        STORE_TEST(test_dirty_is_the_difference_of_local_and_base),
        STORE_TEST(test_names_appearing_are_told_only_where_they_may_be_cached),
        STORE_TEST(test_touched_directory_is_told_once_and_does_not_become_dirty),
        STORE_TEST(test_moves_edits_and_removals_are_told),
        STORE_TEST(test_nothing_is_told_of_what_is_rolled_back),
        STORE_TEST(test_numbers_are_never_used_again),
        STORE_TEST(test_open_file_whose_content_changes_leaves_its_number),
        STORE_TEST(test_open_file_that_changes_and_goes_at_once_is_just_gone),
        STORE_TEST(test_listing_goes_on_after_a_number),
        STORE_TEST(test_path_is_known_only_below_the_root),
        STORE_TEST(test_last_word_on_an_id_is_staged_and_live_items_come_first),
        STORE_TEST(test_what_a_full_round_lacks_is_missing_topmost_first),
        STORE_TEST(test_first_round_makes_known_folders_complete),
        STORE_TEST(test_tombstones_last_until_they_are_purged),
        STORE_TEST(test_readers_see_committed_states_while_open_files_are_renumbered),
        STORE_TEST(test_folder_that_is_complete_no_more_still_tells_of_new_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
