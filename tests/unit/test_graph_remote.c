/* SPDX-License-Identifier: MIT */
/* The remote over HTTP against the emulator: what it gives, and what it makes of each fault. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/xalloc.h"

#include "unit.h"

#include "graph_fixture.h"

/* What the tests share: one emulator, and a service that is signed in to it. */
struct shared {
    struct emulator *emulator;
    struct service *service;
    char *drive_id;
    char *root_id;
};

static const char letters[] = "abcdefghijklmnopqrstuvwxyz";

static int set_up_all(void **state)
{
    static const char *const args[] = { "--plain", NULL };
    struct shared *shared = x_calloc(1, sizeof(*shared));
    struct answer answer;

    shared->emulator = emulator_start(args);
    shared->service = service_new(shared->emulator, 0);
    service_sign_in(shared->service);
    emulator_do(shared->emulator, "POST", "edit",
                "{\"ops\":[{\"op\":\"create\",\"path\":\"/letters.txt\",\"content\":"
                "\"abcdefghijklmnopqrstuvwxyz\"},{\"op\":\"create\",\"path\":\"/empty\","
                "\"content\":\"\"},{\"op\":\"mkdir\",\"path\":\"/many\"},"
                "{\"op\":\"create\",\"path\":\"/100%25 #+&'.txt\",\"content\":\"odd\"},"
                "{\"op\":\"bulk\",\"bulk\":{\"count\":1200,\"dir\":\"/many\"}}]}");
    answer_init(&answer);
    remote_drives(shared->service->remote, answer_drives, &answer);
    assert_int_equal(answer_wait(&answer), 0);
    shared->drive_id = x_strdup(answer.drives->drives[0].id);
    answer_clear(&answer);
    struct page_query query = { .kind = PAGE_DELTA, .drive_id = shared->drive_id };
    (void)remote_page(shared->service->remote, &query, answer_page, &answer);
    assert_int_equal(answer_wait(&answer), 0);
    shared->root_id = x_strdup(answer.page->items[0].id);
    answer_clear(&answer);
    *state = shared;
    return 0;
}

static int tear_down_all(void **state)
{
    struct shared *shared = *state;

    service_free(shared->service);
    emulator_stop(shared->emulator);
    free(shared->drive_id);
    free(shared->root_id);
    free(shared);
    return 0;
}

static int set_up(void **state)
{
    struct shared *shared = *state;

    emulator_do(shared->emulator, "DELETE", "faults", NULL);
    emulator_do(shared->emulator, "POST", "reset-counts", NULL);
    return 0;
}

static int page_of(const struct shared *shared, enum page_query_kind kind, const char *id_or_link,
                   struct answer *answer)
{
    struct page_query query = {
        .kind = kind,
        .drive_id = shared->drive_id,
        .item_id = kind == PAGE_CHILDREN ? id_or_link : NULL,
        .link = kind == PAGE_LINK ? id_or_link : NULL,
        .priority = REMOTE_READ,
    };

    answer_init(answer);
    (void)remote_page(shared->service->remote, &query, answer_page, answer);
    return answer_wait(answer);
}

static int child_of(const struct shared *shared, const char *name, struct answer *answer)
{
    struct path_query query = {
        .drive_id = shared->drive_id,
        .parent_id = shared->root_id,
        .name = name,
        .priority = REMOTE_READ,
    };

    answer_init(answer);
    (void)remote_child(shared->service->remote, &query, answer_page, answer);
    return answer_wait(answer);
}

/* The preauthenticated URL of a file in the root. */
static char *url_of(const struct shared *shared, const char *name)
{
    struct answer answer;

    assert_int_equal(child_of(shared, name, &answer), 0);
    char *url = x_strdup(answer.page->items[0].download_url);
    assert_non_null(url);
    answer_clear(&answer);
    return url;
}

static int fetch(const struct shared *shared, const char *url, int64_t offset, size_t length,
                 struct answer *answer)
{
    struct fetch_query query = {
        .url = url,
        .offset = offset,
        .length = length,
        .priority = REMOTE_READ,
    };

    answer_init(answer);
    (void)remote_fetch(shared->service->remote, &query, answer_fetch, answer);
    return answer_wait(answer);
}

