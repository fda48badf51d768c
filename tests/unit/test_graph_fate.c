/* SPDX-License-Identifier: MIT */
/* Whether a change that failed may have been carried out, and what goes out again. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/xalloc.h"

#include "unit.h"

#include "graph_scene.h"

static int set_up_all(void **state)
{
    static const char *const args[] = { "--plain", NULL };

    *state = scene_new(args);
    return 0;
}

static int tear_down_all(void **state)
{
    scene_free(*state);
    return 0;
}

/* What a fault makes of a change that may not be made twice. */
struct fate {
    const char *fault; /* but for the method */
    int code;          /* 0: it goes out again, and succeeds */
    bool is_unknown;
    bool is_done;
    bool needs_body; /* of the answer: nothing for deletes */
};

static const struct fate fates[] = {
    { "\"action\":\"lose-answer\"", -EIO, true, true, false },
    { "\"action\":\"close\"", -EIO, true, false, false },
    { "\"action\":\"fail-afterwards\"", -EIO, true, true, false },
    { "\"action\":\"fail-afterwards\",\"status\":502,\"body\":\"html\"", -EIO, true, true, false },
    { "\"action\":\"fail-afterwards\",\"status\":503", -EAGAIN, true, true, false },
    { "\"action\":\"status\",\"status\":500", -EIO, true, false, false },
    { "\"action\":\"status\",\"status\":503", -EAGAIN, true, false, false },
    { "\"action\":\"status\",\"status\":503,\"retry_after\":2", 0, false, true, false },
    { "\"action\":\"status\",\"status\":429,\"retry_after\":2", 0, false, true, false },
    { "\"action\":\"status\",\"status\":429", 0, false, true, false },
    { "\"action\":\"expire-token\"", 0, false, true, false },
    { "\"action\":\"status\",\"status\":400", -EINVAL, false, false, false },
    { "\"action\":\"status\",\"status\":403", -EACCES, false, false, false },
    { "\"action\":\"status\",\"status\":404", -ENOENT, false, false, false },
    { "\"action\":\"status\",\"status\":409", -EEXIST, false, false, false },
    { "\"action\":\"status\",\"status\":412", -ESTALE, false, false, false },
    { "\"action\":\"status\",\"status\":423", -EBUSY, false, false, false },
    { "\"action\":\"status\",\"status\":507", -ENOSPC, false, false, false },
    { "\"action\":\"cut\"", -EIO, true, true, true },
    { "\"action\":\"bad-json\"", -EPROTO, true, true, true },
    { "\"action\":\"empty-body\"", -EPROTO, true, true, true },
    { "\"action\":\"deep-json\"", -EPROTO, true, true, true },
};

static void add_fault(const struct scene *scene, const struct fate *fate, const char *method)
{
    cleanup_free char *fault =
        x_asprintf("{\"method\":\"%s\",\"count\":1,%s}", method, fate->fault);

    scene_fault(scene, fault);
}

/* What is sent once only, and how it ended. */
static void check_once(const struct scene *scene, const struct fate *fate, int code,
                       struct answer *answer)
{
    assert_int_equal(code, fate->code);
    assert_int_equal(answer->err.is_fate_unknown, fate->is_unknown);
    assert_int_equal(scene_requests(scene), fate->code == 0 ? 2 : 1);
    answer_clear(answer);
}

/* The same for what goes out again where its fate is unknown: by the tag, nothing is done twice. */
static void check_guarded(const struct scene *scene, const struct fate *fate, int code,
                          struct answer *answer)
{
    /* Nobody repeats an answer that says that it has been done. */
    bool is_repeated = fate->is_unknown && fate->code != -EPROTO;
    bool is_refused = is_repeated && fate->is_done;

    assert_int_equal(code, is_refused ? -ESTALE : is_repeated ? 0 : fate->code);
    assert_int_equal(answer->err.is_fate_unknown, fate->is_unknown && (is_refused || !is_repeated));
    assert_int_equal(scene_requests(scene), is_repeated || fate->code == 0 ? 2 : 1);
    answer_clear(answer);
}

