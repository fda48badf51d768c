/* SPDX-License-Identifier: MIT */
/*
 * A request is held by its handle and by the work under way for it, so that a handle can be closed
 * early. At most one reader waits for the answer; it is a wait (wait.h) without a deadline.
 */
#include "config.h"

#include "fs/control_handle.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/json.h"
#include "base/kill_point.h"
#include "base/lock.h"
#include "base/xalloc.h"
#include "fs/evict.h"
#include "fs/notify.h"
#include "fs/pin.h"
#include "fs/pinner.h"
#include "fs/status.h"
#include "fs/wait.h"

enum { REQUEST_MAX_BYTES = 256, ANSWER_MAX_BYTES = 4 * 1024 * 1024 };

struct control_handle {
    LIST_ENTRY(control_handle) link; /* control's lock */
    struct control *control;         /* const after init */

    pthread_mutex_t lock; /* all below, to the blank line */
    unsigned holders;
    struct strbuf answer;
    size_t position; /* how much of it has been read */
    bool is_under_way;
    struct wait *reader;

    /* Whoever works for it. */
    ino_nr top;       /* what is to be sent */
    struct err error; /* of the first part of the work */
};

struct control {
    struct fs *fs; /* const after init */
    pthread_mutex_t lock;
    LIST_HEAD(, control_handle) handles; /* lock: all, so that the end of the mount frees them */
};

/* ---- life ---- */

struct control *control_new(struct fs *fs)
{
    struct control *control = x_calloc(1, sizeof *control);

    control->fs = fs;
    (void)pthread_mutex_init(&control->lock, NULL);
    LIST_INIT(&control->handles);
    return control;
}

static void handle_free(struct control_handle *handle)
{
    strbuf_clear(&handle->answer);
    (void)pthread_mutex_destroy(&handle->lock);
    free(handle);
}

void control_free(struct control *control)
{
    struct control_handle *handle, *next;

    if (!control)
        return;
    for (handle = LIST_FIRST(&control->handles); handle; handle = next) {
        next = LIST_NEXT(handle, link);
        handle_free(handle);
    }
    (void)pthread_mutex_destroy(&control->lock);
    free(control);
}

struct control_handle *control_handle_new(struct control *control)
{
    struct control_handle *handle = x_calloc(1, sizeof *handle);

    handle->control = control;
    handle->holders = 1;
    strbuf_init(&handle->answer, ANSWER_MAX_BYTES);
    (void)pthread_mutex_init(&handle->lock, NULL);
    LOCKED(&control->lock);
    LIST_INSERT_HEAD(&control->handles, handle, link);
    return handle;
}

static void let_go(struct control_handle *handle)
{
    unsigned holders;

    {
        LOCKED(&handle->lock);
        holders = --handle->holders;
    }
    if (holders > 0)
        return;
    {
        LOCKED(&handle->control->lock);
        LIST_REMOVE(handle, link);
    }
    handle_free(handle);
}

void control_handle_close(struct control_handle *handle)
{
    let_go(handle);
}

/* ---- the answer ---- */

/* Replies with the next part of the answer; takes the lock. */
static void reply_part(struct control_handle *handle, fuse_req_t req, size_t size)
{
    size_t left;

    LOCKED(&handle->lock);
    left = handle->answer.len - handle->position;
    if (size > left)
        size = left;
    (void)fuse_reply_buf(req, handle->answer.data + handle->position, size);
    handle->position += size;
}

static bool forget_reader(struct wait *wait)
{
    struct control_handle *handle = wait->handle;
    bool is_waiting;

    LOCKED(&handle->lock);
    is_waiting = handle->reader == wait;
    if (is_waiting)
        handle->reader = NULL;
    return is_waiting;
}

