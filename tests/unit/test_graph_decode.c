/* SPDX-License-Identifier: MIT */
/* Items, pages, drives and batches, from recorded answers and from made-up bad ones. */
#include "config.h"

#include "base/cleanup.h"
#include "graph/batch.h"
#include "graph/decode.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

#include "trace.h"

static struct item_page *page_of_trace(const char *name)
{
    cleanup_json struct json_object *json = trace_json(name);
    struct item_page *page = NULL;

    assert_int_equal(decode_page(json, &page, NULL), 0);
    return page;
}

/* A page of the one item that the text is. */
static struct item_page *page_of_text(const char *text)
{
    cleanup_json struct json_object *json = json_parse_bounded(text, strlen(text), 20, NULL);
    struct item_page *page = decode_page_new(1);

    assert_non_null(json);
    if (decode_page_put(page, 0, json, NULL) == 0)
        return page;
    item_page_free(page);
    return NULL;
}

static void test_a_recorded_delta_page_is_read_whole(void **state)
{
    struct item_page *page = page_of_trace("microslop-onedrive/deltas__delta_initial.json");
    const struct item *root = &page->items[0];
    const struct item *file = &page->items[3];

    (void)state;
    assert_int_equal(page->count, 4);
    assert_null(page->next_link);
    assert_non_null(page->delta_link);
    assert_int_equal(root->kind, ITEM_FOLDER);
    assert_int_equal(root->flags, ITEM_ROOT | ITEM_HAS_SIZE | ITEM_HAS_MTIME);
    assert_null(root->parent_id);
    assert_null(root->etag);
    assert_string_equal(root->drive_id, "0f097864e0cfea42");
    assert_int_equal(file->kind, ITEM_FILE);
    assert_string_equal(file->id, "F097864E0CFEA42!sa466b4459868496abe59bb1479272d27");
    assert_string_equal(file->parent_id, root->id);
    assert_string_equal(file->name, "Getting started with OneDrive.pdf");
    assert_int_equal(file->size, 1053417);
    assert_true(file->mtime_ns == INT64_C(1771486552) * 1000000000);
    assert_int_equal(file->hash_kind, HASH_QUICKXOR);
    assert_string_equal(file->hash, "uSkB7tg/Gnjxt0Nkvy4NUc+eIBc=");
    item_page_free(page);
}

static void test_links_onward_are_kept_verbatim(void **state)
{
    cleanup_json struct json_object *json =
        trace_json("microslop-onedrive/deltas__delta_next.json");
    struct item_page *page = page_of_trace("microslop-onedrive/deltas__delta_next.json");
    const char *link = NULL;

    (void)state;
    assert_int_equal(json_get_str(json, "@odata.nextLink", &link), JSON_OK);
    assert_string_equal(page->next_link, link);
    assert_null(page->delta_link);
    item_page_free(page);
}

static void test_a_tombstone_has_ids_and_nothing_else(void **state)
{
    struct item_page *page =
        page_of_trace("microslop-onedrive/deltas__delta_deleted_root_file.json");
    const struct item *gone = &page->items[1];

    (void)state;
    assert_int_equal(page->count, 2);
    assert_int_equal(gone->flags, ITEM_DELETED);
    assert_int_equal(gone->kind, ITEM_UNKNOWN);
    assert_string_equal(gone->id, "F097864E0CFEA42!sd08d0f9a7b58474fba9cc6172138e9a1");
    assert_string_equal(gone->parent_id, "F097864E0CFEA42!sea8cc6beffdb43d7976fbc7da445c639");
    assert_string_equal(gone->drive_id, "0f097864e0cfea42");
    assert_null(gone->name);
    assert_null(gone->hash);
    assert_null(gone->ctag);
    item_page_free(page);
}

static void test_a_business_tombstone_may_have_an_id_only(void **state)
{
    cleanup_json struct json_object *json = trace_json("misc/delta-deleted-business.json");
    struct item_page *page = decode_page_new(1);

    (void)state;
    assert_int_equal(decode_page_put(page, 0, json, NULL), 0);
    assert_int_equal(page->items[0].flags, ITEM_DELETED);
    assert_null(page->items[0].parent_id);
    assert_int_equal(page->items[0].mtime_ns, 0);
    item_page_free(page);
}

static void test_an_empty_page_has_its_link(void **state)
{
    struct item_page *page = page_of_trace("microslop-onedrive/deltas__delta_empty.json");

    (void)state;
    assert_int_equal(page->count, 0);
    assert_non_null(page->delta_link);
    item_page_free(page);
}

