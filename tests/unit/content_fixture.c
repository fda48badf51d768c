/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "content_fixture.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/xalloc.h"
#include "unit.h"

#define STORE "11111111-2222-4333-8444-555555555555"

#define THREADS 3

/* Of all pending reads. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

void fixture_start(struct fixture *fixture)
{
    struct err err;

    assert_int_equal(content_new(&fixture->conf, &fixture->content, &err), 0);
}

void fixture_stop(struct fixture *fixture)
{
    content_free(fixture->content);
    fixture->content = NULL;
}

void fixture_restart(struct fixture *fixture)
{
    fixture_stop(fixture);
    fixture_start(fixture);
}

int fixture_setup(void **state)
{
    struct fixture *fixture = x_calloc(1, sizeof *fixture);

    (void)snprintf(fixture->directory, sizeof fixture->directory, "/tmp/graphfs-content-XXXXXX");
    if (!mkdtemp(fixture->directory))
        return -1;
    fixture->fake = fake_remote_new();
    fixture->pool = pool_new("content", THREADS);
    fixture->clock = clock_new_manual(INT64_C(1790000000000));
    fixture->conf = (struct content_conf){
        .cache_dir = fixture->directory,
        .store_uuid = STORE,
        .limit_bytes = 1024 * MIB,
        .remote = fake_remote_get(fixture->fake),
        .pool = fixture->pool,
        .clock = fixture->clock,
        .boot_id = "boot one",
    };
    fixture_start(fixture);
    *state = fixture;
    return 0;
}

/* With lock: threads of the pool that have met, and how often all have. */
static unsigned met, meetings;

static void meet(void *arg)
{
    unsigned meeting;

    (void)arg;
    LOCKED(&lock);
    meeting = meetings;
    if (++met == THREADS) {
        met = 0;
        meetings++;
        (void)pthread_cond_broadcast(&changed);
    }
    while (meeting == meetings)
        (void)pthread_cond_wait(&changed, &lock);
}

/* When every thread of the pool has come to the meeting, what was before it in the queue is done.
 */
void fixture_await_jobs(struct fixture *fixture)
{
    unsigned meeting;

    LOCKED(&lock);
    meeting = meetings;
    for (unsigned i = 0; i < THREADS; i++)
        pool_submit(fixture->pool, meet, NULL);
    while (meeting == meetings)
        (void)pthread_cond_wait(&changed, &lock);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st;
    (void)type;
    (void)walk;
    return remove(path);
}

int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;

    content_free(fixture->content);
    pool_free(fixture->pool);
    fake_remote_free(fixture->fake);
    clock_free(fixture->clock);
    (void)nftw(fixture->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(fixture);
    return 0;
}

uint64_t fixture_generation(const char *id, unsigned revision)
{
    return (uint64_t)strtoul(id + strcspn(id, "0123456789"), NULL, 10) * 100 + revision;
}

struct content_file *fixture_open(struct fixture *fixture, const char *id, int64_t size,
                                  unsigned revision, bool has_hash)
{
    cleanup_free char *etag = x_asprintf("\"{%s},%u\"", id, revision);
    cleanup_free char *ctag = x_asprintf("\"c:{%s},%u\"", id, revision);
    cleanup_free char *hash = has_hash ? fake_hash(size, revision) : NULL;
    struct content_id content_id = {
        .generation = fixture_generation(id, revision),
        .drive_id = "drive",
        .item_id = id,
        .size = size,
        .etag = etag,
        .ctag = ctag,
        .hash_kind = has_hash ? HASH_QUICKXOR : HASH_NONE,
        .hash = hash,
    };
    struct content_file *file = NULL;
    struct err err;

    assert_int_equal(content_open(fixture->content, &content_id, &file, &err), 0);
    return file;
}

struct content_file *fixture_put_open(struct fixture *fixture, const char *id, int64_t size,
                                      unsigned revision, bool has_hash)
{
    fake_remote_put(fixture->fake, id, size, revision, revision);
    return fixture_open(fixture, id, size, revision, has_hash);
}

/* ---- reads ---- */

static void read_done(int status, const char *data, size_t length, void *arg)
{
    struct pending_read *read = arg;
    int64_t wrong_at = -1;

    for (size_t i = 0; status == 0 && i < length && wrong_at < 0; i++)
        if (data[i] != fake_byte(read->seed, read->offset + (int64_t)i))
            wrong_at = read->offset + (int64_t)i;
    LOCKED(&lock);
    read->status = status;
    read->length = length;
    read->wrong_at = wrong_at;
    read->is_done = true;
    (void)pthread_cond_broadcast(&changed);
}

void read_start(struct content_file *file, int64_t offset, size_t size, unsigned seed,
                struct pending_read *read)
{
    *read = (struct pending_read){ .seed = seed, .offset = offset };
    content_read(file, offset, size, read_done, read, &read->wait);
}

void read_start_background(struct content_file *file, int64_t offset, size_t size,
                           struct pending_read *read)
{
    *read = (struct pending_read){ .offset = offset };
    content_fetch(file, offset, size, read_done, read, &read->wait);
}

int read_await(struct pending_read *read)
{
    LOCKED(&lock);
    while (!read->is_done)
        (void)pthread_cond_wait(&changed, &lock);
    return read->status;
}

void assert_reads(struct content_file *file, int64_t offset, size_t size, unsigned seed)
{
    int64_t left = content_size(file) - offset;
    struct pending_read read;

    read_start(file, offset, size, seed, &read);
    assert_int_equal(read_await(&read), 0);
    assert_int_equal(read.wrong_at, -1);
    assert_int_equal(read.length, left < 0 ? 0 : left < (int64_t)size ? (size_t)left : size);
}

void assert_read_fails(struct content_file *file, int64_t offset, size_t size, int status)
{
    struct pending_read read;

    read_start(file, offset, size, 0, &read);
    assert_int_equal(read_await(&read), status);
    assert_int_equal(read.length, 0);
}

void assert_reads_all(struct content_file *file, unsigned seed, size_t piece)
{
    for (int64_t offset = 0; offset < content_size(file); offset += (int64_t)piece)
        assert_reads(file, offset, piece, seed);
}

/* ---- the disk ---- */

char *fixture_file(const struct fixture *fixture, const char *id, unsigned revision)
{
    return x_asprintf("%s/content/%s/%016" PRIx64, fixture->directory, STORE,
                      fixture_generation(id, revision));
}

static int64_t walked_bytes;

static int add_bytes(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)path;
    (void)walk;
    if (type == FTW_F)
        walked_bytes += st->st_blocks * 512;
    return 0;
}

int64_t fixture_disk_bytes(const struct fixture *fixture)
{
    walked_bytes = 0;
    (void)nftw(fixture->directory, add_bytes, 8, FTW_PHYS);
    return walked_bytes;
}
