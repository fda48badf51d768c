/* SPDX-License-Identifier: MIT */
/*
 * A death is tried by the files that it leaves: an image of them is saved at that moment, the turn
 * goes on and is forgotten, and the image is opened. What the service was asked for meanwhile it
 * has heard, as if the death had come a moment later.
 *
 * Random numbers of the program under test (src/base/uuid.c) come from here, always the same.
 */
#include "config.h"

#include "world.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../fakes/fake_compare.h"
#include "agree.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/uuid.h"
#include "base/xalloc.h"
#include "written.h"

#define START_MS INT64_C(1700000000000)

/* Time for all that lags, for pauses after failures, and for two 404 five minutes apart. */
#define MINUTE_MS (60 * INT64_C(1000))

/* How long a thing rests before it is sent. */
#define UPLOAD_DELAY_MS 2000

/* More steps than this without end are a loop. */
#define SETTLE_MAX 3000

/* So often seven minutes more for what is still to be sent: each refusal costs ten. */
#define PATIENCE 8

/* Requests in twenty minutes of which nothing is left to do: polls, and the drives. */
#define QUIET_REQUESTS_MAX 12

void random_bytes(void *out, size_t len)
{
    memset(out, 0x5a, len);
}

void uuid_v4(char out[UUID_SIZE])
{
    (void)snprintf(out, UUID_SIZE, "00000000-0000-4000-8000-000000000000");
}

/* ---- failures ---- */

void world_fail(struct world *world, const char *fmt, ...)
{
    va_list args;

    if (world_has_failed(world))
        return;
    va_start(args, fmt);
    (void)vsnprintf(world->failure, sizeof world->failure, fmt, args);
    va_end(args);
    log_info("sim", "failed: %s", world->failure);
    if (world->store)
        agree_log(world);
}

bool world_has_failed(const struct world *world)
{
    return world->failure[0] != '\0';
}

void world_note(struct world *world, enum event event)
{
    world->tally->events[event]++;
}

/* What an account had before it was moved can't be told apart from what changes now. */
void world_note_edit(struct world *world)
{
    world->is_calm = false;
    world->is_moving |= world->moved_calmly;
}

void world_note_done(const struct err *err, void *arg)
{
    struct world *world = arg;

    (void)err;
    world->wants_done++;
}

/* ---- life ---- */

static struct store *open_store(const struct bench *bench, struct clock *clock)
{
    struct store *store = NULL;
    struct err err = { 0 };
    bool was_damaged = false;

    if (store_open(bench->scratch.path, NULL, clock, &store, &was_damaged, &err) < 0 || was_damaged)
        return NULL;
    return store;
}

void bench_init(struct bench *bench)
{
    struct clock *clock = clock_new_manual(START_MS);
    struct store *store;

    scratch_init(&bench->scratch);
    bench->disk = memory_disk_new();
    store = open_store(bench, clock);
    if (!store)
        abort();
    store_close(store);
    clock_free(clock);
    bench->blank = memory_disk_save(bench->disk, true);
}

void bench_clear(struct bench *bench)
{
    memory_image_free(bench->blank);
    memory_disk_free(bench->disk);
    scratch_clear(&bench->scratch);
}

static void on_changes(const struct change *changes, size_t count, void *arg)
{
    struct world *world = arg;

    if (!memory_disk_has_fallen(world->bench->disk))
        shown_take_changes(world, changes, count);
}

static void on_answer(enum fake_request kind, const struct item_page *page, void *arg)
{
    struct world *world = arg;

    shown_take_answer(world, kind, page);
}

static void on_request(enum fake_request kind, void *arg)
{
    struct world *world = arg;

    (void)kind;
    world->settings->is_deaf = memory_disk_has_fallen(world->bench->disk);
}

static void on_create(size_t item, void *arg)
{
    struct world *world = arg;

    if (world->uploads < WORLD_UPLOADS_MAX)
        world->items[WORLD_UPLOADS + world->uploads++] = item;
}

static void on_mixture(void *arg)
{
    world_fail(arg, "an upload is a mixture of two contents");
}

static void on_kept(const struct written *written, const struct node *node, void *arg)
{
    struct world *world = arg;
    unsigned content = 0;

    if (!node->base.hash || sscanf(node->base.hash, "hash%u", &content) != 1 ||
        !ledger_is_same(world, content, written->content))
        world_fail(world, "what was written to \"%s\" is kept as what the service calls %s",
                   node->local.name, node->base.hash ? node->base.hash : "nothing");
}

