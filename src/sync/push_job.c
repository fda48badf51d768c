/* SPDX-License-Identifier: MIT */
/* Changes that are under way: their beginning, how many there may be, and how they end. */
#include "config.h"

#include <stdlib.h>

#include "base/log.h"
#include "sync/push_i.h"

/* What lags on the service is looked at again after so long, then twice that, up to a minute. */
#define LAG_MS        INT64_C(2000)
#define LAG_DOUBLINGS 5
/* The same while somebody waits for it. */
#define LAG_DOUBLINGS_AWAITED 1

bool push_has_job(const struct sync *sync, ino_nr ino)
{
    const struct push_job *job;

    LIST_FOREACH (job, &sync->push.jobs, link) {
        if (job->ino == ino)
            return true;
    }
    return false;
}

void push_list(const struct sync *sync, struct uploads *out)
{
    const struct push_job *job;

    LIST_FOREACH (job, &sync->push.jobs, link) {
        bool has_content = job->intent.verb == INTENT_UPLOAD && !job->is_conflict;

        (void)uploads_push(out, (struct sync_upload){
                                    .ino = job->ino,
                                    .size = has_content ? job->intent.size : 0,
                                    .sent = has_content ? job->offset : 0,
                                });
    }
}

void push_job_free(struct push_job *job)
{
    push_close_bytes(job);
    drive_row_clear(&job->drive);
    intent_clear(&job->intent);
    free(job->if_match);
    free(job->url);
    free(job->buffer);
    free(job);
}

/* It takes memory, and the line. */
static bool has_bytes(const struct push_job *job)
{
    return job->is_conflict || job->intent.verb == INTENT_UPLOAD;
}

static bool is_large(const struct push_job *job)
{
    return has_bytes(job) && job->intent.size > PUSH_LARGE_BYTES;
}

/* What is changed together goes out together: there is room for more when some have ended. */
bool push_is_full(struct sync *sync)
{
    struct push *push = &sync->push;
    size_t others = push->job_count - push->upload_count;

    if (others >= PUSH_OTHERS_MAX)
        push->is_full = true;
    else if (others <= PUSH_OTHERS_MAX - PUSH_TOGETHER)
        push->is_full = false;
    return push->is_full || push->upload_count >= PUSH_UPLOADS_MAX;
}

void push_add_job(struct sync *sync, struct push_job *job)
{
    job->is_begun = true;
    LIST_INSERT_HEAD(&sync->push.jobs, job, link);
    sync->push.job_count++;
    sync->push.upload_count += has_bytes(job);
    sync->push.large_count += is_large(job);
}

void push_drop_job(struct sync *sync, struct push_job *job)
{
    LIST_REMOVE(job, link);
    sync->push.job_count--;
    sync->push.upload_count -= has_bytes(job);
    sync->push.large_count -= is_large(job);
    request_abandon(sync, job->request);
    job->request = NULL;
    if (job->is_reading)
        job->is_abandoned = true;
    else
        push_job_free(job);
}

/* ---- how they end ---- */

static void end_with_pause(struct sync *sync, struct push_job *job, enum pause_kind kind,
                           int64_t pause_ms)
{
    ino_nr ino = job->ino;

    push_drop_job(sync, job);
    if (kind != PAUSE_NONE)
        pauses_fail(&sync->push.pauses, ino, kind, push_now_ms(sync) + pause_ms);
    push_poke(sync);
    push_waits_check(sync);
}

void push_end(struct sync *sync, struct push_job *job)
{
    end_with_pause(sync, job, PAUSE_NONE, 0);
}

void push_end_blocked(struct sync *sync, struct push_job *job, const struct err *err,
                      const struct refusal *refusal)
{
    struct err why = *err;

    if (refusal->why)
        (void)err_set(&why, err->code, "%s (%s)", refusal->why, refusal->remedy);
    push_waits_note_failure(sync, job->ino, &why);
    end_with_pause(sync, job, PAUSE_BLOCKED, refusal->retry_ms);
}

void push_end_failed(struct sync *sync, struct push_job *job, const struct err *err)
{
    unsigned failures = pauses_count_failures(&sync->push.pauses, job->ino) + 1;

    sync->push.has_resumed = false;
    log_info("sync", "%s: not sent yet: %s", job->intent.name ? job->intent.name : "a change",
             err->msg);
    push_waits_note_failure(sync, job->ino, err);
    end_with_pause(sync, job, PAUSE_FAILED, sync_backoff_ms(failures, err));
}

void push_end_lagging(struct sync *sync, struct push_job *job)
{
    unsigned times = pauses_count_failures(&sync->push.pauses, job->ino);
    unsigned most = push_waits_has(sync, job->ino) ? LAG_DOUBLINGS_AWAITED : LAG_DOUBLINGS;

    sync->push.has_resumed = false;
    end_with_pause(sync, job, PAUSE_LAG, LAG_MS << (times < most ? times : most));
}

void push_end_name_refused(struct sync *sync, struct push_job *job)
{
    ino_nr ino = job->ino;

    push_end_lagging(sync, job);
    pauses_note_refusal(&sync->push.pauses, ino);
}

struct apply_context push_context(struct sync *sync, const struct push_job *job)
{
    return (struct apply_context){
        .drive = &job->drive,
        .source = APPLY_ITEM,
        .now_ms = clock_real_ms(sync->conf.clock),
    };
}
