/* SPDX-License-Identifier: MIT */
/* content_adopt(): what was written here and uploaded is the cached version. */
#include "config.h"

#include "content/content.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/xalloc.h"
#include "content/format.h"
#include "content_fixture.h"
#include "full_disk.h"
#include "unit.h"

/* ---- the system, which does as told ---- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int rename_error;       /* of each rename; 0: it works */
    bool holds_renames;     /* they don't return */
    bool has_waiter;        /* one is being held */
    bool has_no_range_copy; /* copy_file_range doesn't work */
    bool fills_up;          /* and from then on the disk takes no more than a MiB of a file */
    bool fails_sync;        /* fdatasync doesn't */
} told = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The linker's names (--wrap=rename and so on). */
/* NOLINTBEGIN(bugprone-reserved-identifier) */
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
ssize_t __real_copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t length,
                               unsigned flags);
ssize_t __wrap_copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t length,
                               unsigned flags);

int __wrap_rename(const char *from, const char *to)
{
    int error;

    {
        LOCKED(&told.lock);
        told.has_waiter = told.holds_renames;
        (void)pthread_cond_broadcast(&told.changed);
        while (told.holds_renames)
            (void)pthread_cond_wait(&told.changed, &told.lock);
        error = told.rename_error;
    }
    if (error == 0)
        return __real_rename(from, to);
    errno = error;
    return -1;
}

int __wrap_fdatasync(int fd)
{
    {
        LOCKED(&told.lock);
        if (told.fails_sync) {
            errno = EIO;
            return -1;
        }
    }
    return __real_fdatasync(fd);
}

ssize_t __wrap_copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t length,
                               unsigned flags)
{
    {
        LOCKED(&told.lock);
        if (told.fills_up)
            limit_files(MIB);
        if (told.has_no_range_copy) {
            errno = EXDEV;
            return -1;
        }
    }
    return __real_copy_file_range(from, from_at, to, to_at, length, flags);
}

/* NOLINTEND(bugprone-reserved-identifier) */

static void tell_rename(int error)
{
    LOCKED(&told.lock);
    told.rename_error = error;
}

static void tell_range_copy(bool has_none, bool fills_up)
{
    LOCKED(&told.lock);
    told.has_no_range_copy = has_none;
    told.fills_up = fills_up;
}

static void tell_sync(bool fails)
{
    LOCKED(&told.lock);
    told.fails_sync = fails;
}

static void hold_renames(bool holds)
{
    LOCKED(&told.lock);
    told.holds_renames = holds;
    told.has_waiter = false;
    (void)pthread_cond_broadcast(&told.changed);
}

static void await_held_rename(void)
{
    LOCKED(&told.lock);
    while (!told.has_waiter)
        (void)pthread_cond_wait(&told.changed, &told.lock);
}

static int setup(void **state)
{
    tell_rename(0);
    tell_range_copy(false, false);
    tell_sync(false);
    full_disk_refuse(0, 0);
    limit_files(RLIM_INFINITY);
    (void)signal(SIGXFSZ, SIG_IGN);
    return fixture_setup(state);
}

/* ---- plain files ---- */

static char *plain_path(const struct fixture *fixture, const char *id)
{
    return x_asprintf("%s/written-%s", fixture->directory, id);
}

/* The bytes that the remote has for seed 1, as the user has written them. */
static void write_plain(const struct fixture *fixture, const char *id, int64_t size)
{
    cleanup_free char *path = plain_path(fixture, id);
    cleanup_free char *bytes = x_malloc((size_t)size + 1);
    cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    for (int64_t i = 0; i < size; i++)
        bytes[i] = fake_byte(1, i);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, (size_t)size), size);
}

static void assert_has_bytes(int fd, int64_t size)
{
    cleanup_free char *bytes = x_malloc((size_t)size);
    int64_t right = 0;

    assert_int_equal(pread(fd, bytes, (size_t)size, 0), size);
    while (right < size && bytes[right] == fake_byte(1, right))
        right++;
    assert_int_equal(right, size);
}

