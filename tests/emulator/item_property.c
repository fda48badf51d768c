/* SPDX-License-Identifier: MIT */
/*
 * The properties of a driveItem, a row each: its name, who writes it and when it is there. What
 * differs between the back ends, and between delta and the other views, is decided in the writers.
 */
#include "item_property.h"

#include <json-c/json.h>
#include <string.h>
#include <strings.h>

#include "download.h"
#include "encode.h"
#include "ids.h"
#include "mime.h"
#include "oddity.h"
#include "request.h"

bool subject_is_legacy(const struct subject *subject)
{
    return subject->drive->profile == PROFILE_CONSUMER_LEGACY;
}

bool subject_is_business(const struct subject *subject)
{
    return subject->drive->profile == PROFILE_BUSINESS;
}

static bool is_root(const struct subject *subject)
{
    return subject->number == ITEM_ROOT;
}

static bool is_folder(const struct subject *subject)
{
    return subject->item->is_folder && !subject->oddity->is_onenote;
}

static bool is_file(const struct subject *subject)
{
    return !subject->item->is_folder && !subject->oddity->is_shortcut;
}

static void write_time(const struct subject *subject, const char *name, int64_t time_ms)
{
    char text[TIME_TEXT_SIZE];

    time_format(time_ms, subject_is_legacy(subject), text);
    json_string(subject->json, name, text);
}

static void write_created(const struct subject *subject, const char *name)
{
    write_time(subject, name, subject->item->created_ms);
}

static void write_changed(const struct subject *subject, const char *name)
{
    write_time(subject, name, subject->state->changed_ms);
}

static bool has_etag(const struct subject *subject)
{
    return !is_root(subject) || (!subject_is_business(subject) && subject->view != VIEW_DELTA);
}

static void write_etag(const struct subject *subject, const char *name)
{
    char tag[TAG_SIZE];

    ids_etag(subject->drive, subject->number, subject->state, tag);
    json_string(subject->json, name, tag);
}

static bool has_odata_etag(const struct subject *subject)
{
    return has_etag(subject) && !subject_is_legacy(subject) && subject->selection->is_explicit &&
           (subject_is_business(subject) || subject->view != VIEW_DELTA);
}

static bool has_ctag(const struct subject *subject)
{
    if (is_root(subject))
        return subject_is_legacy(subject) && subject->view != VIEW_DELTA;
    return subject->view != VIEW_DELTA || !subject_is_business(subject);
}

static void write_ctag(const struct subject *subject, const char *name)
{
    char tag[TAG_SIZE];

    ids_ctag(subject->drive, subject->number, subject->state, tag);
    json_string(subject->json, name, tag);
}

static void write_id(const struct subject *subject, const char *name)
{
    char id[ID_SIZE];

    ids_format(subject->drive, subject->number, id);
    json_string(subject->json, name, id);
}

static void write_name(const struct subject *subject, const char *name)
{
    json_string(subject->json, name, subject->state->name);
}

static void write_size(const struct subject *subject, const char *name)
{
    json_number(subject->json, name,
                subject->state->blob ? subject->state->blob->size : subject->item->tree_size);
}

static void write_web_url(const struct subject *subject, const char *name)
{
    const struct drive *drive = subject->drive;
    struct buffer url = { 0 };
    char id[ID_SIZE];

    if (subject_is_business(subject)) {
        struct buffer path = { 0 };

        drive_add_path(drive, subject->number, &path);
        buffer_add_text(&url, drive->web_url);
        buffer_add_url(&url, buffer_text(&path), "/");
        buffer_free(&path);
    } else if (subject_is_legacy(subject)) {
        ids_format(drive, subject->number, id);
        buffer_add_text(&url, "https://1drv.ms/u/s!");
        buffer_add_url(&url, strchr(id, '!') + 1, "");
    } else {
        ids_format_business(drive, subject->number, id);
        buffer_add_text(&url, "https://onedrive.live.com?cid=");
        buffer_add_text(&url, drive->id);
        buffer_add_text(&url, "&id=");
        buffer_add_text(&url, id);
    }
    json_string(subject->json, name, url.data);
    buffer_free(&url);
}