/* Ends the work: gives the answer to whoever waits for it. */
static void finish(struct control_handle *handle, const struct strbuf *answer)
{
    struct wait *reader;

    {
        LOCKED(&handle->lock);
        (void)strbuf_add(&handle->answer, answer->data, answer->len);
        handle->is_under_way = false;
        reader = handle->reader;
        handle->reader = NULL;
    }

    if (reader) {
        if (wait_claim(reader))
            reply_part(handle, reader->req, reader->size);
        wait_end(reader);
    }
    let_go(handle);
}

static void finish_with_result(struct control_handle *handle, const struct err *err)
{
    cleanup_strbuf struct strbuf answer;

    strbuf_init(&answer, ANSWER_MAX_BYTES);
    if (err) {
        (void)strbuf_addstr(&answer, "{\"ok\":false,\"error\":");
        json_add_string(&answer, err->msg);
        (void)strbuf_addstr(&answer, "}\n");
    } else {
        (void)strbuf_addstr(&answer, "{\"ok\":true}\n");
    }
    finish(handle, &answer);
}

static void on_sync_done(const struct err *err, void *handle)
{
    finish_with_result(handle, err);
}

/* ---- the requests ---- */

static void ask_status(struct control_handle *handle, const char *argument)
{
    cleanup_strbuf struct strbuf answer;

    (void)argument;
    strbuf_init(&answer, ANSWER_MAX_BYTES);
    status_write(handle->control->fs, &answer);
    finish(handle, &answer);
}

static void ask_confirm(struct control_handle *handle, const char *argument)
{
    (void)argument;
    sync_confirm_removals(handle->control->fs->conf.sync);
    finish_with_result(handle, NULL);
}

static void ask_confirm_deletes(struct control_handle *handle, const char *argument)
{
    (void)argument;
    sync_confirm_deletes(handle->control->fs->conf.sync);
    finish_with_result(handle, NULL);
}

/* The item that a request is about, by the number that stat tells. */
static int parse_item(struct control_handle *handle, const char *argument, ino_nr *ret,
                      struct err *err)
{
    const char *digits = argument ? argument : "";
    unsigned long long number;

    errno = 0;
    number = strtoull(digits, NULL, 10);
    if (*digits == '\0' || digits[strspn(digits, "0123456789")] != '\0' || errno != 0)
        return err_set(err, -EINVAL, "the request wants an item's number");
    *ret = fs_row(handle->control->fs, number);
    if (*ret < STORE_INO_ROOT || (*ret > STORE_INO_DRIVES && *ret < STORE_INO_FIRST))
        return err_set(err, -EINVAL, "that is no item of the service");
    return 0;
}

/* Somebody who asks doesn't want to hear of a pause after a failure. */
static void hurry(struct fs *fs)
{
    graph_wake(fs->conf.graph);
    sync_wake(fs->conf.sync);
    (void)pinner_wake(fs->pinner);
}

static void ask_pull(struct control_handle *handle, const char *argument)
{
    struct fs *fs = handle->control->fs;

    (void)argument;
    hurry(fs);
    (void)sync_pull_now(fs->conf.sync, on_sync_done, handle);
}

static void on_pushed(const struct err *err, void *arg)
{
    struct control_handle *handle = arg;
    struct err both = handle->error;

    if (err && both.code < 0)
        (void)err_set(&both, both.code, "%.240s; %.240s", handle->error.msg, err->msg);
    finish_with_result(handle, both.code < 0 ? &both : err);
}

/* Without the network, or signed out: an attempt to send would take its time to fail. */
static void finish_unreachable(struct control_handle *handle, const struct err *why)
{
    struct err err = *why;
    int64_t left = 0;

    if (store_count_dirty(handle->control->fs->conf.store, &left) == 0 && left > 0)
        (void)err_set(&err, why->code, "%.400s; %" PRId64 " change%s left to be sent", why->msg,
                      left, left == 1 ? " is" : "s are");
    finish_with_result(handle, &err);
}

