/* SPDX-License-Identifier: MIT */
/* Tags that move late: SharePoint goes on with a file after its upload has been answered. */
#include "later.h"

#include <stdlib.h>

#include "emulator.h"
#include "memory.h"

void later_add_tag(struct emulator *emulator, struct drive *drive, uint32_t item, int64_t delay_ms)
{
    struct later *later = &emulator->later;

    MEM_GROW(later->tags, later->count, later->capacity);
    later->tags[later->count++] = (struct later_tag){
        .drive = drive, .due_ms = clock_now_ms(&emulator->clock) + delay_ms, .item = item
    };
}

void later_run(struct emulator *emulator)
{
    struct later *later = &emulator->later;
    int64_t now_ms = clock_now_ms(&emulator->clock);
    size_t kept = 0;

    for (size_t i = 0; i < later->count; i++) {
        struct later_tag *tag = &later->tags[i];
        struct change change = { .drive = tag->drive,
                                 .random = &emulator->random,
                                 .now_ms = now_ms,
                                 .lag_max_ms = emulator->options->lag_ms };

        if (tag->due_ms > now_ms)
            later->tags[kept++] = *tag;
        else if (!tag->drive->items[tag->item].now.is_deleted)
            change_tag(&change, tag->item);
    }
    later->count = kept;
}

void later_clear(struct later *later)
{
    free(later->tags);
    *later = (struct later){ 0 };
}