/* ---- What it gives ---- */

static void test_the_default_drive_comes_first(void **state)
{
    struct shared *shared = *state;
    struct answer answer;

    answer_init(&answer);
    remote_drives(shared->service->remote, answer_drives, &answer);
    assert_int_equal(answer_wait(&answer), 0);
    assert_true(answer.drives->count >= 2);
    assert_true(answer.drives->drives[0].is_default);
    assert_true(answer.drives->drives[0].quota_total > 0);
    for (size_t i = 1; i < answer.drives->count; i++) {
        assert_false(answer.drives->drives[i].is_default);
        assert_string_not_equal(answer.drives->drives[i].id, answer.drives->drives[0].id);
    }
    answer_clear(&answer);
}

static void test_a_personal_account_has_no_phantom_drives(void **state)
{
    static const char *const args[] = { "--profile=consumer", NULL };
    struct emulator *emulator = emulator_start(args);
    struct service *service = service_new(emulator, 0);
    struct answer answer;

    (void)state;
    service_sign_in(service);
    answer_init(&answer);
    remote_drives(service->remote, answer_drives, &answer);
    assert_int_equal(answer_wait(&answer), 0);
    assert_int_equal(answer.drives->count, 1);
    assert_int_equal(strlen(answer.drives->drives[0].id), 16);
    answer_clear(&answer);
    service_free(service);
    emulator_stop(emulator);
}

/* Follows the links to the end. Returns the number of items. */
static size_t count_pages(const struct shared *shared, enum page_query_kind kind, const char *id)
{
    struct answer answer;
    cleanup_free char *link = NULL;
    size_t count = 0;

    assert_int_equal(page_of(shared, kind, id, &answer), 0);
    for (;;) {
        count += answer.page->count;
        free(link);
        link = x_strdup(answer.page->next_link);
        assert_int_equal(kind != PAGE_CHILDREN && !link, answer.page->delta_link != NULL);
        answer_clear(&answer);
        if (!link)
            return count;
        assert_int_equal(page_of(shared, PAGE_LINK, link, &answer), 0);
    }
}

static void test_all_pages_of_a_folder_are_its_children(void **state)
{
    struct shared *shared = *state;
    struct answer answer;

    assert_int_equal(child_of(shared, "many", &answer), 0);
    assert_int_equal(answer.page->items[0].kind, ITEM_FOLDER);
    assert_int_equal(count_pages(shared, PAGE_CHILDREN, answer.page->items[0].id), 1200);
    answer_clear(&answer);
}

static void test_all_pages_of_delta_are_the_drive(void **state)
{
    struct shared *shared = *state;

    /* The root, a folder, three files, and what is in the folder. */
    assert_int_equal(count_pages(shared, PAGE_DELTA, NULL), 1205);
}

static void test_names_are_found_exactly(void **state)
{
    static const struct {
        const char *name;
        int ret;
    } rows[] = {
        { "letters.txt", 0 },         { "100%25 #+&'.txt", 0 }, { "Letters.TXT", -ENOENT },
        { "100% #+&'.txt", -ENOENT }, { "absent", -ENOENT },    { "a<b", -ENOENT },
    };
    struct shared *shared = *state;

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct answer answer;

        assert_int_equal(child_of(shared, rows[i].name, &answer), rows[i].ret);
        if (rows[i].ret == 0)
            assert_string_equal(answer.page->items[0].name, rows[i].name);
        answer_clear(&answer);
    }
}

/* The ids of the folder with many children; for the caller to free, as is each of them. */
static const char **ids_of_many(const struct shared *shared, size_t count)
{
    struct answer folder;
    struct answer answer;
    const char **ids = x_calloc(count, sizeof(*ids));

    assert_int_equal(child_of(shared, "many", &folder), 0);
    assert_int_equal(page_of(shared, PAGE_CHILDREN, folder.page->items[0].id, &answer), 0);
    assert_true(answer.page->count >= count);
    for (size_t i = 0; i < count; i++)
        ids[i] = x_strdup(answer.page->items[i].id);
    answer_clear(&answer);
    answer_clear(&folder);
    return ids;
}

