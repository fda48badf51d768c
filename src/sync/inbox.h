/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_SYNC_INBOX_H
#define GRAPHFS_SYNC_INBOX_H

/*
 * The queue through which other threads reach the sync thread. It is counted, because whoever
 * answers a request may do so when sync itself is gone: such a message is dropped.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct sync;
struct inbox;

/* To be embedded in what it carries. */
struct message {
    STAILQ_ENTRY(message) next; /* the inbox's lock */
    /* Takes the message over and frees it. sync is NULL if nobody will act on it any more; the call
     * then comes from any thread. */
    void (*handle)(struct sync *sync, struct message *message);
};

/* With one reference, the caller's. */
struct inbox *inbox_new(void);
struct inbox *inbox_ref(struct inbox *inbox);
void inbox_unref(struct inbox *inbox); /* NULL is allowed */

/* Queues the message, which is given away, and wakes the sync thread. */
void inbox_post(struct inbox *inbox, struct message *message);

/* Wakes the sync thread without a message. */
void inbox_wake(struct inbox *inbox);

/* The oldest message, now the caller's; NULL if there is none. */
struct message *inbox_take(struct inbox *inbox);

/* Blocks until there is a message or a wake, or until timeout_ms of real time have passed
 * (negative: no limit). False once inbox_stop() was called. */
bool inbox_wait(struct inbox *inbox, int64_t timeout_ms);

/* Ends inbox_wait() for good; messages still queue up. */
void inbox_stop(struct inbox *inbox);

/* Drops what is queued and all that will come. */
void inbox_close(struct inbox *inbox);

#endif