static void test_the_fate_of_a_folder_is_told(void **state)
{
    const struct scene *scene = *state;
    struct answer answer;

    for (size_t i = 0; i < ROWS(fates); i++) {
        cleanup_free char *name = x_asprintf("fate %zu", i);

        add_fault(scene, &fates[i], "POST");
        check_once(scene, &fates[i], scene_make_folder(scene, scene->root_id, name, &answer),
                   &answer);
        assert_int_equal(scene_has(scene, name), fates[i].is_done);
    }
}

static void test_the_fate_of_a_move_is_told(void **state)
{
    const struct scene *scene = *state;
    struct answer file, answer;

    for (size_t i = 0; i < 2 * ROWS(fates); i++) {
        const struct fate *fate = &fates[i / 2];
        bool is_guarded = i % 2 == 1;
        cleanup_free char *from = x_asprintf("from %zu", i);
        cleanup_free char *to = x_asprintf("to %zu", i);
        cleanup_free char *edit =
            x_asprintf("{\"op\":\"create\",\"path\":\"/%s\",\"content\":\"\"}", from);

        scene_edit(scene, edit);
        const struct item *item = scene_item(scene, from, &file);
        struct change_query query = {
            .item_id = item->id,
            .if_match = is_guarded ? item->etag : NULL,
            .name = to,
        };
        add_fault(scene, fate, "PATCH");
        int code = scene_change(scene, query, &answer);
        if (is_guarded)
            check_guarded(scene, fate, code, &answer);
        else
            check_once(scene, fate, code, &answer);
        bool is_done = fate->is_done || (is_guarded && fate->is_unknown);
        assert_int_equal(scene_has(scene, to), is_done);
        assert_int_equal(scene_has(scene, from), !is_done);
        answer_clear(&file);
    }
}

static void test_the_fate_of_a_delete_is_told(void **state)
{
    const struct scene *scene = *state;
    struct answer file, answer;

    for (size_t i = 0; i < ROWS(fates); i++) {
        const struct fate *fate = &fates[i];
        cleanup_free char *name = x_asprintf("gone %zu", i);
        cleanup_free char *edit = x_asprintf("{\"op\":\"mkdir\",\"path\":\"/%s\"}", name);

        if (fate->needs_body)
            continue;
        scene_edit(scene, edit);
        const struct item *item = scene_item(scene, name, &file);
        add_fault(scene, fate, "DELETE");
        check_once(scene, fate, scene_delete(scene, item->id, item->etag, &answer), &answer);
        assert_int_equal(scene_has(scene, name), !fate->is_done);
        answer_clear(&file);
    }
}

static void test_the_fate_of_a_new_file_is_told(void **state)
{
    const struct scene *scene = *state;
    struct answer answer;

    for (size_t i = 0; i < ROWS(fates); i++) {
        cleanup_free char *name = x_asprintf("file %zu", i);
        struct upload_target target = { .name = name };

        add_fault(scene, &fates[i], "PUT");
        check_once(scene, &fates[i], scene_put(scene, target, "new", 3, &answer), &answer);
        assert_int_equal(scene_has(scene, name), fates[i].is_done);
    }
}

static void test_the_fate_of_a_content_is_told(void **state)
{
    const struct scene *scene = *state;
    struct answer file, answer;

    for (size_t i = 0; i < 2 * ROWS(fates); i++) {
        const struct fate *fate = &fates[i / 2];
        bool is_guarded = i % 2 == 1;
        cleanup_free char *name = x_asprintf("content %zu", i);
        cleanup_free char *edit =
            x_asprintf("{\"op\":\"create\",\"path\":\"/%s\",\"content\":\"\"}", name);

        scene_edit(scene, edit);
        const struct item *item = scene_item(scene, name, &file);
        struct upload_target target = {
            .item_id = item->id,
            .if_match = is_guarded ? item->etag : NULL,
        };
        add_fault(scene, fate, "PUT");
        int code = scene_put(scene, target, "new", 3, &answer);
        if (is_guarded)
            check_guarded(scene, fate, code, &answer);
        else
            check_once(scene, fate, code, &answer);
        answer_clear(&file);
        bool is_done = fate->is_done || (is_guarded && fate->is_unknown);
        assert_int_equal(scene_item(scene, name, &file)->size, is_done ? 3 : 0);
        answer_clear(&file);
    }
}

