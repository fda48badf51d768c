/* SPDX-License-Identifier: MIT */
/*
 * File contents. The Graph host only redirects; the bytes come from another origin, by a URL whose
 * token says which item it is for and until when. The token is signed, not stored: listings hand
 * out one for each file.
 */
#include "download.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ids.h"
#include "items.h"
#include "link.h"
#include "memory.h"
#include "mime.h"
#include "oddity.h"
#include "request.h"

enum { GZIP_MAX = 4 << 20 };

#define LEGACY_CACHE_MS ((int64_t)90 * 24 * 3600 * 1000)

struct url_token {
    unsigned drive;
    uint32_t item;
    uint32_t version;
    uint64_t expires_ms;
    uint64_t serial;
};

static uint64_t seal(const struct emulator *emulator, const struct url_token *token)
{
    uint64_t hash = emulator->url_key;
    const uint64_t parts[] = { token->drive, token->item, token->version, token->expires_ms,
                               token->serial };

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        hash = random_mix(hash ^ (parts[i] + 0x9e3779b97f4a7c15u));
    return hash;
}

/* The content origin: what the options say, or under the name by which the client knows this
 * machine. */
void download_add_origin(const struct request *request, struct buffer *url)
{
    const char *host = strstr(request->base_url, "://");
    const char *colon = strrchr(request->base_url, ':');
    size_t length = strlen(request->base_url);

    if (request->emulator->options->content_url) {
        buffer_add_text(url, request->emulator->options->content_url);
        return;
    }
    if (host && colon > host && !strchr(colon, ']'))
        length = (size_t)(colon - request->base_url);
    buffer_addf(url, "%.*s:%u", (int)length, request->base_url,
                (unsigned)request->emulator->content_port);
}

void download_add_url(const struct request *request, const struct drive *drive, uint32_t item,
                      uint32_t version, struct buffer *url)
{
    struct emulator *emulator = request->emulator;
    struct url_token token = {
        .drive = (unsigned)(drive - emulator->drives),
        .item = item,
        .version = version,
        .expires_ms = (uint64_t)(clock_now_ms(&emulator->clock) + emulator->options->url_ttl_ms),
        .serial = emulator->url_serial++,
    };
    char text[96], guid[GUID_SIZE];
    struct buffer value = { 0 };

    (void)snprintf(text, sizeof text, "%x_%" PRIx32 "_%" PRIx32 "_%" PRIx64 "_%" PRIx64 "_%" PRIx64,
                   token.drive, token.item, token.version, token.expires_ms, token.serial,
                   seal(emulator, &token));
    link_add_value(&value, text);
    download_add_origin(request, url);
    if (drive->profile == PROFILE_CONSUMER_LEGACY) {
        buffer_addf(url, DOWNLOAD_LEGACY_PATH "%s/", value.data);
        buffer_add_url(url, drive->items[item].now.name, "");
    } else {
        ids_guid(drive, item, false, guid);
        buffer_addf(url,
                    "/personal/%s/_layouts/15/download.aspx?UniqueId=%s&Translate=false&"
                    "tempauth=%s&ApiVersion=2.0",
                    drive->profile == PROFILE_BUSINESS ? "alex_contoso_com" : drive->id, guid,
                    value.data);
    }
    buffer_free(&value);
}

void download_get_redirect(struct request *request, struct response *response)
{
    const struct oddity *oddity;
    struct buffer url = { 0 };
    struct place place;
    char tag[TAG_SIZE];
    const char *known_tag = pairs_get(&request->headers, "If-None-Match");

    if (!items_find(request, response, VIEW_ITEM, &place))
        return;
    oddity = place.drive->items[place.item].oddity;
    if (oddity && oddity->is_malware) {
        response_error(request, response, 403, "malwareDetected",
                       "The file is infected and can't be downloaded.", "malwareDetected");
        return;
    }
    if (!place.state->blob) {
        response_error(request, response, 400, "invalidRequest",
                       "You cannot get content for a folder", NULL);
        return;
    }
    ids_etag(place.drive, place.item, place.state, tag);
    response_header(response, "Cache-Control", "no-store");
    response->status = 302;
    if (known_tag && strcmp(known_tag, tag) == 0) {
        response->status = 304;
        return;
    }
    download_add_url(request, place.drive, place.item, 0, &url);
    response_header(response, "Location", "%s", url.data);
    buffer_free(&url);
}