/* It is as write_plain() has left it. */
static void assert_is_plain(const struct fixture *fixture, const char *id, int64_t size)
{
    cleanup_free char *path = plain_path(fixture, id);
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, size);
    assert_has_bytes(fd, size);
}

static void assert_is_gone(const struct fixture *fixture, const char *id)
{
    cleanup_free char *path = plain_path(fixture, id);

    assert_int_equal(access(path, F_OK), -1);
}

static int adopt(const struct fixture *fixture, const char *id, int64_t size)
{
    cleanup_free char *path = plain_path(fixture, id);
    const struct content_id content_id = {
        .generation = fixture_generation(id, 1),
        .size = size,
        .drive_id = "drive",
        .item_id = id,
    };
    struct err err = { .code = 0 };
    int r = content_adopt(fixture->content, &content_id, path, &err);

    assert_int_equal(err.code, r);
    return r;
}

static void write_and_adopt(const struct fixture *fixture, const char *id, int64_t size)
{
    write_plain(fixture, id, size);
    assert_int_equal(adopt(fixture, id, size), 0);
    assert_is_gone(fixture, id);
}

static enum content_state state_of(const struct fixture *fixture, const char *id, int64_t size)
{
    return content_state(fixture->content, fixture_generation(id, 1), size);
}

static struct content_status status_of(const struct fixture *fixture)
{
    struct content_status status;

    content_get_status(fixture->content, &status);
    return status;
}

static void assert_reads_without_a_request(struct fixture *fixture, const char *id, int64_t size)
{
    struct fake_counts before = fake_remote_counts(fixture->fake), after;
    struct content_file *file = fixture_open(fixture, id, size, 1, true);

    assert_reads_all(file, 1, 100000);
    content_close(file);
    after = fake_remote_counts(fixture->fake);
    assert_int_equal(after.locates, before.locates);
    assert_int_equal(after.fetches, before.fetches);
}

static void assert_is_fetched(struct fixture *fixture, const char *id, int64_t size)
{
    struct fake_counts before = fake_remote_counts(fixture->fake);
    struct content_file *file = fixture_put_open(fixture, id, size, 1, true);

    assert_reads_all(file, 1, 100000);
    content_close(file);
    assert_int_equal(fake_remote_counts(fixture->fake).fetched_bytes, before.fetched_bytes + size);
}

/* ---- what becomes of it ---- */

static const int64_t sizes[] = {
    1, 4095, 4096, 4097, BLOCK, BLOCK + 1, CONTENT_SMALL_SIZE, 3 * MIB + 123,
};

static void test_it_is_read_without_any_request(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ROWS(sizes); i++) {
        char id[16];

        (void)snprintf(id, sizeof id, "f%zu", i + 1);
        write_and_adopt(fixture, id, sizes[i]);
        assert_int_equal(state_of(fixture, id, sizes[i]), CONTENT_CACHED);
        assert_reads_without_a_request(fixture, id, sizes[i]);
    }
    fixture_restart(fixture);
    for (size_t i = 0; i < ROWS(sizes); i++) {
        char id[16];

        (void)snprintf(id, sizeof id, "f%zu", i + 1);
        assert_reads_without_a_request(fixture, id, sizes[i]);
    }
}

static void test_it_moves_and_is_not_copied(void **state)
{
    struct fixture *fixture = *state;
    cleanup_free char *plain = plain_path(fixture, "f1");
    cleanup_free char *path = fixture_file(fixture, "f1", 1);
    struct stat before, after;

    write_plain(fixture, "f1", 3 * MIB);
    assert_int_equal(stat(plain, &before), 0);
    assert_int_equal(adopt(fixture, "f1", 3 * MIB), 0);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(after.st_ino, before.st_ino);
}