static void free_ids(const char **ids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free((void *)(uintptr_t)ids[i]);
    free((void *)(uintptr_t)ids);
}

/* Asks for 45 items, of which one doesn't exist, and checks what comes. */
static void check_items(const struct shared *shared, int64_t deadline_ms, bool moves_clock)
{
    enum { COUNT = 45, GONE = 30 };

    const char **ids = ids_of_many(shared, COUNT);
    struct answer answer;
    struct item_query query = {
        .drive_id = shared->drive_id,
        .ids = ids,
        .count = COUNT,
        .priority = REMOTE_READ,
        .deadline_ms = deadline_ms,
    };

    free((void *)(uintptr_t)ids[GONE]);
    ids[GONE] = x_strdup("01AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    answer_init(&answer);
    (void)remote_items(shared->service->remote, &query, answer_items, &answer);
    while (moves_clock && !answer_is_done(&answer))
        service_pass_time(shared->service, 200);
    assert_int_equal(answer_wait(&answer), 0);
    assert_int_equal(answer.page->count, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        assert_string_equal(answer.page->items[i].id, ids[i]);
        assert_int_equal(answer.errors[i].http_status, i == GONE ? 404 : 0);
        assert_int_equal((answer.page->items[i].flags & ITEM_DELETED) != 0, i == GONE);
        assert_int_equal(answer.page->items[i].download_url != NULL, i != GONE);
    }
    answer_clear(&answer);
    free_ids(ids, COUNT);
}

static void test_items_come_in_the_order_asked_for(void **state)
{
    struct shared *shared = *state;

    check_items(shared, 0, false);
    assert_int_equal(emulator_count(shared->emulator, "counts.POST /$batch"), 3);
}

static void test_throttled_parts_of_a_batch_are_asked_for_again(void **state)
{
    struct shared *shared = *state;

    emulator_fault(shared->emulator,
                   "{\"method\":\"GET\",\"path\":\"*/drives/*/items/*\",\"nth\":5,\"count\":7,"
                   "\"action\":\"status\",\"status\":429,\"retry_after\":5}");
    check_items(shared, 3600 * 1000, true);
    assert_true(emulator_count(shared->emulator, "counts.POST /$batch") <= 6);
}

static void test_ranges_are_cut_at_the_end_of_the_content(void **state)
{
    static const struct {
        int64_t offset;
        size_t length;
        const char *data;
    } rows[] = {
        { 0, 26, letters }, { 0, 3, "abc" }, { 10, 5, "klmno" }, { 20, 100, "uvwxyz" },
        { 25, 1, "z" },     { 26, 10, "" },  { 1000, 10, "" },
    };
    struct shared *shared = *state;
    cleanup_free char *url = url_of(shared, "letters.txt");

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct answer answer;

        assert_int_equal(fetch(shared, url, rows[i].offset, rows[i].length, &answer), 0);
        assert_string_equal(answer.data, rows[i].data);
        assert_int_equal(answer.total, 26);
        if (rows[i].data[0] != '\0')
            assert_true(answer.etag && answer.etag[0] != '"');
        answer_clear(&answer);
    }
    assert_int_equal(emulator_count(shared->emulator, "bearer_on_content"), 0);
}

static void test_an_empty_file_is_empty(void **state)
{
    struct shared *shared = *state;
    cleanup_free char *url = url_of(shared, "empty");
    struct answer answer;

    assert_int_equal(fetch(shared, url, 0, 100, &answer), 0);
    assert_int_equal(answer.length, 0);
    answer_clear(&answer);
}

/* ---- Faults of content ---- */

static void test_a_host_that_ignores_ranges_is_read_all_the_same(void **state)
{
    struct shared *shared = *state;
    cleanup_free char *url = url_of(shared, "letters.txt");
    struct answer answer;

    emulator_fault(shared->emulator, "{\"host\":\"content\",\"action\":\"ignore-range\"}");
    assert_int_equal(fetch(shared, url, 10, 5, &answer), 0);
    assert_string_equal(answer.data, "klmno");
    assert_int_equal(answer.total, 26);
    answer_clear(&answer);
    assert_int_equal(fetch(shared, url, 20, 100, &answer), 0);
    assert_string_equal(answer.data, "uvwxyz");
    answer_clear(&answer);
}

