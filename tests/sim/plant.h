/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_PLANT_H
#define GRAPHFS_TESTS_PLANT_H

/*
 * Mistakes to be found. The linker leads some calls inside of src/sync and src/store through here
 * (--wrap), where they are counted, and done wrongly if that is wanted. One thread.
 */

#include <stddef.h>

#include "memory_disk.h"
#include "tally.h"

enum plant {
    PLANT_NONE,
    PLANT_LINK_FIRST,      /* the link of a page is saved before its items */
    PLANT_LATE_BELIEVED,   /* a report that may be late is taken for the best word */
    PLANT_ABSENT_DELETED,  /* rows that a full enumeration lacks are deleted */
    PLANT_LACKING_DELETED, /* so are those that a listing without delta lacks */
    PLANT_FIRST_WORD,      /* of two words on an item in a round the first one wins */
    PLANT_RESYNC_DISCARDS, /* with a dead link all rows go, to be made anew */
    PLANT_UNGUARDED,       /* changes are sent without the tag that the item must have */
    PLANT_REPEATED,        /* what may have been done is asked for once more */
    PLANT_DOUBT_FORGOTTEN, /* what was told beside delta is never asked for again */
    PLANTS
};

extern const char *const plant_names[PLANTS];

/* PLANTS if there is none of this name. */
enum plant plant_find(const char *name);

/* From now on. What is counted goes to the tally. */
void plant_use(enum plant plant, struct tally *tally, const struct memory_disk *disk);

#endif
