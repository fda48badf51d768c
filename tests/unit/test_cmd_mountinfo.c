/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "cmd/mountinfo.h"

#include "unit.h"

static void test_a_mount_of_graphfs_is_recognised(void **state)
{
    static const struct {
        const char *line, *path, *account;
    } rows[] = {
        { "60 29 0:52 / /mnt rw,nosuid - fuse.graphfs graphfs:default rw,user_id=0\n", "/mnt",
          "default" },
        { "60 29 0:7 / /a\\040b\\011c rw shared:1 master:2 - fuse.graphfs graphfs:w@x rw\n",
          "/a b\tc", "w@x" },
        { "60 29 0:7 / /a\\134040 rw - fuse.graphfs other rw\n", "/a\\040", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct mount_entry entry;

        assert_true(mountinfo_parse(rows[i].line, &entry));
        assert_string_equal(entry.path, rows[i].path);
        if (rows[i].account)
            assert_string_equal(entry.account, rows[i].account);
        else
            assert_null(entry.account);
        mount_entry_clear(&entry);
    }
}

static void test_other_mounts_and_broken_lines_are_not(void **state)
{
    static const char *const lines[] = {
        "",
        "60 29 0:52 /",
        "60 29 0:52 / /mnt rw",
        "60 29 0:52 / /mnt rw - ext4 /dev/sda1 rw\n",
        "60 29 0:52 / /mnt rw - fuse.graphfs\n",
    };

    (void)state;
    for (size_t i = 0; i < ROWS(lines); i++) {
        struct mount_entry entry;

        assert_false(mountinfo_parse(lines[i], &entry));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_mount_of_graphfs_is_recognised),
        cmocka_unit_test(test_other_mounts_and_broken_lines_are_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
