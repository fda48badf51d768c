/* SPDX-License-Identifier: MIT */
/*
 * Where log lines go. There is one log per process, so this is one of the two places with state at
 * file scope (the other is the flag that signals set).
 *
 * A line is composed on the stack, without the lock, and written by a single write: lines of
 * several threads, and of several processes that append to one file, don't mix. To the journal go
 * lines with its priority prefix and without a time, which it adds itself.
 */
#include "config.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/xalloc.h"

#define LINE_MAX_BYTES 1024

/* The longest path segment of a URL that is shown. Drive ids, the longest ids, have 66 bytes. */
#define SEGMENT_SHOWN_MAX 80

static const struct {
    const char *name;
    int journal_priority; /* as in syslog(3) */
} log_levels[] = {
    [LOG_LEVEL_ERROR] = { "error", 3 },
    [LOG_LEVEL_WARN] = { "warn", 4 },
    [LOG_LEVEL_INFO] = { "info", 6 },
    [LOG_LEVEL_DEBUG] = { "debug", 7 },
};

static _Atomic int log_level_now = LOG_LEVEL_INFO;

static struct {
    pthread_mutex_t lock;
    char *path;       /* lock; NULL: the log goes to stderr */
    int fd;           /* lock; valid if path is set */
    size_t size;      /* lock; of the file */
    size_t max_bytes; /* lock */
} log_file = { .lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1 };

void log_set_level(enum log_level level)
{
    atomic_store(&log_level_now, (int)level);
}

bool log_enabled(enum log_level level)
{
    return (int)level <= atomic_load(&log_level_now);
}

int log_level_from_name(const char *name, enum log_level *ret_level)
{
    for (size_t i = 0; i < sizeof log_levels / sizeof log_levels[0]; i++) {
        if (strcmp(name, log_levels[i].name) == 0) {
            *ret_level = (enum log_level)i;
            return 0;
        }
    }
    return -EINVAL;
}

static int open_for_append(const char *path, size_t *ret_size)
{
    cleanup_close int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0)
        return -errno;
    *ret_size = (size_t)st.st_size;
    return steal_fd(&fd);
}

int log_open_file(const char *path, size_t max_bytes, struct err *err)
{
    size_t size = 0;
    int fd = open_for_append(path, &size);

    if (fd < 0)
        return err_set_errno(err, fd, "%s", path);
    log_close();
    LOCKED(&log_file.lock);
    log_file.path = x_strdup(path);
    log_file.fd = fd;
    log_file.size = size;
    log_file.max_bytes = max_bytes;
    return 0;
}

void log_close(void)
{
    LOCKED(&log_file.lock);
    if (log_file.path) {
        (void)close(log_file.fd);
        free(steal_ptr(&log_file.path));
        log_file.fd = -1;
    }
}

/* Renames the full file and begins another. If that fails the old one goes on growing: a log that
 * is too long is better than none. Call with the lock held. */
static void log_rotate(void)
{
    cleanup_free char *old = x_asprintf("%s.old", log_file.path);
    size_t size = 0;
    int fd;

    if (rename(log_file.path, old) != 0)
        return;
    fd = open_for_append(log_file.path, &size);
    if (fd < 0)
        return;
    (void)close(log_file.fd);
    log_file.fd = fd;
    log_file.size = size;
}

/* Whether what is written to stderr goes to the journal: systemd says which device and inode that
 * is, and programs redirect stderr without knowing of the variable. */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;
    char *end;

    if (!stream || fstat(STDERR_FILENO, &st) != 0)
        return false;
    device = strtoull(stream, &end, 10);
    if (*end != ':')
        return false;
    inode = strtoull(end + 1, &end, 10);
    return *end == '\0' && device == st.st_dev && inode == st.st_ino;
}

static void log_write(const char *line, size_t len)
{
    LOCKED(&log_file.lock);
    if (log_file.path && log_file.size + len > log_file.max_bytes && log_file.size)
        log_rotate();
    /* There is nowhere to complain about a log that can't be written. */
    if (write(log_file.path ? log_file.fd : STDERR_FILENO, line, len) > 0 && log_file.path)
        log_file.size += len;
}

static bool log_is_to_file(void)
{
    LOCKED(&log_file.lock);
    return log_file.path;
}

/* "2026-11-24T10:15:30.123Z warn " or "<4>"; returns the length. */
static size_t put_prefix(char *out, size_t size, enum log_level level)
{
    int64_t now_ms = clock_real_ms(clock_system());
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm tm;
    size_t len;

    if (!log_is_to_file() && stderr_is_journal())
        return (size_t)snprintf(out, size, "<%d>", log_levels[level].journal_priority);
    len = strftime(out, size, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));
    return len + (size_t)snprintf(out + len, size - len, ".%03dZ %s ", (int)(now_ms % 1000),
                                  log_levels[level].name);
}

void log_message(enum log_level level, const char *module, const char *fmt, ...)
{
    char line[LINE_MAX_BYTES];
    size_t len = put_prefix(line, sizeof line, level), start = len;
    int saved_errno = errno;
    va_list args;

    (void)snprintf(line + len, sizeof line - len, "%s: ", module);
    len = strlen(line);
    errno = saved_errno; /* for %m */
    va_start(args, fmt);
    (void)vsnprintf(line + len, sizeof line - 1 - len, fmt, args);
    va_end(args);
    len = strlen(line);
    for (size_t i = start; i < len; i++) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7F)
            line[i] = '?';
    }
    line[len++] = '\n';
    log_write(line, len);
    errno = saved_errno;
}

/* Where the path of ${url} begins, and ${ret_host}: where the host does. */
static const char *url_path(const char *url, const char **ret_host)
{
    const char *authority = strstr(url, "://"), *at, *path;

    authority = authority ? authority + 3 : url;
    path = authority + strcspn(authority, "/?#");
    at = memrchr(authority, '@', (size_t)(path - authority));
    *ret_host = at ? at + 1 : authority;
    return path;
}

const char *log_redact_url(const char *url, char *out, size_t size)
{
    const char *host, *path = url_path(url, &host), *scheme_end = strstr(url, "://");
    int scheme_len = scheme_end && scheme_end < host ? (int)(scheme_end + 3 - url) : 0;
    size_t len;

    (void)snprintf(out, size, "%.*s%.*s", scheme_len, url, (int)(path - host), host);
    while (*path == '/') {
        size_t segment = strcspn(path + 1, "/?#");

        len = strlen(out);
        (void)snprintf(out + len, size - len, "/%.*s",
                       segment > SEGMENT_SHOWN_MAX ? 3 : (int)segment,
                       segment > SEGMENT_SHOWN_MAX ? "..." : path + 1);
        path += 1 + segment;
    }
    return out;
}
