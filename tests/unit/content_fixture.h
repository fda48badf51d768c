/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_CONTENT_FIXTURE_H
#define GRAPHFS_TESTS_CONTENT_FIXTURE_H

/* Content over the fake remote, in a cache directory of its own. */

#include "content/content.h"
#include "fake_content_remote.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KIB   INT64_C(1024)
#define MIB   (1024 * KIB)
#define BLOCK (256 * KIB)

struct fixture {
    char directory[64];
    struct fake_remote *fake;
    struct pool *pool;
    struct clock *clock; /* manual */
    struct content_conf conf;
    struct content *content;
};

/* cmocka's setup and teardown: *state is a struct fixture. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Ends content and begins again: all jobs have ended in between. */
void fixture_restart(struct fixture *fixture);

/* Waits for all jobs: ends content. Then conf may be changed before fixture_start(). */
void fixture_stop(struct fixture *fixture);
void fixture_start(struct fixture *fixture);

/* Waits until the jobs that were submitted before have ended: the scan, to begin with. */
void fixture_await_jobs(struct fixture *fixture);

/* Puts the item on the remote and opens it. Its hash is told if has_hash. Generation is revision +
 * 100 * the number at the end of the id. */
struct content_file *fixture_put_open(struct fixture *fixture, const char *id, int64_t size,
                                      unsigned revision, bool has_hash);

/* Opens it as it was put, without touching the remote. */
struct content_file *fixture_open(struct fixture *fixture, const char *id, int64_t size,
                                  unsigned revision, bool has_hash);
uint64_t fixture_generation(const char *id, unsigned revision);

/* A read in progress. */
struct pending_read {
    struct content_wait *wait;
    int status;
    size_t length;
    int64_t wrong_at; /* offset of the first wrong byte; -1: none */
    bool is_done;
    unsigned seed;
    int64_t offset;
};

/* Begins a read and compares what comes with the content of that seed. */
void read_start(struct content_file *file, int64_t offset, size_t size, unsigned seed,
                struct pending_read *read);

/* Begins to fetch for nobody, see content_fetch(). */
void read_start_background(struct content_file *file, int64_t offset, size_t size,
                           struct pending_read *read);

/* Waits until it is done. Returns its status. */
int read_await(struct pending_read *read);

/* Reads, waits, and checks length and bytes. */
void assert_reads(struct content_file *file, int64_t offset, size_t size, unsigned seed);

/* Reads, waits, and checks the error. */
void assert_read_fails(struct content_file *file, int64_t offset, size_t size, int status);

/* Reads from first to last byte in pieces. */
void assert_reads_all(struct content_file *file, unsigned seed, size_t piece);

/* The path of the version's file, for the caller to free. */
char *fixture_file(const struct fixture *fixture, const char *id, unsigned revision);

/* Bytes that the cache directory takes on disk. */
int64_t fixture_disk_bytes(const struct fixture *fixture);

#endif
