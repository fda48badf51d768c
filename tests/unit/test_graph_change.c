/* SPDX-License-Identifier: MIT */
/* New folders, moves, new times and deletes: what they do, what refuses them, and how they are
 * sent.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/xalloc.h"

#include "unit.h"

#include "graph_scene.h"
#include "graph_wire.h"

#define SECOND_NS INT64_C(1000000000)

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

/* ---- what they do ---- */

static void test_a_folder_is_made_and_found(void **state)
{
    const struct scene *scene = *state;
    struct answer made, inner, found;

    assert_int_equal(scene_make_folder(scene, scene->root_id, "outer #1 %20", &made), 0);
    assert_int_equal(made.page->count, 1);
    assert_int_equal(made.page->items[0].kind, ITEM_FOLDER);
    assert_string_equal(made.page->items[0].name, "outer #1 %20");
    assert_int_equal(scene_make_folder(scene, made.page->items[0].id, "inner", &inner), 0);
    assert_int_equal(scene_child(scene, made.page->items[0].id, "inner", &found), 0);
    assert_string_equal(found.page->items[0].id, inner.page->items[0].id);
    assert_string_equal(found.page->items[0].etag, inner.page->items[0].etag);
    answer_clear(&made);
    answer_clear(&inner);
    answer_clear(&found);
}

static void test_a_name_that_is_taken_or_forbidden_is_refused(void **state)
{
    static const struct {
        const char *name;
        int code;
        long status;
    } rows[] = {
        { "taken", -EEXIST, 409 }, { "TAKEN", -EEXIST, 409 }, { "a:b", -EINVAL, 400 },
        { "CON", -EINVAL, 400 },   { "", -EINVAL, 400 },
    };
    const struct scene *scene = *state;
    struct answer answer, file;

    scene_edit(scene, "{\"op\":\"create\",\"path\":\"/taken\",\"content\":\"a\"}");
    scene_edit(scene, "{\"op\":\"create\",\"path\":\"/source\",\"content\":\"b\"}");
    const struct item *item = scene_item(scene, "source", &file);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct change_query query = { .item_id = item->id, .name = rows[i].name };

        assert_int_equal(scene_make_folder(scene, scene->root_id, rows[i].name, &answer),
                         rows[i].code);
        assert_int_equal(answer.err.http_status, rows[i].status);
        assert_false(answer.err.is_fate_unknown);
        answer_clear(&answer);
        assert_int_equal(scene_change(scene, query, &answer), rows[i].code);
        assert_int_equal(answer.err.http_status, rows[i].status);
        assert_false(answer.err.is_fate_unknown);
        answer_clear(&answer);
    }
    assert_true(scene_has(scene, "source"));
    answer_clear(&file);
}

static void test_place_name_and_time_change_in_one_request(void **state)
{
    const struct scene *scene = *state;
    struct answer folder, file, changed, found;

    scene_edit(scene, "{\"op\":\"create\",\"path\":\"/before\",\"content\":\"abc\"}");
    assert_int_equal(scene_make_folder(scene, scene->root_id, "target", &folder), 0);
    const struct item *item = scene_item(scene, "before", &file);
    struct change_query query = {
        .item_id = item->id,
        .if_match = item->etag,
        .parent_id = folder.page->items[0].id,
        .name = "after",
        .has_mtime = true,
        .mtime_ns = 1234567890 * SECOND_NS + 987654321,
    };
    emulator_do(scene->emulator, "POST", "reset-counts", NULL);
    assert_int_equal(scene_change(scene, query, &changed), 0);
    assert_int_equal(scene_requests(scene), 1);
    const struct item *now = &changed.page->items[0];
    assert_string_equal(now->id, item->id);
    assert_string_equal(now->name, "after");
    assert_string_equal(now->parent_id, query.parent_id);
    assert_int_equal(now->mtime_ns / SECOND_NS, 1234567890);
    assert_string_equal(now->ctag, item->ctag);
    assert_string_not_equal(now->etag, item->etag);
    assert_int_equal(scene_child(scene, query.parent_id, "after", &found), 0);
    assert_int_equal(found.page->items[0].mtime_ns, now->mtime_ns);
    answer_clear(&folder);
    answer_clear(&file);
    answer_clear(&changed);
    answer_clear(&found);
}

