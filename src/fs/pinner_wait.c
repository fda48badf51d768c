/* SPDX-License-Identifier: MIT */
/*
 * The pinner's thread waits for one thing at a time, and gives it up at the end of the mount. An
 * answer that can't be given up any more is waited for: it would meet the next question.
 */
#include "config.h"

#include <errno.h>

#include "base/lock.h"
#include "fs/pinner_i.h"

static void expect_answer(struct pinner *pinner)
{
    LOCKED(&pinner->lock);
    pinner->is_answered = false;
}

static void answer(struct pinner *pinner, int code)
{
    LOCKED(&pinner->lock);
    pinner->answer = code;
    pinner->is_answered = true;
    (void)pthread_cond_broadcast(&pinner->changed);
}

/* False if it is to be given up instead. */
static bool await_answer(struct pinner *pinner, bool may_give_up, int *ret_code)
{
    LOCKED(&pinner->lock);
    while (!pinner->is_answered && !(may_give_up && pinner->is_stopping))
        (void)pthread_cond_wait(&pinner->changed, &pinner->lock);
    *ret_code = pinner->is_answered ? pinner->answer : -ECANCELED;
    return pinner->is_answered;
}

static void on_synced(const struct err *err, void *arg)
{
    answer(arg, err ? err->code : 0);
}

static int ask_sync(struct pinner *pinner, ino_nr ino,
                    uint64_t (*want)(struct sync *sync, ino_nr ino, sync_done_fn *done, void *arg))
{
    struct sync *sync = pinner->fs->conf.sync;
    uint64_t id;
    int code;

    expect_answer(pinner);
    id = want(sync, ino, on_synced, pinner);
    if (!await_answer(pinner, true, &code) && !sync_forget(sync, id))
        (void)await_answer(pinner, false, &code);
    return code;
}

int pinner_list_folder(struct pinner *pinner, ino_nr ino)
{
    return ask_sync(pinner, ino, sync_want_listing);
}

int pinner_follow_shortcut(struct pinner *pinner, ino_nr ino)
{
    return ask_sync(pinner, ino, sync_want_target);
}

static void on_fetched(int status, const char *data, size_t length, void *arg)
{
    (void)data, (void)length;
    answer(arg, status);
}

/* True: it was given up, and the answer won't come. A wait is gone once its answer was given, which
 * takes the lock. */
static bool give_up(struct pinner *pinner, struct content_wait *wait)
{
    LOCKED(&pinner->lock);
    return !pinner->is_answered && wait && content_cancel(pinner->fs->conf.content, wait);
}

int pinner_fetch_range(struct pinner *pinner, struct content_file *file, int64_t offset,
                       size_t size)
{
    struct content_wait *wait;
    int code;

    expect_answer(pinner);
    content_fetch(file, offset, size, on_fetched, pinner, &wait);
    if (!await_answer(pinner, true, &code) && !give_up(pinner, wait))
        (void)await_answer(pinner, false, &code);
    return code;
}
