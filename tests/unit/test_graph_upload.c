/* SPDX-License-Identifier: MIT */
/* Contents that are sent, whole or in fragments, to the emulator; and what disturbs them. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xalloc.h"

#include "unit.h"

#include "graph_scene.h"

#define UNIT      REMOTE_FRAGMENT_UNIT
#define SECOND_NS INT64_C(1000000000)
/* Three fragments, the last of which is a short one. */
#define SIZE (2 * UNIT + 1000)

static const char *const plain[] = { "--plain", "--strict-fragments", NULL };
static const char *const consumer[] = { "--plain", "--strict-fragments", "--profile=consumer",
                                        NULL };

static int set_up_all(void **state)
{
    *state = scene_new(plain);
    return 0;
}

static int tear_down_all(void **state)
{
    scene_free(*state);
    return 0;
}

/* Bytes that differ wherever a fragment may end, for the caller to free. */
static char *make_content(size_t length)
{
    char *content = x_malloc(length);

    for (size_t i = 0; i < length; i++)
        content[i] = (char)(i * 7 + i / 251);
    return content;
}

static void assert_content(const struct scene *scene, const char *name, const char *content,
                           size_t length)
{
    size_t found;
    cleanup_free char *data = scene_content(scene, name, &found);

    assert_int_equal(found, length);
    assert_memory_equal(data, content, length);
}

/* ---- in one request ---- */

static void test_a_new_file_is_sent_whole(void **state)
{
    static const char *const names[] = { "new", "100% #1 + a&b'.txt", "\u00FC\U0001F600" };
    const struct scene *scene = *state;
    struct answer answer, found;

    for (size_t i = 0; i < ROWS(names); i++) {
        struct upload_target target = { .name = names[i] };

        assert_int_equal(scene_put(scene, target, "content", 7, &answer), 0);
        assert_string_equal(answer.page->items[0].name, names[i]);
        assert_int_equal(answer.page->items[0].size, 7);
        assert_string_equal(scene_item(scene, names[i], &found)->id, answer.page->items[0].id);
        assert_content(scene, names[i], "content", 7);
        answer_clear(&answer);
        answer_clear(&found);
    }
}

static void test_an_empty_file_is_sent_and_one_that_is_as_large_as_may_be(void **state)
{
    const struct scene *scene = *state;
    cleanup_free char *content = make_content(REMOTE_PUT_MAX + 1);
    struct answer answer;

    assert_int_equal(scene_put(scene, (struct upload_target){ .name = "empty" }, NULL, 0, &answer),
                     0);
    assert_int_equal(answer.page->items[0].size, 0);
    answer_clear(&answer);
    assert_int_equal(scene_put(scene, (struct upload_target){ .name = "large" }, content,
                               REMOTE_PUT_MAX, &answer),
                     0);
    assert_content(scene, "large", content, REMOTE_PUT_MAX);
    answer_clear(&answer);
    assert_int_equal(scene_put(scene, (struct upload_target){ .name = "huge" }, content,
                               REMOTE_PUT_MAX + 1, &answer),
                     -EFBIG);
    assert_false(scene_has(scene, "huge"));
    answer_clear(&answer);
}

static void test_a_new_file_takes_nobody_s_place(void **state)
{
    const struct scene *scene = *state;
    struct answer answer;

    scene_edit(scene, "{\"op\":\"create\",\"path\":\"/theirs\",\"content\":\"theirs\"}");
    assert_int_equal(
        scene_put(scene, (struct upload_target){ .name = "Theirs" }, "mine", 4, &answer), -EEXIST);
    assert_int_equal(answer.err.http_status, 409);
    assert_false(answer.err.is_fate_unknown);
    answer_clear(&answer);
    assert_content(scene, "theirs", "theirs", 6);
    assert_int_equal(scene_put(scene, (struct upload_target){ .name = "" }, "x", 1, &answer),
                     -EINVAL);
    answer_clear(&answer);
}

