/* SPDX-License-Identifier: MIT */
/* What the remote fetches before somebody waits for it: pages of delta, the children of folders. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/xalloc.h"

#include "unit.h"

#include "graph_fixture.h"

/* Two folders, the second one with more items than a page of delta has. */
struct scene {
    struct emulator *emulator;
    struct service *service;
    char *drive_id;
    char *folder_ids[2];
};

static void ask_drives(struct scene *scene, struct answer *answer)
{
    answer_init(answer);
    remote_drives(scene->service->remote, answer_drives, answer);
}

/* Asks for a page as rounds do. */
static void ask_page(struct scene *scene, enum page_query_kind kind, const char *link,
                     struct answer *answer)
{
    struct page_query query = {
        .kind = kind,
        .drive_id = scene->drive_id,
        .link = link,
        .priority = REMOTE_BACKGROUND,
    };

    answer_init(answer);
    (void)remote_page(scene->service->remote, &query, answer_page, answer);
}

static int set_up(void **state)
{
    static const char *const args[] = { "--plain", NULL };
    struct scene *scene = x_calloc(1, sizeof(*scene));
    struct answer answer;
    struct page_query query = { .kind = PAGE_CHILDREN, .priority = REMOTE_READ };

    scene->emulator = emulator_start(args);
    scene->service = service_new(scene->emulator, 0);
    service_sign_in(scene->service);
    emulator_do(scene->emulator, "POST", "edit",
                "{\"ops\":[{\"op\":\"mkdir\",\"path\":\"/a\"},{\"op\":\"mkdir\",\"path\":\"/b\"},"
                "{\"op\":\"create\",\"path\":\"/a/file\",\"content\":\"x\"},"
                "{\"op\":\"bulk\",\"bulk\":{\"count\":1200,\"dir\":\"/b\"}}]}");
    ask_drives(scene, &answer);
    assert_int_equal(answer_wait(&answer), 0);
    scene->drive_id = x_strdup(answer.drives->drives[0].id);
    answer_clear(&answer);
    query.drive_id = scene->drive_id;
    (void)remote_page(scene->service->remote, &query, answer_page, &answer);
    assert_int_equal(answer_wait(&answer), 0);
    for (size_t i = 0; i < answer.page->count; i++)
        if (strcmp(answer.page->items[i].name, "a") == 0)
            scene->folder_ids[0] = x_strdup(answer.page->items[i].id);
        else if (strcmp(answer.page->items[i].name, "b") == 0)
            scene->folder_ids[1] = x_strdup(answer.page->items[i].id);
    answer_clear(&answer);
    emulator_do(scene->emulator, "POST", "reset-counts", NULL);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    service_free(scene->service);
    emulator_stop(scene->emulator);
    for (size_t i = 0; i < ROWS(scene->folder_ids); i++)
        free(scene->folder_ids[i]);
    free(scene->drive_id);
    free(scene);
    return 0;
}

/* ---- the drives ---- */

static void test_both_answers_about_drives_are_asked_for_at_once(void **state)
{
    struct scene *scene = *state;
    struct answer answer;

    emulator_fault(scene->emulator, "{\"path\":\"*/me/drive\",\"action\":\"stall\"}");
    ask_drives(scene, &answer);
    emulator_wait_for(scene->emulator, "total", 2);
    emulator_do(scene->emulator, "DELETE", "faults", NULL);
    assert_int_equal(answer_wait(&answer), 0);
    assert_true(answer.drives->drives[0].is_default);
    answer_clear(&answer);
}

/* ---- pages of delta ---- */

static void test_next_page_of_delta_is_on_its_way_before_it_is_asked_for(void **state)
{
    struct scene *scene = *state;
    struct answer first, second;

    ask_page(scene, PAGE_DELTA, NULL, &first);
    assert_int_equal(answer_wait(&first), 0);
    emulator_wait_for(scene->emulator, "total", 2);
    ask_page(scene, PAGE_LINK, first.page->next_link, &second);
    assert_int_equal(answer_wait(&second), 0);
    assert_int_equal(first.page->count + second.page->count, 1204);
    assert_non_null(second.page->delta_link);
    assert_int_equal(emulator_count(scene->emulator, "total"), 2);
    answer_clear(&first);
    answer_clear(&second);
}

static void test_early_page_that_is_old_is_asked_for_anew(void **state)
{
    struct scene *scene = *state;
    struct answer first, second;

    ask_page(scene, PAGE_DELTA, NULL, &first);
    assert_int_equal(answer_wait(&first), 0);
    emulator_wait_for(scene->emulator, "total", 2);
    clock_advance(scene->service->clock, 10 * 1000);
    ask_page(scene, PAGE_LINK, first.page->next_link, &second);
    assert_int_equal(answer_wait(&second), 0);
    assert_int_equal(emulator_count(scene->emulator, "total"), 3);
    answer_clear(&first);
    answer_clear(&second);
}

static void test_other_link_is_not_answered_with_the_early_page(void **state)
{
    struct scene *scene = *state;
    struct answer first, last, again;

    ask_page(scene, PAGE_DELTA, NULL, &first);
    assert_int_equal(answer_wait(&first), 0);
    ask_page(scene, PAGE_LINK, first.page->next_link, &last);
    assert_int_equal(answer_wait(&last), 0);
    answer_clear(&first);
    ask_page(scene, PAGE_DELTA, NULL, &first);
    assert_int_equal(answer_wait(&first), 0);
    ask_page(scene, PAGE_LINK, last.page->delta_link, &again);
    assert_int_equal(answer_wait(&again), 0);
    assert_int_equal(again.page->count, 0);
    answer_clear(&first);
    answer_clear(&last);
    answer_clear(&again);
}

