/* SPDX-License-Identifier: MIT */
/*
 * driveItem resources and pages of them.
 *
 * What stands where is the table `fields`; the rest of this file is what a table can't say. Nothing
 * of an item is believed but its form: absent and ill-typed properties are missing ones. An item
 * that is `deleted` gets its ids only, because all else on a tombstone is void (some look like
 * empty files).
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/utf8.h"
#include "base/xalloc.h"
#include "graph/decode.h"
#include "graph/errmap.h"
#include "graph/id.h"
#include "graph/owner.h"

/* Sixteen times what the service takes: a size beyond it is a lie. */
#define LARGEST_SIZE (INT64_C(1) << 42)

enum field_kind {
    FIELD_TEXT,
    FIELD_ITEM_ID,
    FIELD_DRIVE_ID,
    FIELD_FACET, /* sets a flag if it is there */
};

struct field {
    const char *path;
    enum field_kind kind;
    size_t offset; /* in struct item, of a const char * */
    unsigned flag;
    bool on_tombstones;
};

/* A later row overwrites an earlier one if its property is there. */
static const struct field fields[] = {
    { "parentReference.driveId", FIELD_DRIVE_ID, offsetof(struct item, drive_id), 0, true },
    { "parentReference.id", FIELD_ITEM_ID, offsetof(struct item, parent_id), 0, true },
    { "remoteItem.name", FIELD_TEXT, offsetof(struct item, name), 0, false },
    { "name", FIELD_TEXT, offsetof(struct item, name), 0, false },
    { "eTag", FIELD_TEXT, offsetof(struct item, etag), 0, false },
    { "cTag", FIELD_TEXT, offsetof(struct item, ctag), 0, false },
    { "remoteItem.package.type", FIELD_TEXT, offsetof(struct item, package_type), 0, false },
    { "package.type", FIELD_TEXT, offsetof(struct item, package_type), 0, false },
    { "remoteItem.parentReference.driveId", FIELD_DRIVE_ID, offsetof(struct item, target_drive_id),
      0, false },
    { "remoteItem.id", FIELD_ITEM_ID, offsetof(struct item, target_id), 0, false },
    { "@microsoft.graph.downloadUrl", FIELD_TEXT, offsetof(struct item, download_url), 0, false },
    { "webUrl", FIELD_TEXT, offsetof(struct item, web_url), 0, false },
    { "lastModifiedBy.application.displayName", FIELD_TEXT, offsetof(struct item, modified_by), 0,
      false },
    { "lastModifiedBy.user.email", FIELD_TEXT, offsetof(struct item, modified_by), 0, false },
    { "lastModifiedBy.user.displayName", FIELD_TEXT, offsetof(struct item, modified_by), 0, false },
    { "lastModifiedBy.user.id", FIELD_TEXT, offsetof(struct item, modified_by_id), 0, false },
    { "root", FIELD_FACET, 0, ITEM_ROOT, false },
    { "remoteItem", FIELD_FACET, 0, ITEM_SHORTCUT, false },
    { "malware", FIELD_FACET, 0, ITEM_MALWARE, false },
    { "pendingOperations", FIELD_FACET, 0, ITEM_PENDING, false },
};

/* The first facet that is there decides. */
static const struct {
    const char *path;
    enum item_kind kind;
} kinds[] = {
    { "package", ITEM_PACKAGE },
    { "folder", ITEM_FOLDER },
    { "root", ITEM_FOLDER },
    { "file", ITEM_FILE },
    { "remoteItem.package", ITEM_PACKAGE },
    { "remoteItem.folder", ITEM_FOLDER },
    { "remoteItem.file", ITEM_FILE },
};