static void test_cut_and_failed_content_is_fetched_again(void **state)
{
    static const char *const faults[] = {
        "{\"host\":\"content\",\"action\":\"cut\",\"after_bytes\":3,\"count\":2}",
        "{\"host\":\"content\",\"action\":\"close\",\"count\":2}",
        "{\"host\":\"content\",\"action\":\"status\",\"status\":500,\"count\":2}",
        "{\"host\":\"content\",\"action\":\"status\",\"status\":503,\"count\":1,\"retry_after\":1}",
    };
    struct shared *shared = *state;
    cleanup_free char *url = url_of(shared, "letters.txt");

    for (size_t i = 0; i < ROWS(faults); i++) {
        struct answer answer;
        struct fetch_query query = { .url = url, .length = 26, .priority = REMOTE_READ };

        emulator_fault(shared->emulator, faults[i]);
        answer_init(&answer);
        (void)remote_fetch(shared->service->remote, &query, answer_fetch, &answer);
        assert_int_equal(answer_wait_passing(&answer, shared->service, 100), 0);
        assert_string_equal(answer.data, letters);
        answer_clear(&answer);
    }
}

static void test_a_range_that_breaks_off_goes_on_behind_its_last_piece(void **state)
{
    struct shared *shared = *state;
    cleanup_free char *url = url_of(shared, "letters.txt");
    struct fetch_query query = {
        .url = url,
        .length = 26,
        .priority = REMOTE_READ,
        .piece = answer_piece,
        .piece_length = 4,
    };
    struct answer answer;

    emulator_fault(shared->emulator,
                   "{\"host\":\"content\",\"action\":\"cut\",\"after_bytes\":10,\"count\":2}");
    answer_init(&answer);
    (void)remote_fetch(shared->service->remote, &query, answer_fetch, &answer);
    assert_int_equal(answer_wait_passing(&answer, shared->service, 100), 0);
    assert_string_equal(answer.pieces.data, "0:abcd 4:efgh 8:ijkl 12:mnop 16:qrst 20:uvwx ");
    assert_int_equal(answer.offset, 24);
    assert_string_equal(answer.data, "yz");
    assert_int_equal(answer.total, 26);
    assert_int_equal(emulator_count(shared->emulator, "content"), 3);
    answer_clear(&answer);
}

static void test_a_dead_url_is_told_at_once(void **state)
{
    struct shared *shared = *state;
    cleanup_free char *url = url_of(shared, "letters.txt");
    struct answer answer;

    emulator_fault(shared->emulator, "{\"host\":\"content\",\"action\":\"expire-url\"}");
    assert_true(fetch(shared, url, 0, 5, &answer) < 0);
    assert_true(answer.err.http_status == 401 || answer.err.http_status == 403 ||
                answer.err.http_status == 404 || answer.err.http_status == 410);
    assert_int_equal(emulator_count(shared->emulator, "content"), 1);
    assert_null(strstr(answer.err.msg, "tempauth"));
    answer_clear(&answer);
}

static void test_content_comes_from_web_addresses_only(void **state)
{
    static const char *const urls[] = { "file:///etc/passwd", "http://content.example/x", "x" };
    struct shared *shared = *state;

    for (size_t i = 0; i < ROWS(urls); i++) {
        struct answer answer;

        assert_int_equal(fetch(shared, urls[i], 0, 5, &answer), -EPROTO);
        answer_clear(&answer);
    }
}

/* ---- Faults of listings ---- */

