/* SPDX-License-Identifier: MIT */
/*
 * What is asked of upload sessions. Fragments come in order, one behind the other; the last one
 * makes the file. If it can't, because of a name or a tag or for want of room, all that was
 * received stays until the session expires, and another request may find it a place.
 */
#include "fragment.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "blob.h"
#include "field.h"
#include "json_writer.h"
#include "memory.h"
#include "request.h"
#include "session.h"
#include "spool.h"
#include "upload.h"

enum { FRAGMENT_LIMIT = 60 << 20, FRAGMENT_UNIT = 320 << 10 };

static bool refuse(const struct request *request, struct response *response, unsigned status,
                   const char *code, const char *message, const char *inner)
{
    response_error(request, response, status, code, message, inner);
    return false;
}

/* Writes when the session ends and where it goes on, which is told in two ways. */
static void write_progress(struct json_writer *json, const struct request *request,
                           const struct session *session)
{
    char text[TIME_TEXT_SIZE];

    time_format(session->expires_ms, true, text);
    json_string(json, "expirationDateTime", text);
    json_begin_array(json, "nextExpectedRanges");
    if (session->received != session->total) {
        (void)snprintf(text, sizeof text, "%" PRId64 "-", session->received);
        if (session->total > 0 && emulator_whim(request->emulator, 2))
            (void)snprintf(text, sizeof text, "%" PRId64 "-%" PRId64, session->received,
                           session->total - 1);
        json_string(json, NULL, text);
    }
    json_end_array(json);
}

static void answer_progress(const struct request *request, struct response *response,
                            const struct session *session, unsigned status)
{
    struct json_writer json = { .out = &response->body };

    response_json(response, status);
    json_begin_object(&json, NULL);
    write_progress(&json, request, session);
    json_end_object(&json);
}

static void answer_session(const struct request *request, struct response *response,
                           const struct session *session)
{
    struct json_writer json = { .out = &response->body };
    struct buffer url = { 0 };

    session_add_url(request, session, &url);
    /* Which leads nowhere. */
    response_header(response, "Location", "https://graph.microsoft.com");
    response_json(response, 200);
    json_begin_object(&json, NULL);
    json_format(&json, "@odata.context", "%s/v1.0/$metadata#microsoft.graph.uploadSession",
                request->base_url);
    write_progress(&json, request, session);
    json_string(&json, "uploadUrl", url.data);
    json_end_object(&json);
    buffer_free(&url);
}

/* What a session is begun with. */
struct terms {
    enum conflict conflict;
    struct times times;
    int64_t size; /* -1: not told */
    bool is_deferred;
};

/* What is not inside of `item` is not heard, but for the deferral. */
static bool read_terms(struct request *request, struct response *response,
                       const struct target *target, struct json_object *body, struct terms *terms)
{
    const struct options *options = request->emulator->options;
    bool fails =
        request->item_path && options->profile == PROFILE_BUSINESS && !options->sessions_replace;
    struct json_object *item, *none = json_object_new_object();
    bool is_right;

    if (!json_object_object_get_ex(body, "item", &item) ||
        !json_object_is_type(item, json_type_object))
        item = none;
    terms->size = field_number(item, "fileSize", -1);
    terms->is_deferred = field_flag(body, "deferCommit");
    is_right = writing_read_conflict(request, response, item,
                                     fails ? CONFLICT_FAIL : CONFLICT_REPLACE, &terms->conflict) &&
               writing_read_times(request, response, target->drive, item, &terms->times);
    if (is_right && strcmp(field_text(item, "name", target->name), target->name) != 0)
        is_right = refuse(request, response, 400, "invalidRequest",
                          "The name in the body is not that in the URL.", NULL);
    json_object_put(none);
    return is_right;
}

/* True if there is nothing yet that the end of the session would stumble upon. */
static bool may_begin(struct request *request, struct response *response,
                      const struct target *target, const struct terms *terms)
{
    struct target trial = *target;
    const struct blob *old =
        target->item == ITEM_NONE ? NULL : target->drive->items[target->item].now.blob;
    bool is_right;

    if (!writing_check_name(request, response, target, false) ||
        !writing_may_change(request, response, target->drive, target->parent) ||
        !writing_tags_match(request, response, target->drive, target->item))
        return false;
    if (session_find_name(request->emulator, target))
        return refuse(request, response, 409, "nameAlreadyExists",
                      "An upload session already exists for this name.", NULL);
    trial.name = mem_strdup(target->name);
    is_right = writing_claim_name(request, response, &trial, terms->conflict, ITEM_NONE);
    target_clear(&trial);
    return is_right &&
           writing_has_room(request, response, target->drive, terms->size - (old ? old->size : 0));
}

static void begin(struct request *request, struct response *response, struct target *target,
                  struct json_object *body)
{
    uint32_t item = target->item;
    struct drive *drive = target->drive;
    struct terms terms;
    struct session *session;

