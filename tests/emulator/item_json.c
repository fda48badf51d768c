/* SPDX-License-Identifier: MIT */
/*
 * A driveItem as JSON. One table has a row per property: its name and who writes it; $select is a
 * set of rows. What differs between the back ends and between delta and the other views is decided
 * in the writers. Lies, if the item has any, are written in the place of the truth.
 */
#include "item_json.h"

#include <string.h>
#include <strings.h>

#include <json-c/json.h>

#include "children.h"
#include "download.h"
#include "encode.h"
#include "ids.h"
#include "oddity.h"
#include "request.h"

struct subject {
    struct json_writer *json;
    const struct request *request;
    struct drive *drive;
    const struct item *item;
    const struct state *state;
    const struct selection *selection;
    const struct oddity *oddity; /* never NULL */
    uint32_t number;
    enum view view;
};

struct property {
    const char *name;
    void (*write)(const struct subject *subject, const char *name);
    bool (*applies)(const struct subject *subject); /* NULL: always */
};

static bool is_legacy(const struct subject *subject)
{
    return subject->drive->profile == PROFILE_CONSUMER_LEGACY;
}

static bool is_business(const struct subject *subject)
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

    time_format(time_ms, is_legacy(subject), text);
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
    return !is_root(subject) || (!is_business(subject) && subject->view != VIEW_DELTA);
}

static void write_etag(const struct subject *subject, const char *name)
{
    char tag[TAG_SIZE];

    ids_etag(subject->drive, subject->number, subject->state, tag);
    json_string(subject->json, name, tag);
}

static bool has_odata_etag(const struct subject *subject)
{
    return has_etag(subject) && !is_legacy(subject) && subject->selection->is_explicit;
}

static bool has_ctag(const struct subject *subject)
{
    if (is_root(subject))
        return is_legacy(subject) && subject->view != VIEW_DELTA;
    return subject->view != VIEW_DELTA || !is_business(subject);
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

    if (is_business(subject)) {
        struct buffer path = { 0 };

        drive_add_path(drive, subject->number, &path);
        buffer_add_text(&url, drive->web_url);
        buffer_add_url(&url, buffer_text(&path), "/");
        buffer_free(&path);
    } else if (is_legacy(subject)) {
        ids_format(drive, subject->number, id);
        buffer_addf(&url, "https://1drv.ms/u/s!");
        buffer_add_url(&url, strchr(id, '!') + 1, "");
    } else {
        ids_format_business(drive, subject->number, id);
        buffer_addf(&url, "https://onedrive.live.com?cid=%s&id=%s", drive->id, id);
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
    json_string(json, "email", is_business(subject) ? "alex@contoso.example" : "alex@example.com");
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

    if (subject->view == VIEW_DELTA && is_business(subject))
        return;
    drive_add_path(subject->drive, parent, &names);
    if (is_business(subject) || subject->view == VIEW_DELTA)
        buffer_addf(&path, "/drives/%s/root:", subject->drive->id);
    else
        buffer_add_text(&path, "/drive/root:");
    if (is_business(subject))
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
        if (!is_legacy(subject))
            json_string(json, "siteId", subject->drive->site_id);
    }
    json_end_object(json);
}

static void write_hashes(const struct subject *subject)
{
    struct json_writer *json = subject->json;
    struct blob *blob = subject->state->blob;
    bool has_all = is_legacy(subject) || (!is_business(subject) && subject->number % 3 == 0);
    char text[80];

    json_begin_object(json, "hashes");
    base64_encode(blob_quickxor(blob), QUICKXOR_SIZE, text);
    json_string(json, "quickXorHash", text);
    if (has_all) {
        blob_digest(blob, "SHA1", text, sizeof text);
        json_string(json, "sha1Hash", text);
        blob_digest(blob, "SHA256", text, sizeof text);
        json_string(json, "sha256Hash", text);
    }
    json_end_object(json);
}

static void write_file(const struct subject *subject, const char *name)
{
    json_begin_object(subject->json, name);
    json_string(subject->json, "mimeType", item_json_mime_type(subject->state->name));
    if (!subject->oddity->has_no_hashes && !subject->oddity->is_pending)
        write_hashes(subject);
    json_end_object(subject->json);
}