/* What is known here is sent even if the service has refused to tell of its own. */
static void on_pulled(const struct err *err, void *arg)
{
    struct control_handle *handle = arg;

    if (err && (err->code == -ENETDOWN || err->retry == ERR_RETRY_AFTER_LOGIN)) {
        finish_unreachable(handle, err);
        return;
    }
    if (err)
        handle->error = *err;
    (void)sync_push_now(handle->control->fs->conf.sync, handle->top, false, on_pushed, handle);
}

/* Both ways; up to the service what is at or below an item, or all. */
static void ask_sync(struct control_handle *handle, const char *argument)
{
    struct fs *fs = handle->control->fs;
    struct err err = { 0 };

    handle->top = STORE_INO_NONE;
    err_clear(&handle->error);
    if (argument && parse_item(handle, argument, &handle->top, &err) < 0) {
        finish_with_result(handle, &err);
        return;
    }
    hurry(fs);
    (void)sync_pull_now(fs->conf.sync, on_pulled, handle);
}

/* Up alone, for as long as that takes. */
static void ask_drain(struct control_handle *handle, const char *argument)
{
    struct fs *fs = handle->control->fs;

    (void)argument;
    hurry(fs);
    (void)sync_push_now(fs->conf.sync, STORE_INO_NONE, true, on_sync_done, handle);
}

static void change_pin(struct control_handle *handle, const char *argument,
                       int (*change)(struct fs *fs, ino_nr ino, uint64_t *ret_pass,
                                     struct err *err))
{
    cleanup_strbuf struct strbuf answer;
    struct err err = { 0 };
    ino_nr ino = STORE_INO_NONE;
    uint64_t pass = 0;
    int r = parse_item(handle, argument, &ino, &err);

    strbuf_init(&answer, ANSWER_MAX_BYTES);
    if (r == 0)
        r = change(handle->control->fs, ino, &pass, &err);
    if (r < 0) {
        finish_with_result(handle, &err);
        return;
    }
    (void)strbuf_addf(&answer, "{\"ok\":true,\"pass\":%" PRIu64 "}\n", pass);
    finish(handle, &answer);
}

static void ask_pin(struct control_handle *handle, const char *argument)
{
    change_pin(handle, argument, pin_set);
}

static void ask_unpin(struct control_handle *handle, const char *argument)
{
    change_pin(handle, argument, pin_clear);
}

static void on_evicted(const struct evicted *evicted, const struct err *err, void *handle)
{
    cleanup_strbuf struct strbuf answer;

    strbuf_init(&answer, ANSWER_MAX_BYTES);
    if (err) {
        finish_with_result(handle, err);
        return;
    }
    (void)strbuf_addf(&answer,
                      "{\"ok\":true,\"files\":%" PRId64 ",\"bytes\":%" PRId64 ",\"open\":%" PRId64
                      ",\"pinned\":%" PRId64 "}\n",
                      evicted->files, evicted->bytes, evicted->open, evicted->pinned);
    finish(handle, &answer);
}

static void ask_evict(struct control_handle *handle, const char *argument)
{
    struct err err = { 0 };
    ino_nr ino = STORE_INO_NONE;

    if (parse_item(handle, argument, &ino, &err) < 0)
        finish_with_result(handle, &err);
    else
        evictor_ask(handle->control->fs->evictor, ino, on_evicted, handle);
}

#ifdef GRAPHFS_TEST_HOOKS
static void ask_clock(struct control_handle *handle, const char *argument)
{
    struct fs *fs = handle->control->fs;
    char *end = NULL;
    long long ms = argument ? strtoll(argument, &end, 10) : -1;
    struct err err;

    if (ms < 0 || *end != '\0') {
        (void)err_set(&err, -EINVAL, "clock wants milliseconds");
        finish_with_result(handle, &err);
        return;
    }
    clock_advance(fs->conf.clock, ms);
    graph_wake(fs->conf.graph);
    waits_wake(fs->waits);
    sync_wake(fs->conf.sync);
    pinner_clock_moved(fs->pinner);
    finish_with_result(handle, NULL);
}

