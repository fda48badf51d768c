/* SPDX-License-Identifier: MIT */
/* The user and the list of drives. */
#include "account.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "drive.h"
#include "items.h"
#include "json_writer.h"
#include "request.h"

void account_get_service(struct request *request, struct response *response)
{
    static const char *const names[] = { "users", "drives", "me" };
    struct json_writer json = { .out = &response->body };

    response_json(response, 200);
    json_begin_object(&json, NULL);
    json_format(&json, "@odata.context", "%s/v1.0/$metadata", request->base_url);
    json_begin_array(&json, "value");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        json_begin_object(&json, NULL);
        json_string(&json, "name", names[i]);
        json_string(&json, "kind", strcmp(names[i], "me") == 0 ? "Singleton" : "EntitySet");
        json_string(&json, "url", names[i]);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_end_object(&json);
}

void account_get_user(struct request *request, struct response *response)
{
    struct json_writer json = { .out = &response->body };
    bool is_business = request->emulator->options->profile == PROFILE_BUSINESS;
    const char *mail = is_business ? "alex@contoso.example" : "alex@example.com";

    if (request->vars[0] && strcasecmp(request->vars[0], mail) != 0 &&
        strcasecmp(request->vars[0], request->emulator->user_id) != 0) {
        response_error(request, response, 404, "Request_ResourceNotFound",
                       "Resource does not exist.", NULL);
        return;
    }
    response_header(response, "Cache-Control", "no-cache");
    response_json(response, 200);
    json_begin_object(&json, NULL);
    json_format(&json, "@odata.context", "%s/v1.0/$metadata#users/$entity", request->base_url);
    json_string(&json, "userPrincipalName", mail);
    json_string(&json, "id", request->emulator->user_id);
    json_string(&json, "displayName", "Alex Example");
    json_string(&json, "surname", "Example");
    json_string(&json, "givenName", "Alex");
    json_string(&json, "preferredLanguage", "en-GB");
    json_string(&json, "mail", mail);
    json_null(&json, "mobilePhone");
    json_null(&json, "jobTitle");
    json_null(&json, "officeLocation");
    json_begin_array(&json, "businessPhones");
    json_end_array(&json);
    json_end_object(&json);
}

static void write_quota(struct json_writer *json, const struct drive *drive)
{
    int64_t used = drive->quota_used >= 0 ? drive->quota_used : drive->items[ITEM_ROOT].tree_size;
    int64_t remaining = drive->quota_total > used ? drive->quota_total - used : 0;
    const char *state = remaining == 0                         ? "exceeded"
                        : remaining < drive->quota_total / 100 ? "critical"
                        : remaining < drive->quota_total / 10  ? "nearing"
                                                               : "normal";

    json_begin_object(json, "quota");
    json_number(json, "deleted", 0);
    json_number(json, "remaining", remaining);
    json_string(json, "state", drive->quota_total ? state : "normal");
    json_number(json, "total", drive->quota_total);
    json_number(json, "used", used);
    if (drive->profile != PROFILE_BUSINESS) {
        json_begin_object(json, "storagePlanInformation");
        json_boolean(json, "upgradeAvailable", true);
        json_end_object(json);
    }
    json_end_object(json);
}

static void write_system_account(struct json_writer *json, const char *key)
{
    json_begin_object(json, key);
    json_begin_object(json, "user");
    json_string(json, "displayName", "System Account");
    json_end_object(json);
    json_end_object(json);
}

/* The properties of a drive, inside an object that the caller began. */
static void write_drive(struct json_writer *json, const struct request *request,
                        const struct drive *drive)
{
    bool is_legacy = drive->profile == PROFILE_CONSUMER_LEGACY;
    char created[TIME_TEXT_SIZE], changed[TIME_TEXT_SIZE];

    time_format(drive->created_ms, is_legacy, created);
    time_format(drive->items[ITEM_ROOT].now.changed_ms, is_legacy, changed);
    if (!is_legacy) {
        json_string(json, "createdDateTime", created);
        json_string(json, "description", "");
        json_string(json, "lastModifiedDateTime", changed);
        json_string(json, "name", drive->name);
        json_string(json, "webUrl", drive->web_url);
        write_system_account(json, "createdBy");
        if (drive->role != DRIVE_PHANTOM)
            write_system_account(json, "lastModifiedBy");
    }
    json_string(json, "id", drive->id);
    json_string(json, "driveType", drive->drive_type);
    json_begin_object(json, "owner");
    json_begin_object(json, "user");
    if (!is_legacy)
        json_string(json, "email",
                    drive->profile == PROFILE_BUSINESS ? "alex@contoso.example"
                                                       : "alex@example.com");
    if (drive->profile != PROFILE_CONSUMER)
        json_string(json, "id", request->emulator->user_id);
    json_string(json, "displayName", "Alex Example");
    json_end_object(json);
    json_end_object(json);
    write_quota(json, drive);
}

void account_get_drives(struct request *request, struct response *response)
{
    /* Personal accounts list a drive that nothing can be done with, and list it first. */
    static const enum drive_role order[] = { DRIVE_PHANTOM, DRIVE_DEFAULT, DRIVE_LIBRARY };
    struct json_writer json = { .out = &response->body };

    response_header(response, "Cache-Control", "no-store");
    response_json(response, 200);
    json_begin_object(&json, NULL);
    json_format(&json, "@odata.context", "%s/v1.0/$metadata#drives", request->base_url);
    json_begin_array(&json, "value");
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        const struct drive *drive = emulator_drive(request->emulator, order[i]);

        if (!drive || (order[i] == DRIVE_PHANTOM && drive->profile == PROFILE_CONSUMER_LEGACY))
            continue;
        json_begin_object(&json, NULL);
        write_drive(&json, request, drive);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_end_object(&json);
}

void account_get_drive(struct request *request, struct response *response)
{
    struct json_writer json = { .out = &response->body };
    const struct drive *drive = items_find_drive(request, response);

    if (!drive)
        return;
    response_header(response, "Cache-Control", "no-store");
    response_json(response, 200);
    json_begin_object(&json, NULL);
    json_format(&json, "@odata.context", "%s/v1.0/$metadata#drives/$entity", request->base_url);
    write_drive(&json, request, drive);
    json_end_object(&json);
}

void account_get_site(struct request *request, struct response *response)
{
    if (request->emulator->options->profile == PROFILE_BUSINESS)
        response_error(request, response, 404, "itemNotFound", "Requested site could not be found",
                       NULL);
    else
        response_error(request, response, 400, "BadRequest",
                       "This API is not supported for MSA accounts (no addressUrl for "
                       "Microsoft.FileServices,False).",
                       NULL);
}
