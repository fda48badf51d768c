/* SPDX-License-Identifier: MIT */
/*
 * Content for the reconciler: what is read or hashed on other threads comes back as a message. A
 * job that ends meanwhile stays until its message has come, which nobody acts on then.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "sync/push_i.h"

struct bytes_message {
    struct message message;
    struct inbox *inbox;
    struct push_job *job;
    push_bytes_fn *fn;
    int status;
    char *text; /* of a hash */
};

static void handle(struct sync *sync, struct message *message)
{
    struct bytes_message *bytes_message = (struct bytes_message *)message;
    struct push_job *job = bytes_message->job;

    job->is_reading = false;
    if (sync && !job->is_abandoned)
        bytes_message->fn(sync, job, bytes_message->status, bytes_message->text);
    else if (job->is_abandoned)
        push_job_free(job);
    inbox_unref(bytes_message->inbox);
    free(bytes_message->text);
    free(bytes_message);
}

/* ---- on other threads ---- */

static void on_read(int status, void *arg)
{
    struct bytes_message *bytes_message = arg;

    bytes_message->status = status;
    inbox_post(bytes_message->inbox, &bytes_message->message);
}

static void on_hash(int status, const char *text, void *arg)
{
    struct bytes_message *bytes_message = arg;

    bytes_message->text = x_strdup(text);
    on_read(status, bytes_message);
}

/* ---- on the sync thread ---- */

static struct bytes_message *message_new(struct sync *sync, struct push_job *job, push_bytes_fn *fn)
{
    struct bytes_message *bytes_message = x_calloc(1, sizeof *bytes_message);

    bytes_message->message.handle = handle;
    bytes_message->inbox = inbox_ref(sync->inbox);
    bytes_message->job = job;
    bytes_message->fn = fn;
    job->is_reading = true;
    return bytes_message;
}

void push_read(struct sync *sync, struct push_job *job, push_bytes_fn *fn)
{
    bytes_read(sync->conf.bytes, job->file, job->offset, job->buffer, job->length, on_read,
               message_new(sync, job, fn));
}

void push_hash(struct sync *sync, struct push_job *job, enum hash_kind kind, push_bytes_fn *fn)
{
    bytes_hash(sync->conf.bytes, job->file, kind, on_hash, message_new(sync, job, fn));
}

void push_close_bytes(struct push_job *job)
{
    if (job->file)
        bytes_close(job->bytes, job->file);
    job->file = NULL;
}
