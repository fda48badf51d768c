/* SPDX-License-Identifier: MIT */
/*
 * Notices stand in groups: one per directory for the names in it, one per inode for its attributes
 * and content. A group is on the list of ready ones, or a thread works on it: the thread takes the
 * group's whole list, tells it, and puts the group back if more has come.
 *
 * Two trees (tsearch) find the group of a number, and the notice that says the same already. A
 * notice leaves its tree when a thread takes it: what happens after that is told again.
 *
 * Order matters for a listing that the kernel keeps. To forget a name the kernel waits for whoever
 * reads the directory; so when the listing is dropped after that, nobody can put back an answer
 * that is older than the name's change. Therefore what is queued again goes to the end.
 */
#include "config.h"

#include "fs/notify.h"

#include <errno.h>
#include <pthread.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/lock.h"
#include "base/vec.h"
#include "base/xalloc.h"

struct notice {
    TAILQ_ENTRY(notice) link;
    struct change change; /* name owned */
};

TAILQ_HEAD(notice_list, notice);

struct group {
    TAILQ_ENTRY(group) link;
    ino_nr key; /* the directory, or the inode */
    struct notice_list notices;
};

struct idle_call {
    void (*done)(void *arg);
    void *arg;
};

DEFINE_VEC(idle_calls, struct idle_call);
DEFINE_VEC(thread_list, pthread_t);

struct notifier {
    struct notify_ops ops;      /* const after init */
    void *arg;                  /* const after init */
    struct thread_list threads; /* of notifier_new and notifier_stop */

    pthread_mutex_t lock; /* all below */
    pthread_cond_t has_work;
    TAILQ_HEAD(, group) ready;
    void *groups;  /* tree of struct group, by key */
    void *pending; /* tree of struct notice, by change */
    size_t length; /* notices in groups */
    size_t busy;   /* groups being told */
    struct idle_calls idle_calls;
    bool is_stopping;
};

/* ---- order in the trees ---- */

static int compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_groups(const void *a, const void *b)
{
    const struct group *left = a, *right = b;

    return compare_numbers(left->key, right->key);
}

static int compare_notices(const void *a, const void *b)
{
    const struct change *left = &((const struct notice *)a)->change;
    const struct change *right = &((const struct notice *)b)->change;
    int order = compare_numbers(left->kind, right->kind);

    if (order == 0)
        order = compare_numbers(left->parent, right->parent);
    if (order == 0)
        order = compare_numbers(left->ino, right->ino);
    if (order == 0 && left->name && right->name)
        order = strcmp(left->name, right->name);
    return order;
}

/* ---- queueing ---- */

static ino_nr key_of(const struct change *change)
{
    return change->name ? change->parent : change->ino;
}

/* The lock is held. A group that had nothing to tell becomes ready. */
static struct group *find_group(struct notifier *notifier, ino_nr key)
{
    struct group *group = x_calloc(1, sizeof *group);
    void *slot;

    group->key = key;
    TAILQ_INIT(&group->notices);
    slot = tsearch(group, &notifier->groups, compare_groups);
    if (!slot)
        abort();
    if (*(struct group **)slot != group) {
        free(group);
        return *(struct group **)slot;
    }
    TAILQ_INSERT_TAIL(&notifier->ready, group, link);
    (void)pthread_cond_signal(&notifier->has_work);
    return group;
}

/* The lock is held. */
static void queue_one(struct notifier *notifier, const struct change *change)
{
    struct notice *notice = x_calloc(1, sizeof *notice);
    struct notice_list *notices;
    void *slot;

    notice->change = *change;
    slot = tsearch(notice, &notifier->pending, compare_notices);
    if (!slot)
        abort();
    notices = &find_group(notifier, key_of(change))->notices;
    if (*(struct notice **)slot != notice) {
        free(notice);
        notice = *(struct notice **)slot;
        TAILQ_REMOVE(notices, notice, link);
    } else {
        notice->change.name = x_strdup(change->name);
        notifier->length++;
    }
    TAILQ_INSERT_TAIL(notices, notice, link);
}

/* Does the kernel not know of it already, and does it concern it? */
static bool is_news(const struct change *change)
{
    return !change->is_own && change->kind != CHANGE_UNUSED;
}

void notifier_queue(struct notifier *notifier, const struct change *changes, size_t count)
{
    LOCKED(&notifier->lock);
    if (notifier->is_stopping)
        return;
    for (size_t i = 0; i < count; i++) {
        if (is_news(&changes[i]))
            queue_one(notifier, &changes[i]);
    }
}

/* ---- telling ---- */

static void tell_entry(const struct notifier *notifier, const struct change *change)
{
    notifier->ops.forget_entry(notifier->arg, change->parent, change->name);
}

static void tell_deleted(const struct notifier *notifier, const struct change *change)
{
    notifier->ops.forget_deleted(notifier->arg, change->parent, change->ino, change->name);
}

static void tell_attr(const struct notifier *notifier, const struct change *change)
{
    notifier->ops.forget_attr(notifier->arg, change->parent, change->ino);
}

static void tell_content(const struct notifier *notifier, const struct change *change)
{
    notifier->ops.forget_content(notifier->arg, change->parent, change->ino);
}

static void (*const tellers[])(const struct notifier *notifier, const struct change *change) = {
    [CHANGE_ENTRY] = tell_entry,     [CHANGE_DELETED] = tell_deleted, [CHANGE_ATTR] = tell_attr,
    [CHANGE_LISTING] = tell_content, [CHANGE_CONTENT] = tell_content,
};

