/* SPDX-License-Identifier: MIT */
/*
 * Many readers, small cache, versions dropped and reopened, reads cancelled, files adopted: what is
 * answered must be right. Run under ThreadSanitizer it also finds what is not locked.
 */
#include "config.h"

#include "content/content.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "content_fixture.h"
#include "unit.h"

#define READERS 32
#define ROUNDS  12
#define FILES   6

struct reader {
    struct fixture *fixture;
    pthread_t thread;
    unsigned number;
    unsigned seed;
    unsigned answered;
    unsigned wrong;
    unsigned adopted;
    int plain_fd; /* of what it adopted last, as it opened it before; -1: none */
};

/* Some small, some large. From 100 on they are written by one reader each. */
static int64_t size_of(unsigned number)
{
    if (number >= 100)
        return 300 * KIB + (int64_t)(number % 3) * 500 * KIB;
    return number % 2 ? (int64_t)number * 70000 : (int64_t)number * MIB + 12345;
}

static void read_some(struct reader *reader, struct content_file *file, unsigned number)
{
    struct pending_read reads[3];

    for (size_t i = 0; i < ROWS(reads); i++)
        read_start(file, rand_r(&reader->seed) % size_of(number),
                   (size_t)(rand_r(&reader->seed) % 200000) + 1, 1, &reads[i]);
    for (size_t i = 0; i < ROWS(reads); i++) {
        (void)read_await(&reads[i]);
        reader->answered++;
        reader->wrong += reads[i].status != 0 || reads[i].wrong_at >= 0;
    }
}

/* Whoever wrote a file reads it still by himself, wherever it is now. */
static bool has_plain_bytes(const struct reader *reader, unsigned number)
{
    int64_t size = size_of(number);
    char *bytes = malloc((size_t)size);
    bool is_right = bytes && pread(reader->plain_fd, bytes, (size_t)size, 0) == size;

    for (int64_t i = 0; is_right && i < size; i++)
        is_right = bytes[i] == fake_byte(1, i);
    free(bytes);
    return is_right;
}

static void close_plain(struct reader *reader, unsigned number)
{
    if (reader->plain_fd < 0)
        return;
    reader->wrong += !has_plain_bytes(reader, number);
    (void)close(reader->plain_fd);
    reader->plain_fd = -1;
}

/* Returns a descriptor, with which it can be read when it has moved. */
static int write_plain(const char *path, int64_t size)
{
    char *bytes = malloc((size_t)size);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    for (int64_t i = 0; bytes && i < size; i++)
        bytes[i] = fake_byte(1, i);
    if (!bytes || fd < 0 || pwrite(fd, bytes, (size_t)size, 0) != size)
        abort();
    free(bytes);
    return fd;
}

static void adopt(struct reader *reader, unsigned number)
{
    struct content_id id = { .size = size_of(number) };
    char name[16], path[128];
    int r;

    (void)snprintf(name, sizeof name, "f%u", number);
    (void)snprintf(path, sizeof path, "%s/written-%u", reader->fixture->directory, number);
    id.generation = fixture_generation(name, 1);
    close_plain(reader, number);
    reader->plain_fd = write_plain(path, id.size);
    r = content_adopt(reader->fixture->content, &id, path, NULL);
    reader->adopted += r == 0;
    reader->wrong += r < 0 && r != -EBUSY && r != -ENOSPC;
}

static void *reader_run(void *arg)
{
    struct reader *reader = arg;
    unsigned own = 100 + reader->number;

    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned number = (unsigned)rand_r(&reader->seed) % FILES + 1;
        struct content_file *file;
        char id[16];

        if (round % 4 == 0) {
            number = own;
            adopt(reader, own);
        }

        (void)snprintf(id, sizeof id, "f%u", number);
        file = fixture_open(reader->fixture, id, size_of(number), 1, number % 3 != 0);
        read_some(reader, file, number);
        if (rand_r(&reader->seed) % 8 == 0)
            content_drop(reader->fixture->content, fixture_generation(id, 1));
        (void)content_state(reader->fixture->content, fixture_generation(id, 1), size_of(number));
        content_close(file);
    }
    close_plain(reader, own);
    return NULL;
}

static void test_readers_get_right_bytes_while_versions_are_evicted_and_dropped(void **state)
{
    struct fixture *fixture = *state;
    static struct reader readers[READERS];
    struct content_status status;
    unsigned adopted = 0;

    fixture_stop(fixture);
    fixture->conf.limit_bytes = 4 * MIB;
    fixture_start(fixture);
    for (unsigned number = 1; number <= FILES; number++) {
        char id[16];

        (void)snprintf(id, sizeof id, "f%u", number);
        fake_remote_put(fixture->fake, id, size_of(number), 1, 1);
    }
    for (unsigned i = 0; i < READERS; i++) {
        char id[16];

        (void)snprintf(id, sizeof id, "f%u", 100 + i);
        fake_remote_put(fixture->fake, id, size_of(100 + i), 1, 1);
        readers[i] = (struct reader){
            .fixture = fixture,
            .number = i,
            .seed = 1000 + i,
            .plain_fd = -1,
        };
        assert_int_equal(pthread_create(&readers[i].thread, NULL, reader_run, &readers[i]), 0);
    }
    for (unsigned i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
        assert_int_equal(readers[i].answered, ROUNDS * 3);
        assert_int_equal(readers[i].wrong, 0);
        adopted += readers[i].adopted;
    }
    assert_true(adopted > 0);
    content_get_status(fixture->content, &status);
    assert_true(status.used_bytes <= status.limit_bytes);
}

static void test_the_end_comes_while_readers_wait(void **state)
{
    struct fixture *fixture = *state;
    struct pending_read reads[16];
    struct content_file *file;

    for (unsigned round = 1; round <= 20; round++) {
        file = fixture_put_open(fixture, "f1", 64 * MIB, round, false);
        for (size_t i = 0; i < ROWS(reads); i++)
            read_start(file, (int64_t)i * 4 * MIB, 4096, round, &reads[i]);
        fixture_restart(fixture);
        free(file);
        for (size_t i = 0; i < ROWS(reads); i++) {
            assert_true(reads[i].is_done);
            assert_true(reads[i].status == 0 || reads[i].status == -ECANCELED);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_readers_get_right_bytes_while_versions_are_evicted_and_dropped),
        TEST(test_the_end_comes_while_readers_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