static void test_it_counts_as_what_was_fetched(void **state)
{
    struct fixture *fixture = *state;

    write_and_adopt(fixture, "f1", 3 * MIB + 123);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(status_of(fixture).files, 1);
        assert_int_equal(status_of(fixture).used_bytes, 3 * MIB + 123 + 4096);
        fixture_restart(fixture);
        fixture_await_jobs(fixture);
    }
    content_drop(fixture->content, fixture_generation("f1", 1));
    assert_int_equal(status_of(fixture).files, 0);
    assert_int_equal(status_of(fixture).used_bytes, 0);
    assert_int_equal(fixture_disk_bytes(fixture), 0);
}

static void test_an_empty_file_just_goes(void **state)
{
    struct fixture *fixture = *state;

    write_and_adopt(fixture, "f1", 0);
    assert_int_equal(status_of(fixture).files, 0);
    assert_reads_without_a_request(fixture, "f1", 0);
}

static void test_the_cache_may_have_been_emptied_by_hand(void **state)
{
    struct fixture *fixture = *state;
    cleanup_free char *file = fixture_file(fixture, "f1", 1);

    fixture_await_jobs(fixture);
    *strrchr(file, '/') = '\0';
    assert_int_equal(rmdir(file), 0);
    write_and_adopt(fixture, "f1", 100000);
    assert_reads_without_a_request(fixture, "f1", 100000);
}

/* ---- power cuts ---- */

static void reboot(struct fixture *fixture)
{
    fixture_stop(fixture);
    fixture->conf.boot_id = "boot two";
    fixture_start(fixture);
}

static void test_once_synced_it_survives_a_power_cut(void **state)
{
    struct fixture *fixture = *state;

    write_and_adopt(fixture, "f1", 3 * MIB);
    reboot(fixture);
    assert_reads_without_a_request(fixture, "f1", 3 * MIB);
}

static void test_unless_synced_it_is_not_believed_after_a_power_cut(void **state)
{
    struct fixture *fixture = *state;

    tell_sync(true);
    write_and_adopt(fixture, "f1", 3 * MIB);
    reboot(fixture);
    assert_int_equal(state_of(fixture, "f1", 3 * MIB), CONTENT_CLOUD);
    assert_is_fetched(fixture, "f1", 3 * MIB);
}

static void test_unless_synced_it_survives_a_kill(void **state)
{
    struct fixture *fixture = *state;

    tell_sync(true);
    write_and_adopt(fixture, "f1", 3 * MIB);
    fixture_restart(fixture);
    assert_reads_without_a_request(fixture, "f1", 3 * MIB);
}

/* ---- from another file system ---- */

static void test_from_another_file_system_it_is_copied(void **state)
{
    struct fixture *fixture = *state;

    tell_rename(EXDEV);
    for (size_t i = 0; i < 2 * ROWS(sizes); i++) {
        int64_t size = sizes[i / 2];
        char id[16];

        (void)snprintf(id, sizeof id, "f%zu", i + 1);
        tell_range_copy(i % 2 == 1, false);
        write_and_adopt(fixture, id, size);
        assert_reads_without_a_request(fixture, id, size);
    }
    fixture_restart(fixture);
    assert_reads_without_a_request(fixture, "f16", 3 * MIB + 123);
}

static void test_a_copy_that_fails_leaves_the_file(void **state)
{
    struct fixture *fixture = *state;

    write_plain(fixture, "f1", 3 * MIB);
    tell_rename(EXDEV);
    tell_range_copy(true, true);
    assert_int_equal(adopt(fixture, "f1", 3 * MIB), -EFBIG);
    tell_range_copy(true, false);
    limit_files(RLIM_INFINITY);
    assert_is_plain(fixture, "f1", 3 * MIB);
    assert_int_equal(status_of(fixture).files, 0);
    assert_int_equal(status_of(fixture).used_bytes, 0);
    assert_int_equal(state_of(fixture, "f1", 3 * MIB), CONTENT_CLOUD);
    assert_int_equal(adopt(fixture, "f1", 3 * MIB), 0);
    assert_is_gone(fixture, "f1");
    assert_reads_without_a_request(fixture, "f1", 3 * MIB);
}

