/* SPDX-License-Identifier: MIT */
/*
 * Each request is looked at as the service would: is the thing there, has it the tag, is the name
 * free; and then done as one version of the item. Readers learn of that when their time comes; the
 * answer itself doesn't lag.
 */
#include "config.h"

#include "fake_write.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "fake_delta.h"

void fake_change_clear(struct fake_change *change)
{
    free(change->item_id);
    free(change->parent_id);
    free(change->name);
    free(change->if_match);
    free(change->url);
    *change = (struct fake_change){ 0 };
}

void fake_writer_clear(struct fake_writer *writer)
{
    for (size_t i = 0; i < writer->sessions.len; i++)
        free(writer->sessions.items[i].if_match);
    fake_sessions_clear(&writer->sessions);
}

void fake_writer_lose_sessions(struct fake_writer *writer)
{
    for (size_t i = 0; i < writer->sessions.len; i++)
        writer->sessions.items[i].is_live = false;
}

void fake_stamp(void *data, size_t length, unsigned content)
{
    if (length >= sizeof content)
        memcpy(data, &content, sizeof content);
}

/* ---- what is looked at ---- */

static bool refuse(struct err *err, long status)
{
    static const struct {
        long status;
        int code;
    } codes[] = {
        { 400, -EINVAL }, { 404, -ENOENT }, { 409, -EEXIST }, { 412, -ESTALE }, { 416, -ERANGE },
    };

    int code = -EIO;

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i].status == status)
            code = codes[i].code;
    }
    (void)err_set(err, code, "HTTP %ld", status);
    err->http_status = status;
    return false;
}

/* The item of this id that is there, in truth. */
static bool find_live(const struct fake_writer *writer, const char *id, size_t *ret,
                      struct err *err)
{
    *ret = fake_find_item(writer->model, id);
    if (*ret != SIZE_MAX && !fake_truth(writer->model, *ret)->is_deleted)
        return true;
    return refuse(err, 404);
}

static bool find_folder(const struct fake_writer *writer, const char *id, size_t *ret,
                        struct err *err)
{
    if (!find_live(writer, id, ret, err))
        return false;
    return writer->model->items.items[*ret].kind == ITEM_FOLDER || refuse(err, 400);
}

static bool has_tag(const struct fake_writer *writer, size_t item, const char *if_match,
                    struct err *err)
{
    cleanup_free char *etag = fake_etag(writer->model, fake_truth(writer->model, item));

    return !if_match || strcmp(if_match, etag) == 0 || refuse(err, 412);
}

static bool is_free(const struct fake_writer *writer, size_t folder, const char *name, size_t but,
                    struct err *err)
{
    return !fake_is_taken(writer->model, folder, name, but) || refuse(err, 409);
}

/* ---- what is done ---- */

/* The item as it is, for the answer. */
static struct item_page *show(const struct fake_writer *writer, size_t item)
{
    struct item_page *page = fake_page_new();

    fake_page_add(page, writer->model, item, fake_truth(writer->model, item), true);
    return page;
}

static void note_loss(const struct fake_writer *writer, size_t item)
{
    if (writer->settings->on_loss)
        writer->settings->on_loss(item, writer->settings->on_loss_arg);
}

/* It is another thing from now on that holds the same for whoever wrote it. */
static void rewrite(const struct fake_writer *writer, size_t item)
{
    struct fake_model *model = writer->model;
    const struct fake_version truth = *fake_truth(model, item);
    unsigned rewritten = ++model->last_content;

    fake_change(model, item)->is_clients = false;
    fake_set_content(model, item, rewritten, truth.size + 1000, truth.mtime_ns);
    if (writer->settings->on_rewrite)
        writer->settings->on_rewrite(truth.content, rewritten, writer->settings->on_loss_arg);
}

static bool draw(const struct fake_writer *writer, unsigned percent)
{
    return percent > 0 && fake_random(writer->model, 100) < percent;
}

static size_t create(const struct fake_writer *writer, size_t parent, const char *name,
                     enum item_kind kind)
{
    size_t item = fake_create(writer->model, parent, name, kind);

    if (writer->settings->on_create)
        writer->settings->on_create(item, writer->settings->on_loss_arg);
    return item;
}

