/* SPDX-License-Identifier: MIT */
/*
 * Delta works by what was told: a token holds, for each item, the number of the version that it was
 * last told of under that token. A round is a list of the items whose visible version is another
 * one; a page of it tells what is visible when the page is made. The last page gives a token with
 * what was told. So delta is right in the end whatever the lag, and a page that is asked for twice
 * does no harm.
 */
#include "config.h"

#include "fake_remote_i.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/xalloc.h"

/* ---- asking ---- */

/* What was to be answered is not, after all. */
static void drop_answer(struct asked *asked)
{
    drive_list_free(asked->drives);
    item_page_free(asked->page);
    item_page_free(asked->reply.page);
    asked->reply.page = NULL;
    for (size_t i = 0; asked->parts && i < asked->count; i++)
        item_page_free(asked->parts[i].page);
    free(asked->parts);
    asked->parts = NULL;
    asked->drives = NULL;
    asked->page = NULL;
}

static void asked_free(struct asked *asked)
{
    drop_answer(asked);
    fake_change_clear(&asked->change);
    free(asked->errors);
    for (size_t i = 0; i < asked->count; i++)
        free(asked->ids[i]);
    free(asked->ids);
    free(asked->drive_id);
    free(asked->item_id);
    free(asked->link);
    free(asked->name);
    free(asked);
}

uint64_t asked_enqueue(struct remote *remote, struct asked *asked)
{
    struct fake_remote *fake = (struct fake_remote *)remote;

    if (fake->settings.on_request)
        fake->settings.on_request(asked->kind, fake->settings.on_request_arg);
    LOCKED(&fake->lock);
    asked->is_unheard = fake->settings.is_deaf;
    asked->id = ++fake->last_id;
    fake->counts[asked->kind] += asked->kind == FAKE_ASK_ITEMS ? (unsigned)asked->count : 1;
    if (asked->kind == FAKE_ASK_LISTINGS)
        fake->counts[FAKE_ASK_LISTING] += (unsigned)asked->count;
    (void)asked_list_push(&fake->waiting, asked);
    return asked->id;
}

struct asked *asked_new(enum fake_request kind, void *arg)
{
    struct asked *asked = x_calloc(1, sizeof *asked);

    asked->kind = kind;
    asked->arg = arg;
    return asked;
}

static void ask_drives(struct remote *remote, remote_drives_fn *done, void *arg)
{
    struct asked *asked = asked_new(FAKE_ASK_DRIVES, arg);

    asked->drives_done = done;
    (void)asked_enqueue(remote, asked);
}

static enum fake_request page_kind(const struct page_query *query)
{
    if (query->kind == PAGE_DELTA)
        return FAKE_ASK_DELTA;
    if (query->kind == PAGE_CHILDREN || query->link[0] == 'c')
        return FAKE_ASK_CHILDREN;
    return FAKE_ASK_LINK;
}

static uint64_t ask_page(struct remote *remote, const struct page_query *query,
                         remote_page_fn *done, void *arg)
{
    struct asked *asked = asked_new(page_kind(query), arg);

    asked->drive_id = x_strdup(query->drive_id);
    asked->item_id = x_strdup(query->item_id);
    asked->link = x_strdup(query->link);
    asked->page_done = done;
    return asked_enqueue(remote, asked);
}

static uint64_t ask_items(struct remote *remote, const struct item_query *query,
                          remote_items_fn *done, void *arg)
{
    struct asked *asked = asked_new(FAKE_ASK_ITEMS, arg);

    asked->drive_id = x_strdup(query->drive_id);
    asked->count = query->count;
    asked->ids = x_calloc(query->count, sizeof *asked->ids);
    for (size_t i = 0; i < query->count; i++)
        asked->ids[i] = x_strdup(query->ids[i]);
    asked->items_done = done;
    return asked_enqueue(remote, asked);
}

static uint64_t ask_listings(struct remote *remote, const struct listings_query *query,
                             remote_listings_fn *done, void *arg)
{
    struct asked *asked = asked_new(FAKE_ASK_LISTINGS, arg);

    asked->drive_id = x_strdup(query->drive_id);
    asked->count = query->count;
    asked->ids = x_calloc(query->count, sizeof *asked->ids);
    for (size_t i = 0; i < query->count; i++)
        asked->ids[i] = x_strdup(query->ids[i]);
    asked->listings_done = done;
    return asked_enqueue(remote, asked);
}

