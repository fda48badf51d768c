/* SPDX-License-Identifier: MIT */
/*
 * A driveItem as JSON: its properties as the table has them, or what is said instead of a deleted
 * item and of another drive's. Lies, if the item has any, are written in the place of the truth.
 */
#include "item_json.h"

#include <string.h>
#include <strings.h>

#include <json-c/json.h>

#include "children.h"
#include "ids.h"
#include "item_property.h"
#include "oddity.h"
#include "request.h"

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
                subject_is_business(subject)
                    ? "b!AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                    : "f38c1bed489ee12f");
    json_end_object(json);
    item_property_write(subject, "fileSystemInfo");
    item_property_write(subject, "folder");
    json_string(json, "id",
                subject_is_business(subject) ? "01AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                                             : "F38C1BED489EE12F!1108");
    json_number(json, "size", 25398299108);
}

static void write_void_parent(const struct subject *subject, const char *name)
{
    struct json_writer *json = subject->json;
    char parent[ID_SIZE];

    ids_format(subject->drive, subject->state->parent, parent);
    json_begin_object(json, name);
    json_string(json, "driveType", subject->drive->drive_type);
    json_string(json, "driveId", subject->drive->id);
    json_string(json, "id", parent);
    if (!subject_is_business(subject) && !subject_is_legacy(subject))
        json_string(json, "siteId", subject->drive->site_id);
    json_end_object(json);
}

static void write_deleted(const struct subject *subject, const char *name)
{
    json_begin_object(subject->json, name);
    if (!subject_is_legacy(subject))
        json_string(subject->json, "state", "deleted");
    json_end_object(subject->json);
}

static void write_void_ctag(const struct subject *subject, const char *name)
{
    char guid[GUID_SIZE];

    ids_guid(subject->drive, subject->number, true, guid);
    json_format(subject->json, name, "\"c:{%s},4294967295\"", guid);
}

static void write_zero(const struct subject *subject, const char *name)
{
    json_number(subject->json, name, 0);
}

static void write_empty(const struct subject *subject, const char *name)
{
    json_begin_object(subject->json, name);
    json_end_object(subject->json);
}

static void write_void_file(const struct subject *subject, const char *name)
{
    if (subject_is_legacy(subject) || subject_is_business(subject))
        write_empty(subject, name);
    else
        json_raw(subject->json, name,
                 "{\"hashes\":{\"quickXorHash\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}}");
}

enum { IN_BUSINESS = 1, IN_CONSUMER = 2, IN_LEGACY = 4, IN_ALL = 7, WITH_FACETS = 8 };

/* What delta says of an item that is gone: hardly anything, and some of it void. A row without a
 * writer is the property as the living have it. What the client didn't select is left out, and if
 * that is `deleted`, the dead look alive. */
static const struct {
    const char *name;
    void (*write)(const struct subject *, const char *);
    unsigned profiles;
} tombstone_properties[] = {
    { "id", NULL, IN_ALL },
    { "parentReference", write_void_parent, IN_ALL },
    { "deleted", write_deleted, IN_ALL },
    { "eTag", NULL, IN_LEGACY },
    { "lastModifiedDateTime", NULL, IN_LEGACY },
    { "name", NULL, IN_LEGACY },
    { "webUrl", NULL, IN_CONSUMER },
    { "cTag", write_void_ctag, IN_CONSUMER },
    { "size", write_zero, IN_CONSUMER },
    { "folder", write_empty, IN_CONSUMER | IN_LEGACY | WITH_FACETS },
    { "file", write_void_file, IN_CONSUMER | IN_LEGACY | WITH_FACETS },
    { "fileSystemInfo", write_empty, IN_CONSUMER },
};

static void write_tombstone(const struct subject *subject)
{
    unsigned profile = subject_is_business(subject) ? IN_BUSINESS
                       : subject_is_legacy(subject) ? IN_LEGACY
                                                    : IN_CONSUMER;
    unsigned told =
        profile | (subject->request->emulator->options->tells_delta_facets ? WITH_FACETS : 0);
    const char *other_facet = subject->item->is_folder ? "file" : "folder";

    for (size_t i = 0; i < sizeof tombstone_properties / sizeof tombstone_properties[0]; i++) {
        const char *name = tombstone_properties[i].name;

        if (!(tombstone_properties[i].profiles & told) || strcmp(name, other_facet) == 0 ||
            !item_property_is_selected(subject, name))
            continue;
        if (tombstone_properties[i].write)
            tombstone_properties[i].write(subject, name);
        else
            item_property_write(subject, name);
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
    for (size_t i = 0; i < item_property_count; i++)
        if (subject->selection->properties >> i & 1 &&
            (!item_properties[i].applies || item_properties[i].applies(subject)) &&
            !write_lie(subject, item_properties[i].name))
            item_properties[i].write(subject, item_properties[i].name);
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