/* The end of the service, at once: the early page is under way, and nobody has asked for it. */
static void test_early_page_under_way_ends_with_the_service(void **state)
{
    struct scene *scene = *state;
    struct answer first;

    emulator_fault(scene->emulator, "{\"path\":\"*/root/delta*\",\"nth\":2,\"action\":\"stall\"}");
    ask_page(scene, PAGE_DELTA, NULL, &first);
    assert_int_equal(answer_wait(&first), 0);
    emulator_wait_for(scene->emulator, "total", 2);
    answer_clear(&first);
}

static void test_link_to_another_host_is_not_followed_early(void **state)
{
    struct scene *scene = *state;
    struct answer first;

    emulator_fault(scene->emulator, "{\"path\":\"*/root/delta*\",\"action\":\"foreign-nextlink\"}");
    ask_page(scene, PAGE_DELTA, NULL, &first);
    assert_int_equal(answer_wait(&first), -EPROTO);
    assert_int_equal(emulator_count(scene->emulator, "total"), 1);
    assert_int_equal(emulator_count(scene->emulator, "bearer_on_content"), 0);
    answer_clear(&first);
}

/* ---- children of several folders ---- */

struct listed {
    struct answer answer; /* done when all is there */
    struct listing_part parts[LISTINGS_MAX];
};

static void take_listings(struct listing_part *parts, const struct err *err, void *arg)
{
    struct listed *listed = arg;

    for (size_t i = 0; parts && i < ROWS(listed->parts); i++) {
        if (!parts[i].page && parts[i].err.code == 0)
            break;
        listed->parts[i] = parts[i];
        parts[i].page = NULL;
    }
    answer_page(NULL, err, &listed->answer);
}

/* The second one isn't there. */
static int list_folders(struct scene *scene, struct listed *listed)
{
    const char *ids[] = { scene->folder_ids[1], "01AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                          scene->folder_ids[0] };
    struct listings_query query = {
        .drive_id = scene->drive_id,
        .ids = ids,
        .count = ROWS(ids),
        .priority = REMOTE_PREFETCH,
    };

    *listed = (struct listed){ 0 };
    answer_init(&listed->answer);
    (void)remote_listings(scene->service->remote, &query, take_listings, listed);
    return answer_wait(&listed->answer);
}

static void listed_clear(struct listed *listed)
{
    for (size_t i = 0; i < ROWS(listed->parts); i++)
        item_page_free(listed->parts[i].page);
    answer_clear(&listed->answer);
}

static void test_children_of_several_folders_are_one_request(void **state)
{
    struct scene *scene = *state;
    struct listed listed;

    assert_int_equal(list_folders(scene, &listed), 0);
    assert_int_equal(emulator_count(scene->emulator, "total"), 1);
    assert_true(listed.parts[0].page->count > 100);
    assert_non_null(listed.parts[0].page->next_link);
    assert_int_equal(listed.parts[1].err.http_status, 404);
    assert_int_equal(listed.parts[2].page->count, 1);
    assert_string_equal(listed.parts[2].page->items[0].name, "file");
    assert_null(listed.parts[2].page->next_link);
    listed_clear(&listed);
}

static void test_throttled_folder_is_told_and_not_asked_for_again(void **state)
{
    struct scene *scene = *state;
    struct listed listed;

    emulator_fault(scene->emulator, "{\"path\":\"*/children*\",\"nth\":1,\"count\":1,"
                                    "\"action\":\"status\",\"status\":429,\"retry_after\":7}");
    assert_int_equal(list_folders(scene, &listed), 0);
    assert_int_equal(listed.parts[0].err.code, -EAGAIN);
    assert_int_equal(listed.parts[0].err.retry_after_ms, 7000);
    assert_int_equal(listed.parts[2].page->count, 1);
    assert_int_equal(emulator_count(scene->emulator, "total"), 1);
    listed_clear(&listed);
}

static void test_listing_ahead_fails_at_once_while_the_service_asks_to_wait(void **state)
{
    struct scene *scene = *state;
    struct listed listed;

    emulator_fault(scene->emulator, "{\"path\":\"*/$batch\",\"count\":1,"
                                    "\"action\":\"status\",\"status\":429,\"retry_after\":7}");
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(list_folders(scene, &listed), -ETIMEDOUT);
        /* What is left of it: the clock goes on. */
        assert_in_range(listed.answer.err.retry_after_ms, 1, 7000);
        listed_clear(&listed);
    }
    assert_int_equal(emulator_count(scene->emulator, "total"), 1);
    clock_advance(scene->service->clock, 7000);
    assert_int_equal(list_folders(scene, &listed), 0);
    listed_clear(&listed);
}

#define IN_SCENE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCENE(test_both_answers_about_drives_are_asked_for_at_once),
        IN_SCENE(test_next_page_of_delta_is_on_its_way_before_it_is_asked_for),
        IN_SCENE(test_early_page_that_is_old_is_asked_for_anew),
        IN_SCENE(test_other_link_is_not_answered_with_the_early_page),
        IN_SCENE(test_early_page_under_way_ends_with_the_service),
        IN_SCENE(test_link_to_another_host_is_not_followed_early),
        IN_SCENE(test_children_of_several_folders_are_one_request),
        IN_SCENE(test_throttled_folder_is_told_and_not_asked_for_again),
        IN_SCENE(test_listing_ahead_fails_at_once_while_the_service_asks_to_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