static uint64_t ask_child(struct remote *remote, const struct path_query *query,
                          remote_page_fn *done, void *arg)
{
    struct asked *asked = asked_new(FAKE_ASK_CHILD, arg);

    asked->drive_id = x_strdup(query->drive_id);
    asked->item_id = x_strdup(query->parent_id);
    asked->name = x_strdup(query->name);
    asked->page_done = done;
    return asked_enqueue(remote, asked);
}

static uint64_t ask_content(struct remote *remote, const struct fetch_query *query,
                            remote_fetch_fn *done, void *arg)
{
    (void)remote;
    (void)query;
    (void)done;
    (void)arg;
    abort(); /* sync has no business with content */
}

static void cancel(struct remote *remote, uint64_t id)
{
    struct fake_remote *fake = (struct fake_remote *)remote;

    LOCKED(&fake->lock);
    for (size_t i = 0; i < fake->waiting.len; i++) {
        if (fake->waiting.items[i]->id == id)
            fake->waiting.items[i]->is_cancelled = true;
    }
}

/* What goes out together is a matter of the wire. */
static void gather(struct remote *remote)
{
    (void)remote;
}

static const struct remote_ops ops = {
    .drives = ask_drives,
    .page = ask_page,
    .items = ask_items,
    .listings = ask_listings,
    .child = ask_child,
    .fetch = ask_content,
    .make_folder = ask_make_folder,
    .change = ask_change,
    .remove = ask_delete,
    .put = ask_put,
    .session_begin = ask_session,
    .session_put = ask_fragment,
    .session_ask = ask_where,
    .session_end = ask_end,
    .gather = gather,
    .send_gathered = gather,
    .cancel = cancel,
};

/* ---- answering ---- */

static struct drive_list *make_drives(const struct fake_model *model)
{
    struct drive_list *list = x_calloc(1, sizeof *list);

    list->drives = x_calloc(model->drives.len, sizeof *list->drives);
    for (size_t i = 0; i < model->drives.len; i++) {
        const struct fake_drive *drive = &model->drives.items[i];

        if (!drive->is_shared)
            list->drives[list->count++] = (struct drive_info){
                .id = x_strdup(drive->id),
                .type = "business",
                .is_default = drive->is_default,
                .quota_total = 1000000,
                .quota_used = 1000 * (int64_t)model->items.len,
            };
    }
    return list;
}

void drive_list_free(struct drive_list *list)
{
    if (!list)
        return;
    for (size_t i = 0; i < list->count; i++)
        free((char *)(uintptr_t)list->drives[i].id);
    free(list->drives);
    free(list);
}

/* The folder, as the reader sees it. */
static bool sees_folder(const struct fake_model *model, size_t item, enum fake_reader reader)
{
    int number;
    const struct fake_version *version =
        item == SIZE_MAX ? NULL : fake_seen(model, item, reader, &number);

    return version && !version->is_deleted;
}

static size_t find_root(const struct fake_model *model, const char *drive_id)
{
    size_t drive = fake_find_drive(model, drive_id);

    return drive == SIZE_MAX ? SIZE_MAX : model->drives.items[drive].root;
}

static struct item_page *make_children_page(struct fake_remote *fake, size_t parent, size_t from,
                                            struct err *err)
{
    struct fake_model *model = &fake->model;
    struct item_page *page = fake_page_new();
    const struct fake_settings *settings = &fake->settings;
    size_t size = settings->children_page_size ? settings->children_page_size : settings->page_size;

    if (!sees_folder(model, parent, FAKE_CHILDREN)) {
        (void)err_set(err, -ENOENT, "no such folder");
        err->http_status = 404;
        return page;
    }
    model->items.items[parent].listed_ms = clock_real_ms(model->clock);
    model->items.items[parent].listed_change = model->last_change;
    for (size_t i = from; i < model->items.len; i++) {
        int number;
        const struct fake_version *version = fake_seen(model, i, FAKE_CHILDREN, &number);

        if (!version || version->is_deleted || version->parent != parent || i == parent)
            continue;
        if (page->count == size) {
            fake_page_set_next(page, x_asprintf("children %zu %zu", parent, i));
            break;
        }
        fake_page_add(page, model, i, version, true);
    }
    return page;
}

