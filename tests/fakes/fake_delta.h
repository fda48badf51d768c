/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_FAKE_DELTA_H
#define GRAPHFS_TESTS_FAKE_DELTA_H

/* The delta of the fake remote, and the pages that it and the other answers consist of. */

#include "base/err.h"
#include "fake_model.h"
#include "graph/item.h"

struct fake_settings;

/* One item to be told of in a round. */
struct fake_entry {
    size_t item;
    bool is_old;    /* in its state before the present one: it comes again later */
    bool is_silent; /* went with its folder, without a word */
    bool is_gone;   /* its deletion was told: it is again if the page is asked for again */
    bool was_asked_for;
    int before; /* the version told before that */
};

DEFINE_VEC(fake_entries, struct fake_entry);

/* A round from its first page on; its number and the position in it make a link. */
struct fake_round {
    struct fake_entries entries;
    int *told;  /* by item: number of the version last told; -1: none */
    int *known; /* the same, before this round */
    size_t told_count;
};

DEFINE_VEC(fake_rounds, struct fake_round);

struct fake_delta {
    struct fake_model *model;
    struct fake_rounds rounds;
    size_t expired; /* links of rounds below this number are dead, */
    long expired_status;
    char expired_code[64];
};

void fake_delta_clear(struct fake_delta *delta);
void fake_delta_expire(struct fake_delta *delta, long http_status, const char *graph_code);

/* The page behind link; NULL: the first one of a full enumeration. An empty page with err set on
 * failure. */
struct item_page *fake_delta_page(struct fake_delta *delta, const struct fake_settings *settings,
                                  size_t drive, const char *link, struct err *err);

/* An empty page, for item_page_free(). */
struct item_page *fake_page_new(void);
void fake_page_add(struct item_page *page, const struct fake_model *model, size_t number,
                   const struct fake_version *version, bool has_ctag);
void fake_page_add_deleted(struct item_page *page, const char *id);
/* The eTag of a version, for the caller to free. */
char *fake_etag(const struct fake_model *model, const struct fake_version *version);
/* Takes the link. */
void fake_page_set_next(struct item_page *page, char *link);
void fake_page_set_delta(struct item_page *page, char *link);

#endif