static void write_folder(const struct subject *subject, const char *name)
{
    struct json_writer *json = subject->json;

    json_begin_object(json, name);
    json_number(json, "childCount", (int64_t)subject->item->children->count);
    if (!is_business(subject)) {
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

static bool has_download_url(const struct subject *subject)
{
    return is_file(subject) && subject->view != VIEW_DELTA && !is_onenote(subject) &&
           !is_malware(subject);
}

static void write_download_url(const struct subject *subject, const char *name)
{
    struct buffer url = { 0 };

    download_add_url(subject->request, subject->drive, subject->number, 0, &url);
    json_string(subject->json, name, url.data);
    buffer_free(&url);
}

static const struct property properties[] = {
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
};

enum { PROPERTY_COUNT = sizeof properties / sizeof properties[0] };

/* Properties that a driveItem can have and these do not. */
static const char *const absent_properties[] = {
    "analytics",      "audio",
    "bundle",         "content",
    "deleted",        "description",
    "image",          "location",
    "listItem",       "permissions",
    "photo",          "publication",
    "retentionLabel", "searchResult",
    "shared",         "sharepointIds",
    "video",          "versions",
    "thumbnails",     "children",
    "createdByUser",  "lastModifiedByUser",
    "webDavUrl",
};

static bool is_absent_property(const char *name)
{
    for (size_t i = 0; i < sizeof absent_properties / sizeof absent_properties[0]; i++)
        if (strcasecmp(absent_properties[i], name) == 0)
            return true;
    return false;
}

const char *selection_parse(const struct request *request, struct selection *ret_selection)
{
    const char *text = request_option(request, "$select");

    *ret_selection = (struct selection){ .properties = UINT64_MAX };
    if (!text || !*text || strcmp(text, "*") == 0)
        return NULL;
    /* The tag and the id come unasked. */
    *ret_selection = (struct selection){ .properties = 1 << 0 | 1 << 4, .is_explicit = true };
    while (*text) {
        char name[64];
        size_t length = strcspn(text, ","), start = strspn(text, " "), i = 0;

        if (length - start >= sizeof name)
            return text;
        (void)snprintf(name, sizeof name, "%.*s", (int)(length - start), text + start);
        name[strcspn(name, " /")] = '\0';
        if (strcasecmp(name, "content.downloadUrl") == 0)
            (void)snprintf(name, sizeof name, "%s", properties[1].name);
        while (i < PROPERTY_COUNT && strcasecmp(properties[i].name, name) != 0)
            i++;
        if (i < PROPERTY_COUNT)
            ret_selection->properties |= (uint64_t)1 << i;
        else if (!is_absent_property(name))
            return text;
        text += length + (text[length] == ',');
    }
    return NULL;
}

/* A value of the wrong type, by the name of the type. */
static const char *wrong_value(const char *type)
{
    static const char *const values[][2] = {
        { "string", "\"not what was expected\"" },
        { "number", "17" },
        { "object", "{\"unexpected\":{}}" },
        { "array", "[1,[2]]" },
        { "null", "null" },
        { "bool", "true" },
    };

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        if (strcmp(values[i][0], type) == 0)
            return values[i][1];
    return "null";
}

/* Writes the lie about this property, if there is one. */
static bool write_lie(const struct subject *subject, const char *name)
{
    struct json_object *types, *value;

    if (!subject->oddity->lies)
        return false;
    if (json_object_object_get_ex(subject->oddity->lies, "type", &types) &&
        json_object_object_get_ex(types, name, &value)) {
        json_raw(subject->json, name, wrong_value(json_object_get_string(value)));
        return true;
    }
    if ((strcmp(name, "name") == 0 || strcmp(name, "size") == 0) &&
        json_object_object_get_ex(subject->oddity->lies, name, &value)) {
        json_raw(subject->json, name, json_object_to_json_string_ext(value, 0));
        return true;
    }
    return false;
}

/* Things that a client has never heard of and must not stumble over. */
static void write_unknown(const struct subject *subject)
{
    if (emulator_whim(subject->request->emulator, 8))
        json_boolean(subject->json, "isAuthoritative", false);
    if (emulator_whim(subject->request->emulator, 16))
        json_raw(subject->json, "futureFacet",
                 "{\"level\":{\"rank\":3,\"tags\":[null,\"x\",{}]},\"@odata.type\":\"#x.y\"}");
}

static void write_foreign(const struct subject *subject)
{
    struct json_writer *json = subject->json;

    json_begin_object(json, "parentReference");
    json_string(json, "driveId",
                is_business(subject)
                    ? "b!AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                    : "f38c1bed489ee12f");
    json_end_object(json);
    write_file_system_info(subject, "fileSystemInfo");
    write_folder(subject, "folder");
    json_string(json, "id",
                is_business(subject) ? "01AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                                     : "F38C1BED489EE12F!1108");
    json_number(json, "size", 25398299108);
}

/* What delta says of an item that is gone: hardly anything, and some of it void. */
static void write_tombstone(const struct subject *subject)
{
    struct json_writer *json = subject->json;
    char guid[GUID_SIZE], parent[ID_SIZE];

    write_id(subject, "id");
    ids_format(subject->drive, subject->state->parent, parent);
    json_begin_object(json, "parentReference");
    json_string(json, "driveType", subject->drive->drive_type);
    json_string(json, "driveId", subject->drive->id);
    json_string(json, "id", parent);
    if (!is_business(subject) && !is_legacy(subject))
        json_string(json, "siteId", subject->drive->site_id);
    json_end_object(json);
    json_begin_object(json, "deleted");
    if (!is_legacy(subject))
        json_string(json, "state", "deleted");
    json_end_object(json);
    if (is_legacy(subject)) {
        write_etag(subject, "eTag");
        write_changed(subject, "lastModifiedDateTime");
        write_name(subject, "name");
        write_empty(subject, subject->item->is_folder ? "folder" : "file");
    } else if (!is_business(subject)) {
        write_web_url(subject, "webUrl");
        ids_guid(subject->drive, subject->number, true, guid);
        json_format(json, "cTag", "\"c:{%s},4294967295\"", guid);
        json_number(json, "size", 0);
        if (subject->item->is_folder)
            write_empty(subject, "folder");
        else
            json_raw(json, "file",
                     "{\"hashes\":{\"quickXorHash\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}}");
        write_empty(subject, "fileSystemInfo");
    }
}

static void write_properties(const struct subject *subject)
{
    if (subject->view == VIEW_DELTA && subject->state->is_deleted) {
        write_tombstone(subject);
        return;
    }
    if (subject->view == VIEW_DELTA && subject->oddity->is_foreign) {
        write_foreign(subject);
        return;
    }
    for (size_t i = 0; i < PROPERTY_COUNT; i++)
        if (subject->selection->properties >> i & 1 &&
            (!properties[i].applies || properties[i].applies(subject)) &&
            !write_lie(subject, properties[i].name))
            properties[i].write(subject, properties[i].name);
    write_unknown(subject);
}

static struct subject make_subject(struct json_writer *json, const struct request *request,
                                   struct drive *drive, uint32_t item, const struct state *state,
                                   enum view view, const struct selection *selection)
{
    static const struct oddity ordinary;

    return (struct subject){
        .json = json,
        .request = request,
        .drive = drive,
        .item = &drive->items[item],
        .state = state,
        .selection = selection,
        .oddity = drive->items[item].oddity ? drive->items[item].oddity : &ordinary,
        .number = item,
        .view = view,
    };
}

void item_json_write(struct json_writer *json, const struct request *request, struct drive *drive,
                     uint32_t item, const struct state *state, enum view view,
                     const struct selection *selection)
{
    struct subject subject = make_subject(json, request, drive, item, state, view, selection);

    json_begin_object(json, NULL);
    write_properties(&subject);
    json_end_object(json);
}

void item_json_write_whole(struct json_writer *json, const struct request *request,
                           struct drive *drive, uint32_t item, const struct state *state,
                           enum view view, const struct selection *selection)
{
    struct subject subject = make_subject(json, request, drive, item, state, view, selection);
    const char *expand = request_option(request, "$expand");

    json_begin_object(json, NULL);
    item_json_write_context(json, "@odata.context", request, drive, ITEM_NONE, "/items/$entity");
    write_properties(&subject);
    if (expand && strcasestr(expand, "children") && drive->items[item].children)
        children_write_expanded(json, request, drive, item);
    if (expand && strcasestr(expand, "thumbnails")) {
        json_begin_array(json, "thumbnails");
        json_end_array(json);
    }
    json_end_object(json);
}

void item_json_write_context(struct json_writer *json, const char *key,
                             const struct request *request, const struct drive *drive,
                             uint32_t item, const char *rest)
{
    struct buffer context = { 0 };
    char id[ID_SIZE];

    buffer_addf(&context, "%s/v1.0/$metadata#drives('", request->base_url);
    buffer_add_url(&context, drive->id, "");
    buffer_add_text(&context, "')");
    if (item != ITEM_NONE) {
        ids_format(drive, item, id);
        buffer_add_text(&context, "/items('");
        buffer_add_url(&context, id, "");
        buffer_add_text(&context, "')");
    }
    buffer_add_text(&context, rest);
    json_string(json, key, context.data);
    buffer_free(&context);
}

const char *item_json_mime_type(const char *name)
{
    static const char *const types[][2] = {
        { "txt", "text/plain" },
        { "md", "text/markdown" },
        { "html", "text/html" },
        { "json", "application/json" },
        { "pdf", "application/pdf" },
        { "png", "image/png" },
        { "jpg", "image/jpeg" },
        { "jpeg", "image/jpeg" },
        { "zip", "application/zip" },
        { "docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document" },
        { "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" },
    };
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; dot && i < sizeof types / sizeof types[0]; i++)
        if (strcasecmp(types[i][0], dot + 1) == 0)
            return types[i][1];
    return "application/octet-stream";
}
