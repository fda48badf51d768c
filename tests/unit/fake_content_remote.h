/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_FAKE_CONTENT_REMOTE_H
#define GRAPHFS_TESTS_FAKE_CONTENT_REMOTE_H

/*
 * A service in the process, as far as content needs one: items with bytes, located by id and
 * fetched by range. It answers on threads of its own, counts what it is asked, and misbehaves as
 * told. The fields may be changed by the test while no request is under way; see also hold.
 */

#include "graph/remote.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake_remote;

enum fake_etag { FAKE_ETAG_OF_ITEM, FAKE_ETAG_NONE, FAKE_ETAG_UNRELATED };

/* How it misbehaves; all 0 at first. Counters count down with each request that they concern. */
struct fake_faults {
    int fail_fetches; /* these fetches fail with fail_code and fail_status */
    int fail_code;
    long fail_status;
    int fail_locates;         /* these fail with fail_code */
    int fail_olds;            /* lists of versions and URLs of one, the same */
    int corrupt_fetches;      /* a byte is wrong, */
    bool corrupt_differently; /* each time another */
    int64_t wrong_total;      /* told as the whole size, unless 0 */
    enum fake_etag etag;      /* what the content host tells */
    unsigned hold_pieces;     /* fetches are held that have given so many pieces, unless 0 */
};

struct fake_counts {
    unsigned locates;
    unsigned lists; /* of versions */
    unsigned old_urls;
    unsigned fetches;
    int64_t fetched_bytes;
};

struct fake_remote *fake_remote_new(void);

/* Ends what is held with -ECANCELED, and waits for the rest. */
void fake_remote_free(struct fake_remote *fake);
struct remote *fake_remote_get(struct fake_remote *fake);

/* Makes or replaces an item; bytes are a function of seed and place. revision goes into cTag and
 * eTag. */
void fake_remote_put(struct fake_remote *fake, const char *id, int64_t size, unsigned seed,
                     unsigned revision);

/* The item had this content before; its versions tell it in front of what was added before. Another
 * one of that id is replaced. */
void fake_remote_add_old(struct fake_remote *fake, const char *id, const char *version_id,
                         int64_t size, unsigned seed, int64_t mtime_ns);

/* The item's metadata changes, its content doesn't: another eTag. */
void fake_remote_touch(struct fake_remote *fake, const char *id, unsigned etag_revision);

/* What items say lags: they are told as they were, while their bytes are those of now. */
void fake_remote_lag(struct fake_remote *fake, const char *id, unsigned told_revision);

/* URLs given out so far are dead. */
void fake_remote_expire_urls(struct fake_remote *fake);

void fake_remote_set_faults(struct fake_remote *fake, const struct fake_faults *faults);

/* From now on fetches wait until released. */
void fake_remote_hold(struct fake_remote *fake);

/* Waits until so many fetches are held. */
void fake_remote_await_held(struct fake_remote *fake, unsigned count);
void fake_remote_release(struct fake_remote *fake);

struct fake_counts fake_remote_counts(struct fake_remote *fake);
unsigned fake_remote_cancels(struct fake_remote *fake);

/* The byte of an item's content. */
char fake_byte(unsigned seed, int64_t offset);

/* The quickXorHash of content, in base64, for the caller to free. */
char *fake_hash(int64_t size, unsigned seed);

#endif