static void free_notices(struct notice_list *notices)
{
    struct notice *notice;

    while ((notice = TAILQ_FIRST(notices))) {
        TAILQ_REMOVE(notices, notice, link);
        free(notice->change.name);
        free(notice);
    }
}

/* Waits for a group, and takes it off the list and its notices out of it. NULL at the end. */
static struct group *take_group(struct notifier *notifier, struct notice_list *ret_notices)
{
    struct group *group;
    struct notice *notice;

    LOCKED(&notifier->lock);
    while (!notifier->is_stopping && TAILQ_EMPTY(&notifier->ready))
        (void)pthread_cond_wait(&notifier->has_work, &notifier->lock);
    if (notifier->is_stopping)
        return NULL;
    group = TAILQ_FIRST(&notifier->ready);
    TAILQ_REMOVE(&notifier->ready, group, link);
    notifier->busy++;
    TAILQ_CONCAT(ret_notices, &group->notices, link);
    TAILQ_FOREACH (notice, ret_notices, link) {
        (void)tdelete(notice, &notifier->pending, compare_notices);
        notifier->length--;
    }
    return group;
}

/* The functions that wait for idleness, if it is there: the caller runs them without the lock. */
static void take_idle_calls(struct notifier *notifier, struct idle_calls *ret_calls)
{
    if (notifier->length > 0 || notifier->busy > 0)
        return;
    *ret_calls = notifier->idle_calls;
    notifier->idle_calls = (struct idle_calls){ 0 };
}

static void run_idle_calls(struct idle_calls *calls)
{
    for (size_t i = 0; i < calls->len; i++)
        calls->items[i].done(calls->items[i].arg);
    idle_calls_clear(calls);
}

/* A group with nothing more to tell goes. */
static void give_back(struct notifier *notifier, struct group *group)
{
    struct idle_calls calls = { 0 };

    {
        LOCKED(&notifier->lock);
        notifier->busy--;
        if (TAILQ_EMPTY(&group->notices)) {
            (void)tdelete(group, &notifier->groups, compare_groups);
            free(group);
        } else {
            TAILQ_INSERT_TAIL(&notifier->ready, group, link);
        }
        take_idle_calls(notifier, &calls);
    }

    run_idle_calls(&calls);
}

static void *run(void *arg)
{
    struct notifier *notifier = arg;
    struct notice_list notices = TAILQ_HEAD_INITIALIZER(notices);
    struct group *group;

    while ((group = take_group(notifier, &notices))) {
        struct notice *notice;

        TAILQ_FOREACH (notice, &notices, link) {
            tellers[notice->change.kind](notifier, &notice->change);
        }
        free_notices(&notices);
        give_back(notifier, group);
    }
    return NULL;
}

/* ---- life ---- */

int notifier_new(const struct notify_ops *ops, void *arg, unsigned threads, struct notifier **ret)
{
    struct notifier *notifier = x_calloc(1, sizeof *notifier);

    notifier->ops = *ops;
    notifier->arg = arg;
    TAILQ_INIT(&notifier->ready);
    (void)pthread_mutex_init(&notifier->lock, NULL);
    (void)pthread_cond_init(&notifier->has_work, NULL);
    for (unsigned i = 0; i < threads; i++) {
        pthread_t thread;
        int r = pthread_create(&thread, NULL, run, notifier);

        if (r != 0) {
            notifier_free(notifier);
            return -r;
        }
        (void)thread_list_push(&notifier->threads, thread);
    }
    *ret = notifier;
    return 0;
}

void notifier_stop(struct notifier *notifier)
{
    struct idle_calls calls;

    {
        LOCKED(&notifier->lock);
        notifier->is_stopping = true;
        (void)pthread_cond_broadcast(&notifier->has_work);
    }

    for (size_t i = 0; i < notifier->threads.len; i++)
        (void)pthread_join(notifier->threads.items[i], NULL);
    thread_list_clear(&notifier->threads);

    {
        LOCKED(&notifier->lock);
        calls = notifier->idle_calls;
        notifier->idle_calls = (struct idle_calls){ 0 };
    }

    run_idle_calls(&calls);
}

static void free_group(void *arg)
{
    struct group *group = arg;

    free_notices(&group->notices);
    free(group);
}

static void keep(void *notice)
{
    (void)notice; /* its group frees it */
}

void notifier_free(struct notifier *notifier)
{
    if (!notifier)
        return;
    notifier_stop(notifier);
    tdestroy(notifier->pending, keep);
    tdestroy(notifier->groups, free_group);
    (void)pthread_cond_destroy(&notifier->has_work);
    (void)pthread_mutex_destroy(&notifier->lock);
    free(notifier);
}

void notifier_when_idle(struct notifier *notifier, void (*done)(void *arg), void *arg)
{
    struct idle_calls calls = { 0 };

    {
        LOCKED(&notifier->lock);
        (void)idle_calls_push(&notifier->idle_calls, (struct idle_call){ done, arg });
        if (notifier->is_stopping) {
            calls = notifier->idle_calls;
            notifier->idle_calls = (struct idle_calls){ 0 };
        } else {
            take_idle_calls(notifier, &calls);
        }
    }

    run_idle_calls(&calls);
}

size_t notifier_length(struct notifier *notifier)
{
    LOCKED(&notifier->lock);
    return notifier->length;
}