static void test_a_file_is_replaced_by_its_id_and_tag(void **state)
{
    const struct scene *scene = *state;
    struct answer before, now, answer;

    scene_edit(scene, "{\"op\":\"create\",\"path\":\"/kept\",\"content\":\"1\"}");
    const struct item *item = scene_item(scene, "kept", &before);
    struct upload_target target = { .item_id = item->id, .if_match = item->etag };
    assert_int_equal(scene_put(scene, target, "22", 2, &now), 0);
    assert_string_equal(now.page->items[0].id, item->id);
    assert_string_not_equal(now.page->items[0].ctag, item->ctag);
    assert_content(scene, "kept", "22", 2);
    assert_int_equal(scene_put(scene, target, "333", 3, &answer), -ESTALE);
    assert_int_equal(answer.err.http_status, 412);
    assert_false(answer.err.is_fate_unknown);
    assert_content(scene, "kept", "22", 2);
    answer_clear(&answer);
    target.if_match = NULL;
    assert_int_equal(scene_put(scene, target, "4444", 4, &answer), 0);
    assert_content(scene, "kept", "4444", 4);
    answer_clear(&answer);
    answer_clear(&before);
    answer_clear(&now);
}

/* ---- in fragments ---- */

/* An upload of SIZE bytes. */
struct upload {
    const struct scene *scene;
    char *content;
    char *url;
};

static int begin(const struct scene *scene, struct session_query query, struct answer *answer)
{
    query.target.drive_id = scene->drive_id;
    if (!query.target.item_id)
        query.target.parent_id = scene->root_id;
    query.size = query.size ? query.size : (int64_t)SIZE;
    query.priority = REMOTE_UPLOAD;
    answer_init(answer);
    (void)remote_session_begin(scene->remote, &query, answer_session, answer);
    return answer_wait_passing(answer, scene->service, 500);
}

static struct upload upload_begin(const struct scene *scene, struct session_query query)
{
    struct upload upload = { .scene = scene, .content = make_content(SIZE) };
    struct answer answer;

    assert_int_equal(begin(scene, query, &answer), 0);
    assert_int_equal(answer.next, 0);
    assert_true(answer.expires_ms > 0);
    upload.url = x_strdup(answer.url);
    answer_clear(&answer);
    return upload;
}

static struct upload upload_new_file(const struct scene *scene, const char *name)
{
    return upload_begin(scene, (struct session_query){ .target.name = name });
}

static void upload_clear(struct upload *upload)
{
    free(upload->content);
    free(upload->url);
}

static struct fragment_query query_of(const struct upload *upload)
{
    return (struct fragment_query){
        .url = upload->url,
        .total = SIZE,
        .priority = REMOTE_UPLOAD,
    };
}

/* Sends a fragment as large as the unit, or what is left. */
static int put(const struct upload *upload, int64_t offset, struct answer *answer)
{
    struct fragment_query query = query_of(upload);

    query.offset = offset;
    query.data = upload->content + offset;
    query.length = SIZE - (size_t)offset < UNIT ? SIZE - (size_t)offset : UNIT;
    answer_init(answer);
    (void)remote_session_put(upload->scene->remote, &query, answer_fragment, answer);
    return answer_wait_passing(answer, upload->scene->service, 500);
}

/* One after which more is expected. Returns from where on. */
static int64_t put_on(const struct upload *upload, int64_t offset)
{
    struct answer answer;

    assert_int_equal(put(upload, offset, &answer), 0);
    assert_null(answer.page);
    assert_string_equal(answer.url, upload->url);
    int64_t next = answer.next;
    answer_clear(&answer);
    return next;
}

/* All from there on; the last one makes the file. */
static void put_rest(const struct upload *upload, int64_t offset, struct answer *answer)
{
    while ((int64_t)SIZE - offset > (int64_t)UNIT)
        offset = put_on(upload, offset);
    assert_int_equal(put(upload, offset, answer), 0);
    assert_non_null(answer->page);
    assert_null(answer->url);
    assert_int_equal(answer->page->items[0].size, SIZE);
}

