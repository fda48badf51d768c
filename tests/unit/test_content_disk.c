/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "content/content.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/paths.h"
#include "base/xalloc.h"
#include "content/block.h"
#include "content/format.h"
#include "content_fixture.h"
#include "unit.h"

static void read_and_close(struct fixture *fixture, const char *id, int64_t size, bool has_hash)
{
    struct content_file *file = fixture_put_open(fixture, id, size, 1, has_hash);

    assert_reads_all(file, 1, (size_t)MIB);
    content_close(file);
}

static enum content_state state_of(struct fixture *fixture, const char *id, int64_t size)
{
    return content_state(fixture->content, fixture_generation(id, 1), size);
}

/* All that follows comes from disk or fails. */
static void go_offline(struct fixture *fixture)
{
    static const struct fake_faults offline = { .fail_locates = 1000, .fail_code = -ENETDOWN };

    fake_remote_set_faults(fixture->fake, &offline);
}

static void reboot(struct fixture *fixture)
{
    fixture_stop(fixture);
    fixture->conf.boot_id = "boot two";
    fixture_start(fixture);
}

static void patch_file(struct fixture *fixture, const char *id, int64_t offset, const void *bytes,
                       size_t length)
{
    cleanup_free char *path = fixture_file(fixture, id, 1);
    cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, length, (off_t)offset), length);
}

static void test_what_was_read_is_there_after_a_restart_offline(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file;

    read_and_close(fixture, "f1", 3 * MIB, true);
    fixture_restart(fixture);
    go_offline(fixture);
    file = fixture_open(fixture, "f1", 3 * MIB, 1, true);
    assert_reads_all(file, 1, 100000);
    content_close(file);
}

static void test_what_was_read_and_closed_survives_a_power_cut(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file;

    read_and_close(fixture, "f1", 3 * MIB, true);
    read_and_close(fixture, "f2", 300, true);
    reboot(fixture);
    go_offline(fixture);
    file = fixture_open(fixture, "f1", 3 * MIB, 1, true);
    assert_reads_all(file, 1, 100000);
    content_close(file);
    file = fixture_open(fixture, "f2", 300, 1, true);
    assert_reads_all(file, 1, 100);
    content_close(file);
}

/* Makes the file say that nothing was synced, as if the power had failed before. */
static void unsync(struct fixture *fixture, const char *id, int64_t size)
{
    size_t map_size = bitmap_size(block_count(size));
    cleanup_free uint8_t *zeros = x_calloc(1, map_size);

    patch_file(fixture, id, format_map_offset(FORMAT_SYNCED, size), zeros, map_size);
}

static void test_blocks_that_were_not_synced_are_gone_after_a_power_cut(void **state)
{
    struct fixture *fixture = *state;

    read_and_close(fixture, "f1", 3 * MIB, true);
    fixture_stop(fixture);
    unsync(fixture, "f1", 3 * MIB);
    fixture->conf.boot_id = "boot two";
    fixture_start(fixture);
    assert_int_equal(state_of(fixture, "f1", 3 * MIB), CONTENT_CLOUD);
    read_and_close(fixture, "f1", 3 * MIB, true);
}

static void test_blocks_that_were_not_synced_survive_a_kill_in_the_same_boot(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file;

    read_and_close(fixture, "f1", 3 * MIB, true);
    fixture_stop(fixture);
    unsync(fixture, "f1", 3 * MIB);
    fixture_start(fixture);
    go_offline(fixture);
    file = fixture_open(fixture, "f1", 3 * MIB, 1, true);
    assert_reads_all(file, 1, 100000);
    content_close(file);
}

/* An old `now` must not come back to life when a later boot writes its own name into the header. */
static void test_a_bitmap_of_an_earlier_boot_stays_dead(void **state)
{
    struct fixture *fixture = *state;

    read_and_close(fixture, "f1", 3 * MIB, true);
    fixture_stop(fixture);
    unsync(fixture, "f1", 3 * MIB);
    fixture->conf.boot_id = "boot two";
    fixture_start(fixture);
    assert_int_equal(state_of(fixture, "f1", 3 * MIB), CONTENT_CLOUD);
    fixture_restart(fixture);
    assert_int_equal(state_of(fixture, "f1", 3 * MIB), CONTENT_CLOUD);
}

static void test_evicted_blocks_do_not_come_back_after_a_power_cut(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file, *other;

    read_and_close(fixture, "f1", 6 * MIB, false);
    fixture_stop(fixture); /* synced */
    fixture->conf.limit_bytes = 8 * MIB;
    fixture_start(fixture);
    file = fixture_open(fixture, "f1", 6 * MIB, 1, false);
    assert_reads(file, 5 * MIB, 10, 1);
    other = fixture_put_open(fixture, "f2", 6 * MIB, 1, false);
    assert_reads_all(other, 1, (size_t)MIB);
    content_close(other);
    content_close(file);
    fixture_stop(fixture);
    fixture->conf.boot_id = "boot two";
    fixture_start(fixture);
    file = fixture_open(fixture, "f1", 6 * MIB, 1, false);
    assert_reads_all(file, 1, 100000);
    content_close(file);
}