static void test_a_time_alone_changes_no_place(void **state)
{
    const struct scene *scene = *state;
    struct answer file, changed;

    scene_edit(scene, "{\"op\":\"create\",\"path\":\"/timed\",\"content\":\"abc\"}");
    struct change_query query = {
        .item_id = scene_item(scene, "timed", &file)->id,
        .has_mtime = true,
        .mtime_ns = -5 * SECOND_NS,
    };
    assert_int_equal(scene_change(scene, query, &changed), 0);
    assert_string_equal(changed.page->items[0].name, "timed");
    assert_true(scene_has(scene, "timed"));
    answer_clear(&file);
    answer_clear(&changed);
}

static void test_what_is_gone_cannot_be_changed(void **state)
{
    const struct scene *scene = *state;
    struct change_query query = { .name = "new" };
    struct answer file, answer;

    scene_edit(scene, "{\"op\":\"create\",\"path\":\"/going\",\"content\":\"abc\"}");
    query.item_id = scene_item(scene, "going", &file)->id;
    assert_int_equal(scene_delete(scene, query.item_id, file.page->items[0].etag, &answer), 0);
    assert_false(scene_has(scene, "going"));
    answer_clear(&answer);
    assert_int_equal(scene_delete(scene, query.item_id, NULL, &answer), -ENOENT);
    assert_false(answer.err.is_fate_unknown);
    answer_clear(&answer);
    assert_int_equal(scene_change(scene, query, &answer), -ENOENT);
    assert_false(answer.err.is_fate_unknown);
    answer_clear(&answer);
    assert_int_equal(scene_make_folder(scene, query.item_id, "x", &answer), -ENOENT);
    answer_clear(&answer);
    answer_clear(&file);
}

/* Changes and deletes a file by the tag that it had, and by that it has. */
static void check_tags(const struct scene *scene)
{
    struct answer before, now, answer;

    scene_edit(scene, "{\"op\":\"create\",\"path\":\"/tagged\",\"content\":\"a\"}");
    const struct item *item = scene_item(scene, "tagged", &before);
    struct change_query query = { .item_id = item->id, .if_match = item->etag, .name = "other" };
    scene_edit(scene, "{\"op\":\"write\",\"path\":\"/tagged\",\"content\":\"b\"}");
    assert_int_equal(scene_change(scene, query, &answer), -ESTALE);
    assert_int_equal(answer.err.http_status, 412);
    assert_false(answer.err.is_fate_unknown);
    answer_clear(&answer);
    assert_int_equal(scene_delete(scene, item->id, item->etag, &answer), -ESTALE);
    assert_int_equal(answer.err.http_status, 412);
    answer_clear(&answer);
    query.if_match = scene_item(scene, "tagged", &now)->etag;
    assert_int_equal(scene_change(scene, query, &answer), 0);
    answer_clear(&now);
    assert_int_equal(scene_delete(scene, item->id, answer.page->items[0].etag, &now), 0);
    assert_false(scene_has(scene, "other"));
    answer_clear(&answer);
    answer_clear(&before);
    answer_clear(&now);
}

static void test_a_tag_guards_what_somebody_else_has_changed(void **state)
{
    check_tags(*state);
}

static void test_tags_without_quotes_guard_too(void **state)
{
    static const char *const args[] = { "--plain", "--profile=consumer-legacy", NULL };
    struct scene *scene = scene_new(args);

    (void)state;
    check_tags(scene);
    scene_free(scene);
}

/* ---- on the wire ---- */

#define ITEM "{\"id\":\"i\",\"name\":\"n\",\"folder\":{}}"

/* The head of a request up to and with the first blank, and of a header the whole line. */
static void assert_sent(struct wire *wire, size_t i, const char *line, const char *if_match,
                        const char *body)
{
    const struct peer_request *request = peer_request(wire->peer, i);
    cleanup_free char *tag = peer_header(wire->peer, i, "If-Match");
    cleanup_free char *bearer = peer_header(wire->peer, i, "Authorization");
    cleanup_free char *type = peer_header(wire->peer, i, "Content-Type");

    assert_memory_equal(request->head, line, strlen(line));
    assert_string_equal(request->body, body);
    assert_string_equal(bearer, "Bearer access");
    assert_string_equal(tag ? tag : "none", if_match ? if_match : "none");
    assert_string_equal(type ? type : "none", body[0] != '\0' ? "application/json" : "none");
}