static int ask(const struct upload *upload, struct answer *answer)
{
    struct fragment_query query = query_of(upload);

    answer_init(answer);
    (void)remote_session_ask(upload->scene->remote, &query, answer_session, answer);
    return answer_wait_passing(answer, upload->scene->service, 500);
}

static int64_t asked_next(const struct upload *upload)
{
    struct answer answer;

    assert_int_equal(ask(upload, &answer), 0);
    int64_t next = answer.next;
    answer_clear(&answer);
    return next;
}

static int commit(const struct upload *upload, struct answer *answer)
{
    struct fragment_query query = query_of(upload);

    answer_init(answer);
    (void)remote_session_commit(upload->scene->remote, &query, answer_page, answer);
    return answer_wait_passing(answer, upload->scene->service, 500);
}

static int end(const struct upload *upload)
{
    struct fragment_query query = query_of(upload);
    struct answer answer;

    answer_init(&answer);
    (void)remote_session_end(upload->scene->remote, &query, answer_done, &answer);
    int ret = answer_wait_passing(&answer, upload->scene->service, 500);
    answer_clear(&answer);
    return ret;
}

static void test_fragments_become_a_file_with_its_time(void **state)
{
    const struct scene *scene = *state;
    struct upload upload = upload_begin(scene, (struct session_query){
                                                   .target.name = "a b%20",
                                                   .has_mtime = true,
                                                   .mtime_ns = 1111111111 * SECOND_NS + 5,
                                               });
    struct answer answer;

    emulator_do(scene->emulator, "POST", "reset-counts", NULL);
    assert_int_equal(put_on(&upload, 0), UNIT);
    assert_int_equal(asked_next(&upload), UNIT);
    assert_false(scene_has(scene, "a b%20"));
    put_rest(&upload, UNIT, &answer);
    assert_string_equal(answer.page->items[0].name, "a b%20");
    assert_int_equal(answer.page->items[0].mtime_ns, 1111111111 * SECOND_NS);
    assert_content(scene, "a b%20", upload.content, SIZE);
    assert_int_equal(emulator_count(scene->emulator, "bearer_on_content"), 0);
    answer_clear(&answer);
    assert_int_equal(ask(&upload, &answer), -ENOENT);
    assert_int_equal(answer.err.http_status, 404);
    answer_clear(&answer);
    upload_clear(&upload);
}

static void test_a_session_replaces_a_file_unless_that_has_changed(void **state)
{
    const struct scene *scene = *state;
    struct session_query query = { .size = 0 };
    struct answer file, answer;

    scene_edit(scene, "{\"op\":\"create\",\"path\":\"/old\",\"content\":\"old\"}");
    const struct item *item = scene_item(scene, "old", &file);
    query.target.item_id = item->id;
    query.target.if_match = item->etag;
    struct upload upload = upload_begin(scene, query);
    put_rest(&upload, 0, &answer);
    assert_string_equal(answer.page->items[0].id, item->id);
    assert_content(scene, "old", upload.content, SIZE);
    answer_clear(&answer);
    assert_int_equal(begin(scene, query, &answer), -ESTALE);
    assert_int_equal(answer.err.http_status, 412);
    assert_false(answer.err.is_fate_unknown);
    answer_clear(&answer);
    upload_clear(&upload);
    answer_clear(&file);
}

