/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "sync_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/xalloc.h"
#include "unit.h"

/* More steps than this without end are a loop. */
#define STEPS_MAX 100000

struct sync_fixture *sync_fixture_new(uint64_t seed)
{
    struct sync_fixture *fixture = x_calloc(1, sizeof *fixture);

    if (fixture_setup((void **)&fixture->base) != 0)
        abort();
    fixture->fake = fake_remote_new(fixture->base->clock, seed);
    fixture->model = fake_remote_model(fixture->fake);
    fixture->settings = fake_remote_settings(fixture->fake);
    fixture->root = fake_add_drive(fixture->model, "D1", false);
    return fixture;
}

void sync_fixture_free(struct sync_fixture *fixture)
{
    sync_fixture_close(fixture);
    fake_remote_free(fixture->fake);
    (void)fixture_teardown((void **)&fixture->base);
    free(fixture);
}

int sync_fixture_setup(void **state)
{
    *state = sync_fixture_new(1);
    return 0;
}

int sync_fixture_teardown(void **state)
{
    sync_fixture_free(*state);
    return 0;
}

void sync_fixture_open(struct sync_fixture *fixture)
{
    const struct sync_conf conf = {
        .store = fixture->base->store,
        .remote = fake_remote_ops(fixture->fake),
        .clock = fixture->base->clock,
        .poll_s = FIXTURE_POLL_S,
        .poll_idle_s = FIXTURE_POLL_IDLE_S,
        .object_ttl_s = FIXTURE_TTL_S,
    };

    assert_int_equal(sync_new(&conf, &fixture->sync), 0);
    sync_begin(fixture->sync);
}

void sync_fixture_close(struct sync_fixture *fixture)
{
    sync_free(fixture->sync);
    fixture->sync = NULL;
}

void sync_fixture_reopen(struct sync_fixture *fixture)
{
    sync_fixture_close(fixture);
    (void)fake_remote_pump(fixture->fake);
    fixture_reopen(fixture->base);
    sync_fixture_open(fixture);
}

bool sync_fixture_step(struct sync_fixture *fixture)
{
    unsigned before = fake_remote_total(fixture->fake);
    size_t answered = fake_remote_pump(fixture->fake);
    int64_t next_ms = sync_turn(fixture->sync);

    return answered > 0 || next_ms <= clock_mono_ms(fixture->base->clock) ||
           fake_remote_total(fixture->fake) != before;
}

void sync_fixture_settle(struct sync_fixture *fixture)
{
    for (int i = 0; sync_fixture_step(fixture); i++)
        assert_true(i < STEPS_MAX);
}

void sync_fixture_run(struct sync_fixture *fixture, int64_t ms)
{
    struct clock *clock = fixture->base->clock;
    int64_t end_ms = clock_mono_ms(clock) + ms;

    sync_fixture_settle(fixture);
    for (int i = 0; clock_mono_ms(clock) < end_ms; i++) {
        int64_t now_ms = clock_mono_ms(clock);
        int64_t next_ms = sync_turn(fixture->sync);

        assert_true(i < STEPS_MAX);
        if (next_ms > end_ms)
            next_ms = end_ms;
        clock_advance(clock, next_ms > now_ms ? next_ms - now_ms : 0);
        sync_fixture_settle(fixture);
    }
}

/* ---- comparing ---- */

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

struct lines {
    char *items[4096];
    size_t count;
    struct store *store;
    bool must_be_complete;
};

static void add_line(struct lines *lines, char *line)
{
    assert_true(lines->count < sizeof lines->items / sizeof *lines->items);
    lines->items[lines->count++] = line;
}

static char *join_lines(struct lines *lines)
{
    struct strbuf text;

    strbuf_init(&text, 1 << 20);
    qsort(lines->items, lines->count, sizeof *lines->items, compare_lines);
    for (size_t i = 0; i < lines->count; i++) {
        (void)strbuf_addf(&text, "%s\n", lines->items[i]);
        free(lines->items[i]);
    }
    return strbuf_steal(&text) ?: x_strdup("");
}

/* The children of a directory; store_list can't be called inside of itself. */
struct listed {
    struct node_attr attr;
    char *name;
};

DEFINE_VEC(listed_vec, struct listed);

static bool add_listed(const struct node_attr *attr, const char *name, void *arg)
{
    (void)listed_vec_push(arg, (struct listed){ .attr = *attr, .name = x_strdup(name) });
    return true;
}

