/* SPDX-License-Identifier: MIT */
/*
 * Upload sessions: which there are, for how long, and their URLs. While one lives nobody else gets
 * one for the same name, so a client that forgets its sessions shuts itself out. What comes in is
 * in fragment.c.
 */
#include "session.h"

#include <stdlib.h>
#include <string.h>

#include "download.h"
#include "emulator.h"
#include "ids.h"
#include "link.h"
#include "memory.h"
#include "names.h"
#include "request.h"
#include "spool.h"

#define MINUTE_MS ((int64_t)60 * 1000)
#define DAY_MS    (24 * 60 * MINUTE_MS)

static const char legacy_path[] = SESSION_LEGACY_PATH, tempauth[] = "tempauth=";

/* How long an idle session lives. The legacy service counts from its beginning. */
static int64_t life_ms(const struct emulator *emulator)
{
    const struct options *options = emulator->options;

    if (options->session_ttl_ms)
        return options->session_ttl_ms;
    return options->profile == PROFILE_CONSUMER_LEGACY ? 5 * DAY_MS : 15 * MINUTE_MS;
}

struct session *session_begin(struct emulator *emulator, struct target *target)
{
    struct sessions *sessions = &emulator->sessions;
    struct session *session = mem_zalloc(sizeof *session);
    int64_t now_ms = clock_now_ms(&emulator->clock);

    random_hex(&emulator->random, session->key, SESSION_KEY_SIZE - 1);
    random_uuid(&emulator->random, session->guid);
    session->target = *target;
    target->name = NULL;
    session->etag = session->total = -1;
    session->expires_ms = now_ms + life_ms(emulator);
    session->ends_ms = emulator->options->profile == PROFILE_CONSUMER_LEGACY ? session->expires_ms
                                                                             : now_ms + DAY_MS;
    hashing_begin(&session->hashing, target->drive->profile != PROFILE_BUSINESS);
    session->next = sessions->first;
    sessions->first = session;
    return session;
}

static void drop_bytes(struct emulator *emulator, struct session *session)
{
    if (session->total > 0)
        spool_release(&emulator->spool, session->offset, session->total);
    hashing_clear(&session->hashing);
}

/* Notices what expired meanwhile. */
static void sweep(struct emulator *emulator)
{
    int64_t now_ms = clock_now_ms(&emulator->clock);

    for (struct session *session = emulator->sessions.first; session; session = session->next) {
        if (session->is_over || (now_ms < session->expires_ms && now_ms < session->ends_ms))
            continue;
        session->is_over = true;
        drop_bytes(emulator, session);
    }
}

struct session *session_find(struct emulator *emulator, const char *key)
{
    sweep(emulator);
    for (struct session *session = emulator->sessions.first; session; session = session->next)
        if (strcmp(session->key, key) == 0)
            return session;
    return NULL;
}

struct session *session_find_name(struct emulator *emulator, const struct target *target)
{
    sweep(emulator);
    for (struct session *session = emulator->sessions.first; session; session = session->next)
        if (!session->is_over && session->target.drive == target->drive &&
            session->target.parent == target->parent &&
            names_compare(session->target.name, target->name) == 0)
            return session;
    return NULL;
}

void session_slide(struct emulator *emulator, struct session *session)
{
    int64_t end_ms = clock_now_ms(&emulator->clock) + life_ms(emulator);

    if (emulator->options->profile != PROFILE_CONSUMER_LEGACY)
        session->expires_ms = end_ms < session->ends_ms ? end_ms : session->ends_ms;
}

static void session_free(struct session *session)
{
    target_clear(&session->target);
    hashing_clear(&session->hashing);
    free(session);
}

void session_end(struct emulator *emulator, struct session *session, bool has_content)
{
    struct session **place = &emulator->sessions.first;

    while (*place != session)
        place = &(*place)->next;
    *place = session->next;
    if (!has_content && !session->is_over)
        drop_bytes(emulator, session);
    session_free(session);
}

void sessions_clear(struct sessions *sessions)
{
    for (struct session *session = sessions->first, *next; session; session = next) {
        next = session->next;
        session_free(session);
    }
    sessions->first = NULL;
}

void session_add_url(const struct request *request, const struct session *session,
                     struct buffer *url)
{
    const struct drive *drive = session->target.drive;

    download_add_origin(request, url);
    if (drive->profile == PROFILE_CONSUMER_LEGACY) {
        buffer_addf(url, "%s%s/", legacy_path, drive->id);
        link_add_value(url, session->key);
        return;
    }
    buffer_addf(url, "/personal/%s/_api/v2.0/drives/",
                drive->profile == PROFILE_BUSINESS ? "alex_contoso_com" : drive->id);
    buffer_add_url(url, drive->id, "!");
    buffer_addf(url, "/items/root/uploadSession?guid='%s'&overwrite=%s&rename=%s&dc=%d&%s",
                session->guid, session->conflict == CONFLICT_REPLACE ? "True" : "False",
                session->conflict == CONFLICT_RENAME ? "True" : "False", session->is_deferred,
                tempauth);
    link_add_value(url, session->key);
}

bool session_read_url(const char *url, char ret_key[SESSION_KEY_SIZE])
{
    const char *value = strstr(url, "/uploadSession?"), *legacy = strstr(url, legacy_path);
    char *key;
    bool is_key;

    if (value)
        value = strstr(value, tempauth);
    if (value)
        value += sizeof tempauth - 1;
    else if (legacy && strchr(legacy + sizeof legacy_path - 1, '/'))
        value = strchr(legacy + sizeof legacy_path - 1, '/') + 1;
    if (!value)
        return false;
    key = link_read_value(value, strchr(value, '&') ? '&' : '\0');
    is_key = key && strlen(key) == SESSION_KEY_SIZE - 1;
    if (is_key)
        memcpy(ret_key, key, SESSION_KEY_SIZE);
    free(key);
    return is_key;
}