static void write_identity(const struct subject *subject, const char *name)
{
    struct json_writer *json = subject->json;

    json_begin_object(json, name);
    if (!is_root(subject)) {
        json_begin_object(json, "application");
        json_string(json, "id", "b3af06fc-dbcf-4a28-98b2-4624811440d8");
        json_string(json, "displayName", "graph-emulator");
        json_end_object(json);
    }
    json_begin_object(json, "user");
    json_string(json, "email",
                subject_is_business(subject) ? "alex@contoso.example" : "alex@example.com");
    if (!is_root(subject))
        json_string(json, "id", subject->request->emulator->user_id);
    json_string(json, "displayName", "Alex Example");
    json_end_object(json);
    json_end_object(json);
}

static bool is_not_root(const struct subject *subject)
{
    return !is_root(subject);
}

/* Where the parent's path is told, and in whose words: see graph-drive notes on delta. */
static void write_parent_path(const struct subject *subject, uint32_t parent)
{
    struct buffer path = { 0 }, names = { 0 };

    if (subject->view == VIEW_DELTA && subject_is_business(subject) &&
        !subject->request->emulator->options->tells_delta_paths)
        return;
    drive_add_path(subject->drive, parent, &names);
    if (subject_is_business(subject) || subject->view == VIEW_DELTA) {
        buffer_add_text(&path, "/drives/");
        buffer_add_text(&path, subject->drive->id);
        buffer_add_text(&path, "/root:");
    } else {
        buffer_add_text(&path, "/drive/root:");
    }
    if (subject_is_business(subject))
        buffer_add_url(&path, buffer_text(&names), "/");
    else
        buffer_add_text(&path, buffer_text(&names));
    json_string(subject->json, "path", path.data);
    buffer_free(&path);
    buffer_free(&names);
}

static void write_parent(const struct subject *subject, const char *name)
{
    struct json_writer *json = subject->json;
    uint32_t parent =
        subject->oddity->has_lie_parent ? subject->oddity->lie_parent : subject->state->parent;
    char id[ID_SIZE];

    json_begin_object(json, name);
    json_string(json, "driveType", subject->drive->drive_type);
    json_string(json, "driveId", subject->drive->id);
    if (!is_root(subject)) {
        ids_format(subject->drive, parent, id);
        json_string(json, "id", id);
        if (subject->view != VIEW_DELTA)
            json_string(json, "name",
                        parent == ITEM_ROOT ? "Documents" : subject->drive->items[parent].now.name);
        write_parent_path(subject, parent);
        if (!subject_is_legacy(subject))
            json_string(json, "siteId", subject->drive->site_id);
    }
    json_end_object(json);
}

/* A wrong hash that an edit asked for; NULL: none. */
static const char *lie_about_hash(const struct subject *subject)
{
    struct json_object *value = NULL;

    if (!subject->oddity->lies || !json_object_object_get_ex(subject->oddity->lies, "hash", &value))
        return NULL;
    return json_object_get_string(value);
}

static void write_hashes(const struct subject *subject)
{
    struct json_writer *json = subject->json;
    struct blob *blob = subject->state->blob;
    bool has_all =
        subject_is_legacy(subject) || (!subject_is_business(subject) && subject->number % 3 == 0);
    const char *lie = lie_about_hash(subject);
    const struct digests *digests =
        has_all && !lie ? blob_digests(&subject->drive->arena, blob) : NULL;
    char text[2 * SHA256_SIZE + 1];

    json_begin_object(json, "hashes");
    base64_encode(blob_quickxor(blob), QUICKXOR_SIZE, text);
    json_string(json, "quickXorHash", lie ? lie : text);
    if (digests) {
        hex_encode(digests->sha1, SHA1_SIZE, text);
        json_string(json, "sha1Hash", text);
        hex_encode(digests->sha256, SHA256_SIZE, text);
        json_string(json, "sha256Hash", text);
    }
    json_end_object(json);
}