static void test_a_session_whose_file_has_changed_meanwhile_fails_at_its_end(void **state)
{
    const struct scene *scene = *state;
    struct session_query query = { .size = 0 };
    struct answer file, answer;

    scene_edit(scene, "{\"op\":\"create\",\"path\":\"/moved\",\"content\":\"old\"}");
    const struct item *item = scene_item(scene, "moved", &file);
    query.target.item_id = item->id;
    query.target.if_match = item->etag;
    struct upload upload = upload_begin(scene, query);
    scene_edit(scene, "{\"op\":\"write\",\"path\":\"/moved\",\"content\":\"theirs\"}");
    int64_t next = put_on(&upload, put_on(&upload, 0));
    assert_int_equal(put(&upload, next, &answer), -ESTALE);
    assert_int_equal(answer.err.http_status, 412);
    assert_false(answer.err.is_fate_unknown);
    answer_clear(&answer);
    assert_int_equal(asked_next(&upload), SIZE);
    assert_int_equal(end(&upload), 0);
    assert_content(scene, "moved", "theirs", 6);
    upload_clear(&upload);
    answer_clear(&file);
}

static void test_a_name_that_is_taken_fails_at_the_begin_or_at_the_end(void **state)
{
    const struct scene *scene = *state;
    struct upload upload = upload_new_file(scene, "taken late");
    struct session_query query = { .target.name = "taken" };
    struct answer answer;

    scene_edit(scene, "{\"op\":\"create\",\"path\":\"/taken\",\"content\":\"x\"}");
    assert_int_equal(begin(scene, query, &answer), -EEXIST);
    assert_false(answer.err.is_fate_unknown);
    answer_clear(&answer);
    scene_edit(scene, "{\"op\":\"create\",\"path\":\"/taken late\",\"content\":\"x\"}");
    int64_t next = put_on(&upload, put_on(&upload, 0));
    assert_int_equal(put(&upload, next, &answer), -EEXIST);
    assert_false(answer.err.is_fate_unknown);
    answer_clear(&answer);
    assert_int_equal(end(&upload), 0);
    assert_int_equal(end(&upload), -ENOENT);
    upload_clear(&upload);
}

static void test_a_session_waits_for_its_commit(void **state)
{
    struct session_query query = { .target.name = "deferred", .defers_commit = true };
    struct scene *scenes[] = { *state, scene_new(consumer) };
    struct answer answer;

    for (size_t i = 0; i < ROWS(scenes); i++) {
        struct upload upload = upload_begin(scenes[i], query);

        assert_int_equal(put_on(&upload, put_on(&upload, put_on(&upload, 0))), SIZE);
        assert_int_equal(asked_next(&upload), SIZE);
        assert_false(scene_has(scenes[i], "deferred"));
        assert_int_equal(commit(&upload, &answer), i == 0 ? 0 : -EPERM);
        assert_false(answer.err.is_fate_unknown);
        answer_clear(&answer);
        assert_int_equal(scene_has(scenes[i], "deferred"), i == 0);
        upload_clear(&upload);
    }
    scene_free(scenes[1]);
}

/* ---- disturbed ---- */

static void test_a_session_goes_on_where_its_disturbance_left_it(void **state)
{
    static const struct {
        const char *fault;
        int64_t next;
    } rows[] = {
        { "\"action\":\"lose-answer\"", (int64_t)UNIT },
        { "\"action\":\"fail-afterwards\"", (int64_t)UNIT },
        { "\"action\":\"fail-afterwards\",\"status\":503", (int64_t)UNIT },
        { "\"action\":\"keep-part\",\"after_bytes\":1234", 1234 },
        { "\"action\":\"keep-part\",\"after_bytes\":0", 0 },
        { "\"action\":\"close\"", 0 },
        { "\"action\":\"status\",\"status\":500", 0 },
        { "\"action\":\"cut\"", (int64_t)UNIT },
        { "\"action\":\"bad-json\"", (int64_t)UNIT },
        { "\"action\":\"empty-body\"", (int64_t)UNIT },
    };
    const struct scene *scene = *state;
    struct answer answer;

    for (size_t i = 0; i < ROWS(rows); i++) {
        cleanup_free char *name = x_asprintf("disturbed %zu", i);
        cleanup_free char *fault =
            x_asprintf("{\"path\":\"/{upload}\",\"count\":1,%s}", rows[i].fault);
        struct upload upload = upload_new_file(scene, name);

        scene_fault(scene, fault);
        assert_true(put(&upload, 0, &answer) < 0);
        assert_true(answer.err.is_fate_unknown);
        answer_clear(&answer);
        assert_int_equal(scene_requests(scene), 1);
        assert_int_equal(asked_next(&upload), rows[i].next);
        put_rest(&upload, rows[i].next, &answer);
        answer_clear(&answer);
        assert_content(scene, name, upload.content, SIZE);
        upload_clear(&upload);
    }
}

