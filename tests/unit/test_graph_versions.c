/* SPDX-License-Identifier: MIT */
/* The versions of a file, and where their content is: from the emulator, and from a host that lies.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xalloc.h"

#include "unit.h"

#include "graph_wire.h"

static int list(struct remote *remote, const char *drive_id, const char *item_id,
                struct answer *answer)
{
    struct version_query query = {
        .drive_id = drive_id,
        .item_id = item_id,
        .priority = REMOTE_READ,
    };

    answer_init(answer);
    (void)remote_versions(remote, &query, answer_versions, answer);
    return answer_wait(answer);
}

static int find(struct remote *remote, const char *drive_id, const char *item_id,
                const char *version_id, struct answer *answer)
{
    struct version_query query = {
        .drive_id = drive_id,
        .item_id = item_id,
        .version_id = version_id,
        .priority = REMOTE_READ,
    };

    answer_init(answer);
    (void)remote_version_url(remote, &query, answer_url, answer);
    return answer_wait(answer);
}

/* ---- the emulator ---- */

/* A file that had three other contents before. */
struct scene {
    struct emulator *emulator;
    struct service *service;
    char *drive_id;
    char *item_id;
};

static int set_up(void **state)
{
    static const char *const args[] = { "--plain", "--page-size=2", NULL };
    struct scene *scene = x_calloc(1, sizeof(*scene));
    struct page_query query = { .kind = PAGE_CHILDREN, .priority = REMOTE_READ };
    struct answer answer;

    scene->emulator = emulator_start(args);
    scene->service = service_new(scene->emulator, 0);
    service_sign_in(scene->service);
    emulator_do(scene->emulator, "POST", "edit",
                "{\"ops\":[{\"op\":\"create\",\"path\":\"/f\",\"content\":\"a\"},"
                "{\"op\":\"write\",\"path\":\"/f\",\"content\":\"bb\"},"
                "{\"op\":\"write\",\"path\":\"/f\",\"content\":\"ccc\"},"
                "{\"op\":\"write\",\"path\":\"/f\",\"content\":\"dddd\"}]}");
    answer_init(&answer);
    remote_drives(scene->service->remote, answer_drives, &answer);
    assert_int_equal(answer_wait(&answer), 0);
    scene->drive_id = x_strdup(answer.drives->drives[0].id);
    answer_clear(&answer);
    query.drive_id = scene->drive_id;
    answer_init(&answer);
    (void)remote_page(scene->service->remote, &query, answer_page, &answer);
    assert_int_equal(answer_wait(&answer), 0);
    scene->item_id = x_strdup(answer.page->items[0].id);
    answer_clear(&answer);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    service_free(scene->service);
    emulator_stop(scene->emulator);
    free(scene->drive_id);
    free(scene->item_id);
    free(scene);
    return 0;
}

static void test_all_versions_are_listed_the_newest_first(void **state)
{
    struct scene *scene = *state;
    struct answer answer;

    assert_int_equal(list(scene->service->remote, scene->drive_id, scene->item_id, &answer), 0);
    assert_int_equal(answer.versions->count, 4);
    for (size_t i = 0; i < 4; i++) {
        const struct version_info *info = &answer.versions->versions[i];

        assert_int_equal(info->size, 4 - i);
        assert_true(info->mtime_ns > 0);
        assert_true(i == 0 || info->mtime_ns <= info[-1].mtime_ns);
    }
    answer_clear(&answer);
}

static void test_an_old_version_is_fetched_without_the_token(void **state)
{
    struct scene *scene = *state;
    struct remote *remote = scene->service->remote;
    struct answer versions, url, content;
    struct fetch_query query = { .length = 2, .priority = REMOTE_READ };

    assert_int_equal(list(remote, scene->drive_id, scene->item_id, &versions), 0);
    assert_int_equal(
        find(remote, scene->drive_id, scene->item_id, versions.versions->versions[2].id, &url), 0);
    query.url = url.url;
    answer_init(&content);
    (void)remote_fetch(remote, &query, answer_fetch, &content);
    assert_int_equal(answer_wait(&content), 0);
    assert_string_equal(content.data, "bb");
    assert_int_equal(content.total, 2);
    assert_int_equal(emulator_count(scene->emulator, "bearer_on_content"), 0);
    answer_clear(&content);
    answer_clear(&url);
    answer_clear(&versions);
}

static void test_the_version_of_now_is_refused(void **state)
{
    struct scene *scene = *state;
    struct remote *remote = scene->service->remote;
    struct answer versions, url;

    assert_int_equal(list(remote, scene->drive_id, scene->item_id, &versions), 0);
    assert_true(
        find(remote, scene->drive_id, scene->item_id, versions.versions->versions[0].id, &url) < 0);
    assert_int_equal(url.err.http_status, 400);
    answer_clear(&url);
    answer_clear(&versions);
}

static void test_what_is_not_there_has_no_versions(void **state)
{
    struct scene *scene = *state;
    struct answer answer;

    assert_int_equal(list(scene->service->remote, scene->drive_id, "nothing", &answer), -ENOENT);
    answer_clear(&answer);
    assert_int_equal(find(scene->service->remote, scene->drive_id, scene->item_id, "99.0", &answer),
                     -ENOENT);
    answer_clear(&answer);
}

static void test_a_list_that_goes_in_circles_ends(void **state)
{
    struct scene *scene = *state;
    struct answer answer;

    emulator_fault(scene->emulator, "{\"path\":\"*/versions*\",\"action\":\"loop-nextlink\"}");
    assert_int_equal(list(scene->service->remote, scene->drive_id, scene->item_id, &answer), 0);
    assert_in_range(answer.versions->count, 2, 100);
    answer_clear(&answer);
}