/* The service has not come to hash it yet. */
static bool is_too_new(const struct subject *subject)
{
    const struct emulator *emulator = subject->request->emulator;
    int64_t delay_ms = emulator->options->hash_delay_ms;

    return delay_ms && clock_now_ms(&emulator->clock) < subject->state->changed_ms + delay_ms;
}

static void write_file(const struct subject *subject, const char *name)
{
    json_begin_object(subject->json, name);
    json_string(subject->json, "mimeType", mime_type(subject->state->name));
    if (!subject->oddity->has_no_hashes && !subject->oddity->is_pending && !is_too_new(subject))
        write_hashes(subject);
    json_end_object(subject->json);
}

static void write_folder(const struct subject *subject, const char *name)
{
    struct json_writer *json = subject->json;

    json_begin_object(json, name);
    json_number(json, "childCount", (int64_t)subject->item->children->count);
    if (!subject_is_business(subject)) {
        json_begin_object(json, "view");
        json_string(json, "sortBy", "name");
        json_string(json, "sortOrder", "ascending");
        json_string(json, "viewType", "thumbnails");
        json_end_object(json);
    }
    json_end_object(json);
}

static void write_file_system_info(const struct subject *subject, const char *name)
{
    json_begin_object(subject->json, name);
    write_time(subject, "createdDateTime", subject->item->created_ms);
    write_time(subject, "lastModifiedDateTime", subject->state->mtime_ms);
    json_end_object(subject->json);
}

static void write_empty(const struct subject *subject, const char *name)
{
    json_begin_object(subject->json, name);
    json_end_object(subject->json);
}

static bool is_onenote(const struct subject *subject)
{
    return subject->oddity->is_onenote;
}

static void write_package(const struct subject *subject, const char *name)
{
    json_begin_object(subject->json, name);
    json_string(subject->json, "type", "oneNote");
    json_end_object(subject->json);
}

static bool is_shortcut(const struct subject *subject)
{
    return subject->oddity->is_shortcut;
}

static void write_remote_item(const struct subject *subject, const char *name)
{
    struct emulator *emulator = subject->request->emulator;
    struct drive *shared = emulator_drive(emulator, DRIVE_SHARED);
    struct selection all = { .properties = UINT64_MAX };
    uint32_t target = subject->oddity->target;
    struct oddity none = { 0 };
    struct subject remote = { .json = subject->json,
                              .request = subject->request,
                              .drive = shared,
                              .item = &shared->items[target],
                              .state = &shared->items[target].now,
                              .selection = &all,
                              .oddity = &none,
                              .number = target,
                              .view = VIEW_ITEM };

    json_begin_object(subject->json, name);
    write_id(&remote, "id");
    write_name(&remote, "name");
    write_size(&remote, "size");
    write_web_url(&remote, "webUrl");
    write_file_system_info(&remote, "fileSystemInfo");
    if (remote.item->is_folder)
        write_folder(&remote, "folder");
    else
        write_file(&remote, "file");
    json_begin_object(subject->json, "parentReference");
    json_string(subject->json, "driveType", shared->drive_type);
    json_string(subject->json, "driveId", shared->id);
    json_end_object(subject->json);
    json_begin_object(subject->json, "shared");
    json_string(subject->json, "scope", "users");
    json_end_object(subject->json);
    json_end_object(subject->json);
}

static bool is_malware(const struct subject *subject)
{
    return subject->oddity->is_malware;
}

static void write_malware(const struct subject *subject, const char *name)
{
    json_begin_object(subject->json, name);
    json_string(subject->json, "description", "Virus:DOS/EICAR_Test_File");
    json_end_object(subject->json);
}

static bool is_pending(const struct subject *subject)
{
    return subject->oddity->is_pending;
}