/* "children ITEM FROM" */
static struct item_page *make_children(struct fake_remote *fake, const struct asked *asked,
                                       struct err *err)
{
    const struct fake_model *model = &fake->model;
    size_t parent, from = 0;

    if (!asked->link || sscanf(asked->link, "children %zu %zu", &parent, &from) != 2)
        parent = asked->item_id ? fake_find_item(model, asked->item_id)
                                : find_root(model, asked->drive_id);
    return make_children_page(fake, parent, from, err);
}

static struct item_page *make_child(struct fake_remote *fake, const struct asked *asked,
                                    struct err *err)
{
    const struct fake_model *model = &fake->model;
    struct item_page *page = fake_page_new();
    size_t parent = fake_find_item(model, asked->item_id);

    for (size_t i = 0; i < model->items.len && page->count == 0; i++) {
        int number;
        const struct fake_version *version = fake_seen(model, i, FAKE_PATH, &number);

        if (version && !version->is_deleted && version->parent == parent && i != parent &&
            strcasecmp(version->name, asked->name) == 0)
            fake_page_add(page, model, i, version, true);
    }
    if (page->count == 0) {
        (void)err_set(err, -ENOENT, "no such item");
        err->http_status = 404;
    }
    return page;
}

static void fail_item(struct item_page *page, const char *id, long http_status, struct err *err)
{
    fake_page_add_deleted(page, id);
    if (http_status == 200)
        return;
    (void)err_set(err,
                  http_status == 404   ? -ENOENT
                  : http_status == 403 ? -EACCES
                                       : -EIO,
                  "no such item");
    err->http_status = http_status;
    err->retry = http_status < 500 ? ERR_RETRY_NEVER : ERR_RETRY_LATER;
}

static struct item_page *make_items(struct fake_remote *fake, const struct asked *asked,
                                    struct err *errors)
{
    const struct fake_model *model = &fake->model;
    struct item_page *page = fake_page_new();

    for (size_t i = 0; i < asked->count; i++) {
        size_t item = fake_find_item(model, asked->ids[i]);
        int number;
        const struct fake_version *version =
            item == SIZE_MAX ? NULL : fake_seen(model, item, FAKE_ITEM, &number);

        if (item != SIZE_MAX && model->items.items[item].get_status != 0) {
            fail_item(page, asked->ids[i], model->items.items[item].get_status, &errors[i]);
        } else if (version && !version->is_deleted) {
            fake_page_add(page, model, item, version, true);
        } else {
            fail_item(page, asked->ids[i], 404, &errors[i]);
        }
    }
    return page;
}

static struct item_page *make_page(struct fake_remote *fake, const struct asked *asked,
                                   struct err *err)
{
    size_t drive = fake_find_drive(&fake->model, asked->drive_id);

    if (asked->kind == FAKE_ASK_CHILD)
        return make_child(fake, asked, err);
    if (asked->kind == FAKE_ASK_CHILDREN)
        return make_children(fake, asked, err);
    if (drive != SIZE_MAX && !fake->model.drives.items[drive].is_shared)
        return fake_delta_page(&fake->delta, &fake->settings, drive, asked->link, err);
    (void)err_set(err, drive == SIZE_MAX ? -ENOENT : -EACCES, "no delta here");
    err->http_status = drive == SIZE_MAX ? 404 : 403;
    return fake_page_new();
}

static void find_fault(struct fake_remote *fake, enum fake_request kind, struct err *err)
{
    if (fake->settings.is_offline)
        (void)err_set(err, -ENETDOWN, "offline");
    for (size_t i = 0; i < fake->faults.len && err->code == 0; i++) {
        struct fault *fault = &fake->faults.items[i];

        if (fault->kind != kind || fault->times == 0)
            continue;
        if (fault->skip > 0) {
            fault->skip--;
            continue;
        }
        fault->times--;
        *err = fault->err;
    }
}

/* The first page of each folder, or why there is none. */
static struct listing_part *make_listings(struct fake_remote *fake, const struct asked *asked)
{
    struct listing_part *parts = x_calloc(asked->count, sizeof *parts);