static void test_a_fragment_that_is_throttled_goes_out_again(void **state)
{
    static const int statuses[] = { 429, 503 };
    const struct scene *scene = *state;
    struct answer answer;

    for (size_t i = 0; i < ROWS(statuses); i++) {
        cleanup_free char *name = x_asprintf("throttled %zu", i);
        cleanup_free char *fault =
            x_asprintf("{\"path\":\"/{upload}\",\"count\":1,\"action\":\"status\",\"status\":%d,"
                       "\"retry_after\":3}",
                       statuses[i]);
        struct upload upload = upload_new_file(scene, name);

        scene_fault(scene, fault);
        assert_int_equal(put_on(&upload, 0), UNIT);
        assert_int_equal(scene_requests(scene), 2);
        put_rest(&upload, UNIT, &answer);
        answer_clear(&answer);
        upload_clear(&upload);
    }
}

static void test_a_fragment_that_is_not_due_is_refused(void **state)
{
    const struct scene *scene = *state;
    struct upload upload = upload_new_file(scene, "order");
    int64_t next = put_on(&upload, 0);
    static const int64_t wrong[] = { 0, 2 * UNIT };
    struct answer answer;

    for (size_t i = 0; i < ROWS(wrong); i++) {
        assert_int_equal(put(&upload, wrong[i], &answer), -ERANGE);
        assert_int_equal(answer.err.http_status, 416);
        assert_false(answer.err.is_fate_unknown);
        answer_clear(&answer);
    }
    put_rest(&upload, next, &answer);
    answer_clear(&answer);
    upload_clear(&upload);
}

/* Every request to a session that is lost says so, and nothing of the sign-in. */
static void check_lost(const struct upload *upload, long status)
{
    struct answer answers[3];

    assert_int_equal(put(upload, 0, &answers[0]), -ENOENT);
    assert_int_equal(ask(upload, &answers[1]), -ENOENT);
    assert_int_equal(commit(upload, &answers[2]), -ENOENT);
    for (size_t i = 0; i < ROWS(answers); i++) {
        assert_int_equal(answers[i].err.http_status, status);
        assert_int_equal(answers[i].err.scope, ERR_SCOPE_ITEM);
        assert_int_equal(answers[i].err.retry, ERR_RETRY_NEVER);
        assert_false(answers[i].err.is_fate_unknown);
        answer_clear(&answers[i]);
    }
    assert_int_equal(end(upload), -ENOENT);
}

static void test_a_session_that_is_lost_or_has_expired_is_not_there(void **state)
{
    struct scene *scenes[] = { *state, scene_new(consumer) };
    static const long statuses[] = { 401, 404 };

    for (size_t i = 0; i < ROWS(scenes); i++) {
        struct upload lost = upload_new_file(scenes[i], "lost");
        struct upload expired = upload_new_file(scenes[i], "expired");

        scene_fault(scenes[i], "{\"path\":\"/{upload}\",\"action\":\"lose-session\",\"count\":1}");
        check_lost(&lost, 404);
        (void)scene_requests(scenes[i]);
        emulator_do(scenes[i]->emulator, "POST", "clock", "{\"advance_ms\":1000000}");
        check_lost(&expired, statuses[i]);
        upload_clear(&lost);
        upload_clear(&expired);
    }
    scene_free(scenes[1]);
}