/* A scene whose service is that of the wire. */
static struct scene scene_of(struct wire *wire)
{
    static char drive_id[] = "b!d";

    return (struct scene){
        .service = wire->service,
        .remote = wire->service->remote,
        .drive_id = drive_id,
    };
}

static void test_changes_are_sent_as_the_service_documents_them(void **state)
{
    static const struct {
        struct change_query query;
        const char *if_match;
        const char *body;
    } rows[] = {
        { { .item_id = "a/b", .if_match = "\"{G},1\"", .name = "x\"\\\u00FC" },
          "\"{G},1\"",
          "{\"name\":\"x\\\"\\\\\u00FC\",\"@microsoft.graph.conflictBehavior\":\"fail\"}" },
        { { .item_id = "a/b", .if_match = "aTag", .parent_id = "p!1" },
          "\"aTag\"",
          "{\"parentReference\":{\"id\":\"p!1\"},"
          "\"@microsoft.graph.conflictBehavior\":\"fail\"}" },
        { { .item_id = "a/b", .if_match = "W/\"w\"", .has_mtime = true },
          "W/\"w\"",
          "{\"fileSystemInfo\":{\"lastModifiedDateTime\":\"1970-01-01T00:00:00Z\"}}" },
        { { .item_id = "a/b", .parent_id = "p", .name = "n", .has_mtime = true, .mtime_ns = 1500 },
          NULL,
          "{\"parentReference\":{\"id\":\"p\"},\"name\":\"n\","
          "\"@microsoft.graph.conflictBehavior\":\"fail\","
          "\"fileSystemInfo\":{\"lastModifiedDateTime\":\"1970-01-01T00:00:00.0000015Z\"}}" },
    };

    static const char *const answers[] = { ITEM, NULL };
    struct wire *wire = wire_new(answers);
    struct scene scene = scene_of(wire);
    struct answer answer;
    size_t i;

    (void)state;
    for (i = 0; i < ROWS(rows); i++) {
        assert_int_equal(scene_change(&scene, rows[i].query, &answer), 0);
        assert_sent(wire, i, "PATCH /v1.0/drives/b%21d/items/a%2Fb HTTP/1.1\r\n", rows[i].if_match,
                    rows[i].body);
        answer_clear(&answer);
    }
    assert_int_equal(scene_make_folder(&scene, "r", "new", &answer), 0);
    assert_sent(wire, i++, "POST /v1.0/drives/b%21d/items/r/children HTTP/1.1\r\n", NULL,
                "{\"name\":\"new\",\"folder\":{},\"@microsoft.graph.conflictBehavior\":\"fail\"}");
    answer_clear(&answer);
    assert_int_equal(scene_delete(&scene, "i", "\"t\"", &answer), 0);
    assert_sent(wire, i, "DELETE /v1.0/drives/b%21d/items/i HTTP/1.1\r\n", "\"t\"", "");
    answer_clear(&answer);
    wire_free(wire);
}

static void test_what_makes_no_request_is_not_sent(void **state)
{
    static const char *const answers[] = { ITEM, NULL };
    struct wire *wire = wire_new(answers);
    struct scene scene = scene_of(wire);
    struct change_query queries[] = {
        { .item_id = "i" },
        { .item_id = "i", .name = "n", .if_match = "\"t\"\r\nX-Injected: 1" },
    };
    size_t length = 100000;
    cleanup_free char *name = x_malloc(length);
    struct answer answer;

    (void)state;
    memset(name, 'n', length);
    name[length - 1] = '\0';
    for (size_t i = 0; i < ROWS(queries); i++) {
        assert_int_equal(scene_change(&scene, queries[i], &answer), -EINVAL);
        assert_false(answer.err.is_fate_unknown);
        answer_clear(&answer);
    }
    assert_int_equal(scene_make_folder(&scene, "r", name, &answer), -EINVAL);
    answer_clear(&answer);
    assert_int_equal(scene_delete(&scene, "i", "a\nb", &answer), -EINVAL);
    answer_clear(&answer);
    assert_int_equal(peer_count(wire->peer), 0);
    wire_free(wire);
}

