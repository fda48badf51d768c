/* SPDX-License-Identifier: MIT */
/*
 * The request log: what tests assert about the wire. A request is counted when it arrives, so one
 * that stalls is seen at once; its line is written when its answer is decided, before the first
 * byte of it leaves, so that whoever has an answer finds its line. A batch is one request on the
 * wire and has one line; what is in it is counted by its own name only. Tokens are left out.
 */
#include "request_log.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "copy.h"
#include "download.h"
#include "json_writer.h"
#include "memory.h"
#include "request.h"
#include "session.h"

enum { LINES_MAX = 200000 };

int request_log_open(struct request_log *log, const char *path)
{
    if (!path)
        return 0;
    log->file = fopen(path, "we");
    if (!log->file) {
        (void)fprintf(stderr, "graph-emulator: %s: %m\n", path);
        return -1;
    }
    setlinebuf(log->file);
    return 0;
}

void request_log_close(struct request_log *log)
{
    if (log->file)
        (void)fclose(log->file);
    for (size_t i = 0; i < log->count; i++)
        free(log->lines[i]);
    free(log->lines);
    request_log_reset_counts(log);
    free(log->counts);
}

static const char *host_of(const struct request *request)
{
    return request->origin == ORIGIN_CONTENT ? "content"
           : request_is_login(request)       ? "login"
                                             : "api";
}

void request_log_arrival(struct request *request)
{
    struct request_log *log = &request->emulator->log;
    struct buffer name = { 0 };
    size_t i = 0;

    buffer_addf(&name, "%s %s", request->method, buffer_text(&request->pattern));
    while (i < log->count_count && strcmp(log->counts[i].name, name.data) != 0)
        i++;
    if (i == log->count_count) {
        MEM_GROW(log->counts, log->count_count, log->count_capacity);
        log->counts[log->count_count++] =
            (struct request_count){ .name = mem_strdup(name.data), .count = 0 };
    }
    buffer_free(&name);
    log->counts[i].count++;
    if (request->is_inner)
        return;
    log->total++;
    log->content += request->origin == ORIGIN_CONTENT;
    log->login += request_is_login(request);
    log->bearer_on_content +=
        request->origin == ORIGIN_CONTENT && pairs_get(&request->headers, "Authorization");
}

static bool begins(const char *path, const char *begin)
{
    return strncmp(path, begin, strlen(begin)) == 0;
}

/* Some URLs have their secret in the path, up to its end or before a name. */
static void add_path(struct buffer *out, const struct request *request)
{
    static const struct {
        const char *begin;
        bool has_name;
    } secret[] = {
        { DOWNLOAD_LEGACY_PATH, true },
        { SESSION_LEGACY_PATH, false },
        { MONITOR_PATH, false },
        { MONITOR_LEGACY_PATH, false },
    };

    const char *path = request->path;

    for (size_t i = 0; i < sizeof secret / sizeof secret[0]; i++)
        if (request->origin == ORIGIN_CONTENT && begins(path, secret[i].begin)) {
            path += strlen(secret[i].begin);
            buffer_addf(out, "%sREDACTED%s", secret[i].begin,
                        secret[i].has_name ? path + strcspn(path, "/") : "");
            return;
        }
    buffer_add_text(out, path);
}

/* The path without what is secret in it, with the names of the query. */
static void write_path(struct json_writer *json, const struct request *request)
{
    struct buffer path = { 0 };
    char mark = '?';

    add_path(&path, request);
    for (size_t i = 0; i < request->query.count; i++, mark = '&') {
        const struct pair *pair = &request->query.list[i];
        bool is_secret = strcasestr(pair->name, "token") || strcasestr(pair->name, "auth");

        buffer_addf(&path, "%c%s=%s", mark, pair->name, is_secret ? "REDACTED" : pair->value);
    }
    json_string(json, "path", path.data);
    buffer_free(&path);
}

static void keep_line(struct request_log *log, char *line)
{
    if (log->count == LINES_MAX) {
        size_t dropped = LINES_MAX / 10;

        for (size_t i = 0; i < dropped; i++)
            free(log->lines[i]);
        memmove(log->lines, log->lines + dropped, (log->count - dropped) * sizeof *log->lines);
        log->first += dropped;
        log->count -= dropped;
    }
    MEM_GROW(log->lines, log->count, log->capacity);
    log->lines[log->count++] = line;
}

void request_log_answer(struct request *request, const struct response *response)
{
    struct request_log *log = &request->emulator->log;
    struct buffer line = { 0 };
    struct json_writer json = { .out = &line };
    const char *authorization = pairs_get(&request->headers, "Authorization");
    int64_t bytes = response_length(response);
    char now[TIME_TEXT_SIZE];

    if (request->is_inner)
        return;
    if (response->cut_at >= 0 && response->cut_at < bytes)
        bytes = response->cut_at;
    time_format(clock_now_ms(&request->emulator->clock), true, now);
    json_begin_object(&json, NULL);
    json_number(&json, "seq", (int64_t)(log->first + log->count));
    json_string(&json, "t", now);
    json_string(&json, "host", host_of(request));
    json_string(&json, "method", request->method);
    write_path(&json, request);
    json_string(&json, "template", buffer_text(&request->pattern));
    json_number(&json, "status", response->is_closed ? 0 : response->status);
    json_number(&json, "bytes", response->is_closed ? 0 : bytes);
    json_string(&json, "http_version", request->http_version);
    json_string(&json, "via", pairs_get(&request->headers, "Via"));
    json_boolean(&json, "bearer", authorization && strncasecmp(authorization, "Bearer ", 7) == 0);
    json_boolean(&json, "authorization", authorization);
    json_string(&json, "range", pairs_get(&request->headers, "Range"));
    json_string(&json, "content_range", pairs_get(&request->headers, "Content-Range"));
    json_string(&json, "client_request_id", pairs_get(&request->headers, "client-request-id"));
    json_string(&json, "accept_encoding", pairs_get(&request->headers, "Accept-Encoding"));
    if (request->inner.length)
        json_string(&json, "inner", request->inner.data);
    json_end_object(&json);
    if (log->file)
        (void)fprintf(log->file, "%s\n", line.data);
    keep_line(log, line.data);
}

void request_log_write_counts(const struct request_log *log, struct json_writer *json)
{
    json_number(json, "total", log->total);
    json_number(json, "content", log->content);
    json_number(json, "login", log->login);
    json_number(json, "bearer_on_content", log->bearer_on_content);
    json_begin_object(json, "counts");
    for (size_t i = 0; i < log->count_count; i++)
        json_number(json, log->counts[i].name, log->counts[i].count);
    json_end_object(json);
}

void request_log_reset_counts(struct request_log *log)
{
    for (size_t i = 0; i < log->count_count; i++)
        free(log->counts[i].name);
    log->count_count = 0;
    log->total = log->content = log->login = log->bearer_on_content = 0;
}

void request_log_write_lines(const struct request_log *log, size_t since, struct buffer *out)
{
    for (size_t i = since > log->first ? since - log->first : 0; i < log->count; i++) {
        buffer_add_text(out, log->lines[i]);
        buffer_add_char(out, '\n');
    }
}