static void test_a_last_fragment_whose_answer_is_lost_has_made_the_file(void **state)
{
    const struct scene *scene = *state;
    struct upload upload = upload_new_file(scene, "last");
    int64_t next = put_on(&upload, put_on(&upload, 0));
    struct answer answer;

    scene_fault(scene, "{\"path\":\"/{upload}\",\"action\":\"lose-answer\",\"count\":1}");
    assert_int_equal(put(&upload, next, &answer), -EIO);
    assert_true(answer.err.is_fate_unknown);
    answer_clear(&answer);
    assert_int_equal(ask(&upload, &answer), -ENOENT);
    answer_clear(&answer);
    assert_content(scene, "last", upload.content, SIZE);
    upload_clear(&upload);
}

static void test_what_was_being_sent_may_be_freed_once_it_is_cancelled(void **state)
{
    const struct scene *scene = *state;
    struct upload upload = upload_new_file(scene, "cancelled");
    struct fragment_query query = query_of(&upload);
    struct answer answer;

    query.data = upload.content;
    query.length = UNIT;
    scene_fault(scene, "{\"path\":\"/{upload}\",\"action\":\"stall\"}");
    answer_init(&answer);
    uint64_t id = remote_session_put(scene->remote, &query, answer_fragment, &answer);
    emulator_wait_for(scene->emulator, "total", 1);
    remote_cancel(scene->remote, id);
    assert_int_equal(answer_wait(&answer), -ECANCELED);
    assert_true(answer.err.is_fate_unknown);
    upload_clear(&upload);
    answer_clear(&answer);
    (void)scene_requests(scene);
}

static void test_what_finds_no_room_is_refused(void **state)
{
    static const char *const args[] = { "--plain", NULL };
    struct scene *scene = scene_new(args);
    struct answer answer;

    (void)state;
    emulator_do(scene->emulator, "POST", "quota", "{\"total\":1000,\"used\":-1}");
    assert_int_equal(begin(scene, (struct session_query){ .target.name = "a" }, &answer), -ENOSPC);
    assert_int_equal(answer.err.scope, ERR_SCOPE_DRIVE);
    assert_false(answer.err.is_fate_unknown);
    answer_clear(&answer);
    cleanup_free char *content = make_content(2000);
    assert_int_equal(
        scene_put(scene, (struct upload_target){ .name = "a" }, content, 2000, &answer), -ENOSPC);
    assert_false(answer.err.is_fate_unknown);
    answer_clear(&answer);
    scene_free(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_file_is_sent_whole),
        cmocka_unit_test(test_an_empty_file_is_sent_and_one_that_is_as_large_as_may_be),
        cmocka_unit_test(test_a_new_file_takes_nobody_s_place),
        cmocka_unit_test(test_a_file_is_replaced_by_its_id_and_tag),
        cmocka_unit_test(test_fragments_become_a_file_with_its_time),
        cmocka_unit_test(test_a_session_replaces_a_file_unless_that_has_changed),
        cmocka_unit_test(test_a_session_whose_file_has_changed_meanwhile_fails_at_its_end),
        cmocka_unit_test(test_a_name_that_is_taken_fails_at_the_begin_or_at_the_end),
        cmocka_unit_test(test_a_session_waits_for_its_commit),
        cmocka_unit_test(test_a_session_goes_on_where_its_disturbance_left_it),
        cmocka_unit_test(test_a_fragment_that_is_throttled_goes_out_again),
        cmocka_unit_test(test_a_fragment_that_is_not_due_is_refused),
        cmocka_unit_test(test_a_session_that_is_lost_or_has_expired_is_not_there),
        cmocka_unit_test(test_a_last_fragment_whose_answer_is_lost_has_made_the_file),
        cmocka_unit_test(test_what_was_being_sent_may_be_freed_once_it_is_cancelled),
        cmocka_unit_test(test_what_finds_no_room_is_refused),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