static void write_pending(const struct subject *subject, const char *name)
{
    json_begin_object(subject->json, name);
    json_begin_object(subject->json, "pendingContentUpdate");
    write_time(subject, "queuedDateTime", subject->state->changed_ms);
    json_end_object(subject->json);
    json_end_object(subject->json);
}

static bool is_special(const struct subject *subject)
{
    return subject->oddity->special_name;
}

static void write_special(const struct subject *subject, const char *name)
{
    json_begin_object(subject->json, name);
    json_string(subject->json, "name", subject->oddity->special_name);
    json_end_object(subject->json);
}

static bool is_checked_out(const struct subject *subject)
{
    return subject->oddity->checked_out != CHECKED_IN;
}

static void write_publication(const struct subject *subject, const char *name)
{
    struct json_writer *json = subject->json;
    bool is_own = subject->oddity->checked_out == CHECKED_OUT;

    json_begin_object(json, name);
    json_string(json, "level", "checkout");
    json_format(json, "versionId", "%u.0", (unsigned)subject->item->version);
    json_begin_object(json, "checkedOutBy");
    json_begin_object(json, "user");
    json_string(json, "displayName", is_own ? "Alex Example" : "Robin Example");
    json_end_object(json);
    json_end_object(json);
    json_end_object(json);
}

/* In the recycle bin; what delta says of the deleted is in item_json.c. */
static bool is_binned(const struct subject *subject)
{
    return subject->state->is_deleted && subject->view == VIEW_CHILDREN;
}

static bool has_download_url(const struct subject *subject)
{
    return is_file(subject) && subject->view != VIEW_DELTA && !subject->state->is_deleted &&
           !is_onenote(subject) && !is_malware(subject);
}

static void write_download_url(const struct subject *subject, const char *name)
{
    struct buffer url = { 0 };

    download_add_url(subject->request, subject->drive, subject->number, 0, &url);
    /* SharePoint's own name, where it answers itself. */
    if (subject->request->origin == ORIGIN_CONTENT)
        name = "@content.downloadUrl";
    json_string(subject->json, name, url.data);
    buffer_free(&url);
}

const struct item_property item_properties[] = {
    { "@odata.etag", write_etag, has_odata_etag },
    { "@microsoft.graph.downloadUrl", write_download_url, has_download_url },
    { "createdDateTime", write_created, NULL },
    { "eTag", write_etag, has_etag },
    { "id", write_id, NULL },
    { "lastModifiedDateTime", write_changed, NULL },
    { "name", write_name, NULL },
    { "webUrl", write_web_url, NULL },
    { "cTag", write_ctag, has_ctag },
    { "size", write_size, NULL },
    { "createdBy", write_identity, NULL },
    { "lastModifiedBy", write_identity, is_not_root },
    { "parentReference", write_parent, NULL },
    { "file", write_file, is_file },
    { "fileSystemInfo", write_file_system_info, NULL },
    { "folder", write_folder, is_folder },
    { "package", write_package, is_onenote },
    { "remoteItem", write_remote_item, is_shortcut },
    { "malware", write_malware, is_malware },
    { "pendingOperations", write_pending, is_pending },
    { "specialFolder", write_special, is_special },
    { "root", write_empty, is_root },
    { "deleted", write_empty, is_binned },
    { "publication", write_publication, is_checked_out },
};

const size_t item_property_count = sizeof item_properties / sizeof item_properties[0];

bool item_property_is_selected(const struct subject *subject, const char *name)
{
    for (size_t i = 0; i < item_property_count; i++)
        if (strcmp(item_properties[i].name, name) == 0)
            return subject->selection->properties >> i & 1;
    return false;
}

void item_property_write(const struct subject *subject, const char *name)
{
    for (size_t i = 0; i < item_property_count; i++)
        if (strcmp(item_properties[i].name, name) == 0)
            item_properties[i].write(subject, name);
}