static void ask_kill(struct control_handle *handle, const char *argument)
{
    struct err err;

    if (kill_arm(argument) == 0) {
        finish_with_result(handle, NULL);
        return;
    }
    (void)err_set(&err, -EINVAL, "kill wants a point and a number, or nothing");
    finish_with_result(handle, &err);
}

static void ask_passes(struct control_handle *handle, const char *argument)
{
    cleanup_strbuf struct strbuf answer;

    (void)argument;
    strbuf_init(&answer, ANSWER_MAX_BYTES);
    kill_tell(&answer);
    finish(handle, &answer);
}

static void on_kernel_told(void *handle)
{
    finish_with_result(handle, NULL);
}

static void on_sync_idle(const struct err *err, void *arg)
{
    struct control_handle *handle = arg;

    if (err)
        finish_with_result(handle, err);
    else
        notifier_when_idle(handle->control->fs->notifier, on_kernel_told, handle);
}

static void ask_settle(struct control_handle *handle, const char *argument)
{
    (void)argument;
    (void)sync_when_idle(handle->control->fs->conf.sync, on_sync_idle, handle);
}
#endif

/* Each begins the work; finish() ends it, at once or later. */
static const struct request_verb {
    const char *name;
    void (*begin)(struct control_handle *handle, const char *argument); /* argument: NULL: none */
} verbs[] = {
    { "status", ask_status },
    { "sync", ask_sync },
    { "pull", ask_pull },
    { "drain", ask_drain },
    { "confirm-removals", ask_confirm },
    { "confirm-deletes", ask_confirm_deletes },
    { "pin", ask_pin },
    { "unpin", ask_unpin },
    { "evict", ask_evict },
#ifdef GRAPHFS_TEST_HOOKS
    { "clock", ask_clock },
    { "settle", ask_settle },
    { "kill", ask_kill },
    { "passes", ask_passes },
#endif
};

static void begin(struct control_handle *handle, const char *verb, const char *argument)
{
    struct err err;

    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verbs[i].name, verb) == 0) {
            verbs[i].begin(handle, argument);
            return;
        }
    }
    (void)err_set(&err, -EINVAL, "no such request: %s", verb);
    finish_with_result(handle, &err);
}

void control_handle_set_status(struct control_handle *handle)
{
    LOCKED(&handle->lock);
    status_write(handle->control->fs, &handle->answer);
}

int control_handle_write(struct control_handle *handle, const char *data, size_t size)
{
    char line[REQUEST_MAX_BYTES];
    char *rest = line, *verb;

    if (size >= sizeof line || memchr(data, '\0', size))
        return -EINVAL;
    memcpy(line, data, size);
    line[size] = '\0';
    line[strcspn(line, "\n")] = '\0';
    verb = strsep(&rest, " ");

    {
        LOCKED(&handle->lock);
        if (handle->is_under_way)
            return -EBUSY;
        handle->is_under_way = true;
        handle->holders++;
        strbuf_reset(&handle->answer);
        handle->position = 0;
    }

    begin(handle, verb, rest);
    return 0;
}

void control_handle_read(struct control_handle *handle, fuse_req_t req, size_t size)
{
    struct wait *wait;
    bool is_waiting;

    {
        LOCKED(&handle->lock);
        is_waiting = handle->is_under_way;
    }
    if (!is_waiting) {
        reply_part(handle, req, size);
        return;
    }
    wait = wait_new(handle->control->fs, &(struct wait_conf){
                                             .req = req,
                                             .size = size,
                                             .handle = handle,
                                             .abandon = forget_reader,
                                             .deadline_ms = WAIT_FOR_EVER,
                                         });
    if (!wait)
        return;

    {
        LOCKED(&handle->lock);
        is_waiting = handle->is_under_way && !handle->reader;
        if (is_waiting)
            handle->reader = wait;
    }
    if (!is_waiting) {
        /* The answer came in between; or another thread reads the same handle, and gets it. */
        if (wait_claim(wait))
            reply_part(handle, req, size);
        wait_end(wait);
    }
    wait_for_handle(wait);
}
