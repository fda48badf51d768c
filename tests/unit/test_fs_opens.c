/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "fs/opens.h"

#include <pthread.h>
#include <sched.h>

#include "unit.h"

/* Two numbers that share a bucket and a slot with 1000, whatever the table's size. */
enum { INO = 1000, SAME_SLOT = 1000 + (1 << 20) };

static struct node_attr attr_of(ino_nr ino, int64_t size)
{
    return (struct node_attr){ .ino = ino, .size = size, .generation = ino + 1 };
}

static void test_an_inode_is_open_until_its_last_close(void **state)
{
    struct opens *opens = opens_new();
    const struct node_attr attr = attr_of(INO, 5);
    struct open_file *first = opens_add(opens, &attr);
    struct open_file *second = opens_add(opens, &attr);

    (void)state;
    assert_true(opens_note_change(opens, INO));
    assert_false(opens_note_change(opens, SAME_SLOT));
    opens_remove(opens, first);
    assert_true(opens_note_change(opens, INO));
    opens_remove(opens, second);
    assert_false(opens_note_change(opens, INO));
    assert_int_equal(opens_count(opens), 0);
    opens_free(opens);
}

static void test_an_open_inode_keeps_its_attributes(void **state)
{
    struct opens *opens = opens_new();
    const struct node_attr attr = attr_of(INO, 5), other = attr_of(SAME_SLOT, 7);
    struct node_attr found;

    (void)state;
    (void)opens_add(opens, &attr);
    (void)opens_add(opens, &other);
    assert_true(opens_get_attr(opens, INO, &found));
    assert_int_equal(found.size, 5);
    assert_true(opens_get_attr(opens, SAME_SLOT, &found));
    assert_int_equal(found.size, 7);
    assert_false(opens_get_attr(opens, INO + 1, &found));
    opens_free(opens);
}

static void test_pages_are_kept_only_for_the_generation_they_are_of(void **state)
{
    struct opens *opens = opens_new();

    (void)state;
    assert_false(opens_note_pages(opens, INO, 1));
    assert_true(opens_note_pages(opens, INO, 1));
    assert_false(opens_note_pages(opens, INO, 2));
    assert_true(opens_note_pages(opens, INO, 2));
    assert_false(opens_note_pages(opens, SAME_SLOT, 2));
    assert_false(opens_note_pages(opens, INO, 2));
    opens_free(opens);
}

static void note_inode(void *arg, ino_nr ino)
{
    ino_nr *sum = arg;

    *sum += ino;
}

static void test_pages_of_wrong_content_are_kept_no_longer(void **state)
{
    struct opens *opens = opens_new();
    const struct node_attr attr = attr_of(INO, 5), other = attr_of(INO + 1, 7);
    ino_nr told = 0;

    (void)state;
    (void)opens_add(opens, &attr);
    (void)opens_add(opens, &other);
    assert_false(opens_note_pages(opens, INO, attr.generation));
    assert_false(opens_note_pages(opens, INO + 1, other.generation));
    opens_distrust_pages(opens, attr.generation, note_inode, &told);
    assert_int_equal(told, INO);
    assert_false(opens_note_pages(opens, INO, attr.generation));
    assert_true(opens_note_pages(opens, INO + 1, other.generation));
    opens_free(opens);
}

static void test_a_changed_inode_is_outdated_until_the_kernel_is_told(void **state)
{
    struct opens *opens = opens_new();
    unsigned changes;

    (void)state;
    assert_false(opens_note_change(opens, INO));
    assert_false(opens_note_change(opens, SAME_SLOT));
    assert_int_equal(opens_view(opens, INO), VIEW_OUTDATED);
    changes = opens_changes(opens, INO);
    assert_false(opens_note_change(opens, INO));
    opens_told(opens, INO, changes);
    assert_int_equal(opens_view(opens, INO), VIEW_OUTDATED);
    opens_told(opens, INO, opens_changes(opens, INO));
    assert_int_equal(opens_view(opens, INO), VIEW_CURRENT);
    opens_told(opens, INO, opens_changes(opens, INO));
    assert_int_equal(opens_view(opens, SAME_SLOT), VIEW_OUTDATED);
    opens_free(opens);
}

struct telling {
    struct opens *opens;
    pthread_t opener;
    _Atomic bool has_begun;
    _Atomic bool was_told;
    bool was_early;
    enum kernel_view view;
};

static void *open_meanwhile(void *arg)
{
    struct telling *telling = arg;

    telling->has_begun = true;
    telling->view = opens_view(telling->opens, INO);
    telling->was_early = !telling->was_told;
    return NULL;
}

static void reply_slowly(void *arg)
{
    struct telling *telling = arg;

    assert_int_equal(pthread_create(&telling->opener, NULL, open_meanwhile, telling), 0);
    while (!telling->has_begun)
        (void)sched_yield();
    for (int i = 0; i < 1000; i++)
        (void)sched_yield();
    telling->was_told = true;
}

static void count_reply(void *arg)
{
    ++*(unsigned *)arg;
}

static void test_an_open_beside_a_reply_comes_neither_too_soon_nor_too_late(void **state)
{
    struct telling telling = { .opens = opens_new() };
    unsigned replies = 0;

    (void)state;
    assert_false(opens_note_change(telling.opens, INO));
    opens_tell(telling.opens, INO, reply_slowly, &telling);
    assert_int_equal(pthread_join(telling.opener, NULL), 0);
    assert_int_equal(telling.view, VIEW_DOUBTFUL);
    assert_false(telling.was_early);
    assert_false(opens_note_change(telling.opens, INO));
    assert_int_equal(opens_view(telling.opens, INO), VIEW_OUTDATED);
    opens_told(telling.opens, INO, opens_changes(telling.opens, INO));
    opens_tell(telling.opens, INO, count_reply, &replies);
    assert_int_equal(replies, 1);
    opens_free(telling.opens);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_inode_is_open_until_its_last_close),
        cmocka_unit_test(test_an_open_inode_keeps_its_attributes),
        cmocka_unit_test(test_pages_are_kept_only_for_the_generation_they_are_of),
        cmocka_unit_test(test_pages_of_wrong_content_are_kept_no_longer),
        cmocka_unit_test(test_a_changed_inode_is_outdated_until_the_kernel_is_told),
        cmocka_unit_test(test_an_open_beside_a_reply_comes_neither_too_soon_nor_too_late),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
