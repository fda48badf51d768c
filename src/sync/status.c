/* SPDX-License-Identifier: MIT */
/*
 * What others may see of the sync thread: copies, made at the end of each turn, under the lock of
 * sync.
 */
#include "config.h"

#include "base/lock.h"
#include "sync/sync_i.h"

void status_publish(struct sync *sync)
{
    const struct discovery *discovery = &sync->discovery;
    struct follow *follow;

    LOCKED(&sync->lock);
    sync->states.len = 0;
    if (discovery->error.code != 0 || sync->absence.held_elsewhere > 0)
        (void)drive_states_push(&sync->states, (struct sync_drive_status){
                                                   .held = sync->absence.held_elsewhere,
                                                   .error = discovery->error,
                                               });
    LIST_FOREACH (follow, &sync->follows, link) {
        (void)drive_states_push(&sync->states, follow->status);
    }
    sync->uploads.len = 0;
    push_list(sync, &sync->uploads);
}

void sync_uploads(struct sync *sync, sync_upload_fn *each, void *arg)
{
    LOCKED(&sync->lock);
    for (size_t i = 0; i < sync->uploads.len; i++)
        each(&sync->uploads.items[i], arg);
}

void sync_status(struct sync *sync, sync_status_fn *each, void *arg)
{
    LOCKED(&sync->lock);
    for (size_t i = 0; i < sync->states.len; i++)
        each(&sync->states.items[i], arg);
}
