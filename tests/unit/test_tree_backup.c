/* SPDX-License-Identifier: MIT */
/* tree/names.h: which names are those of backups */
#include "config.h"

#include "tree/names.h"
#include "unit.h"

static void test_names_of_backups_are_known(void **state)
{
    static const struct {
        const char *name, *original;
        bool is_backup;
    } rows[] = {
        { "a.txt~", "a.txt", true },      { "a.txt.~1~", "a.txt", true },
        { "a.txt.~27~", "a.txt", true },  { "a.txt.bak", "a.txt", true },
        { "a.bak", "a.txt", true },       { "a.txt.orig", "a.txt", true },
        { "a.txt.old", "a.txt", true },   { "a.txt.backup", "a.txt", true },
        { "a.txt.save", "a.txt", true },  { "#a.txt#", "a.txt", true },
        { ".rc.bak", ".rc", true },       { "a~", "a", true },
        { "a.txt", "a.txt", false },      { "b.txt~", "a.txt", false },
        { "a.txt~~", "a.txt", false },    { "a.txt.~~", "a.txt", false },
        { "a.txt.~x~", "a.txt", false },  { "a~", "a.txt", false },
        { "a.orig", "a.txt", false },     { "#a.txt", "a.txt", false },
        { "a.txt.bak2", "a.txt", false }, { ".bak", ".txt", false },
        { "a.b.bak", "a.b.txt", true },   { "", "a", false },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        if (name_is_backup_of(rows[i].name, rows[i].original) != rows[i].is_backup)
            fail_msg("%s and %s", rows[i].name, rows[i].original);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_of_backups_are_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