static void begin(struct world *world)
{
    struct sync_conf conf = {
        .remote = fake_remote_ops(world->fake),
        .clock = world->clock,
        .poll_s = 30,
        .poll_idle_s = 300,
        .object_ttl_s = 60,
        .bytes = world->is_writable ? memory_bytes_ops(world->bytes) : NULL,
        .host = "here",
        .upload_delay_ms = UPLOAD_DELAY_MS,
    };

    world->store = conf.store = open_store(world->bench, world->clock);
    if (!world->store || sync_new(&conf, &world->sync) < 0) {
        world_fail(world, "the store can't be opened any more");
        return;
    }
    store_set_listener(world->store, on_changes, world);
    sync_begin(world->sync);
}

/* What is on its way is lost. */
static void end(struct world *world)
{
    sync_free(world->sync);
    (void)memory_bytes_pump(world->bytes);
    (void)fake_remote_pump(world->fake);
    store_close(world->store);
    world->sync = NULL;
    world->store = NULL;
}

struct world *world_new(struct bench *bench, struct tally *tally)
{
    struct world *world = x_calloc(1, sizeof *world);

    world->bench = bench;
    world->tally = tally;
    world->clock = clock_new_manual(START_MS);
    world->fake = fake_remote_new(world->clock, 1);
    world->model = fake_remote_model(world->fake);
    world->settings = fake_remote_settings(world->fake);
    world->settings->page_size = 100;
    world->settings->deadline_ms = MINUTE_MS;
    world->settings->on_answer = on_answer;
    world->settings->on_answer_arg = world;
    world->settings->on_request = on_request;
    world->settings->on_request_arg = world;
    world->settings->on_loss = ledger_on_loss;
    world->settings->on_create = on_create;
    world->settings->on_rewrite = ledger_on_rewrite;
    world->settings->on_mixture = on_mixture;
    world->settings->on_loss_arg = world;
    world->bytes = memory_bytes_new(bench->disk, on_kept, world);
    for (size_t i = 0; i < sizeof world->items / sizeof *world->items; i++)
        world->items[i] = SIZE_MAX;
    world->items[WORLD_OWN] = fake_add_drive(world->model, "D1", false);
    world->items[WORLD_SHARED] = fake_add_drive(world->model, "S", true);
    world->next_item = WORLD_SHARED + 1;
    memory_disk_restore(bench->disk, bench->blank);
    begin(world);
    return world;
}

void world_stop(struct world *world)
{
    memory_disk_fall_after(world->bench->disk, 0, false);
    end(world);
    if (world->wants_done != world->wants)
        world_fail(world, "%u of %u who waited were never told", world->wants - world->wants_done,
                   world->wants);
}

void world_free(struct world *world)
{
    fake_remote_free(world->fake);
    clock_free(world->clock);
    shown_clear(&world->shown);
    memory_bytes_free(world->bytes);
    ledger_clear(&world->ledger);
    world_handles_clear(&world->handles);
    free(world);
}

/* ---- death ---- */

static void note_round(struct world *world)
{
    static const struct {
        enum round_kind round;
        enum event event;
    } events[] = {
        { ROUND_FIRST, EVENT_DIED_FIRST },
        { ROUND_DELTA, EVENT_DIED_DELTA },
        { ROUND_FULL, EVENT_DIED_FULL },
        { ROUND_APPLY, EVENT_DIED_APPLYING },
    };
    struct drive_row drive;

    if (store_find_drive_by_root(world->store, world_root(world), &drive) < 0)
        return;
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        if (events[i].round == drive.round)
            world_note(world, events[i].event);
    }
    drive_row_clear(&drive);
}

/* What was committed last may not be there any more, nor the account's move in it. */
static void note_fallback(struct world *world)
{
    shown_clear(&world->shown);
    world->is_calm = false;
    world->is_moving |= world->model->back_end > 0;
}

static void start_again(struct world *world, struct memory_image *image, bool is_power_cut)
{
    memory_disk_fall_after(world->bench->disk, 0, false);
    end(world);
    memory_disk_restore(world->bench->disk, image);
    memory_image_free(image);
    world->handles.len = 0;
    begin(world);
    if (world_has_failed(world))
        return;
    if (world->is_writable)
        written_recover(world, is_power_cut);
    if (is_power_cut)
        ledger_note_power_cut(world);
    note_round(world);
    if (is_power_cut)
        note_fallback(world);
    for (size_t i = 0; i < world->shown.items.len; i++)
        world->shown.items.items[i].candidate = -1;
    shown_look(world);
}

