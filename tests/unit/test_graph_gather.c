/* SPDX-License-Identifier: MIT */
/* Changes that are gathered: one request for all, and an answer for each. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

#include "graph_scene.h"

enum { FOLDERS = 25 };

static int set_up(void **state)
{
    static const char *const args[] = { "--plain", NULL };

    *state = scene_new(args);
    return 0;
}

static int tear_down(void **state)
{
    scene_free(*state);
    return 0;
}

static void ask_folder(const struct scene *scene, const char *name, struct answer *answer)
{
    const struct path_query query = {
        .drive_id = scene->drive_id,
        .parent_id = scene->root_id,
        .name = name,
        .priority = REMOTE_UPLOAD,
    };

    answer_init(answer);
    (void)remote_make_folder(scene->remote, &query, answer_page, answer);
}

static void ask_delete(const struct scene *scene, const struct item *item, const char *if_match,
                       struct answer *answer)
{
    const struct delete_query query = {
        .drive_id = scene->drive_id,
        .item_id = item->id,
        .if_match = if_match,
        .priority = REMOTE_UPLOAD,
    };

    answer_init(answer);
    (void)remote_delete(scene->remote, &query, answer_done, answer);
}

/* What the service keeps waiting is asked for while time passes. */
static int wait(const struct scene *scene, struct answer *answer)
{
    return answer_wait_passing(answer, scene->service, 500);
}

static void make_folders(const struct scene *scene, struct answer *answers)
{
    remote_gather(scene->remote);
    for (int i = 0; i < FOLDERS; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "folder %d", i);
        ask_folder(scene, name, &answers[i]);
    }
}

static void clear_all(struct answer *answers)
{
    for (int i = 0; i < FOLDERS; i++)
        answer_clear(&answers[i]);
}

static void test_twenty_go_in_one_request_and_nothing_goes_before(void **state)
{
    const struct scene *scene = *state;
    struct answer answers[FOLDERS];

    scene_fault(scene, "{\"method\":\"NONE\",\"action\":\"close\"}");
    make_folders(scene, answers);
    assert_false(answer_is_done(&answers[0]));
    remote_send_gathered(scene->remote);
    for (int i = 0; i < FOLDERS; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "folder %d", i);
        assert_int_equal(wait(scene, &answers[i]), 0);
        assert_string_equal(answers[i].page->items[0].name, name);
    }
    assert_int_equal(scene_requests(scene), 2);
    clear_all(answers);
}

static void test_each_has_an_answer_of_its_own(void **state)
{
    const struct scene *scene = *state;
    struct answer found, made, refused, removed, kept;
    const struct item *item;

    scene_edit(scene, "{\"op\":\"create\",\"path\":\"/goes\",\"content\":\"a\"}");
    scene_edit(scene, "{\"op\":\"create\",\"path\":\"/stays\",\"content\":\"a\"}");
    item = scene_item(scene, "goes", &found);
    remote_gather(scene->remote);
    ask_folder(scene, "made", &made);
    ask_folder(scene, "STAYS", &refused);
    ask_delete(scene, item, item->etag, &removed);
    answer_clear(&found);
    item = scene_item(scene, "stays", &found);
    ask_delete(scene, item, "\"{00000000-0000-0000-0000-000000000000},1\"", &kept);
    remote_send_gathered(scene->remote);
    assert_int_equal(wait(scene, &made), 0);
    assert_string_equal(made.page->items[0].name, "made");
    assert_int_equal(wait(scene, &refused), -EEXIST);
    assert_int_equal(refused.err.http_status, 409);
    assert_int_equal(wait(scene, &removed), 0);
    assert_int_not_equal(wait(scene, &kept), 0);
    assert_int_equal(kept.err.http_status, 412);
    assert_false(refused.err.is_fate_unknown || kept.err.is_fate_unknown);
    assert_true(scene_has(scene, "stays") && !scene_has(scene, "goes"));
    answer_clear(&made);
    answer_clear(&refused);
    answer_clear(&removed);
    answer_clear(&kept);
    answer_clear(&found);
}

static void test_what_is_throttled_goes_out_again_by_itself(void **state)
{
    const struct scene *scene = *state;
    struct answer answers[FOLDERS];

    scene_fault(scene, "{\"method\":\"POST\",\"path\":\"*/children\",\"action\":\"status\","
                       "\"status\":429,\"count\":3}");
    make_folders(scene, answers);
    remote_send_gathered(scene->remote);
    for (int i = 0; i < FOLDERS; i++)
        assert_int_equal(wait(scene, &answers[i]), 0);
    clear_all(answers);
}

static void test_of_what_had_no_answer_the_fate_is_unknown(void **state)
{
    const struct scene *scene = *state;
    struct answer answers[FOLDERS];
    int unknown = 0;

    scene_fault(scene, "{\"path\":\"*batch\",\"action\":\"lose-answer\",\"count\":1}");
    make_folders(scene, answers);
    remote_send_gathered(scene->remote);
    for (int i = 0; i < FOLDERS; i++) {
        if (wait(scene, &answers[i]) == 0)
            continue;
        assert_true(answers[i].err.is_fate_unknown);
        unknown++;
    }
    assert_true(unknown == 20 || unknown == FOLDERS - 20);
    clear_all(answers);
}

static void test_a_part_that_failed_after_the_deed_is_in_doubt(void **state)
{
    const struct scene *scene = *state;
    struct answer answers[FOLDERS];
    int unknown = 0;

    scene_fault(scene, "{\"method\":\"POST\",\"path\":\"*/children\","
                       "\"action\":\"fail-afterwards\",\"status\":504,\"count\":1}");
    make_folders(scene, answers);
    remote_send_gathered(scene->remote);
    for (int i = 0; i < FOLDERS; i++)
        unknown += wait(scene, &answers[i]) < 0 && answers[i].err.is_fate_unknown;
    assert_int_equal(unknown, 1);
    clear_all(answers);
}

#define GATHER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATHER_TEST(test_twenty_go_in_one_request_and_nothing_goes_before),
        GATHER_TEST(test_each_has_an_answer_of_its_own),
        GATHER_TEST(test_what_is_throttled_goes_out_again_by_itself),
        GATHER_TEST(test_of_what_had_no_answer_the_fate_is_unknown),
        GATHER_TEST(test_a_part_that_failed_after_the_deed_is_in_doubt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
