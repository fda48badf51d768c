/* SPDX-License-Identifier: MIT */
/*
 * Many readers, small cache, versions dropped and reopened, reads cancelled: what is answered must
 * be right. Run under ThreadSanitizer it also finds what is not locked.
 */
#include "config.h"

#include "content/content.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "content_fixture.h"
#include "unit.h"

#define READERS 32
#define ROUNDS  12
#define FILES   6

struct reader {
    struct fixture *fixture;
    pthread_t thread;
    unsigned seed;
    unsigned answered;
    unsigned wrong;
};

/* Some small, some large. */
static int64_t size_of(unsigned number)
{
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

static void *reader_run(void *arg)
{
    struct reader *reader = arg;

    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned number = (unsigned)rand_r(&reader->seed) % FILES + 1;
        struct content_file *file;
        char id[16];

        (void)snprintf(id, sizeof id, "f%u", number);
        file = fixture_open(reader->fixture, id, size_of(number), 1, number % 3 != 0);
        read_some(reader, file, number);
        if (rand_r(&reader->seed) % 8 == 0)
            content_drop(reader->fixture->content, fixture_generation(id, 1));
        (void)content_state(reader->fixture->content, fixture_generation(id, 1), size_of(number));
        content_close(file);
    }
    return NULL;
}

static void test_readers_get_right_bytes_while_versions_are_evicted_and_dropped(void **state)
{
    struct fixture *fixture = *state;
    static struct reader readers[READERS];
    struct content_status status;

    fixture_stop(fixture);
    fixture->conf.limit_bytes = 4 * MIB;
    fixture_start(fixture);
    for (unsigned number = 1; number <= FILES; number++) {
        char id[16];

        (void)snprintf(id, sizeof id, "f%u", number);
        fake_remote_put(fixture->fake, id, size_of(number), 1, 1);
    }
    for (unsigned i = 0; i < READERS; i++) {
        readers[i] = (struct reader){ .fixture = fixture, .seed = 1000 + i };
        assert_int_equal(pthread_create(&readers[i].thread, NULL, reader_run, &readers[i]), 0);
    }
    for (unsigned i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
        assert_int_equal(readers[i].answered, ROUNDS * 3);
        assert_int_equal(readers[i].wrong, 0);
    }
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