/* A whole content has come. item: SIZE_MAX for a new one. */
static void store(const struct fake_writer *writer, const struct fake_session *session,
                  struct fake_reply *ret)
{
    struct fake_model *model = writer->model;
    int64_t now_ns = clock_real_ms(model->clock) / 1000 * 1000000000;
    int64_t mtime_ns = session->has_mtime ? session->mtime_ns / 1000000000 * 1000000000 : now_ns;
    size_t item = session->item;

    if (item == SIZE_MAX) {
        item = create(writer, session->parent, session->name, ITEM_FILE);
    } else {
        note_loss(writer, item);
        (void)fake_change(model, item);
    }
    fake_set_content(model, item, session->content, session->size, mtime_ns);
    if (session->size > 0 && draw(writer, writer->settings->rewrite_percent))
        rewrite(writer, item);
    ret->page = show(writer, item);
    if (session->size > 0 && draw(writer, writer->settings->rewrite_percent))
        rewrite(writer, item);
}

static void make_folder(struct fake_writer *writer, const struct fake_change *change,
                        struct fake_reply *ret)
{
    size_t parent;

    if (find_folder(writer, change->parent_id, &parent, &ret->err) &&
        is_free(writer, parent, change->name, SIZE_MAX, &ret->err))
        ret->page = show(writer, create(writer, parent, change->name, ITEM_FOLDER));
}

static void change_item(struct fake_writer *writer, const struct fake_change *change,
                        struct fake_reply *ret)
{
    struct fake_model *model = writer->model;
    const char *name = change->name;
    struct fake_version *version;
    size_t item, parent;

    if (!find_live(writer, change->item_id, &item, &ret->err) ||
        !has_tag(writer, item, change->if_match, &ret->err))
        return;
    if (!name)
        name = fake_truth(model, item)->name;
    parent = fake_truth(model, item)->parent;
    if (change->parent_id && !find_folder(writer, change->parent_id, &parent, &ret->err))
        return;
    if (fake_is_below(model, parent, item))
        (void)refuse(&ret->err, 400);
    else if (is_free(writer, parent, name, item, &ret->err)) {
        version = fake_change(model, item);
        version->parent = parent;
        if (change->name)
            (void)snprintf(version->name, sizeof version->name, "%s", change->name);
        if (change->has_mtime)
            version->mtime_ns = change->mtime_ns / 1000000000 * 1000000000;
        ret->page = show(writer, item);
    }
}

static void remove_item(struct fake_writer *writer, const struct fake_change *change,
                        struct fake_reply *ret)
{
    size_t item;

    if (!find_live(writer, change->item_id, &item, &ret->err) ||
        !has_tag(writer, item, change->if_match, &ret->err))
        return;
    if (change->if_match && draw(writer, writer->settings->wrong_412_percent)) {
        (void)refuse(&ret->err, 412);
        return;
    }
    note_loss(writer, item);
    fake_delete(writer->model, item);
}

/* ---- content ---- */

/* Where it goes, as if it were a session that has just begun. */
static bool find_target(struct fake_writer *writer, const struct fake_change *change,
                        struct fake_session *ret, struct err *err)
{
    *ret = (struct fake_session){
        .item = SIZE_MAX,
        .size = change->size,
        .has_mtime = change->has_mtime,
        .mtime_ns = change->mtime_ns,
    };
    if (change->item_id)
        return find_live(writer, change->item_id, &ret->item, err) &&
               has_tag(writer, ret->item, change->if_match, err);
    if (!find_folder(writer, change->parent_id, &ret->parent, err) ||
        !is_free(writer, ret->parent, change->name, SIZE_MAX, err))
        return false;
    (void)snprintf(ret->name, sizeof ret->name, "%s", change->name);
    return true;
}

static void put(struct fake_writer *writer, const struct fake_change *change,
                struct fake_reply *ret)
{
    struct fake_session whole;

    if (!find_target(writer, change, &whole, &ret->err))
        return;
    if (change->length >= sizeof whole.content)
        memcpy(&whole.content, change->data, sizeof whole.content);
    whole.size = (int64_t)change->length;
    store(writer, &whole, ret);
}

static void tell_session(const struct fake_writer *writer, size_t number, struct fake_reply *ret)
{
    const struct fake_session *session = &writer->sessions.items[number];

    (void)snprintf(ret->url, sizeof ret->url, "session %zu", number);
    ret->has_session = true;
    ret->session = (struct upload_session){
        .next = session->received,
        .expires_ms = clock_real_ms(writer->model->clock) + 86400000,
    };
}