    for (size_t i = 0; i < asked->count; i++) {
        struct listing_part *part = &parts[i];

        find_fault(fake, FAKE_ASK_LISTING, &part->err);
        if (part->err.code == 0)
            part->page = make_children_page(fake, fake_find_item(&fake->model, asked->ids[i]), 0,
                                            &part->err);
        if (part->err.code == 0)
            continue;
        item_page_free(part->page);
        part->page = NULL;
    }
    return parts;
}

static void serve(struct fake_remote *fake, struct asked *asked)
{
    asked->is_served = true;
    asked->served_ms = clock_real_ms(fake->model.clock);
    asked->errors = x_calloc(asked->count + 1, sizeof *asked->errors);
    find_fault(fake, asked->kind, &asked->err);
    if (asked->err.code != 0)
        return;
    if (asked_is_change(asked)) {
        fake_writer_serve(&fake->writer, &asked->change, &asked->reply);
        asked->err = asked->reply.err;
    } else if (asked->kind == FAKE_ASK_DRIVES)
        asked->drives = make_drives(&fake->model);
    else if (asked->kind == FAKE_ASK_ITEMS)
        asked->page = make_items(fake, asked, asked->errors);
    else if (asked->kind == FAKE_ASK_LISTINGS)
        asked->parts = make_listings(fake, asked);
    else
        asked->page = make_page(fake, asked, &asked->err);
}

static void deliver(struct fake_remote *fake, struct asked *asked)
{
    const struct err *err = asked->err.code != 0 ? &asked->err : NULL;

    if (err)
        drop_answer(asked);
    if (asked->page && fake->settings.on_answer)
        fake->settings.on_answer(asked->kind, asked->page, fake->settings.on_answer_arg);
    if (asked_is_change(asked))
        asked_deliver_reply(asked, err);
    else if (asked->kind == FAKE_ASK_DRIVES)
        asked->drives_done(steal_ptr(&asked->drives), err, asked->arg);
    else if (asked->kind == FAKE_ASK_ITEMS)
        asked->items_done(steal_ptr(&asked->page), asked->errors, err, asked->arg);
    else if (asked->kind == FAKE_ASK_LISTINGS)
        asked->listings_done(asked->parts, err, asked->arg);
    else
        asked->page_done(steal_ptr(&asked->page), err, asked->arg);
    asked_free(asked);
}

static bool is_too_late(const struct fake_remote *fake, const struct asked *asked)
{
    int64_t age_ms = clock_real_ms(fake->model.clock) - asked->served_ms;

    return asked->is_served && fake->settings.deadline_ms > 0 &&
           age_ms > fake->settings.deadline_ms;
}

/* Nobody waits any more for what was asked for; it may be done all the same. */
static void cancel_asked(struct fake_remote *fake, struct asked *asked)
{
    if (asked_is_change(asked) && !asked->is_served && !asked->is_unheard &&
        fake_random(&fake->model, 2) > 0)
        serve(fake, asked);
    (void)err_set(&asked->err, -ECANCELED, "cancelled");
}

static void answer(struct fake_remote *fake, struct asked *asked)
{
    if (asked->is_cancelled)
        cancel_asked(fake, asked);
    else if (is_too_late(fake, asked))
        (void)err_set(&asked->err, -ETIMEDOUT, "too late");
    if (asked_is_change(asked) && asked->is_served && asked->err.code != asked->reply.err.code)
        asked->err.is_fate_unknown = true;
    if (!asked->is_served && asked->err.code == 0)
        serve(fake, asked);
    deliver(fake, asked);
}

static void shuffle(struct fake_remote *fake, struct asked_list *list)
{
    for (size_t i = list->len; i > 1; i--) {
        size_t other = fake_random(&fake->model, (unsigned)i);
        struct asked *swapped = list->items[i - 1];

        list->items[i - 1] = list->items[other];
        list->items[other] = swapped;
    }
}

size_t fake_remote_pump(struct fake_remote *fake)
{
    struct asked_list list;
    size_t count;

    {
        LOCKED(&fake->lock);
        list = fake->waiting;
        fake->waiting = (struct asked_list){ 0 };
    }
    if (fake->settings.is_shuffled)
        shuffle(fake, &list);
    for (size_t i = 0; i < list.len; i++)
        answer(fake, list.items[i]);
    count = list.len;
    asked_list_clear(&list);
    return count;
}