/* The token in the URL; NULL if there is none, or it was not left as it was given. */
static char *read_url(const struct request *request)
{
    return strncmp(request->path, DOWNLOAD_LEGACY_PATH, sizeof DOWNLOAD_LEGACY_PATH - 1) == 0
               ? link_read_value(request->path + sizeof DOWNLOAD_LEGACY_PATH - 1, '/')
               : link_read_option(request, "tempauth");
}

/* Finds the token in the URL; false if there is none that was made here. */
static bool parse_url(const struct request *request, struct url_token *token)
{
    enum { FIELDS = 6 };

    char *text = read_url(request);
    uint64_t fields[FIELDS];
    int count = 0;

    for (char *next = text, *end; next && count < FIELDS; next = *end == '_' ? end + 1 : NULL) {
        fields[count] = strtoull(next, &end, 16);
        if (end == next || (*end && *end != '_'))
            break;
        count++;
    }
    free(text);
    if (count < FIELDS)
        return false;
    *token = (struct url_token){ .drive = (unsigned)fields[0],
                                 .item = (uint32_t)fields[1],
                                 .version = (uint32_t)fields[2],
                                 .expires_ms = fields[3],
                                 .serial = fields[4] };
    return seal(request->emulator, token) == fields[5];
}

void download_expire_url(struct request *request)
{
    struct emulator *emulator = request->emulator;
    struct url_token token;

    if (!parse_url(request, &token))
        return;
    MEM_GROW(emulator->dead_urls, emulator->dead_url_count, emulator->dead_url_capacity);
    emulator->dead_urls[emulator->dead_url_count++] = token.serial;
}

static bool is_dead(const struct emulator *emulator, uint64_t serial)
{
    for (size_t i = 0; i < emulator->dead_url_count; i++)
        if (emulator->dead_urls[i] == serial)
            return true;
    return false;
}

/* Reads a Range header for `size` bytes. Returns 206 with the range, 416, or 200 for everything:
 * several ranges and what is no range at all are ignored. */
static unsigned parse_range(const char *text, int64_t size, int64_t *ret_first, int64_t *ret_last)
{
    long long first = -1, last = size - 1;
    char *end;

    if (!text || strncasecmp(text, "bytes=", 6) != 0 || strchr(text, ','))
        return 200;
    text += 6;
    if (*text == '-') {
        long long count = strtoll(text + 1, &end, 10);

        if (end == text + 1 || *end || count < 0)
            return 200;
        first = count > size ? 0 : size - count;
    } else {
        first = strtoll(text, &end, 10);
        if (end == text || *end != '-')
            return 200;
        if (end[1])
            last = strtoll(end + 1, &end, 10);
        if (last < first && first < size)
            return 200;
    }
    if (first >= size)
        return 416;
    *ret_first = first;
    *ret_last = last >= size ? size - 1 : last;
    return 206;
}

static struct blob *find_version(const struct item *item, uint32_t number)
{
    if (!number || number == item->version)
        return item->now.blob;
    for (const struct version *version = item->versions; version; version = version->older)
        if (version->number == number)
            return version->blob;
    return NULL;
}

/* What the legacy host said besides: a place for caches that is nobody's own, and until when. */
static void add_legacy_headers(const struct request *request, struct response *response,
                               const struct drive *drive, uint32_t number)
{
    int64_t now_ms = clock_now_ms(&request->emulator->clock);
    char tag[TAG_SIZE], time[TIME_TEXT_SIZE];

    time_format_http(now_ms + LEGACY_CACHE_MS, time);
    ids_ctag(drive, number, &drive->items[number].now, tag);
    response_header(response, "Cache-Control", "public");
    response_header(response, "Content-Location", "%s%s", request->base_url, request->path);
    response_header(response, "Expires", "%s", time);
    response_header(response, "ctag", "%s", tag);
}

