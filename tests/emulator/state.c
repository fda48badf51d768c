/* SPDX-License-Identifier: MIT */
/*
 * The state of the service in a file. It is written when the emulator ends, not before: a test that
 * kills its server wants to know what clients do then, not what the server does. Drives are in
 * state_drive.c.
 */
#include "state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "emulator.h"
#include "field.h"
#include "json_writer.h"
#include "memory.h"

#define PLACE(type, field) offsetof(struct type, field)

enum { STATE_FORMAT = 1 };

static const struct state_number emulator_numbers[] = {
    { "random", PLACE(emulator, random.state), STATE_UINT64 },
    { "clock", PLACE(emulator, clock.offset_ms), STATE_INT64 },
    { "start", PLACE(emulator, start_number), STATE_UINT32 },
    { "started", PLACE(emulator, started_ms), STATE_INT64 },
    { "urls", PLACE(emulator, url_serial), STATE_UINT64 },
    { "spool", PLACE(emulator, spool.end), STATE_INT64 },
};

static const struct state_number token_numbers[] = {
    { "expires", PLACE(token, expires_ms), STATE_INT64 },
    { "revoked", PLACE(token, is_revoked), STATE_BOOL },
};

static const struct state_number session_numbers[] = {
    { "parent", PLACE(session, target.parent), STATE_UINT32 },
    { "item", PLACE(session, target.item), STATE_UINT32 },
    { "created", PLACE(session, times.created_ms), STATE_INT64 },
    { "modified", PLACE(session, times.modified_ms), STATE_INT64 },
    { "etag", PLACE(session, etag), STATE_INT64 },
    { "total", PLACE(session, total), STATE_INT64 },
    { "received", PLACE(session, received), STATE_INT64 },
    { "offset", PLACE(session, offset), STATE_INT64 },
    { "expires", PLACE(session, expires_ms), STATE_INT64 },
    { "ends", PLACE(session, ends_ms), STATE_INT64 },
    { "deferred", PLACE(session, is_deferred), STATE_BOOL },
    { "odd", PLACE(session, has_odd_fragment), STATE_BOOL },
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static int64_t number_of(const void *object, const struct state_number *number)
{
    const char *place = (const char *)object + number->place;

    switch (number->type) {
    case STATE_INT64:
        return *(const int64_t *)(const void *)place;
    case STATE_UINT64:
        return (int64_t) * (const uint64_t *)(const void *)place;
    case STATE_UINT32:
        return *(const uint32_t *)(const void *)place;
    case STATE_BOOL:
        return *(const bool *)(const void *)place;
    }
    return 0;
}

void state_write_numbers(struct json_writer *json, const void *object,
                         const struct state_number *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (number_of(object, &numbers[i]))
            json_number(json, numbers[i].name, number_of(object, &numbers[i]));
}

void state_read_numbers(struct json_object *source, void *object,
                        const struct state_number *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *place = (char *)object + numbers[i].place;
        int64_t number = field_number(source, numbers[i].name, 0);

        switch (numbers[i].type) {
        case STATE_INT64:
            *(int64_t *)(void *)place = number;
            break;
        case STATE_UINT64:
            *(uint64_t *)(void *)place = (uint64_t)number;
            break;
        case STATE_UINT32:
            *(uint32_t *)(void *)place = (uint32_t)number;
            break;
        case STATE_BOOL:
            *(bool *)(void *)place = number != 0;
            break;
        }
    }
}

static char *path_of(const struct emulator *emulator, const char *name)
{
    struct buffer path = { 0 };

    if (!emulator->options->state_dir)
        return NULL;
    buffer_addf(&path, "%s/%s", emulator->options->state_dir, name);
    return path.data;
}

char *state_spool_path(const struct emulator *emulator)
{
    return path_of(emulator, "contents");
}

static void write_tokens(struct json_writer *json, const char *name, const struct tokens *tokens)
{
    json_begin_array(json, name);
    for (size_t i = 0; i < tokens->count; i++) {
        const struct token *token = &tokens->list[i];

        json_begin_object(json, NULL);
        json_string(json, "text", token->text);
        json_string(json, "client", token->client_id);
        json_string(json, "scope", token->scope);
        state_write_numbers(json, token, token_numbers, COUNT(token_numbers));
        json_end_object(json);
    }
    json_end_array(json);
}

static void read_tokens(struct json_object *list, struct tokens *tokens)
{
    for (size_t i = 0; list && i < json_object_array_length(list); i++) {
        struct json_object *source = json_object_array_get_idx(list, i);
        const char *client_id = field_text(source, "client", NULL);
        struct token token = { .text = mem_strdup(field_text(source, "text", "")),
                               .client_id = client_id ? mem_strdup(client_id) : NULL,
                               .scope = mem_strdup(field_text(source, "scope", "")) };

        state_read_numbers(source, &token, token_numbers, COUNT(token_numbers));
        MEM_GROW(tokens->list, tokens->count, tokens->capacity);
        tokens->list[tokens->count++] = token;
    }
}

static void write_sessions(struct json_writer *json, const struct emulator *emulator)
{
    json_begin_array(json, "sessions");
    for (const struct session *session = emulator->sessions.first; session;
         session = session->next) {
        if (session->is_over)
            continue;
        json_begin_object(json, NULL);
        json_string(json, "key", session->key);
        json_string(json, "guid", session->guid);
        json_string(json, "name", session->target.name);
        json_number(json, "drive", session->target.drive - emulator->drives);
        json_number(json, "conflict", session->conflict);
        state_write_numbers(json, session, session_numbers, COUNT(session_numbers));
        json_end_object(json);
    }
    json_end_array(json);
}