static void test_damaged_files_are_removed_and_fetched_again(void **state)
{
    const int64_t size = 3 * MIB;
    const int64_t header = format_file_size(size) - FORMAT_HEADER_SIZE;

    const struct {
        int64_t offset; /* of the bytes that are changed */
        const char *bytes;
        size_t length;
    } rows[] = {
        { header, "X", 1 },                                        /* magic */
        { header + 8, "\x01", 1 },                                 /* version of the format */
        { header + 24, "\x99", 1 },                                /* generation */
        { header + 33, "\x01", 1 },                                /* size */
        { header + FORMAT_HEADER_SIZE - 3, "\x01\x02\x03", 3 },    /* checksum */
        { format_map_offset(FORMAT_NOW, size) + 1, "\xff", 1 },    /* a block behind the end */
        { format_map_offset(FORMAT_SYNCED, size) + 1, "\xff", 1 }, /* same */
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ROWS(rows); i++) {
        read_and_close(fixture, "f1", size, true);
        fixture_stop(fixture);
        patch_file(fixture, "f1", rows[i].offset, rows[i].bytes, rows[i].length);
        fixture_start(fixture);
        assert_int_equal(state_of(fixture, "f1", size), CONTENT_CLOUD);
    }
    read_and_close(fixture, "f1", size, true);
}

static void test_a_header_that_lies_about_the_size_is_not_believed(void **state)
{
    static const int64_t sizes[] = { 0, 3 * MIB + 1, INT64_C(1) << 43, INT64_MAX / 2 };
    const int64_t at = format_file_size(3 * MIB) - FORMAT_HEADER_SIZE;
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ROWS(sizes); i++) {
        struct format_header header = {
            .generation = fixture_generation("f1", 1),
            .size = sizes[i],
            .boot_id = "boot one",
            .verdict_now = VERDICT_VERIFIED,
        };
        uint8_t bytes[FORMAT_HEADER_SIZE];

        format_encode(&header, bytes);
        read_and_close(fixture, "f1", 3 * MIB, true);
        fixture_stop(fixture);
        patch_file(fixture, "f1", at, bytes, sizeof bytes);
        fixture_start(fixture);
        fixture_await_jobs(fixture);
        assert_int_equal(state_of(fixture, "f1", 3 * MIB), CONTENT_CLOUD);
    }
}

static void test_a_header_at_the_end_of_a_longer_file_is_not_believed(void **state)
{
    const int64_t size = 3 * MIB, end = format_file_size(size);
    struct fixture *fixture = *state;
    cleanup_free char *path = fixture_file(fixture, "f1", 1);
    struct format_header header = {
        .generation = fixture_generation("f1", 1),
        .size = size,
        .boot_id = "boot one",
        .verdict_now = VERDICT_VERIFIED,
    };
    uint8_t bytes[FORMAT_HEADER_SIZE];

    format_encode(&header, bytes);
    read_and_close(fixture, "f1", size, true);
    fixture_stop(fixture);
    patch_file(fixture, "f1", end, bytes, sizeof bytes);
    fixture_start(fixture);
    fixture_await_jobs(fixture);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(state_of(fixture, "f1", size), CONTENT_CLOUD);
}

static void test_a_file_of_another_length_is_removed(void **state)
{
    static const off_t lengths[] = {
        0, 100, 4096, 1000000, 3 * MIB, 3 * MIB + 200, 3 * MIB + 4095, 3 * MIB + 4097, 4 * MIB,
    };
    struct fixture *fixture = *state;
    cleanup_free char *path = fixture_file(fixture, "f1", 1);

    for (size_t i = 0; i < ROWS(lengths); i++) {
        read_and_close(fixture, "f1", 3 * MIB, true);
        fixture_stop(fixture);
        assert_int_equal(truncate(path, lengths[i]), 0);
        fixture_start(fixture);
        assert_int_equal(state_of(fixture, "f1", 3 * MIB), CONTENT_CLOUD);
    }
}

static void test_a_file_cut_while_open_is_an_error_once_and_then_fetched(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", 3 * MIB, 1, true);
    cleanup_free char *path = fixture_file(fixture, "f1", 1);

    assert_reads_all(file, 1, (size_t)MIB);
    assert_int_equal(truncate(path, 4096), 0);
    assert_read_fails(file, 2 * MIB, 100, -EIO);
    assert_reads(file, 2 * MIB, 100, 1);
    assert_reads_all(file, 1, (size_t)MIB); /* no zeros in what was before */
    content_close(file);
    fixture_restart(fixture);
    read_and_close(fixture, "f1", 3 * MIB, true);
}

static void write_file(const char *path)
{
    assert_int_equal(file_write_atomic(path, "junk", 4, 0600), 0);
}

/* A version that began with its header, and had no trailer. */
static void write_old_format(const char *path)
{
    char bytes[8192] = "graphfs\n\x01";

    memset(bytes + 4096, 'x', sizeof bytes - 4096);
    assert_int_equal(file_write_atomic(path, bytes, sizeof bytes, 0600), 0);
}