    if (!read_terms(request, response, target, body, &terms) ||
        !may_begin(request, response, target, &terms))
        return;
    /* A name is claimed anew at the end, an item by its id is meant then, too. */
    if (request->item_path)
        target->item = ITEM_NONE;
    session = session_begin(request->emulator, target);
    session->conflict = terms.conflict;
    session->times = terms.times;
    session->is_deferred = terms.is_deferred;
    if (item != ITEM_NONE && pairs_get(&request->headers, "If-Match"))
        session->etag = drive->items[item].now.etag;
    if (item != ITEM_NONE && request->emulator->options->session_moves_tag) {
        struct change change = writing_change(request, drive);

        change_tag(&change, item);
    }
    answer_session(request, response, session);
}

void fragment_post_session(struct request *request, struct response *response)
{
    struct json_object *body;
    struct target target;

    if (!writing_find_target(request, response, &target))
        return;
    body = writing_read_body(request, response);
    if (body)
        begin(request, response, &target, body);
    json_object_put(body);
    target_clear(&target);
}

/* Makes a file of what was received, at the target; the session is gone then. */
static void commit(struct request *request, struct response *response, struct session *session,
                   struct target *target, enum conflict conflict)
{
    struct emulator *emulator = request->emulator;
    struct drive *drive = target->drive;
    int64_t grown = session->total;
    struct blob *blob;
    bool is_new;

    if (!writing_check_name(request, response, target, false) ||
        !writing_may_change(request, response, drive, target->parent) ||
        !writing_claim_name(request, response, target, conflict, ITEM_NONE))
        return;
    is_new = target->item == ITEM_NONE;
    if (session->etag >= 0 &&
        (is_new || (int64_t)drive->items[target->item].now.etag != session->etag)) {
        refuse(request, response, 412, "resourceModified",
               "ETag does not match current item's value", "entityTagDoesNotMatch");
        return;
    }
    if (!is_new)
        grown -= drive->items[target->item].now.blob->size;
    if (!writing_has_room(request, response, drive, grown))
        return;
    blob = blob_from_spool(&drive->arena, &emulator->spool, session->offset, session->total);
    blob_set_hashes(&drive->arena, blob, &session->hashing);
    upload_store(request, target, blob, &session->times);
    session_end(emulator, session, true);
    writing_answer(request, response, drive, target->item, is_new ? 201 : 200);
}

/* Commits to where the session was begun for. */
static void commit_here(struct request *request, struct response *response, struct session *session)
{
    struct target target = session->target;
    const char *name = target.name;

    if (target.item != ITEM_NONE) {
        const struct state *now = &target.drive->items[target.item].now;

        if (now->is_deleted) {
            refuse(request, response, 404, "itemNotFound", "Item not found", NULL);
            return;
        }
        /* It may have got another name meanwhile. */
        target.parent = now->parent;
        name = now->name;
    }
    target.name = mem_strdup(name);
    commit(request, response, session, &target, session->conflict);
    target_clear(&target);
}

/* The session that a body names as its source. */
static struct session *find_source(struct request *request, struct response *response,
                                   struct json_object *body)
{
    const char *url = field_text(body, "@microsoft.graph.sourceUrl", NULL);
    char key[SESSION_KEY_SIZE];
    struct session *session =
        url && session_read_url(url, key) ? session_find(request->emulator, key) : NULL;

    if (!session || session->is_over)
        refuse(request, response, 400, "invalidRequest", "There is no such source.", NULL);
    else if (session->received != session->total)
        refuse(request, response, 400, "invalidRequest", "The source is not complete.", NULL);
    else
        return session;
    return NULL;
}

static void put_item(struct request *request, struct response *response, struct json_object *body)
{
    struct session *session = find_source(request, response, body);
    enum conflict conflict;
    struct target target;

    if (!session || !writing_read_conflict(request, response, body, CONFLICT_FAIL, &conflict) ||
        !writing_find_target(request, response, &target))
        return;
    if (target.drive == session->target.drive)
        commit(request, response, session, &target, conflict);
    else
        refuse(request, response, 400, "invalidRequest", "The source is in another drive.", NULL);
    target_clear(&target);
}

void fragment_put_item(struct request *request, struct response *response)
{
    struct json_object *body = writing_read_body(request, response);

    if (body)
        put_item(request, response, body);
    json_object_put(body);
}

/* "bytes a-b/total" */
struct content_range {
    int64_t first;
    int64_t last;
    int64_t total;
};

static bool parse_range(const char *text, struct content_range *ret_range)
{
    int64_t numbers[3];
    static const char ends[] = { '-', '/', '\0' };

    if (!text || strncmp(text, "bytes ", 6) != 0)
        return false;
    text += 6;
    for (int i = 0; i < 3; i++) {
        char *end;

        if (*text < '0' || *text > '9')
            return false;
        numbers[i] = strtoll(text, &end, 10);
        if (*end != ends[i])
            return false;
        text = end + 1;
    }
    *ret_range = (struct content_range){ numbers[0], numbers[1], numbers[2] };
    return numbers[0] <= numbers[1] && numbers[1] < numbers[2] && numbers[2] < INT64_MAX / 4;
}