size_t fake_remote_waiting(struct fake_remote *fake)
{
    LOCKED(&fake->lock);
    return fake->waiting.len;
}

enum fake_request fake_remote_kind(struct fake_remote *fake, size_t index)
{
    LOCKED(&fake->lock);
    return fake->waiting.items[index]->kind;
}

static struct asked *waiting_at(struct fake_remote *fake, size_t index)
{
    LOCKED(&fake->lock);
    return fake->waiting.items[index];
}

static struct asked *take_waiting(struct fake_remote *fake, size_t index)
{
    struct asked *asked;

    LOCKED(&fake->lock);
    asked = fake->waiting.items[index];
    fake->waiting.len--;
    memmove(fake->waiting.items + index, fake->waiting.items + index + 1,
            (fake->waiting.len - index) * sizeof(struct asked *));
    return asked;
}

bool fake_remote_is_served(struct fake_remote *fake, size_t index)
{
    return waiting_at(fake, index)->is_served;
}

bool fake_remote_is_too_late(struct fake_remote *fake, size_t index)
{
    return is_too_late(fake, waiting_at(fake, index));
}

bool fake_remote_serve(struct fake_remote *fake, size_t index)
{
    struct asked *asked = waiting_at(fake, index);

    if (asked->is_served || asked->is_cancelled)
        return false;
    serve(fake, asked);
    return true;
}

void fake_remote_deliver(struct fake_remote *fake, size_t index, const struct err *failure)
{
    struct asked *asked = take_waiting(fake, index);

    if (failure) {
        asked->err = *failure;
        asked->err.is_fate_unknown |= asked_is_change(asked) && asked->is_served;
    }
    answer(fake, asked);
}

/* ---- the test's side ---- */

struct fake_remote *fake_remote_new(struct clock *clock, uint64_t seed)
{
    struct fake_remote *fake = x_calloc(1, sizeof *fake);

    fake->remote.ops = &ops;
    fake_model_init(&fake->model, clock, seed);
    fake->settings.page_size = 3;
    fake->delta.model = &fake->model;
    fake->writer.model = &fake->model;
    fake->writer.settings = &fake->settings;
    (void)pthread_mutex_init(&fake->lock, NULL);
    return fake;
}

void fake_remote_free(struct fake_remote *fake)
{
    for (size_t i = 0; i < fake->waiting.len; i++)
        fake->waiting.items[i]->is_cancelled = true;
    (void)fake_remote_pump(fake);
    fake_delta_clear(&fake->delta);
    fake_writer_clear(&fake->writer);
    fake_model_clear(&fake->model);
    fault_list_clear(&fake->faults);
    (void)pthread_mutex_destroy(&fake->lock);
    free(fake);
}

struct remote *fake_remote_ops(struct fake_remote *fake)
{
    return &fake->remote;
}

struct fake_model *fake_remote_model(struct fake_remote *fake)
{
    return &fake->model;
}

struct fake_settings *fake_remote_settings(struct fake_remote *fake)
{
    return &fake->settings;
}

unsigned fake_remote_count(const struct fake_remote *fake, enum fake_request kind)
{
    return fake->counts[kind];
}

unsigned fake_remote_total(const struct fake_remote *fake)
{
    unsigned total = 0;

    for (size_t i = 0; i < FAKE_REQUESTS; i++)
        total += i == FAKE_ASK_LISTING ? 0 : fake->counts[i];
    return total;
}

void fake_remote_reset_counts(struct fake_remote *fake)
{
    memset(fake->counts, 0, sizeof fake->counts);
}

void fake_remote_fail(struct fake_remote *fake, enum fake_request kind, unsigned skip,
                      unsigned times, int code, long http_status)
{
    struct fault *fault = fault_list_push(
        &fake->faults, (struct fault){ .kind = kind, .skip = skip, .times = times });

    (void)err_set(&fault->err, code, "made to fail");
    fault->err.http_status = http_status;
    fault->err.retry = code == -EACCES ? ERR_RETRY_NEVER : ERR_RETRY_LATER;
}

void fake_remote_expire(struct fake_remote *fake, long http_status, const char *graph_code)
{
    fake_delta_expire(&fake->delta, http_status, graph_code);
}

void fake_remote_lose_sessions(struct fake_remote *fake)
{
    fake_writer_lose_sessions(&fake->writer);
}