static void test_pages_that_lie_are_refused(void **state)
{
    static const struct {
        const char *action;
        int ret;
        bool on_link; /* shows on the page after the first */
    } rows[] = {
        { "\"bad-json\"", -EPROTO, false },
        { "\"deep-json\"", -EPROTO, false },
        { "\"huge\",\"size\":50000000", -EMSGSIZE, false },
        { "\"foreign-nextlink\"", -EPROTO, true },
        { "\"loop-nextlink\"", -EPROTO, true },
    };
    struct shared *shared = *state;

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct answer answer;
        cleanup_free char *link = NULL;
        cleanup_free char *fault =
            x_asprintf("{\"path\":\"*/root/delta*\",\"action\":%s}", rows[i].action);

        emulator_do(shared->emulator, "DELETE", "faults", NULL);
        emulator_fault(shared->emulator, fault);
        int ret = page_of(shared, PAGE_DELTA, NULL, &answer);
        /* Where the link is the lie, it shows when it is followed, if not before. */
        for (int page = 0; rows[i].on_link && ret == 0 && page < 3; page++) {
            free(link);
            link = x_strdup(answer.page->next_link);
            answer_clear(&answer);
            ret = page_of(shared, PAGE_LINK, link, &answer);
        }
        assert_int_equal(ret, rows[i].ret);
        answer_clear(&answer);
    }
    assert_int_equal(emulator_count(shared->emulator, "bearer_on_content"), 0);
}

static void test_a_dead_delta_token_says_410(void **state)
{
    static const struct {
        const char *fault;
        const char *code;
    } rows[] = {
        { "apply", "resyncChangesApplyDifferences" },
        { "upload", "resyncChangesUploadDifferences" },
        { "resyncRequired", "resyncApplyDifferences" },
    };
    struct shared *shared = *state;

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct answer answer;
        cleanup_free char *fault = x_asprintf(
            "{\"path\":\"*/root/delta*\",\"action\":\"gone\",\"code\":\"%s\"}", rows[i].fault);

        emulator_do(shared->emulator, "DELETE", "faults", NULL);
        emulator_fault(shared->emulator, fault);
        assert_int_equal(page_of(shared, PAGE_DELTA, NULL, &answer), -ESTALE);
        assert_int_equal(answer.err.http_status, 410);
        assert_int_equal(answer.err.scope, ERR_SCOPE_DRIVE);
        assert_string_equal(answer.err.graph_code, rows[i].code);
        answer_clear(&answer);
    }
}

static void test_server_errors_are_tried_again(void **state)
{
    struct shared *shared = *state;
    struct answer answer;

    emulator_fault(shared->emulator,
                   "{\"path\":\"*/children*\",\"action\":\"status\",\"status\":502,"
                   "\"body\":\"html\",\"count\":2}");
    assert_int_equal(page_of(shared, PAGE_CHILDREN, shared->root_id, &answer), 0);
    assert_int_equal(answer.page->count, 4);
    answer_clear(&answer);
}

static void test_an_answer_for_ever_refused_is_an_error_in_the_end(void **state)
{
    struct shared *shared = *state;
    struct answer answer;
    struct page_query query = {
        .kind = PAGE_DELTA,
        .drive_id = shared->drive_id,
        .priority = REMOTE_READ,
    };

    emulator_fault(shared->emulator,
                   "{\"path\":\"*/root/delta*\",\"action\":\"status\",\"status\":500}");
    answer_init(&answer);
    (void)remote_page(shared->service->remote, &query, answer_page, &answer);
    assert_int_equal(answer_wait_passing(&answer, shared->service, 1000), -ETIMEDOUT);
    assert_int_equal(answer.err.http_status, 500);
    assert_non_null(strstr(answer.err.msg, "client-request-id"));
    answer_clear(&answer);
}

static void test_a_stalled_answer_is_given_up_and_tried_again(void **state)
{
    struct shared *shared = *state;
    struct service *service = shared->service;
    struct answer answer;
    struct page_query query = {
        .kind = PAGE_CHILDREN,
        .drive_id = shared->drive_id,
        .item_id = shared->root_id,
        .priority = REMOTE_BACKGROUND,
    };

    emulator_fault(shared->emulator, "{\"path\":\"*/children*\",\"action\":\"stall\",\"count\":1}");
    answer_init(&answer);
    (void)remote_page(service->remote, &query, answer_page, &answer);
    emulator_wait_for(shared->emulator, "total", 1);
    clock_advance(service->clock, 89 * 1000);
    graph_wake(service->graph);
    assert_false(answer_is_done(&answer));
    clock_advance(service->clock, 2 * 1000);
    graph_wake(service->graph);
    assert_int_equal(answer_wait(&answer), 0);
    assert_int_equal(emulator_count(shared->emulator, "total"), 2);
    answer_clear(&answer);
}

