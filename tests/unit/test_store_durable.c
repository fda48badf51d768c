/* SPDX-License-Identifier: MIT */
/* store_commit_durably(): what is left after a power cut. SQLite's files are in memory here. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../sim/memory_disk.h"
#include "base/cleanup.h"
#include "base/xalloc.h"
#include "store/store.h"
#include "store_fixture.h"
#include "unit.h"

struct scene {
    struct memory_disk *disk;
    struct fixture *fixture;
};

static int setup(void **state)
{
    struct scene *scene = x_calloc(1, sizeof *scene);
    void *fixture;
    int r;

    scene->disk = memory_disk_new();
    r = fixture_setup(&fixture);
    scene->fixture = fixture;
    *state = scene;
    return r;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    void *fixture = scene->fixture;
    int r = fixture_teardown(&fixture);

    memory_disk_free(scene->disk);
    free(scene);
    return r;
}

static void cut_power(struct scene *scene)
{
    struct memory_image *image = memory_disk_save(scene->disk, true);

    store_close(scene->fixture->store);
    scene->fixture->store = NULL;
    memory_disk_restore(scene->disk, image);
    memory_image_free(image);
    fixture_reopen(scene->fixture);
}

static bool is_there(struct scene *scene, const char *path)
{
    struct node_attr attr;

    return fixture_find(scene->fixture, path, &attr) == 0;
}

static void test_a_commit_is_lost_with_the_power_and_a_durable_one_is_not(void **state)
{
    struct scene *scene = *state;
    struct fixture *fixture = scene->fixture;
    struct store_txn *txn;
    struct node node = fixture_node(STORE_INO_ME, "durable", NODE_FILE, 1, "D");

    (void)fixture_add(fixture, STORE_INO_ME, "lost", NODE_FILE, 1, "L");
    cut_power(scene);
    assert_false(is_there(scene, "/me/lost"));

    (void)fixture_add(fixture, STORE_INO_ME, "before", NODE_FILE, 1, "B");
    assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
    assert_int_equal(txn_put_node(txn, &node), 0);
    assert_int_equal(store_commit_durably(txn, NULL), 0);
    node_clear(&node);
    (void)fixture_add(fixture, STORE_INO_ME, "after", NODE_FILE, 1, "A");
    cut_power(scene);
    assert_true(is_there(scene, "/me/before"));
    assert_true(is_there(scene, "/me/durable"));
    assert_false(is_there(scene, "/me/after"));
}

static void commit_nothing_durably(struct fixture *fixture)
{
    struct store_txn *txn;

    assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
    assert_int_equal(store_commit_durably(txn, NULL), 0);
}

static void test_a_durable_commit_of_nothing_saves_those_before(void **state)
{
    struct scene *scene = *state;

    for (int i = 0; i < 3; i++) {
        cleanup_free char *path = x_asprintf("/me/%d", i);

        (void)fixture_add(scene->fixture, STORE_INO_ME, path + 4, NODE_FILE, 1, path);
        commit_nothing_durably(scene->fixture);
        cut_power(scene);
        assert_true(is_there(scene, path));
    }
}

/* The log is long enough to be copied into the database, and begun anew. */
static void test_durable_commits_go_on_after_a_checkpoint(void **state)
{
    struct scene *scene = *state;
    struct fixture *fixture = scene->fixture;

    enum { NODES = 6000, EACH = 20 };

    commit_nothing_durably(fixture);
    for (int i = 0; i < NODES / EACH; i++) {
        struct store_txn *txn;

        assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
        for (int j = 0; j < EACH; j++) {
            cleanup_free char *name = x_asprintf("%04d-%0200d", (i * EACH + j) * 7919 % 10000, j);
            struct node node = fixture_node(STORE_INO_ME, name, NODE_FILE, 1, name);

            assert_int_equal(txn_put_node(txn, &node), 0);
            node_clear(&node);
        }
        assert_int_equal(store_commit(txn, NULL), 0);
    }
    (void)fixture_add(fixture, STORE_INO_ME, "last", NODE_FILE, 1, "L");
    commit_nothing_durably(fixture);
    cut_power(scene);
    assert_true(is_there(scene, "/me/last"));
}

/* ---- on a real disk, several at once ---- */

enum { THREADS = 4, COMMITS = 20 };

struct writer {
    struct fixture *fixture;
    pthread_t thread;
    int number, failures;
};

static void *commit_often(void *arg)
{
    struct writer *writer = arg;

    for (int i = 0; i < COMMITS; i++) {
        cleanup_free char *name = x_asprintf("%d-%d", writer->number, i);
        struct node node = fixture_node(STORE_INO_ME, name, NODE_FILE, 1, name);
        struct store_txn *txn = NULL;
        int r = store_begin(writer->fixture->store, &txn, NULL);

        if (r == 0)
            r = txn_put_node(txn, &node);
        if (r == 0)
            r = i % 2 ? store_commit_durably(txn, NULL) : store_commit(txn, NULL);
        writer->failures += r < 0;
        node_clear(&node);
    }
    return NULL;
}

static void test_several_threads_commit_durably_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct writer writers[THREADS];
    struct store_counts before, after;

    assert_int_equal(store_counts(fixture->store, &before), 0);
    for (int i = 0; i < THREADS; i++) {
        writers[i] = (struct writer){ .fixture = fixture, .number = i };
        assert_int_equal(pthread_create(&writers[i].thread, NULL, commit_often, &writers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(writers[i].thread, NULL), 0);
        assert_int_equal(writers[i].failures, 0);
    }
    fixture_reopen(fixture);
    assert_int_equal(store_counts(fixture->store, &after), 0);
    assert_int_equal(after.nodes - before.nodes, THREADS * COMMITS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_a_commit_is_lost_with_the_power_and_a_durable_one_is_not, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_durable_commit_of_nothing_saves_those_before, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_durable_commits_go_on_after_a_checkpoint, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_several_threads_commit_durably_at_once, fixture_setup,
                                        fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