/* ---- refused ---- */

static void assert_is_refused(struct fixture *fixture, int code)
{
    assert_int_equal(adopt(fixture, "f1", 3 * MIB), code);
    assert_is_plain(fixture, "f1", 3 * MIB);
    assert_int_equal(status_of(fixture).files, 0);
    assert_int_equal(status_of(fixture).used_bytes, 0);
    assert_is_fetched(fixture, "f1", 3 * MIB);
}

static void test_where_it_can_not_move_the_file_stays_as_it_was(void **state)
{
    struct fixture *fixture = *state;

    write_plain(fixture, "f1", 3 * MIB);
    tell_rename(EACCES);
    assert_is_refused(fixture, -EACCES);
}

static void test_without_space_for_the_trailer_the_file_stays_as_it_was(void **state)
{
    struct fixture *fixture = *state;
    int64_t trailer = format_map_offset(FORMAT_NOW, 3 * MIB);

    write_plain(fixture, "f1", 3 * MIB);
    full_disk_refuse(trailer, trailer + 1);
    assert_int_equal(adopt(fixture, "f1", 3 * MIB), -ENOSPC);
    full_disk_refuse(0, 0);
    assert_is_plain(fixture, "f1", 3 * MIB);
    limit_files(3 * MIB);
    assert_int_equal(adopt(fixture, "f1", 3 * MIB), -EFBIG);
    limit_files(RLIM_INFINITY);
    assert_is_plain(fixture, "f1", 3 * MIB);
    assert_int_equal(status_of(fixture).used_bytes, 0);
}

static void test_what_is_no_plain_file_of_its_size_is_refused(void **state)
{
    struct fixture *fixture = *state;
    cleanup_free char *path = plain_path(fixture, "f1");

    assert_int_equal(adopt(fixture, "f1", 100), -ENOENT);
    write_plain(fixture, "f1", 100);
    assert_int_equal(adopt(fixture, "f1", 101), -EINVAL);
    assert_int_equal(adopt(fixture, "f1", 99), -EINVAL);
    assert_int_equal(adopt(fixture, "f1", 0), -EINVAL);
    assert_int_equal(adopt(fixture, "f1", -1), -EFBIG);
    assert_int_equal(adopt(fixture, "f1", CONTENT_MAX_SIZE + 1), -EFBIG);
    assert_is_plain(fixture, "f1", 100);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(adopt(fixture, "f1", 0), -EINVAL);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_int_equal(adopt(fixture, "f1", 0), -ELOOP);
}

static void test_what_is_open_or_here_already_is_busy(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", 3 * MIB, 1, true);
    struct pending_read read;

    write_plain(fixture, "f1", 3 * MIB);
    assert_int_equal(adopt(fixture, "f1", 3 * MIB), -EBUSY);
    fake_remote_hold(fixture->fake);
    read_start(file, 0, 100, 1, &read);
    fake_remote_await_held(fixture->fake, 1);
    assert_int_equal(adopt(fixture, "f1", 3 * MIB), -EBUSY);
    fake_remote_release(fixture->fake);
    assert_int_equal(read_await(&read), 0);
    content_close(file);
    assert_int_equal(adopt(fixture, "f1", 3 * MIB), -EBUSY);
    fixture_restart(fixture);
    assert_int_equal(adopt(fixture, "f1", 3 * MIB), -EBUSY);
    assert_is_plain(fixture, "f1", 3 * MIB);

    write_and_adopt(fixture, "f2", 100);
    write_plain(fixture, "f2", 100);
    assert_int_equal(adopt(fixture, "f2", 100), -EBUSY);
}

/* ---- room ---- */