/* The hashes go on where they were by reading what there is. */
static void hash_again(const struct emulator *emulator, struct session *session)
{
    char chunk[1 << 16];

    for (int64_t done = 0; done < session->received;) {
        int64_t left = session->received - done;
        size_t size = left < (int64_t)sizeof chunk ? (size_t)left : sizeof chunk;

        spool_read(&emulator->spool, session->offset + done, chunk, size);
        hashing_update(&session->hashing, chunk, size);
        done += (int64_t)size;
    }
}

static void read_sessions(struct emulator *emulator, struct json_object *list)
{
    for (size_t i = 0; list && i < json_object_array_length(list); i++) {
        struct json_object *source = json_object_array_get_idx(list, i);
        int64_t drive = field_number(source, "drive", 0);
        struct target target = { .drive = &emulator->drives[drive],
                                 .name = mem_strdup(field_text(source, "name", "")) };
        struct session *session = session_begin(emulator, &target);

        (void)snprintf(session->key, sizeof session->key, "%s", field_text(source, "key", ""));
        (void)snprintf(session->guid, sizeof session->guid, "%s", field_text(source, "guid", ""));
        session->conflict = (enum conflict)field_number(source, "conflict", 0);
        state_read_numbers(source, session, session_numbers, COUNT(session_numbers));
        hash_again(emulator, session);
    }
}

static struct json_object *member(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;

    json_object_object_get_ex(object, name, &value);
    return json_object_is_type(value, json_type_array) ? value : NULL;
}

/* Takes over what was read; what is wrong with it, or NULL. */
static const char *take(struct emulator *emulator, struct json_object *source)
{
    struct json_object *drives = member(source, "drives");

    if (field_number(source, "format", 0) != STATE_FORMAT || !drives ||
        json_object_array_length(drives) != (size_t)emulator->drive_count)
        return "not a state of this emulator";
    if (field_number(source, "profile", -1) != (int64_t)emulator->options->profile ||
        field_number(source, "seed", -1) != (int64_t)emulator->options->seed)
        return "the state of another profile or seed";
    for (int i = 0; i < emulator->drive_count; i++)
        if (state_read_drive(emulator, &emulator->drives[i],
                             json_object_array_get_idx(drives, (size_t)i)) < 0)
            return "a drive in it is damaged";
    read_tokens(member(source, "access"), &emulator->auth.access);
    read_tokens(member(source, "refresh"), &emulator->auth.refresh);
    read_sessions(emulator, member(source, "sessions"));
    state_read_numbers(source, emulator, emulator_numbers, COUNT(emulator_numbers));
    if (emulator->options->start_number)
        emulator->start_number = (uint32_t)emulator->options->start_number;
    return NULL;
}

int state_load(struct emulator *emulator)
{
    char *path = path_of(emulator, "state.json");
    struct json_object *source = NULL;
    const char *wrong = NULL;
    bool is_there = path && access(path, F_OK) == 0;

    if (is_there) {
        source = json_object_from_file(path);
        wrong = source ? take(emulator, source) : "no JSON";
        json_object_put(source);
        if (wrong)
            (void)fprintf(stderr, "graph-emulator: %s: %s\n", path, wrong);
    }
    free(path);
    return wrong ? -1 : is_there;
}

/* Lets come what would have come later. */
static void finish(struct emulator *emulator)
{
    for (size_t i = 0; i < emulator->copies.count; i++)
        emulator->copies.list[i].due_ms = 0;
    for (size_t i = 0; i < emulator->later.count; i++)
        emulator->later.tags[i].due_ms = 0;
    copies_run(emulator);
    later_run(emulator);
    for (int i = 0; i < emulator->drive_count; i++)
        drive_settle(&emulator->drives[i], INT64_MAX);
}

static int write_file(const char *path, const struct buffer *text)
{
    struct buffer temporary = { 0 };
    FILE *file;
    int result = -1;

    buffer_addf(&temporary, "%s.new", path);
    file = fopen(temporary.data, "we");
    if (file) {
        bool is_written = fwrite(text->data, 1, text->length, file) == text->length;

        if (fclose(file) == 0 && is_written && rename(temporary.data, path) == 0)
            result = 0;
    }
    if (result < 0)
        (void)fprintf(stderr, "graph-emulator: %s: %m\n", path);
    buffer_free(&temporary);
    return result;
}

int state_save(struct emulator *emulator)
{
    char *path = path_of(emulator, "state.json");
    struct buffer text = { 0 };
    struct json_writer json = { .out = &text };
    int result;

    if (!path)
        return 0;
    finish(emulator);
    json_begin_object(&json, NULL);
    json_number(&json, "format", STATE_FORMAT);
    json_number(&json, "profile", emulator->options->profile);
    json_number(&json, "seed", (int64_t)emulator->options->seed);
    state_write_numbers(&json, emulator, emulator_numbers, COUNT(emulator_numbers));
    write_tokens(&json, "access", &emulator->auth.access);
    write_tokens(&json, "refresh", &emulator->auth.refresh);
    write_sessions(&json, emulator);
    json_begin_array(&json, "drives");
    for (int i = 0; i < emulator->drive_count; i++) {
        json_begin_object(&json, NULL);
        state_write_drive(&json, &emulator->drives[i]);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_end_object(&json);
    result = write_file(path, &text);
    buffer_free(&text);
    free(path);
    return result;
}
