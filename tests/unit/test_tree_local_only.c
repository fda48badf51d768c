/* SPDX-License-Identifier: MIT */
/* tree/names.h: which names stay here */
#include "config.h"

#include <stdlib.h>

#include "tree/names.h"
#include "unit.h"

static void test_names_that_the_service_refuses_or_nobody_wants_stay_here(void **state)
{
    static const char *const names[] = {
        "CON",           "con",           "Con.txt",    "prn",      "AUX.a.b",  "nul.",
        "COM0",          "com9.log",      "LPT1",       ".lock",    ".LOCK",    "desktop.ini",
        "Desktop.INI",   "_vti_",         "a_vti_b",    "_VTI_cnf", "~$a.docx", "~$",
        ".~lock.a.odt#", ".~lock.#",      ".a.txt.swp", ".a.swo",   ".a.b.swx", ".nfs00000001",
        ".nfs",          ".fuse_hidden1", "a\nb",       "Icon\r",   "\001",     "a\177",
    };

    (void)state;
    for (size_t i = 0; i < ROWS(names); i++)
        if (!name_is_local_only(names[i], false))
            fail_msg("%s is sent", names[i]);
}

static void test_names_beside_these_are_sent(void **state)
{
    static const char *const names[] = {
        "CONFIG",    "icon",    "CON-1",   "COM",          "COM10",          "COMx.txt",
        "LPT",       "a.lock",  ".locked", "lock",         "my desktop.ini", "vti",
        "$~a",       "~a",      "a~$b",    ".~lock.a",     "~lock.a#",       "a.swp",
        ".swp",      ".a.swap", "a.nfs",   "nfs",          ".NFS1",          "a.tmp",
        "forms",     ".A.SWP",  "a.b",     "\u65E5\u672C", ".hidden",        ".Trash",
        "Forms.txt",
    };

    (void)state;
    for (size_t i = 0; i < ROWS(names); i++)
        if (name_is_local_only(names[i], false))
            fail_msg("%s is not sent", names[i]);
}

static void test_the_root_of_a_library_refuses_one_more(void **state)
{
    (void)state;
    assert_true(name_is_local_only("Forms", true));
    assert_true(name_is_local_only("forms", true));
    assert_false(name_is_local_only("forms", false));
    assert_false(name_is_local_only("forms2", true));
}

static void test_the_list_of_what_nobody_wants_there_can_be_another(void **state)
{
    (void)state;
    name_set_local_only("*.tmp::thumbs.d?:");
    assert_true(name_is_local_only("a.tmp", false));
    assert_true(name_is_local_only("thumbs.db", false));
    assert_true(name_is_local_only("desktop.ini", false));
    assert_true(name_is_local_only("~$a", false));
    assert_false(name_is_local_only(".a.swp", false));
    assert_false(name_is_local_only("a.tmp:", false));
    name_set_local_only("");
    assert_false(name_is_local_only("a.tmp", false));
    assert_false(name_is_local_only("a", false));
    name_set_local_only(NULL);
    assert_true(name_is_local_only(".a.swp", false));
}

static void test_names_of_trash_are_known(void **state)
{
    (void)state;
    assert_true(name_is_trash(".Trash"));
    assert_true(name_is_trash(".Trash-1000"));
    assert_false(name_is_trash("Trash"));
    assert_false(name_is_trash(".trash"));
    assert_false(name_is_trash("a.Trash"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_that_the_service_refuses_or_nobody_wants_stay_here),
        cmocka_unit_test(test_names_beside_these_are_sent),
        cmocka_unit_test(test_the_root_of_a_library_refuses_one_more),
        cmocka_unit_test(test_the_list_of_what_nobody_wants_there_can_be_another),
        cmocka_unit_test(test_names_of_trash_are_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