static void test_a_single_item_has_its_download_url(void **state)
{
    cleanup_json struct json_object *json =
        trace_json("microslop-onedrive/drive_items__drive_item.json");
    struct item_page *page = decode_page_new(1);

    (void)state;
    assert_int_equal(decode_page_put(page, 0, json, NULL), 0);
    assert_non_null(strstr(page->items[0].download_url, "my.microsoftpersonalcontent.com"));
    assert_string_equal(page->items[0].etag, "\"{A466B445-9868-496A-BE59-BB1479272D27},1\"");
    assert_string_equal(page->items[0].modified_by, "person@example.com");
    item_page_free(page);
}

static void test_ids_and_hashes_of_a_recorded_item_are_normalised(void **state)
{
    cleanup_json struct json_object *json = trace_json("misc/delta-item-consumer-migrated.json");
    struct item_page *page = decode_page_new(1);

    (void)state;
    assert_int_equal(decode_page_put(page, 0, json, NULL), 0);
    assert_string_equal(page->items[0].drive_id, "a29c86ded2d9be1e");
    assert_string_equal(page->items[0].id, "A29C86DED2D9BE1E!167");
    assert_int_equal(page->items[0].hash_kind, HASH_QUICKXOR);
    item_page_free(page);
}

static void test_facets_make_kind_and_flags(void **state)
{
    static const struct {
        const char *text;
        enum item_kind kind;
        unsigned flags;
    } rows[] = {
        { "{\"id\":\"a\",\"file\":{}}", ITEM_FILE, 0 },
        { "{\"id\":\"a\",\"folder\":{}}", ITEM_FOLDER, 0 },
        { "{\"id\":\"a\",\"root\":{}}", ITEM_FOLDER, ITEM_ROOT },
        { "{\"id\":\"a\",\"package\":{\"type\":\"oneNote\"},\"folder\":{}}", ITEM_PACKAGE, 0 },
        { "{\"id\":\"a\",\"file\":{},\"malware\":{}}", ITEM_FILE, ITEM_MALWARE },
        { "{\"id\":\"a\",\"file\":{},\"pendingOperations\":{}}", ITEM_FILE, ITEM_PENDING },
        { "{\"id\":\"a\",\"remoteItem\":{\"id\":\"b\",\"folder\":{}}}", ITEM_FOLDER,
          ITEM_SHORTCUT },
        { "{\"id\":\"a\"}", ITEM_UNKNOWN, 0 },
        { "{\"id\":\"a\",\"file\":{},\"deleted\":{}}", ITEM_UNKNOWN, ITEM_DELETED },
        { "{\"id\":\"a\",\"file\":{},\"deleted\":null}", ITEM_FILE, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct item_page *page = page_of_text(rows[i].text);

        assert_int_equal(page->items[0].kind, rows[i].kind);
        assert_int_equal(page->items[0].flags, rows[i].flags);
        item_page_free(page);
    }
}

static void test_a_shortcut_names_its_target(void **state)
{
    struct item_page *page = page_of_text(
        "{\"id\":\"F1!s1\",\"name\":\"Shared\",\"parentReference\":{\"driveId\":\"f1\"},"
        "\"remoteItem\":{\"id\":\"ab1!7\",\"name\":\"Other\",\"size\":9,\"folder\":{},"
        "\"parentReference\":{\"driveId\":\"AB1\"},"
        "\"fileSystemInfo\":{\"lastModifiedDateTime\":\"2020-01-01T00:00:00Z\"}}}");
    const struct item *item = &page->items[0];

    (void)state;
    assert_string_equal(item->name, "Shared");
    assert_string_equal(item->target_drive_id, "0000000000000ab1");
    assert_string_equal(item->target_id, "AB1!7");
    assert_int_equal(item->size, 9);
    assert_true(item->mtime_ns == INT64_C(1577836800) * 1000000000);
    item_page_free(page);
}

static void test_sizes_that_lie_are_no_sizes(void **state)
{
    static const struct {
        const char *text;
        bool has_size;
        int64_t size;
    } rows[] = {
        { "{\"id\":\"a\",\"size\":0}", true, 0 },
        { "{\"id\":\"a\",\"size\":4294967296}", true, INT64_C(4294967296) },
        { "{\"id\":\"a\",\"size\":\"12\"}", true, 12 },
        { "{\"id\":\"a\",\"size\":-1}", false, 0 },
        { "{\"id\":\"a\",\"size\":9223372036854775807}", false, 0 },
        { "{\"id\":\"a\",\"size\":99999999999999999999999}", false, 0 },
        { "{\"id\":\"a\",\"size\":1e400}", false, 0 },
        { "{\"id\":\"a\",\"size\":\"many\"}", false, 0 },
        { "{\"id\":\"a\",\"size\":{}}", false, 0 },
        { "{\"id\":\"a\",\"size\":null}", false, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct item_page *page = page_of_text(rows[i].text);

        assert_int_equal((page->items[0].flags & ITEM_HAS_SIZE) != 0, rows[i].has_size);
        assert_true(page->items[0].size == rows[i].size);
        item_page_free(page);
    }
}

static void test_a_time_of_year_one_counts_as_missing(void **state)
{
    struct item_page *page =
        page_of_text("{\"id\":\"a\",\"lastModifiedDateTime\":\"2020-01-01T00:00:00Z\","
                     "\"fileSystemInfo\":{\"lastModifiedDateTime\":\"0001-01-01T00:00:00Z\"}}");

    (void)state;
    assert_true(page->items[0].mtime_ns == INT64_C(1577836800) * 1000000000);
    item_page_free(page);
    page = page_of_text("{\"id\":\"a\",\"lastModifiedDateTime\":\"0001-01-01T00:00:00Z\"}");
    assert_int_equal(page->items[0].flags & ITEM_HAS_MTIME, 0);
    item_page_free(page);
}

static void test_entries_without_id_are_left_out(void **state)
{
    static const char text[] = "{\"value\":[{\"name\":\"a\"},{\"id\":\"\"},{\"id\":5},7,null,[],"
                               "{\"id\":\"good\"}]}";
    cleanup_json struct json_object *json = json_parse_bounded(text, strlen(text), 20, NULL);
    struct item_page *page = NULL;

    (void)state;
    assert_int_equal(decode_page(json, &page, NULL), 0);
    assert_int_equal(page->count, 1);
    assert_string_equal(page->items[0].id, "good");
    item_page_free(page);
}

static void test_what_is_no_collection_is_refused(void **state)
{
    static const char *const rows[] = { "{}", "{\"value\":{}}", "[]", "7" };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct item_page *page = NULL;
        cleanup_json struct json_object *json =
            json_parse_bounded(rows[i], strlen(rows[i]), 20, NULL);

        assert_int_equal(decode_page(json, &page, NULL), -EPROTO);
        assert_null(page);
    }
}

static void test_answers_are_json_without_an_error(void **state)
{
    static const struct {
        const char *text;
        int code; /* 0: good */
    } rows[] = {
        { "{\"value\":[]}", 0 },
        { "{\"value\":[\"not UTF-8: \xFF\"]}", 0 },
        { "{\"value\":[", -EPROTO },
        { "<html></html>", -EPROTO },
        { "", -EPROTO },
        { "{\"error\":{\"code\":\"accessDenied\"}}", -EACCES },
        { "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
          -EPROTO },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        cleanup_strbuf struct strbuf body;
        struct err err;

        strbuf_init(&body, 1000);
        assert_int_equal(strbuf_addstr(&body, rows[i].text), 0);
        cleanup_json struct json_object *json = decode_answer(&body, &err);
        assert_int_equal(json != NULL, rows[i].code == 0);
        if (!json)
            assert_int_equal(err.code, rows[i].code);
    }
}

static void test_phantom_drives_are_left_out(void **state)
{
    cleanup_json struct json_object *one = trace_json("microslop-onedrive/drives__drive.json");
    cleanup_json struct json_object *all = trace_json("microslop-onedrive/drives__drives.json");
    struct drive_list *list = decode_drives_new();
    struct json_object *values;

    (void)state;
    assert_int_equal(decode_drives_add(list, one, true, NULL), 0);
    assert_int_equal(json_get_array(all, "value", &values), JSON_OK);
    for (size_t i = 0; i < json_object_array_length(values); i++)
        assert_int_equal(decode_drives_add(list, json_object_array_get_idx(values, i), false, NULL),
                         0);
    assert_int_equal(list->count, 1);
    assert_string_equal(list->drives[0].id, "0f097864e0cfea42");
    assert_string_equal(list->drives[0].type, "personal");
    assert_string_equal(list->drives[0].name, "OneDrive");
    assert_true(list->drives[0].is_default);
    assert_true(list->drives[0].quota_total == INT64_C(5368709120));
    assert_true(list->drives[0].quota_remaining == INT64_C(5367655703));
    drive_list_free(list);
}

static void test_batch_parts_are_sorted_by_number(void **state)
{
    static const char text[] =
        "{\"responses\":[{\"id\":\"2\",\"status\":404,\"body\":{\"error\":{}}},"
        "{\"id\":\"0\",\"status\":429,\"headers\":{\"RETRY-AFTER\":\"7\"}},"
        "{\"id\":\"0\",\"status\":200},{\"id\":\"9\",\"status\":200},{\"id\":\"x\"},5,"
        "{\"id\":\"3\",\"status\":-5}]}";
    cleanup_json struct json_object *json = json_parse_bounded(text, strlen(text), 20, NULL);
    struct batch_part parts[4];

    (void)state;
    assert_int_equal(batch_read(json, 0, parts, 4, NULL), 0);
    assert_int_equal(parts[0].status, 429);
    assert_int_equal(parts[0].retry_after_ms, 7000);
    assert_int_equal(parts[1].status, 0);
    assert_int_equal(parts[2].status, 404);
    assert_non_null(parts[2].body);
    assert_int_equal(parts[3].status, 0);
}

static void test_recorded_batches_are_read(void **state)
{
    cleanup_json struct json_object *json =
        trace_json("microslop-onedrive/batch__some_responses_invalid.json");
    struct batch_part parts[3];

    (void)state;
    assert_int_equal(batch_read(json, 0, parts, 3, NULL), 0);
    assert_int_equal(parts[0].status, 0);
    assert_int_equal(parts[1].status, 200);
    assert_int_equal(parts[2].status, 404);
}

static void test_next_link_is_found_before_the_items(void **state)
{
    static const struct {
        const char *text;
        const char *link; /* NULL: none */
    } rows[] = {
        { "{\"@odata.context\":\"c\",\"@odata.nextLink\":\"x\",\"value\":[{\"id\":\"1\"}]}", "x" },
        { "{\"@odata.nextLink\":\"a\\u0026\\\"value\\\":[b\",\"value\":[", "a&\"value\":[b" },
        { "{\"@odata.nextLink\":7,\"value\":[]}", NULL },
        { "{\"@odata.deltaLink\":\"x\",\"value\":[]}", NULL },
        { "{\"value\":[{\"@odata.nextLink\":\"x\"}]}", NULL },
        { "{\"value\":[],\"@odata.nextLink\":\"x\"}", NULL },
        { "{\"a\":{\"@odata.nextLink\":\"x\",\"value\":[]}}", NULL },
        { "[\"@odata.nextLink\",\"x\",\"value\":[]", NULL },
        { "\"value\":[", NULL },
        { "", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        cleanup_strbuf struct strbuf body;

        strbuf_init(&body, 1000);
        (void)strbuf_addstr(&body, rows[i].text);
        cleanup_free char *link = decode_next_link(&body);
        assert_true(link ? rows[i].link && strcmp(link, rows[i].link) == 0 : !rows[i].link);
    }
}

static void test_batches_are_written_as_json(void **state)
{
    cleanup_strbuf struct strbuf body;

    (void)state;
    strbuf_init(&body, 1000);
    batch_begin(&body);
    batch_add_get(&body, 0, "/drives/a/items/b%21c", NULL);
    batch_add_get(&body, 1, "/me/\"x\"", "a=\"b\"");
    assert_int_equal(batch_end(&body), 0);
    assert_string_equal(
        body.data,
        "{\"requests\":[{\"id\":\"0\",\"method\":\"GET\",\"url\":\"/drives/a/items/b%21c\"},"
        "{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/me/\\\"x\\\"\","
        "\"headers\":{\"Prefer\":\"a=\\\"b\\\"\"}}]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_recorded_delta_page_is_read_whole),
        cmocka_unit_test(test_links_onward_are_kept_verbatim),
        cmocka_unit_test(test_a_tombstone_has_ids_and_nothing_else),
        cmocka_unit_test(test_a_business_tombstone_may_have_an_id_only),
        cmocka_unit_test(test_an_empty_page_has_its_link),
        cmocka_unit_test(test_a_single_item_has_its_download_url),
        cmocka_unit_test(test_ids_and_hashes_of_a_recorded_item_are_normalised),
        cmocka_unit_test(test_facets_make_kind_and_flags),
        cmocka_unit_test(test_a_shortcut_names_its_target),
        cmocka_unit_test(test_sizes_that_lie_are_no_sizes),
        cmocka_unit_test(test_a_time_of_year_one_counts_as_missing),
        cmocka_unit_test(test_entries_without_id_are_left_out),
        cmocka_unit_test(test_what_is_no_collection_is_refused),
        cmocka_unit_test(test_answers_are_json_without_an_error),
        cmocka_unit_test(test_phantom_drives_are_left_out),
        cmocka_unit_test(test_batch_parts_are_sorted_by_number),
        cmocka_unit_test(test_recorded_batches_are_read),
        cmocka_unit_test(test_next_link_is_found_before_the_items),
        cmocka_unit_test(test_batches_are_written_as_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