/* True if the fragment is the one that is due. */
static bool check_range(struct request *request, struct response *response,
                        const struct session *session, struct content_range *range)
{
    if (!parse_range(pairs_get(&request->headers, "Content-Range"), range) ||
        range->last - range->first + 1 != (int64_t)request->body.length)
        return refuse(request, response, 400, "invalidRequest",
                      "The Content-Range header is missing or malformed.", NULL);
    if (session->total >= 0 && range->total != session->total)
        return refuse(request, response, 416, "invalidRange",
                      "The total size differs from that of earlier fragments.",
                      "fragmentLengthMismatch");
    if (range->first < session->received)
        return refuse(request, response, 416, "invalidRange",
                      "The uploaded fragment overlaps with data that has already been received.",
                      "fragmentOverlap");
    if (range->first > session->received)
        return refuse(request, response, 416, "invalidRange",
                      "The uploaded fragment is out of order.", "fragmentOutOfOrder");
    return true;
}

/* Takes the bytes, or as many of them as a fault leaves. */
static bool take_bytes(struct request *request, struct response *response, struct session *session,
                       int64_t total)
{
    struct emulator *emulator = request->emulator;
    size_t size = request->body.length;

    if (session->total < 0) {
        session->offset = spool_reserve(&emulator->spool, total);
        session->total = total;
    }
    if (request->kept_bytes >= 0 && (size_t)request->kept_bytes < size)
        size = (size_t)request->kept_bytes;
    if (spool_write(&emulator->spool, session->offset + session->received,
                    buffer_text(&request->body), size) < 0)
        return refuse(request, response, 500, "generalException", "The disk is full.", NULL);
    hashing_update(&session->hashing, buffer_text(&request->body), size);
    session->received += (int64_t)size;
    session_slide(emulator, session);
    return true;
}

static void put_fragment(struct request *request, struct response *response,
                         struct session *session)
{
    struct content_range range;

    if (request->body.length >= FRAGMENT_LIMIT) {
        refuse(request, response, 413, "requestEntityTooLarge", "The fragment is too large.",
               "maxFragmentLengthExceeded");
        return;
    }
    if (!check_range(request, response, session, &range))
        return;
    if (range.last + 1 < range.total && request->body.length % FRAGMENT_UNIT)
        session->has_odd_fragment = true;
    if (!take_bytes(request, response, session, range.total))
        return;
    if (session->received < session->total || session->is_deferred)
        answer_progress(request, response, session, 202);
    else if (session->has_odd_fragment && request->emulator->options->strict_fragments)
        refuse(request, response, 400, "invalidRequest",
               "The sizes of the fragments are not multiples of 320 KiB.", NULL);
    else
        commit_here(request, response, session);
}

static void get_status(struct request *request, struct response *response, struct session *session)
{
    answer_progress(request, response, session, 200);
}

static void delete_session(struct request *request, struct response *response,
                           struct session *session)
{
    session_end(request->emulator, session, false);
    response->status = 204;
}

static void post_commit(struct request *request, struct response *response, struct session *session)
{
    if (session->target.drive->profile != PROFILE_BUSINESS)
        refuse(request, response, 405, "notAllowed", "Method not allowed", NULL);
    else if (request->body.length || session->received != session->total)
        refuse(request, response, 400, "invalidRequest", "The upload is not complete.", NULL);
    else
        commit_here(request, response, session);
}

static const struct {
    const char *method;
    void (*handle)(struct request *request, struct response *response, struct session *session);
} methods[] = {
    { "PUT", put_fragment },
    { "GET", get_status },
    { "DELETE", delete_session },
    { "POST", post_commit },
};

/* The session that the request's URL names; NULL: none, or the URL was not left as it was. */
static struct session *find_session(struct request *request)
{
    struct buffer url = { 0 };
    char key[SESSION_KEY_SIZE];
    struct session *session = NULL;

    buffer_addf(&url, "%s?%s", request->path, request->raw_query ? request->raw_query : "");
    if (!request->raw_query)
        url.data[--url.length] = '\0';
    if (session_read_url(url.data, key))
        session = session_find(request->emulator, key);
    buffer_free(&url);
    return session;
}

void fragment_serve(struct request *request, struct response *response)
{
    struct emulator *emulator = request->emulator;
    struct session *session = find_session(request);

    if (pairs_get(&request->headers, "Authorization") && !emulator->options->forgives_bearer) {
        refuse(request, response, 401, "unauthenticated",
               "A preauthenticated URL takes no Authorization header.", NULL);
        return;
    }
    if (session && session->is_over && emulator->options->profile == PROFILE_BUSINESS) {
        refuse(request, response, 401, "unauthenticated", "The URL has expired.", "expiredToken");
        return;
    }
    if (!session || session->is_over) {
        refuse(request, response, 404, "itemNotFound", "The upload session was not found", NULL);
        return;
    }
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (strcmp(request->method, methods[i].method) == 0) {
            methods[i].handle(request, response, session);
            return;
        }
    refuse(request, response, 405, "notAllowed", "Method not allowed", NULL);
}

void fragment_lose_session(struct request *request)
{
    struct session *session = find_session(request);

    if (session)
        session_end(request->emulator, session, false);
}