void world_kill(struct world *world, bool is_power_cut)
{
    start_again(world, memory_disk_save(world->bench->disk, is_power_cut), is_power_cut);
}

bool world_take_death(struct world *world)
{
    struct memory_disk *disk = world->bench->disk;
    bool is_power_cut;

    if (!memory_disk_has_fallen(disk))
        return false;
    is_power_cut = memory_disk_falls_by_power(disk);
    start_again(world, memory_disk_take_fallen(disk), is_power_cut);
    return true;
}

void world_make_writable(struct world *world)
{
    end(world);
    world->is_writable = true;
    begin(world);
}

int64_t world_turn(struct world *world)
{
    int64_t next_ms = sync_turn(world->sync);

    if (world_take_death(world))
        return 0;
    shown_end_turn(world);
    return next_ms;
}

/* ---- time ---- */

void world_settle(struct world *world)
{
    bool goes_on = true;

    for (int i = 0; goes_on && !world_has_failed(world); i++) {
        unsigned before = fake_remote_total(world->fake);
        bool was_read = memory_bytes_pump(world->bytes);
        size_t answered = fake_remote_pump(world->fake);
        int64_t next_ms = world_turn(world);

        goes_on = answered > 0 || was_read || next_ms <= clock_mono_ms(world->clock) ||
                  fake_remote_total(world->fake) != before;
        if (i == SETTLE_MAX)
            world_fail(world, "it asks and asks, without end");
    }
}

void world_run(struct world *world, int64_t ms)
{
    int64_t end_ms = clock_mono_ms(world->clock) + ms;

    world_settle(world);
    for (int i = 0; clock_mono_ms(world->clock) < end_ms && !world_has_failed(world); i++) {
        int64_t now_ms = clock_mono_ms(world->clock);
        int64_t next_ms = world_turn(world);

        if (next_ms > end_ms)
            next_ms = end_ms;
        clock_advance(world->clock, next_ms > now_ms ? next_ms - now_ms : 0);
        world_settle(world);
        if (i == SETTLE_MAX)
            world_fail(world, "its timers never rest");
    }
}

/* ---- looking ---- */

ino_nr world_root(struct world *world)
{
    struct node_attr attr;

    return store_lookup(world->store, STORE_INO_ME, "drive", &attr) == 0 ? attr.ino
                                                                         : STORE_INO_NONE;
}

static ino_nr shown_ino(const struct world *world, size_t item)
{
    return item < world->shown.items.len ? world->shown.items.items[item].ino : STORE_INO_NONE;
}

/* Below the first shortcut that leads to it, or to a folder that it is in. */
static ino_nr shared_ino(struct world *world, size_t item)
{
    const struct fake_version *truth = fake_truth(world->model, item);
    struct node_attr attr;
    ino_nr parent;

    for (size_t i = 0; i < world->model->items.len; i++) {
        if (world->model->items.items[i].target == item && shown_ino(world, i) != STORE_INO_NONE)
            return shown_ino(world, i);
    }
    if (truth->parent == item)
        return STORE_INO_NONE;
    parent = shared_ino(world, truth->parent);
    if (parent == STORE_INO_NONE || store_lookup(world->store, parent, truth->name, &attr) < 0)
        return STORE_INO_NONE;
    return attr.ino;
}

/* By its place. */
static ino_nr placed_ino(struct world *world, size_t item)
{
    const struct fake_version *truth = fake_truth(world->model, item);
    struct node_attr attr;
    ino_nr parent;

    if (item == world->items[WORLD_OWN])
        return world_root(world);
    parent = placed_ino(world, truth->parent);
    if (parent == STORE_INO_NONE || store_lookup(world->store, parent, truth->name, &attr) < 0)
        return STORE_INO_NONE;
    return attr.ino;
}

ino_nr world_ino(struct world *world, size_t item)
{
    if (item == world->items[WORLD_OWN])
        return world_root(world);
    if (world->is_writable && world->model->items.items[item].drive == 0)
        return placed_ino(world, item);
    return world->model->items.items[item].drive == 0 ? shown_ino(world, item)
                                                      : shared_ino(world, item);
}