static void start_with_limits(struct fixture *fixture, int64_t limit_bytes, int64_t min_free_bytes)
{
    fixture_stop(fixture);
    fixture->conf.limit_bytes = limit_bytes;
    fixture->conf.min_free_bytes = min_free_bytes;
    fixture_start(fixture);
    fixture_await_jobs(fixture);
}

static void test_room_is_made_for_it(void **state)
{
    struct fixture *fixture = *state;

    start_with_limits(fixture, 4 * MIB, 0);
    for (unsigned i = 1; i <= 10; i++) {
        char id[16];

        (void)snprintf(id, sizeof id, "f%u", i);
        write_and_adopt(fixture, id, MIB + 100);
        assert_true(status_of(fixture).used_bytes <= 4 * MIB);
    }
    assert_int_equal(state_of(fixture, "f1", MIB + 100), CONTENT_CLOUD);
    assert_int_equal(state_of(fixture, "f10", MIB + 100), CONTENT_CACHED);
    fixture_restart(fixture);
    fixture_await_jobs(fixture);
    assert_true(fixture_disk_bytes(fixture) <= 4 * MIB);
}

static void test_what_is_larger_than_the_cache_is_refused_and_costs_the_others_nothing(void **state)
{
    struct fixture *fixture = *state;

    start_with_limits(fixture, 2 * MIB, 0);
    write_and_adopt(fixture, "f2", MIB);
    write_plain(fixture, "f1", 2 * MIB);
    assert_int_equal(adopt(fixture, "f1", 2 * MIB), -ENOSPC);
    assert_is_plain(fixture, "f1", 2 * MIB);
    assert_int_equal(state_of(fixture, "f2", MIB), CONTENT_CACHED);
}

static void test_the_floor_of_free_space_is_kept(void **state)
{
    struct fixture *fixture = *state;
    struct statvfs disk;

    assert_int_equal(statvfs(fixture->directory, &disk), 0);
    start_with_limits(fixture, 1024 * MIB, (int64_t)(disk.f_blocks * disk.f_frsize) + MIB);
    write_plain(fixture, "f1", MIB);
    content_pin(fixture->content, fixture_generation("f1", 1), MIB);
    assert_int_equal(adopt(fixture, "f1", MIB), -ENOSPC);
    assert_is_plain(fixture, "f1", MIB);
    assert_int_equal(status_of(fixture).used_bytes, 0);
}

static void test_what_is_pinned_may_be_larger_than_the_cache(void **state)
{
    struct fixture *fixture = *state;

    start_with_limits(fixture, MIB, 0);
    content_pin(fixture->content, fixture_generation("f1", 1), 3 * MIB);
    write_and_adopt(fixture, "f1", 3 * MIB);
    assert_int_equal(status_of(fixture).pinned_bytes, 3 * MIB + 4096);
    assert_reads_without_a_request(fixture, "f1", 3 * MIB);
}

/* ---- others at the same time ---- */

static void test_who_has_the_file_open_reads_on_whatever_leaves_the_cache(void **state)
{
    const int64_t size = 6 * MIB;
    struct fixture *fixture = *state;
    cleanup_free char *path = plain_path(fixture, "f1");
    cleanup_close int fd = -1;
    struct content_file *file, *other;
    int64_t freed = 0;

    start_with_limits(fixture, 8 * MIB, 0);
    write_plain(fixture, "f1", size);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(adopt(fixture, "f1", size), 0);
    file = fixture_open(fixture, "f1", size, 1, true);
    assert_reads(file, 0, 10, 1);
    other = fixture_put_open(fixture, "f2", size, 1, false);
    assert_reads_all(other, 1, (size_t)MIB);
    assert_true(status_of(fixture).used_bytes <= 8 * MIB);
    assert_has_bytes(fd, size);
    content_close(file);
    assert_int_equal(content_evict(fixture->content, fixture_generation("f1", 1), size, &freed), 0);
    assert_true(freed >= size);
    assert_has_bytes(fd, size);
    content_close(other);
    fixture_await_jobs(fixture);
    assert_int_equal(state_of(fixture, "f1", size), CONTENT_CLOUD);
    assert_is_fetched(fixture, "f1", size);
    assert_has_bytes(fd, size);
}

