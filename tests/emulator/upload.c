/* SPDX-License-Identifier: MIT */
/*
 * Contents that arrive. One request is enough for a small one; those that come in fragments are in
 * session.c and are stored from here too, so that what happens to a content afterwards happens to
 * both.
 */
#include "upload.h"

#include <string.h>
#include <strings.h>

#include "blob.h"
#include "later.h"
#include "memory.h"
#include "oddity.h"
#include "request.h"
#include "spool.h"
#include "writing.h"

enum { LIMIT = 250 << 20, LEGACY_LIMIT = 4 << 20 };

int64_t upload_limit(const struct emulator *emulator)
{
    const struct options *options = emulator->options;

    if (options->put_limit)
        return options->put_limit;
    return options->profile == PROFILE_CONSUMER_LEGACY ? LEGACY_LIMIT : LIMIT;
}

/* What SharePoint puts into files of Office, of which the emulator makes a text at their end. */
static const char properties[] = "\n<!-- properties of the library -->\n";

enum { REWRITE_TAG_MS = 2000 };

static bool is_office(const char *name)
{
    static const char *const endings[] = { ".docx", ".xlsx", ".pptx", ".html" };
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; dot && i < sizeof endings / sizeof endings[0]; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return true;
    return false;
}

/* The service goes on with the file when its upload is over. */
static void move_tag_later(struct emulator *emulator, const struct target *target,
                           bool is_rewritten)
{
    int64_t delay_ms = emulator->options->late_tags_ms;

    if (is_rewritten)
        later_add_tag(emulator, target->drive, target->item, REWRITE_TAG_MS);
    if (delay_ms) {
        later_add_tag(emulator, target->drive, target->item, delay_ms);
        later_add_tag(emulator, target->drive, target->item, 2 * delay_ms);
    }
}

/* Where files must be checked out to be edited, a new one is, and nobody else sees it. */
static uint32_t create(const struct request *request, const struct change *change,
                       const struct target *target, struct blob *blob, int64_t mtime_ms)
{
    uint32_t item = change_create(change, target->parent, target->name, blob, mtime_ms);

    if (target->drive->profile == PROFILE_BUSINESS && request->emulator->options->requires_checkout)
        oddity_make_draft(&target->drive->items[item], CHECKED_OUT);
    return item;
}

void upload_store(const struct request *request, struct target *target, struct blob *blob,
                  const struct times *times)
{
    struct emulator *emulator = request->emulator;
    struct change change = writing_change(request, target->drive);
    bool is_rewritten = target->drive->profile == PROFILE_BUSINESS &&
                        emulator->options->rewrites_office && is_office(target->name);
    int64_t mtime_ms = times->modified_ms != INT64_MIN
                           ? times->modified_ms
                           : change_round_time(target->drive, change.now_ms);

    if (is_rewritten)
        blob = blob_with_tail(&target->drive->arena, blob, properties);
    if (target->item == ITEM_NONE)
        target->item = create(request, &change, target, blob, mtime_ms);
    else
        change_write(&change, target->item, blob, mtime_ms);
    if (times->created_ms != INT64_MIN)
        target->drive->items[target->item].created_ms = times->created_ms;
    if (target->drive->profile == PROFILE_BUSINESS)
        move_tag_later(emulator, target, is_rewritten);
}

/* The body as a content; NULL after an error answer. */
static struct blob *store_body(struct request *request, struct response *response,
                               struct drive *drive)
{
    struct emulator *emulator = request->emulator;
    size_t size = request->body.length;
    int64_t offset = spool_reserve(&emulator->spool, (int64_t)size);
    struct hashing hashing;
    struct blob *blob;

    if (spool_write(&emulator->spool, offset, buffer_text(&request->body), size) < 0) {
        response_error(request, response, 500, "generalException", "The disk is full.", NULL);
        return NULL;
    }
    blob = blob_from_spool(&drive->arena, &emulator->spool, offset, (int64_t)size);
    hashing_begin(&hashing, drive->profile != PROFILE_BUSINESS);
    hashing_update(&hashing, buffer_text(&request->body), size);
    blob_set_hashes(&drive->arena, blob, &hashing);
    return blob;
}

/* Claims the target for the body. */
static bool claim(struct request *request, struct response *response, struct target *target)
{
    const struct drive *drive = target->drive;
    enum conflict conflict;
    int64_t size = (int64_t)request->body.length;

    if (!writing_check_name(request, response, target, false) ||
        !writing_may_change(request, response, drive, target->parent) ||
        !writing_tags_match(request, response, drive, target->item) ||
        !writing_read_conflict(request, response, NULL, CONFLICT_REPLACE, &conflict) ||
        !writing_claim_name(request, response, target, conflict, ITEM_NONE))
        return false;
    if (target->item != ITEM_NONE)
        size -= drive->items[target->item].now.blob->size;
    return writing_has_room(request, response, drive, size);
}

void upload_put_content(struct request *request, struct response *response)
{
    const struct times none = { .created_ms = INT64_MIN, .modified_ms = INT64_MIN };
    struct target target;
    struct blob *blob;

    if ((int64_t)request->body.length > upload_limit(request->emulator)) {
        response_error(request, response, 413, "requestEntityTooLarge",
                       "The content is too large for one request.", "maxFileSizeExceeded");
        return;
    }
    if (!writing_find_target(request, response, &target))
        return;
    blob = claim(request, response, &target) ? store_body(request, response, target.drive) : NULL;
    if (blob) {
        bool is_new = target.item == ITEM_NONE;

        upload_store(request, &target, blob, &none);
        writing_answer(request, response, target.drive, target.item, is_new ? 201 : 200);
    }
    target_clear(&target);
}