static void test_the_start_removes_other_stores_and_what_is_no_version(void **state)
{
    struct fixture *fixture = *state;
    cleanup_free char *other =
        x_asprintf("%s/content/99999999-2222-4333-8444-555555555555", fixture->directory);
    cleanup_free char *other_file = x_asprintf("%s/0000000000000001", other);
    cleanup_free char *foreign = x_asprintf("%s/content/notes", fixture->directory);
    cleanup_free char *damaged = fixture_file(fixture, "f7", 1);
    cleanup_free char *stranger = x_asprintf("%s.tmp", damaged);
    cleanup_free char *of_old_format = fixture_file(fixture, "f8", 1);

    fixture_stop(fixture);
    assert_int_equal(mkdir_p(other, 0700), 0);
    assert_int_equal(mkdir_p(foreign, 0700), 0);
    write_file(other_file);
    write_file(damaged);
    write_file(stranger);
    write_old_format(of_old_format);
    fixture_start(fixture);
    fixture_await_jobs(fixture);
    assert_int_equal(access(other, F_OK), -1);
    assert_int_equal(access(damaged, F_OK), -1);
    assert_int_equal(access(stranger, F_OK), -1);
    assert_int_equal(access(of_old_format, F_OK), -1);
    assert_int_equal(access(foreign, F_OK), 0);
}

static void test_the_start_counts_what_is_there(void **state)
{
    struct fixture *fixture = *state;
    struct content_status status;

    read_and_close(fixture, "f1", 3 * MIB, true);
    read_and_close(fixture, "f2", 100, true);
    fixture_stop(fixture);
    fixture_start(fixture);
    fixture_await_jobs(fixture);
    content_get_status(fixture->content, &status);
    assert_int_equal(status.files, 2);
    assert_int_equal(status.used_bytes, 3 * MIB + 100 + 2 * 4096);
    assert_int_equal(state_of(fixture, "f1", 3 * MIB), CONTENT_CACHED);
    assert_int_equal(state_of(fixture, "f2", 100), CONTENT_CACHED);
}

static void empty_cache(struct fixture *fixture)
{
    cleanup_free char *command = x_asprintf("rm -rf %s/content", fixture->directory);

    assert_int_equal(system(command), 0);
}

static void test_the_cache_may_be_emptied_by_hand_at_any_time(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *open_before, *open_after;

    read_and_close(fixture, "f2", 2 * MIB, true);
    fixture_restart(fixture); /* so that nobody has it open, not even to sync it */
    fixture_await_jobs(fixture);
    open_before = fixture_put_open(fixture, "f1", 8 * MIB, 1, false);
    assert_reads(open_before, 2 * MIB, 4096, 1);
    empty_cache(fixture);
    assert_reads(open_before, 2 * MIB, 4096, 1);
    assert_reads(open_before, 6 * MIB, 4096, 1);
    open_after = fixture_open(fixture, "f2", 2 * MIB, 1, true);
    assert_reads_all(open_after, 1, 100000);
    content_close(open_after);
    content_close(open_before);
    fixture_restart(fixture);
    assert_int_equal(state_of(fixture, "f2", 2 * MIB), CONTENT_CACHED);
    assert_int_equal(state_of(fixture, "f1", 8 * MIB), CONTENT_CLOUD);
}

static void test_ids_may_change_without_a_byte_being_fetched_again(void **state)
{
    struct fixture *fixture = *state;
    struct content_id id = {
        .generation = fixture_generation("f1", 1),
        .drive_id = "another drive",
        .item_id = "another id",
        .size = 3 * MIB,
        .etag = "another tag",
    };
    struct content_file *file;
    struct err err;

    read_and_close(fixture, "f1", 3 * MIB, true);
    go_offline(fixture);
    assert_int_equal(content_open(fixture->content, &id, &file, &err), 0);
    assert_reads_all(file, 1, 100000);
    content_close(file);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_was_read_is_there_after_a_restart_offline),
        TEST(test_what_was_read_and_closed_survives_a_power_cut),
        TEST(test_blocks_that_were_not_synced_are_gone_after_a_power_cut),
        TEST(test_blocks_that_were_not_synced_survive_a_kill_in_the_same_boot),
        TEST(test_a_bitmap_of_an_earlier_boot_stays_dead),
        TEST(test_evicted_blocks_do_not_come_back_after_a_power_cut),
        TEST(test_damaged_files_are_removed_and_fetched_again),
        TEST(test_a_header_that_lies_about_the_size_is_not_believed),
        TEST(test_a_header_at_the_end_of_a_longer_file_is_not_believed),
        TEST(test_a_file_of_another_length_is_removed),
        TEST(test_a_file_cut_while_open_is_an_error_once_and_then_fetched),
        TEST(test_the_start_removes_other_stores_and_what_is_no_version),
        TEST(test_the_start_counts_what_is_there),
        TEST(test_the_cache_may_be_emptied_by_hand_at_any_time),
        TEST(test_ids_may_change_without_a_byte_being_fetched_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