struct call {
    const struct fixture *fixture;
    int64_t size;
    int result;
};

static void *call_run(void *arg)
{
    struct call *call = arg;

    call->result = adopt(call->fixture, "f1", call->size);
    return NULL;
}

/* Somebody reads the content while its file is about to move. */
static void read_meanwhile(struct fixture *fixture, int64_t size, int rename_error, int result)
{
    struct call call = { .fixture = fixture, .size = size };
    struct content_file *file;
    struct pending_read read;
    pthread_t thread;

    write_plain(fixture, "f1", size);
    write_plain(fixture, "g1", size);
    fake_remote_put(fixture->fake, "f1", size, 1, 1);
    tell_rename(rename_error);
    hold_renames(true);
    assert_int_equal(pthread_create(&thread, NULL, call_run, &call), 0);
    await_held_rename();
    file = fixture_open(fixture, "f1", size, 1, true);
    read_start(file, 0, (size_t)size, 1, &read);
    assert_int_equal(adopt(fixture, "g1", size), -EBUSY); /* the same generation */
    hold_renames(false);
    assert_int_equal(read_await(&read), 0);
    assert_int_equal(read.wrong_at, -1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(call.result, result);
    content_close(file);
}

static void test_who_reads_meanwhile_waits_and_has_nothing_fetched(void **state)
{
    static const int errors[] = { 0, EXDEV };

    for (size_t i = 0; i < ROWS(errors); i++) {
        struct fixture *fixture = *state;

        read_meanwhile(fixture, 3 * MIB, errors[i], 0);
        assert_int_equal(fake_remote_counts(fixture->fake).fetched_bytes, 0);
        content_drop(fixture->content, fixture_generation("f1", 1));
        fixture_restart(fixture);
    }
}

static void test_who_reads_meanwhile_has_it_fetched_if_the_file_does_not_come(void **state)
{
    struct fixture *fixture = *state;

    read_meanwhile(fixture, 700 * KIB, EACCES, -EACCES);
    assert_int_equal(fake_remote_counts(fixture->fake).fetched_bytes, 700 * KIB);
    assert_is_plain(fixture, "f1", 700 * KIB);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_it_is_read_without_any_request),
        TEST(test_it_moves_and_is_not_copied),
        TEST(test_it_counts_as_what_was_fetched),
        TEST(test_an_empty_file_just_goes),
        TEST(test_the_cache_may_have_been_emptied_by_hand),
        TEST(test_once_synced_it_survives_a_power_cut),
        TEST(test_unless_synced_it_is_not_believed_after_a_power_cut),
        TEST(test_unless_synced_it_survives_a_kill),
        TEST(test_from_another_file_system_it_is_copied),
        TEST(test_a_copy_that_fails_leaves_the_file),
        TEST(test_where_it_can_not_move_the_file_stays_as_it_was),
        TEST(test_without_space_for_the_trailer_the_file_stays_as_it_was),
        TEST(test_what_is_no_plain_file_of_its_size_is_refused),
        TEST(test_what_is_open_or_here_already_is_busy),
        TEST(test_room_is_made_for_it),
        TEST(test_what_is_larger_than_the_cache_is_refused_and_costs_the_others_nothing),
        TEST(test_the_floor_of_free_space_is_kept),
        TEST(test_what_is_pinned_may_be_larger_than_the_cache),
        TEST(test_who_has_the_file_open_reads_on_whatever_leaves_the_cache),
        TEST(test_who_reads_meanwhile_waits_and_has_nothing_fetched),
        TEST(test_who_reads_meanwhile_has_it_fetched_if_the_file_does_not_come),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