static void test_a_request_can_be_cancelled(void **state)
{
    struct scene *scene = *state;
    struct version_query query = {
        .drive_id = scene->drive_id,
        .item_id = scene->item_id,
        .version_id = "1.0",
        .priority = REMOTE_READ,
    };
    struct answer answers[2];
    uint64_t ids[2];

    emulator_fault(scene->emulator, "{\"path\":\"*/versions*\",\"action\":\"stall\"}");
    emulator_do(scene->emulator, "POST", "reset-counts", NULL);
    answer_init(&answers[0]);
    answer_init(&answers[1]);
    ids[0] = remote_versions(scene->service->remote, &query, answer_versions, &answers[0]);
    ids[1] = remote_version_url(scene->service->remote, &query, answer_url, &answers[1]);
    emulator_wait_for(scene->emulator, "total", 2);
    for (size_t i = 0; i < 2; i++) {
        remote_cancel(scene->service->remote, ids[i]);
        assert_int_equal(answer_wait(&answers[i]), -ECANCELED);
        answer_clear(&answers[i]);
    }
}

/* ---- a host that lies ---- */

static void test_what_is_no_list_is_an_error(void **state)
{
    static const char *const bodies[] = { "{}", "{\"value\":{}}", "{\"value\":\"1.0\"}" };

    (void)state;
    for (size_t i = 0; i < ROWS(bodies); i++) {
        const char *const answers[] = { bodies[i], NULL };
        struct wire *wire = wire_new(answers);
        struct answer answer;

        assert_int_equal(list(wire->service->remote, "d", "i", &answer), -EPROTO);
        assert_null(answer.versions);
        answer_clear(&answer);
        wire_free(wire);
    }
}

static void test_of_a_version_nothing_but_its_id_has_to_be_right(void **state)
{
    static const char *const answers[] = {
        "{\"value\":[null,7,{},{\"id\":3},{\"id\":\"\"},{\"id\":\"1.0\",\"size\":-1,"
        "\"lastModifiedDateTime\":\"yesterday\"},{\"id\":\"2.0\",\"size\":\"no\"}]}",
        NULL
    };
    struct wire *wire = wire_new(answers);
    struct answer answer;

    (void)state;
    assert_int_equal(list(wire->service->remote, "d", "i", &answer), 0);
    assert_int_equal(answer.versions->count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(answer.versions->versions[i].size, -1);
        assert_int_equal(answer.versions->versions[i].mtime_ns, 0);
    }
    answer_clear(&answer);
    wire_free(wire);
}

static void test_the_token_follows_no_link_to_another_host(void **state)
{
    static const char *const answers[] = {
        "{\"value\":[],\"@odata.nextLink\":\"https://elsewhere.example/versions\"}", NULL
    };
    struct wire *wire = wire_new(answers);
    struct answer answer;

    (void)state;
    assert_int_equal(list(wire->service->remote, "d", "i", &answer), -EPROTO);
    assert_int_equal(peer_count(wire->peer), 1);
    answer_clear(&answer);
    wire_free(wire);
}

#define TO(location) "HTTP/1.1 302 Found\r\nLocation: " location "\r\nContent-Length: 0\r\n\r\n"

static void test_content_is_sought_where_it_is_safe_only(void **state)
{
    static const char *const bad[] = {
        "{}",
        "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
        TO("http://elsewhere.example/plain"),
        TO("file:///etc/passwd"),
        TO("//"),
    };

    (void)state;
    for (size_t i = 0; i < ROWS(bad); i++) {
        const char *const answers[] = { bad[i], NULL };
        struct wire *wire = wire_new(answers);
        struct answer answer;

        assert_int_equal(find(wire->service->remote, "d", "i", "1.0", &answer), -EPROTO);
        assert_null(answer.url);
        answer_clear(&answer);
        wire_free(wire);
    }
}

static void test_ids_are_encoded_and_redirections_not_followed(void **state)
{
    static const char *const answers[] = { TO("https://elsewhere.example/x?sig=a%2Bb"), NULL };
    struct wire *wire = wire_new(answers);
    struct answer answer;

    (void)state;
    assert_int_equal(find(wire->service->remote, "d!1", "i/2", "3 0", &answer), 0);
    assert_string_equal(answer.url, "https://elsewhere.example/x?sig=a%2Bb");
    assert_int_equal(peer_count(wire->peer), 1);
    assert_non_null(strstr(peer_request(wire->peer, 0)->head,
                           "/drives/d%211/items/i%2F2/versions/3%200/content HTTP"));
    answer_clear(&answer);
    wire_free(wire);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_all_versions_are_listed_the_newest_first),
        TEST(test_an_old_version_is_fetched_without_the_token),
        TEST(test_the_version_of_now_is_refused),
        TEST(test_what_is_not_there_has_no_versions),
        TEST(test_a_list_that_goes_in_circles_ends),
        TEST(test_a_request_can_be_cancelled),
        cmocka_unit_test(test_what_is_no_list_is_an_error),
        cmocka_unit_test(test_of_a_version_nothing_but_its_id_has_to_be_right),
        cmocka_unit_test(test_the_token_follows_no_link_to_another_host),
        cmocka_unit_test(test_content_is_sought_where_it_is_safe_only),
        cmocka_unit_test(test_ids_are_encoded_and_redirections_not_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
