/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_REQUEST_LOG_H
#define EMULATOR_REQUEST_LOG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json_writer;
struct request;
struct response;
struct buffer;

struct request_count {
    char *name; /* "GET /drives/{id}/root" */
    int64_t count;
};

/* What was asked of the service, without the control requests. Guarded by the world lock. */
struct request_log {
    FILE *file;
    char **lines; /* a JSON text each; the oldest are dropped */
    size_t first; /* sequence number of lines[0] */
    size_t count;
    size_t capacity;
    struct request_count *counts;
    size_t count_count;
    size_t count_capacity;
    int64_t total;
    int64_t content;
    int64_t login;
    int64_t bearer_on_content;
};

/* `path` may be NULL. Returns 0, or -1 after a message on stderr. */
int request_log_open(struct request_log *log, const char *path);
void request_log_close(struct request_log *log);

/* Counts a request as it arrives. */
void request_log_arrival(struct request *request);

/* Writes the line of a request whose answer is decided. */
void request_log_answer(struct request *request, const struct response *response);

void request_log_write_counts(const struct request_log *log, struct json_writer *json);
void request_log_reset_counts(struct request_log *log);

/* Adds the lines from sequence number `since` on. */
void request_log_write_lines(const struct request_log *log, size_t since, struct buffer *out);

#endif