#define EMPTY(status) "HTTP/1.1 " status "\r\nContent-Length: 0\r\n\r\n"

static void test_a_success_that_tells_nothing_leaves_it_open(void **state)
{
    static const struct {
        const char *text;
        int code;
        bool is_unknown;
    } rows[] = {
        { EMPTY("200 OK"), -EPROTO, true },
        { EMPTY("204 No Content"), -EPROTO, true },
        { EMPTY("308 Permanent Redirect"), -EPROTO, true },
        { "{}", -EPROTO, true },
        { "{\"id\":\"\"}", -EPROTO, true },
        { "{\"id\":7}", -EPROTO, true },
        { "{\"value\":[" ITEM "]}", -EPROTO, true },
        { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", -EPROTO, true },
        { "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n<html/>", -EPROTO, true },
        { "{\"error\":{\"code\":\"generalException\"}}", -EIO, true },
        { "{\"error\":{\"code\":\"nameAlreadyExists\"}}", -EEXIST, false },
        { "{\"error\":{\"code\":\"accessDenied\"}}", -EACCES, false },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const char *const answers[] = { rows[i].text, NULL };
        struct wire *wire = wire_new(answers);
        struct scene scene = scene_of(wire);
        struct answer answer;

        assert_int_equal(scene_make_folder(&scene, "r", "n", &answer), rows[i].code);
        assert_int_equal(answer.err.is_fate_unknown, rows[i].is_unknown);
        assert_null(answer.page);
        answer_clear(&answer);
        assert_int_equal(peer_count(wire->peer), 1);
        wire_free(wire);
    }
}

static void test_a_delete_needs_no_words_but_no_other_status_either(void **state)
{
    static const struct {
        const char *text;
        int code;
        bool is_unknown;
    } rows[] = {
        { EMPTY("204 No Content"), 0, false },
        { EMPTY("200 OK"), 0, false },
        { "{}", 0, false },
        { EMPTY("302 Found"), -EPROTO, true },
        { "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n<html/>", -EPROTO, true },
        { "{\"error\":{\"code\":\"resourceModified\"}}", -ESTALE, false },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const char *const answers[] = { rows[i].text, NULL };
        struct wire *wire = wire_new(answers);
        struct scene scene = scene_of(wire);
        struct answer answer;

        assert_int_equal(scene_delete(&scene, "i", NULL, &answer), rows[i].code);
        assert_int_equal(answer.err.is_fate_unknown, rows[i].is_unknown);
        answer_clear(&answer);
        wire_free(wire);
    }
}

static void test_without_a_connection_nothing_was_done(void **state)
{
    static const char *const answers[] = { ITEM, NULL };
    struct wire *wire = wire_new(answers);
    struct scene scene = scene_of(wire);
    struct answer answer;

    (void)state;
    peer_stop(wire->peer);
    wire->peer = NULL;
    assert_int_equal(scene_make_folder(&scene, "r", "n", &answer), -ENETDOWN);
    assert_false(answer.err.is_fate_unknown);
    answer_clear(&answer);
    wire_free(wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_folder_is_made_and_found),
        cmocka_unit_test(test_a_name_that_is_taken_or_forbidden_is_refused),
        cmocka_unit_test(test_place_name_and_time_change_in_one_request),
        cmocka_unit_test(test_a_time_alone_changes_no_place),
        cmocka_unit_test(test_what_is_gone_cannot_be_changed),
        cmocka_unit_test(test_a_tag_guards_what_somebody_else_has_changed),
        cmocka_unit_test(test_tags_without_quotes_guard_too),
        cmocka_unit_test(test_changes_are_sent_as_the_service_documents_them),
        cmocka_unit_test(test_what_makes_no_request_is_not_sent),
        cmocka_unit_test(test_a_success_that_tells_nothing_leaves_it_open),
        cmocka_unit_test(test_a_delete_needs_no_words_but_no_other_status_either),
        cmocka_unit_test(test_without_a_connection_nothing_was_done),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
