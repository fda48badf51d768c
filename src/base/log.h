/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_BASE_LOG_H
#define GRAPHFS_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * The log: a line per message, "time level module: text", to stderr or to a file. All functions
 * are thread safe. Nothing secret may go in: pass URLs through log_redact_url. Control characters
 * in a message are replaced, so the server can't forge lines or send escapes to a terminal.
 *
 * A function either logs a failure or returns it, never both.
 */

enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARN,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
};

/* log_error("sync", "fmt", ...) and so on: log at that level; below the level set, nothing is
 * evaluated. */
#define log_error(module, ...) LOG_AT(LOG_LEVEL_ERROR, module, __VA_ARGS__)
#define log_warn(module, ...)  LOG_AT(LOG_LEVEL_WARN, module, __VA_ARGS__)
#define log_info(module, ...)  LOG_AT(LOG_LEVEL_INFO, module, __VA_ARGS__)
#define log_debug(module, ...) LOG_AT(LOG_LEVEL_DEBUG, module, __VA_ARGS__)

#define LOG_AT(level, module, ...)                                                                 \
    do {                                                                                           \
        if (log_enabled(level))                                                                    \
            log_message((level), (module), __VA_ARGS__);                                           \
    } while (0)

/* log_set_level(level): What is less urgent than ${level} is dropped. At start: INFO. */
void log_set_level(enum log_level level);

/* log_enabled(level): Whether a message of ${level} would be written. */
bool log_enabled(enum log_level level);

/* log_level_from_name(name, ret_level): "error", "warn", "info" or "debug"; else -EINVAL. */
int log_level_from_name(const char *name, enum log_level *ret_level);

/*
 * log_open_file(path, max_bytes, err):
 * Sends the log to the end of the file ${path} (mode 0600) from now on. When the file would pass
 * ${max_bytes} it is renamed to ${path}.old, replacing the one before, so that both together stay
 * below twice that. Returns -errno, and logs as before, if the file can't be opened.
 */
int log_open_file(const char *path, size_t max_bytes, struct err *err);

/* log_close(): Closes the file, if there is one; the log goes to stderr again. */
void log_close(void);

/* log_message(level, module, fmt, ...): Writes one line. The macros above are the way to call it.
 */
void log_message(enum log_level level, const char *module, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * log_redact_url(url, out, size):
 * Copies ${url} to ${out} without what may be secret: user and password, query, fragment, and path
 * segments longer than any id (personal OneDrive puts the token of a download there). Cut to fit.
 * Returns ${out}.
 */
const char *log_redact_url(const char *url, char *out, size_t size);

#endif