static void begin(struct fake_writer *writer, const struct fake_change *change,
                  struct fake_reply *ret)
{
    struct fake_session session;

    if (!find_target(writer, change, &session, &ret->err))
        return;
    session.is_live = true;
    session.if_match = x_strdup(change->if_match);
    (void)fake_sessions_push(&writer->sessions, session);
    if (session.item != SIZE_MAX && writer->settings->moves_etag)
        (void)fake_change(writer->model, session.item);
    tell_session(writer, writer->sessions.len - 1, ret);
}

/* SIZE_MAX, and err set, if it doesn't go on. */
static size_t find_session(const struct fake_writer *writer, const struct fake_change *change,
                           struct err *err)
{
    size_t number;

    if (sscanf(change->url, "session %zu", &number) != 1 || number >= writer->sessions.len)
        abort();
    if (writer->sessions.items[number].is_live)
        return number;
    (void)refuse(err, 404);
    return SIZE_MAX;
}

/* All of it is there. */
static void finish(struct fake_writer *writer, struct fake_session *session, struct fake_reply *ret)
{
    session->is_live = false;
    if (session->item == SIZE_MAX) {
        if (fake_truth(writer->model, session->parent)->is_deleted)
            (void)refuse(&ret->err, 404);
        else if (is_free(writer, session->parent, session->name, SIZE_MAX, &ret->err))
            store(writer, session, ret);
    } else if (fake_truth(writer->model, session->item)->is_deleted) {
        (void)refuse(&ret->err, 404);
    } else if (has_tag(writer, session->item, session->if_match, &ret->err)) {
        store(writer, session, ret);
    }
}

static void take_fragment(struct fake_writer *writer, const struct fake_change *change,
                          struct fake_reply *ret)
{
    size_t number = find_session(writer, change, &ret->err);
    struct fake_session *session;
    unsigned content = 0;

    if (number == SIZE_MAX)
        return;
    session = &writer->sessions.items[number];
    if (change->offset != session->received || change->size != session->size) {
        (void)refuse(&ret->err, 416);
        return;
    }
    memcpy(&content, change->data, sizeof content);
    if (session->content != 0 && session->content != content && writer->settings->on_mixture)
        writer->settings->on_mixture(writer->settings->on_loss_arg);
    session->content = content;
    session->received += (int64_t)change->length;
    if (session->received == session->size)
        finish(writer, session, ret);
    else
        tell_session(writer, number, ret);
}

static void ask(struct fake_writer *writer, const struct fake_change *change,
                struct fake_reply *ret)
{
    size_t number = find_session(writer, change, &ret->err);

    if (number != SIZE_MAX)
        tell_session(writer, number, ret);
}

static void end(struct fake_writer *writer, const struct fake_change *change,
                struct fake_reply *ret)
{
    size_t number = find_session(writer, change, &ret->err);

    if (number != SIZE_MAX)
        writer->sessions.items[number].is_live = false;
}

static const char *text_of(const char *text)
{
    return text ? text : "-";
}

void fake_writer_serve(struct fake_writer *writer, const struct fake_change *change,
                       struct fake_reply *ret)
{
    static void (*const serve[FAKE_REQUESTS])(
        struct fake_writer * writer, const struct fake_change *change, struct fake_reply *ret) = {
        [FAKE_MAKE_FOLDER] = make_folder, [FAKE_CHANGE] = change_item,
        [FAKE_DELETE] = remove_item,      [FAKE_PUT] = put,
        [FAKE_SESSION] = begin,           [FAKE_FRAGMENT] = take_fragment,
        [FAKE_ASK_SESSION] = ask,         [FAKE_END_SESSION] = end,
    };

    static const char *const names[] = { "folder",  "change",   "delete", "put",
                                         "session", "fragment", "ask",    "end" };

    writer->model->is_clients_turn = true;
    serve[change->kind](writer, change, ret);
    writer->model->is_clients_turn = false;
    log_info("fake", "%s: %s in %s as %s with %s%s: %ld", names[change->kind - FAKE_MAKE_FOLDER],
             text_of(change->item_id), text_of(change->parent_id), text_of(change->name),
             text_of(change->if_match), text_of(change->url), ret->err.http_status);
}