static void add_content_headers(const struct request *request, struct response *response,
                                const struct drive *drive, uint32_t number)
{
    const struct state *state = &drive->items[number].now;
    struct buffer name = { 0 };
    char tag[TAG_SIZE], time[TIME_TEXT_SIZE];

    ids_etag(drive, number, state, tag);
    time_format_http(state->changed_ms, time);
    buffer_add_url(&name, state->name, "");
    if (drive->profile == PROFILE_CONSUMER_LEGACY)
        add_legacy_headers(request, response, drive, number);
    else
        response_header(response, "Cache-Control", "private, max-age=0");
    response_header(response, "X-Content-Type-Options", "nosniff");
    response_header(response, "Content-Type", "%s", mime_type(state->name));
    response_header(response, "Content-Disposition", "attachment; filename*=UTF-8''%s", name.data);
    response_header(response, "Last-Modified", "%s", time);
    response_header(response, "Accept-Ranges", "bytes");
    response_header(response, "ETag", "%s", tag);
    buffer_free(&name);
}

/* The legacy host compresses whatever it serves whole. */
static void allow_gzip(struct response *response)
{
    response->body.data = mem_zalloc((size_t)response->blob_length + 1);
    response->body.capacity = (size_t)response->blob_length + 1;
    response->body.length =
        blob_read(response->blob, 0, response->body.data, (size_t)response->blob_length);
    response->blob = NULL;
    response->may_pack = true;
}

static void serve_blob(struct request *request, struct response *response,
                       const struct drive *drive, uint32_t number, struct blob *blob)
{
    int64_t first = 0, last = blob->size - 1;
    unsigned status = parse_range(pairs_get(&request->headers, "Range"), blob->size, &first, &last);

    if (status == 416) {
        response_error(request, response, 416, "invalidRange", "The range is not satisfiable.",
                       NULL);
        response_header(response, "Content-Range", "bytes */%" PRId64, blob->size);
        return;
    }
    add_content_headers(request, response, drive, number);
    response->status = status;
    if (status == 206)
        response_header(response, "Content-Range", "bytes %" PRId64 "-%" PRId64 "/%" PRId64, first,
                        last, blob->size);
    response->blob = blob;
    response->blob_offset = first;
    response->blob_length = last - first + 1;
    if (request->emulator->options->bandwidth)
        response->rate = request->emulator->options->bandwidth;
    if (drive->profile == PROFILE_CONSUMER_LEGACY && status == 200 && blob->size <= GZIP_MAX)
        allow_gzip(response);
}

void download_serve(struct request *request, struct response *response)
{
    struct emulator *emulator = request->emulator;
    struct url_token token;

    if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
        response_error(request, response, 405, "notAllowed", "Method not allowed", NULL);
        return;
    }
    if (pairs_get(&request->headers, "Authorization") && !emulator->options->forgives_bearer) {
        response_error(request, response, 401, "unauthenticated",
                       "A preauthenticated URL takes no Authorization header.", NULL);
        return;
    }
    if (!parse_url(request, &token)) {
        char *text = read_url(request);

        if (text)
            response_error(request, response, 404, "itemNotFound", "Item not found", NULL);
        else
            response_error(request, response, 400, "invalidRequest", "The URL is malformed.", NULL);
        free(text);
        return;
    }
    if ((uint64_t)clock_now_ms(&emulator->clock) > token.expires_ms) {
        response_error(request, response, 401, "unauthenticated", "The URL has expired.",
                       "expiredToken");
        return;
    }
    if (is_dead(emulator, token.serial)) {
        response_error(request, response, 403, "accessDenied", "The URL has expired.", NULL);
        return;
    }

    const struct drive *drive = &emulator->drives[token.drive];
    const struct item *item = &drive->items[token.item];
    struct blob *blob = item->now.is_deleted ? NULL : find_version(item, token.version);

    if (blob)
        serve_blob(request, response, drive, token.item, blob);
    else
        response_error(request, response, 404, "itemNotFound", "Item not found", NULL);
}