/* ---- calm ---- */

DEFINE_VEC(row_numbers, ino_nr);

static bool add_row(const struct node_attr *attr, const char *name, void *arg)
{
    (void)name;
    (void)row_numbers_push(arg, attr->ino);
    return true;
}

/* As one handler would: what has to be asked for first is. */
static void open_row(struct world *world, const struct node_attr *attr)
{
    bool needs_listing = sync_needs_listing(world->sync, attr);

    if (!needs_listing && !sync_needs_target(world->sync, attr))
        return;
    world->wants++;
    if (needs_listing)
        (void)sync_want_listing(world->sync, attr->ino, world_note_done, world);
    else
        (void)sync_want_target(world->sync, attr->ino, world_note_done, world);
    world_settle(world);
}

/* Opens all, as a user might: what has no delta is as fresh as that, and folders that came later
 * are complete only then. */
static void open_all(struct world *world, ino_nr ino, unsigned depth)
{
    struct row_numbers rows = { 0 };
    struct node_attr attr;

    if (depth == SHOWN_DEPTH || world_has_failed(world) ||
        store_getattr(world->store, ino, &attr) < 0)
        return;
    open_row(world, &attr);
    if (attr.kind == NODE_FOLDER)
        (void)store_list(world->store, ino, 0, add_row, &rows);
    for (size_t i = 0; i < rows.len; i++)
        open_all(world, rows.items[i], depth + 1);
    row_numbers_clear(&rows);
}

static void add_held(const struct sync_drive_status *status, void *arg)
{
    *(int64_t *)arg += status->held;
}

static void confirm(struct world *world)
{
    int64_t held = 0;

    sync_status(world->sync, add_held, &held);
    if (held > 0)
        world_note(world, EVENT_HELD);
    sync_confirm_removals(world->sync);
}

static char *compare_shown(struct world *world)
{
    const struct fake_comparison comparison = {
        .store = world->store,
        .model = world->model,
        .enters_shortcuts = true,
    };

    return fake_compare(&comparison, world_root(world), world->items[WORLD_OWN]);
}

static void compare(struct world *world)
{
    cleanup_free char *difference = NULL;

    if (world_has_failed(world))
        return;
    difference = world->is_writable ? agree_compare(world) : compare_shown(world);
    if (difference)
        world_fail(world, "%s", difference);
    else
        world_note(world, EVENT_SAME);
}

void world_check_quiet(struct world *world)
{
    unsigned total;

    fake_remote_reset_counts(world->fake);
    world_run(world, 20 * MINUTE_MS);
    total = fake_remote_total(world->fake);
    if (total > QUIET_REQUESTS_MAX || fake_remote_count(world->fake, FAKE_ASK_DELTA) > 0 ||
        fake_remote_count(world->fake, FAKE_ASK_ITEMS) > 0)
        world_fail(world, "it still asks: %u requests in 20 minutes, %u for all, %u for items",
                   total, fake_remote_count(world->fake, FAKE_ASK_DELTA),
                   fake_remote_count(world->fake, FAKE_ASK_ITEMS));
}

static bool is_dirty(struct world *world)
{
    int64_t count = 0;

    return store_count_dirty(world->store, &count) == 0 && count > 0;
}

void world_calm(struct world *world)
{
    memory_disk_fall_after(world->bench->disk, 0, false);
    if (world->is_writable)
        written_finish(world);
    sync_wake(world->sync);
    world_run(world, 15 * MINUTE_MS);
    for (int i = 0; i < 3; i++) {
        if (world_has_failed(world))
            return;
        confirm(world);
        open_all(world, world_root(world), 0);
        world_run(world, 7 * MINUTE_MS);
    }
    for (int i = 0; i < PATIENCE && is_dirty(world) && !world_has_failed(world); i++)
        world_run(world, 7 * MINUTE_MS);
    if (world->wants_done != world->wants)
        world_fail(world, "%u of %u who wait are not told", world->wants - world->wants_done,
                   world->wants);
    compare(world);
    if (world->is_writable && !world_has_failed(world))
        ledger_check(world);
    if (world->is_moving)
        shown_clear(&world->shown);
    else if (world->moved_calmly)
        world_note(world, EVENT_MOVED_CALMLY);
    world->is_moving = world->moved_calmly = false;
    if (!world_has_failed(world))
        shown_look(world);
    world->is_calm = true;
}