static void test_a_stalled_request_can_be_cancelled(void **state)
{
    struct shared *shared = *state;
    cleanup_free char *url = url_of(shared, "letters.txt");
    struct fetch_query query = { .url = url, .length = 5, .priority = REMOTE_READ };
    struct answer answer;

    emulator_fault(shared->emulator, "{\"host\":\"content\",\"action\":\"stall\"}");
    answer_init(&answer);
    uint64_t id = remote_fetch(shared->service->remote, &query, answer_fetch, &answer);
    emulator_wait_for(shared->emulator, "content", 1);
    remote_cancel(shared->service->remote, id);
    assert_int_equal(answer_wait(&answer), -ECANCELED);
    answer_clear(&answer);
}

static void test_a_reader_finds_a_slot_when_the_background_is_busy(void **state)
{
    enum { BACKGROUND = 20 };
    struct shared *shared = *state;
    struct answer background[BACKGROUND];
    struct answer answer;
    struct page_query query = {
        .kind = PAGE_DELTA,
        .drive_id = shared->drive_id,
        .priority = REMOTE_BACKGROUND,
    };

    emulator_fault(shared->emulator, "{\"path\":\"*/root/delta*\",\"action\":\"stall\"}");
    for (size_t i = 0; i < BACKGROUND; i++) {
        answer_init(&background[i]);
        (void)remote_page(shared->service->remote, &query, answer_page, &background[i]);
    }
    assert_int_equal(page_of(shared, PAGE_CHILDREN, shared->root_id, &answer), 0);
    answer_clear(&answer);
    emulator_do(shared->emulator, "DELETE", "faults", NULL);
    for (size_t i = 0; i < BACKGROUND; i++) {
        assert_int_equal(answer_wait(&background[i]), 0);
        answer_clear(&background[i]);
    }
}

/* Waits until something has been received, and acted on: that comes before anything that is asked
 * later, and the pauses of Graph's own host don't hold up the content's. */
static void wait_for_answer(const struct shared *shared, uint64_t before, const char *url)
{
    struct answer content;

    while (graph_count(shared->service->graph).bytes_received == before)
        (void)usleep(1000);
    assert_int_equal(fetch(shared, url, 0, 1, &content), 0);
    answer_clear(&content);
}

static void test_retry_after_holds_up_the_whole_account(void **state)
{
    struct shared *shared = *state;
    struct service *service = shared->service;
    cleanup_free char *url = url_of(shared, "letters.txt");
    struct answer throttled;
    struct answer other;
    int64_t asked;
    struct page_query query = {
        .kind = PAGE_DELTA,
        .drive_id = shared->drive_id,
        .priority = REMOTE_UPLOAD,
    };

    emulator_fault(shared->emulator,
                   "{\"path\":\"*/root/delta*\",\"action\":\"status\",\"status\":429,"
                   "\"retry_after\":30,\"count\":1}");
    answer_init(&throttled);
    struct graph_counters before = graph_count(service->graph);
    (void)remote_page(service->remote, &query, answer_page, &throttled);
    wait_for_answer(shared, before.bytes_received, url);
    asked = emulator_count(shared->emulator, "total");
    /* A reader's deadline is beyond the pause, so it waits as well. */
    query.kind = PAGE_CHILDREN;
    query.item_id = shared->root_id;
    query.priority = REMOTE_READ;
    answer_init(&other);
    clock_advance(service->clock, 1000);
    (void)remote_page(service->remote, &query, answer_page, &other);
    clock_advance(service->clock, 28 * 1000);
    graph_wake(service->graph);
    assert_int_equal(emulator_count(shared->emulator, "total"), asked);
    assert_false(answer_is_done(&throttled));
    assert_false(answer_is_done(&other));
    clock_advance(service->clock, 2 * 1000);
    graph_wake(service->graph);
    assert_int_equal(answer_wait(&other), 0);
    assert_int_equal(answer_wait(&throttled), 0);
    assert_int_equal(emulator_count(shared->emulator, "total"), asked + 2);
    answer_clear(&throttled);
    answer_clear(&other);
}