/* The first that is there and well-formed is taken: SHA is going out of use. */
static const struct {
    const char *path;
    enum hash_kind kind;
    size_t length;
} hashes[] = {
    { "file.hashes.quickXorHash", HASH_QUICKXOR, 28 },
    { "file.hashes.sha256Hash", HASH_SHA256, 64 },
    { "file.hashes.sha1Hash", HASH_SHA1, 40 },
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const char *read_text(struct json_object *json, const struct field *field,
                             struct owner *owner)
{
    const char *text;
    cleanup_free char *normal = NULL;
    if (json_get_str(json, field->path, &text) != JSON_OK)
        return NULL;
    if (field->kind == FIELD_ITEM_ID)
        normal = id_normalise_item(text);
    else if (field->kind == FIELD_DRIVE_ID)
        normal = id_normalise_drive(text);
    return owner_copy(owner, normal ? normal : text);
}

static void read_field(struct json_object *json, const struct field *field, struct owner *owner,
                       struct item *item)
{
    if (field->kind == FIELD_FACET) {
        if (json_has(json, field->path))
            item->flags |= field->flag;
        return;
    }
    const char *text = read_text(json, field, owner);
    if (text)
        *(const char **)(void *)((char *)item + field->offset) = text;
}

static enum item_kind read_kind(struct json_object *json)
{
    for (size_t i = 0; i < LENGTH(kinds); i++) {
        if (json_has(json, kinds[i].path))
            return kinds[i].kind;
    }
    return ITEM_UNKNOWN;
}

static void read_size(struct json_object *json, struct item *item)
{
    int64_t size;
    if (json_get_i64(json, "size", &size) != JSON_OK &&
        json_get_i64(json, "remoteItem.size", &size) != JSON_OK)
        return;
    if (size < 0 || size > LARGEST_SIZE)
        return;
    item->size = size;
    item->flags |= ITEM_HAS_SIZE;
}

/* Times that mean "never" come out as 0, and count as missing. */
static bool read_time(struct json_object *json, const char *path, int64_t *ret_ns)
{
    int64_t ns;
    if (json_get_time_ns(json, path, &ns) != JSON_OK || ns <= 0)
        return false;
    *ret_ns = ns;
    return true;
}

static void read_times(struct json_object *json, struct item *item)
{
    static const char *const paths[] = {
        "fileSystemInfo.lastModifiedDateTime",
        "remoteItem.fileSystemInfo.lastModifiedDateTime",
        "lastModifiedDateTime",
    };
    (void)read_time(json, "lastModifiedDateTime", &item->server_mtime_ns);
    for (size_t i = 0; i < LENGTH(paths); i++) {
        if (read_time(json, paths[i], &item->mtime_ns)) {
            item->flags |= ITEM_HAS_MTIME;
            return;
        }
    }
}

/* SHA sums are compared as text, so they get one case. */
static const char *to_upper_case(const char *text, struct owner *owner)
{
    cleanup_free char *copy = x_strdup(text);
    for (char *p = copy; *p != '\0'; p++)
        *p = (char)toupper((unsigned char)*p);
    return owner_copy(owner, copy);
}

static void read_hash(struct json_object *json, struct owner *owner, struct item *item)
{
    for (size_t i = 0; i < LENGTH(hashes); i++) {
        const char *text;
        if (json_get_str(json, hashes[i].path, &text) != JSON_OK ||
            strlen(text) != hashes[i].length)
            continue;
        item->hash_kind = hashes[i].kind;
        item->hash =
            hashes[i].kind == HASH_QUICKXOR ? owner_copy(owner, text) : to_upper_case(text, owner);
        return;
    }
}

static int read_item(struct json_object *json, struct owner *owner, struct item *ret_item,
                     struct err *err)
{
    static const struct field id_field = { "id", FIELD_ITEM_ID, 0, 0, true };
    struct item item = { .kind = ITEM_UNKNOWN };
    item.id = read_text(json, &id_field, owner);
    if (!item.id || item.id[0] == '\0')
        return err_set(err, -EPROTO, "an item without an id");
    bool is_gone = json_has(json, "deleted");
    for (size_t i = 0; i < LENGTH(fields); i++) {
        if (!is_gone || fields[i].on_tombstones)
            read_field(json, &fields[i], owner, &item);
    }
    if (is_gone) {
        item.flags = ITEM_DELETED;
    } else {
        item.kind = read_kind(json);
        read_size(json, &item);
        read_times(json, &item);
        read_hash(json, owner, &item);
    }
    *ret_item = item;
    return 0;
}

struct item_page *decode_page_new(size_t count)
{
    struct item_page *page = x_calloc(1, sizeof(*page));
    page->items = x_calloc(count > 0 ? count : 1, sizeof(*page->items));
    page->count = count;
    page->owner = owner_new();
    return page;
}

int decode_page_put(struct item_page *page, size_t i, struct json_object *json, struct err *err)
{
    return read_item(json, page->owner, &page->items[i], err);
}

void decode_page_put_bare(struct item_page *page, size_t i, const char *id, unsigned flags)
{
    page->items[i] = (struct item){
        .id = owner_copy(page->owner, id),
        .kind = ITEM_UNKNOWN,
        .flags = flags,
    };
}

static const char *read_link(struct json_object *json, const char *path, struct owner *owner)
{
    const char *link;
    return json_get_str(json, path, &link) == JSON_OK ? owner_copy(owner, link) : NULL;
}

int decode_page(struct json_object *json, struct item_page **ret_page, struct err *err)
{
    struct json_object *values;
    if (json_get_array(json, "value", &values) != JSON_OK)
        return err_set(err, -EPROTO, "the answer is not a collection");
    size_t count = json_object_array_length(values), kept = 0;
    struct item_page *page = decode_page_new(count);
    for (size_t i = 0; i < count; i++) {
        struct err reason;
        if (decode_page_put(page, kept, json_object_array_get_idx(values, i), &reason) < 0)
            log_warn("graph", "an entry of a listing is left out: %s", reason.msg);
        else
            kept++;
    }
    page->count = kept;
    page->next_link = read_link(json, "@odata.nextLink", page->owner);
    page->delta_link = read_link(json, "@odata.deltaLink", page->owner);
    *ret_page = page;
    return 0;
}

void item_page_free(struct item_page *page)
{
    if (!page)
        return;
    owner_free(page->owner);
    free(page->items);
    free(page);
}

/* One byte that is no UTF-8, in one name of a thousand, must not cost the others: it is replaced.
 */
static struct json_object *parse_answer(const struct strbuf *body, struct err *err)
{
    cleanup_strbuf struct strbuf repaired;
    strbuf_init(&repaired, 3 * body->len);
    if (utf8_valid(body->data, body->len))
        return json_parse_bounded(body->data, body->len, DECODE_MAX_DEPTH, err);
    log_warn("graph", "an answer is not UTF-8 throughout: the bytes that aren't are replaced");
    if (utf8_repair(body->data, body->len, &repaired) < 0) {
        (void)err_set(err, -ENOMEM, "no memory for an answer");
        return NULL;
    }
    return json_parse_bounded(repaired.data, repaired.len, DECODE_MAX_DEPTH, err);
}

#define ITEMS_BEGIN    "\"value\":["
#define MAX_LINK_BYTES ((size_t)64 * 1024)

char *decode_next_link(const struct strbuf *body)
{
    size_t length = body->len < MAX_LINK_BYTES ? body->len : MAX_LINK_BYTES;
    const char *items = memmem(body->data, length, ITEMS_BEGIN, sizeof(ITEMS_BEGIN) - 1);
    cleanup_strbuf struct strbuf head;
    const char *link = NULL;
    strbuf_init(&head, 2 * MAX_LINK_BYTES);
    if (!items)
        return NULL;
    /* If this is a page, then it is one without its items. */
    (void)strbuf_add(&head, body->data, (size_t)(items - body->data));
    (void)strbuf_addstr(&head, ITEMS_BEGIN "]}");
    cleanup_json struct json_object *json =
        json_parse_bounded(head.data, head.len, DECODE_MAX_DEPTH, NULL);
    (void)json_get_str(json, "@odata.nextLink", &link);
    return x_strdup(link);
}

struct json_object *decode_answer(const struct strbuf *body, struct err *err)
{
    struct json_object *json = parse_answer(body, err);
    if (!json) {
        (void)err_wrap(err, "the answer is not JSON");
        if (err)
            err->code = -EPROTO;
        return NULL;
    }
    if (json_has(json, "error")) {
        (void)errmap_object(err, 200, json, NULL);
        (void)json_object_put(json);
        return NULL;
    }
    return json;
}
