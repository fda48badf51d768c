/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "fs/opens.h"

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

    (void)state;
    assert_false(opens_note_change(opens, INO));
    assert_false(opens_note_change(opens, INO));
    assert_false(opens_note_change(opens, SAME_SLOT));
    assert_true(opens_is_outdated(opens, INO));
    opens_told(opens, INO);
    assert_false(opens_is_outdated(opens, INO));
    opens_told(opens, INO);
    assert_true(opens_is_outdated(opens, SAME_SLOT));
    opens_free(opens);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_inode_is_open_until_its_last_close),
        cmocka_unit_test(test_an_open_inode_keeps_its_attributes),
        cmocka_unit_test(test_pages_are_kept_only_for_the_generation_they_are_of),
        cmocka_unit_test(test_pages_of_wrong_content_are_kept_no_longer),
        cmocka_unit_test(test_a_changed_inode_is_outdated_until_the_kernel_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