static void test_the_fate_of_a_session_is_told(void **state)
{
    const struct scene *scene = *state;
    struct answer answer;

    for (size_t i = 0; i < ROWS(fates); i++) {
        cleanup_free char *name = x_asprintf("session %zu", i);
        struct session_query query = {
            .target = { .drive_id = scene->drive_id, .parent_id = scene->root_id, .name = name },
            .size = 1,
            .priority = REMOTE_UPLOAD,
        };

        add_fault(scene, &fates[i], "POST");
        answer_init(&answer);
        (void)remote_session_begin(scene->remote, &query, answer_session, &answer);
        check_once(scene, &fates[i], answer_wait_passing(&answer, scene->service, 500), &answer);
    }
}

static void test_a_refusal_counts_though_the_words_about_it_break_off(void **state)
{
    const struct scene *scene = *state;
    struct answer answer;

    scene_edit(scene, "{\"op\":\"mkdir\",\"path\":\"/there\"}");
    scene_fault(scene, "{\"method\":\"POST\",\"action\":\"cut\"}");
    assert_int_equal(scene_make_folder(scene, scene->root_id, "there", &answer), -EIO);
    assert_false(answer.err.is_fate_unknown);
    answer_clear(&answer);
    assert_int_equal(scene_requests(scene), 1);
}

/* Begins to make a folder whose answer doesn't come, and waits until it was asked for. */
static uint64_t begin_stalled(const struct scene *scene, struct answer *answer)
{
    struct path_query query = {
        .drive_id = scene->drive_id,
        .parent_id = scene->root_id,
        .name = "stalled",
        .priority = REMOTE_UPLOAD,
        .deadline_ms = 5000,
    };

    scene_fault(scene, "{\"method\":\"POST\",\"action\":\"stall\"}");
    answer_init(answer);
    uint64_t id = remote_make_folder(scene->remote, &query, answer_page, answer);
    emulator_wait_for(scene->emulator, "total", 1);
    return id;
}

static void test_what_is_given_up_on_its_way_may_have_been_done(void **state)
{
    const struct scene *scene = *state;
    struct answer answer;

    (void)begin_stalled(scene, &answer);
    assert_int_equal(answer_wait_passing(&answer, scene->service, 500), -ETIMEDOUT);
    assert_true(answer.err.is_fate_unknown);
    answer_clear(&answer);
    (void)scene_requests(scene);
    uint64_t id = begin_stalled(scene, &answer);
    remote_cancel(scene->remote, id);
    assert_int_equal(answer_wait(&answer), -ECANCELED);
    assert_true(answer.err.is_fate_unknown);
    answer_clear(&answer);
    (void)scene_requests(scene);
}

static void test_what_never_went_out_was_not_done(void **state)
{
    const struct scene *scene = *state;
    struct path_query query = {
        .drive_id = scene->drive_id,
        .parent_id = scene->root_id,
        .name = "throttled",
        .priority = REMOTE_UPLOAD,
        .deadline_ms = 60000,
    };
    struct answer answer;

    scene_fault(scene, "{\"method\":\"POST\",\"action\":\"status\",\"status\":429,"
                       "\"retry_after\":3600}");
    answer_init(&answer);
    (void)remote_make_folder(scene->remote, &query, answer_page, &answer);
    assert_int_equal(answer_wait(&answer), -ETIMEDOUT);
    assert_false(answer.err.is_fate_unknown);
    assert_int_equal(answer.err.retry_after_ms, 3600 * 1000);
    answer_clear(&answer);
    assert_int_equal(scene_requests(scene), 1);
    clock_advance(scene->service->clock, 3600 * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_fate_of_a_folder_is_told),
        cmocka_unit_test(test_the_fate_of_a_move_is_told),
        cmocka_unit_test(test_the_fate_of_a_delete_is_told),
        cmocka_unit_test(test_the_fate_of_a_new_file_is_told),
        cmocka_unit_test(test_the_fate_of_a_content_is_told),
        cmocka_unit_test(test_the_fate_of_a_session_is_told),
        cmocka_unit_test(test_a_refusal_counts_though_the_words_about_it_break_off),
        cmocka_unit_test(test_what_is_given_up_on_its_way_may_have_been_done),
        cmocka_unit_test(test_what_never_went_out_was_not_done),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
