/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_FAKE_COMPARE_H
#define GRAPHFS_TESTS_FAKE_COMPARE_H

/* Whether a store shows what a fake_model has. */

#include "fake_model.h"
#include "store/store.h"

struct fake_comparison {
    struct store *store;
    const struct fake_model *model;
    bool must_be_complete; /* each folder of the drive */
    bool enters_shortcuts; /* what they lead to is compared, too, as far as it was asked for */
};

/* The first difference between the directory and the folder, in truth, with all that is below, for
 * the caller to free; NULL if there is none. */
char *fake_compare(const struct fake_comparison *comparison, ino_nr directory, size_t folder);

#endif