static void test_a_call_that_fails_by_itself_holds_up_no_other(void **state)
{
    struct shared *shared = *state;
    struct service *service = shared->service;
    struct answer failing;
    struct answer other;
    struct page_query query = {
        .kind = PAGE_DELTA,
        .drive_id = shared->drive_id,
        .priority = REMOTE_BACKGROUND,
    };

    emulator_fault(shared->emulator,
                   "{\"path\":\"*/root/delta*\",\"action\":\"status\",\"status\":503}");
    answer_init(&failing);
    (void)remote_page(service->remote, &query, answer_page, &failing);
    while (emulator_count(shared->emulator, "total") < 5)
        service_pass_time(service, 500);
    query.kind = PAGE_CHILDREN;
    query.item_id = shared->root_id;
    query.deadline_ms = 5000;
    answer_init(&other);
    (void)remote_page(service->remote, &query, answer_page, &other);
    assert_int_equal(answer_wait(&other), 0);
    answer_clear(&other);
    emulator_do(shared->emulator, "DELETE", "faults", NULL);
    assert_int_equal(answer_wait_passing(&failing, service, 500), 0);
    answer_clear(&failing);
}

static void test_the_end_cancels_what_is_under_way(void **state)
{
    struct shared *shared = *state;
    struct service *service = service_new(shared->emulator, 0);
    struct answer answers[3];
    struct page_query query = {
        .kind = PAGE_DELTA,
        .drive_id = shared->drive_id,
        .priority = REMOTE_BACKGROUND,
    };

    service_sign_in(service);
    emulator_do(shared->emulator, "POST", "reset-counts", NULL);
    emulator_fault(shared->emulator, "{\"path\":\"*/root/delta*\",\"action\":\"stall\"}");
    for (size_t i = 0; i < ROWS(answers); i++) {
        answer_init(&answers[i]);
        (void)remote_page(service->remote, &query, answer_page, &answers[i]);
    }
    emulator_wait_for(shared->emulator, "total", 3);
    service_free(service);
    for (size_t i = 0; i < ROWS(answers); i++) {
        assert_true(answer_is_done(&answers[i]));
        assert_int_equal(answer_wait(&answers[i]), -ECANCELED);
        answer_clear(&answers[i]);
    }
}

#define REMOTE_TEST(fn) cmocka_unit_test_setup(fn, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REMOTE_TEST(test_the_default_drive_comes_first),
        REMOTE_TEST(test_a_personal_account_has_no_phantom_drives),
        REMOTE_TEST(test_all_pages_of_a_folder_are_its_children),
        REMOTE_TEST(test_all_pages_of_delta_are_the_drive),
        REMOTE_TEST(test_names_are_found_exactly),
        REMOTE_TEST(test_items_come_in_the_order_asked_for),
        REMOTE_TEST(test_throttled_parts_of_a_batch_are_asked_for_again),
        REMOTE_TEST(test_ranges_are_cut_at_the_end_of_the_content),
        REMOTE_TEST(test_an_empty_file_is_empty),
        REMOTE_TEST(test_a_host_that_ignores_ranges_is_read_all_the_same),
        REMOTE_TEST(test_cut_and_failed_content_is_fetched_again),
        REMOTE_TEST(test_a_range_that_breaks_off_goes_on_behind_its_last_piece),
        REMOTE_TEST(test_a_dead_url_is_told_at_once),
        REMOTE_TEST(test_content_comes_from_web_addresses_only),
        REMOTE_TEST(test_pages_that_lie_are_refused),
        REMOTE_TEST(test_a_dead_delta_token_says_410),
        REMOTE_TEST(test_server_errors_are_tried_again),
        REMOTE_TEST(test_an_answer_for_ever_refused_is_an_error_in_the_end),
        REMOTE_TEST(test_a_stalled_answer_is_given_up_and_tried_again),
        REMOTE_TEST(test_a_stalled_request_can_be_cancelled),
        REMOTE_TEST(test_a_reader_finds_a_slot_when_the_background_is_busy),
        REMOTE_TEST(test_retry_after_holds_up_the_whole_account),
        REMOTE_TEST(test_a_call_that_fails_by_itself_holds_up_no_other),
        REMOTE_TEST(test_the_end_cancels_what_is_under_way),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
