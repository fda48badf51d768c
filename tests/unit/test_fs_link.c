/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "fs/fs_i.h"

#include <stdlib.h>

#include "unit.h"

static void test_a_link_leads_from_its_place_to_its_target(void **state)
{
    static const struct {
        const char *from, *to, *relative;
    } rows[] = {
        { "/drives/ID", "/me/drive", "../me/drive" },
        { "/a/b/link", "/a/b/c", "c" },
        { "/a/b/link", "/a/c", "../c" },
        { "/a/b/link", "/a/bc", "../bc" },
        { "/a/b/link", "/a/b", "." },
        { "/a/b/c/link", "/a", "../.." },
        { "/link", "/", "." },
        { "/a/link", "/", ".." },
        { "/link", "/a/b", "a/b" },
        { "/a/b", "/a/b2/c", "b2/c" },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        char *relative = link_relative_path(rows[i].from, rows[i].to);

        assert_string_equal(relative, rows[i].relative);
        free(relative);
    }
}

static void test_inside_is_the_root_and_what_is_below_it(void **state)
{
    static const struct {
        const char *root, *path;
        bool is_inside;
    } rows[] = {
        { "/", "/", true },
        { "/", "/me/drive", true },
        { "/drives", "/drives", true },
        { "/drives", "/drives/x", true },
        { "/drives", "/drives2", false },
        { "/drives", "/me/drive", false },
        { "/me/drive", "/me", false },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(link_is_inside(rows[i].root, rows[i].path), rows[i].is_inside);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_link_leads_from_its_place_to_its_target),
        cmocka_unit_test(test_inside_is_the_root_and_what_is_below_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