static void describe_dir(struct lines *lines, ino_nr dir, const char *prefix)
{
    struct listed_vec listed = { 0 };

    assert_int_equal(store_list(lines->store, dir, 0, add_listed, &listed), 0);
    for (size_t i = 0; i < listed.len; i++) {
        const struct node_attr *attr = &listed.items[i].attr;
        cleanup_free char *name = listed.items[i].name;
        cleanup_free char *path = x_asprintf("%s/%s", prefix, name);

        if (attr->kind == NODE_FILE) {
            add_line(lines, x_asprintf("%s %lld %lld", path, (long long)attr->size,
                                       (long long)attr->mtime_ns));
            continue;
        }
        if (lines->must_be_complete && !(attr->flags & NODE_COMPLETE))
            fail_msg("%s is not complete", path);
        add_line(lines, x_asprintf("%s/", path));
        describe_dir(lines, attr->ino, path);
    }
    listed_vec_clear(&listed);
}

static char *describe_store(struct sync_fixture *fixture, bool must_be_complete)
{
    struct lines lines = { .store = fixture->base->store, .must_be_complete = must_be_complete };
    struct node_attr root;

    assert_int_equal(fixture_find(fixture->base, "/me/drive", &root), 0);
    if (must_be_complete)
        assert_true(root.flags & NODE_COMPLETE);
    describe_dir(&lines, root.ino, "");
    return join_lines(&lines);
}

static char *model_path(const struct fake_model *model, size_t item, size_t root)
{
    char *path = x_strdup("");

    for (; item != root; item = fake_truth(model, item)->parent) {
        char *longer = x_asprintf("/%s%s", fake_truth(model, item)->name, path);

        free(path);
        path = longer;
    }
    return path;
}

static char *describe_model(struct sync_fixture *fixture)
{
    const struct fake_model *model = fixture->model;
    struct lines lines = { 0 };

    for (size_t i = 0; i < model->items.len; i++) {
        const struct fake_version *truth = fake_truth(model, i);
        cleanup_free char *path = NULL;

        if (truth->is_deleted || i == fixture->root || !fake_is_below(model, i, fixture->root))
            continue;
        path = model_path(model, i, fixture->root);
        if (model->items.items[i].kind == ITEM_FILE)
            add_line(&lines, x_asprintf("%s %lld %lld", path, (long long)truth->size,
                                        (long long)truth->mtime_ns));
        else
            add_line(&lines, x_asprintf("%s/", path));
    }
    return join_lines(&lines);
}

void sync_fixture_assert_equal(struct sync_fixture *fixture, bool complete)
{
    cleanup_free char *shown = describe_store(fixture, complete);
    cleanup_free char *truth = describe_model(fixture);

    assert_string_equal(shown, truth);
}

/* ---- looking ---- */

ino_nr sync_fixture_ino(struct sync_fixture *fixture, const char *path)
{
    struct node_attr attr;

    if (fixture_find(fixture->base, path, &attr) != 0)
        fail_msg("%s isn't there", path);
    return attr.ino;
}

bool sync_fixture_has(struct sync_fixture *fixture, const char *path)
{
    struct node_attr attr;

    return fixture_find(fixture->base, path, &attr) == 0;
}

static void take_status(const struct sync_drive_status *status, void *arg)
{
    struct sync_drive_status *ret = arg;

    if (ret->drive == 0)
        *ret = *status;
}

struct sync_drive_status sync_fixture_status(struct sync_fixture *fixture)
{
    struct sync_drive_status status = { 0 };

    sync_status(fixture->sync, take_status, &status);
    return status;
}

static struct node_attr attr_at(struct sync_fixture *fixture, const char *path)
{
    struct node_attr attr;

    assert_int_equal(fixture_find(fixture->base, path, &attr), 0);
    return attr;
}

bool sync_fixture_is_complete(struct sync_fixture *fixture, const char *path)
{
    return attr_at(fixture, path).flags & NODE_COMPLETE;
}

bool sync_fixture_needs_listing(struct sync_fixture *fixture, const char *path)
{
    const struct node_attr attr = attr_at(fixture, path);

    return sync_needs_listing(fixture->sync, &attr);
}

void sync_fixture_list(struct sync_fixture *fixture, const char *path, int expected)
{
    struct outcome outcome = { 0 };

    (void)sync_want_listing(fixture->sync, sync_fixture_ino(fixture, path), outcome_note, &outcome);
    sync_fixture_settle(fixture);
    assert_int_equal(outcome.calls, 1);
    assert_int_equal(outcome.code, expected);
}

void outcome_note(const struct err *err, void *arg)
{
    struct outcome *outcome = arg;

    outcome->calls++;
    outcome->code = err ? err->code : 0;
}
