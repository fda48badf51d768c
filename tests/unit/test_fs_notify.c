/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "fs/notify.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "unit.h"

enum { BLOCKING_INO = 100 };

/* The kernel, for a test: remembers what it was told. The first call about a directory with the
 * number BLOCKING_INO doesn't return until it is released. */
struct kernel {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char told[256];
    bool is_blocked, is_released, is_idle;
};

static void tell(struct kernel *kernel, ino_nr key, const char *text)
{
    LOCKED(&kernel->lock);
    (void)snprintf(kernel->told + strlen(kernel->told), sizeof kernel->told - strlen(kernel->told),
                   "%s ", text);
    if (key == BLOCKING_INO) {
        kernel->is_blocked = true;
        (void)pthread_cond_broadcast(&kernel->changed);
        while (!kernel->is_released)
            (void)pthread_cond_wait(&kernel->changed, &kernel->lock);
    }
}

static void forget_entry(void *arg, ino_nr parent, const char *name)
{
    tell(arg, parent, name);
}

static void forget_deleted(void *arg, ino_nr parent, ino_nr ino, const char *name)
{
    char text[64];

    (void)snprintf(text, sizeof text, "-%s:%d", name, (int)ino);
    tell(arg, parent, text);
}

static void forget_attr(void *arg, ino_nr parent, ino_nr ino)
{
    char text[32];

    (void)snprintf(text, sizeof text, "@%d/%d", (int)parent, (int)ino);
    tell(arg, ino, text);
}

static void forget_content(void *arg, ino_nr parent, ino_nr ino)
{
    char text[32];

    (void)snprintf(text, sizeof text, "=%d/%d", (int)parent, (int)ino);
    tell(arg, ino, text);
}

static const struct notify_ops ops = {
    .forget_entry = forget_entry,
    .forget_deleted = forget_deleted,
    .forget_attr = forget_attr,
    .forget_content = forget_content,
};

static void kernel_init(struct kernel *kernel)
{
    *kernel = (struct kernel){
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .changed = PTHREAD_COND_INITIALIZER,
    };
}

static void note_idle(void *arg)
{
    struct kernel *kernel = arg;

    LOCKED(&kernel->lock);
    kernel->is_idle = true;
    (void)pthread_cond_broadcast(&kernel->changed);
}

static void wait_until_idle(struct notifier *notifier, struct kernel *kernel)
{
    kernel->is_idle = false;
    notifier_when_idle(notifier, note_idle, kernel);
    LOCKED(&kernel->lock);
    while (!kernel->is_idle)
        (void)pthread_cond_wait(&kernel->changed, &kernel->lock);
}

static void wait_until_blocked(struct kernel *kernel)
{
    LOCKED(&kernel->lock);
    while (!kernel->is_blocked)
        (void)pthread_cond_wait(&kernel->changed, &kernel->lock);
}

static void release(struct kernel *kernel)
{
    LOCKED(&kernel->lock);
    kernel->is_released = true;
    (void)pthread_cond_broadcast(&kernel->changed);
}

static void queue_entry(struct notifier *notifier, ino_nr parent, char *name)
{
    const struct change change = { .kind = CHANGE_ENTRY, .parent = parent, .name = name };

    notifier_queue(notifier, &change, 1);
}

static void test_each_kind_of_change_is_told_in_its_own_way(void **state)
{
    char name[] = "name";
    const struct change changes[] = {
        { .kind = CHANGE_ENTRY, .parent = 1, .ino = 20, .name = name },
        { .kind = CHANGE_DELETED, .parent = 1, .ino = 20, .name = name },
        { .kind = CHANGE_ATTR, .parent = 3, .ino = 1 },
        { .kind = CHANGE_LISTING, .parent = 3, .ino = 1 },
    };
    const struct change content = { .kind = CHANGE_CONTENT, .parent = 1, .ino = 20 };
    struct kernel kernel;
    struct notifier *notifier;

    (void)state;
    kernel_init(&kernel);
    assert_int_equal(notifier_new(&ops, &kernel, 2, &notifier), 0);
    notifier_queue(notifier, changes, ROWS(changes));
    wait_until_idle(notifier, &kernel);
    notifier_queue(notifier, &content, 1);
    wait_until_idle(notifier, &kernel);
    assert_string_equal(kernel.told, "name -name:20 @3/1 =3/1 =1/20 ");
    notifier_free(notifier);
}

static void
test_what_is_queued_twice_is_told_once_at_the_end_and_again_after_it_was_told(void **state)
{
    char busy[] = "busy", name[] = "name", other[] = "other";
    struct kernel kernel;
    struct notifier *notifier;

    (void)state;
    kernel_init(&kernel);
    assert_int_equal(notifier_new(&ops, &kernel, 1, &notifier), 0);
    queue_entry(notifier, BLOCKING_INO, busy);
    wait_until_blocked(&kernel);
    queue_entry(notifier, BLOCKING_INO, busy);
    queue_entry(notifier, 1, name);
    queue_entry(notifier, 1, other);
    queue_entry(notifier, 1, name);
    assert_int_equal(notifier_length(notifier), 3);
    release(&kernel);
    wait_until_idle(notifier, &kernel);
    assert_string_equal(kernel.told, "busy other name busy ");
    notifier_free(notifier);
}

static void test_what_the_kernel_asked_for_or_does_not_know_is_not_told(void **state)
{
    char name[] = "name";
    const struct change changes[] = {
        { .kind = CHANGE_ENTRY, .parent = 1, .ino = 20, .name = name, .is_own = true },
        { .kind = CHANGE_DELETED, .parent = 1, .ino = 20, .name = name, .is_own = true },
        { .kind = CHANGE_ATTR, .parent = 3, .ino = 1, .is_own = true },
        { .kind = CHANGE_LISTING, .parent = 3, .ino = 1, .is_own = true },
        { .kind = CHANGE_CONTENT, .parent = 1, .ino = 20, .is_own = true },
        { .kind = CHANGE_UNUSED, .generation = 7, .is_own = true },
        { .kind = CHANGE_UNUSED, .generation = 8 },
        { .kind = CHANGE_ATTR, .parent = 3, .ino = 21 },
    };
    struct kernel kernel;
    struct notifier *notifier;

    (void)state;
    kernel_init(&kernel);
    assert_int_equal(notifier_new(&ops, &kernel, 2, &notifier), 0);
    notifier_queue(notifier, changes, ROWS(changes));
    wait_until_idle(notifier, &kernel);
    assert_string_equal(kernel.told, "@3/21 ");
    notifier_free(notifier);
}

static void test_a_directory_that_blocks_holds_up_no_other(void **state)
{
    char busy[] = "busy", name[] = "name";
    struct kernel kernel;
    struct notifier *notifier;

    (void)state;
    kernel_init(&kernel);
    assert_int_equal(notifier_new(&ops, &kernel, 2, &notifier), 0);
    queue_entry(notifier, BLOCKING_INO, busy);
    wait_until_blocked(&kernel);
    /* Two directories for the other thread: the second is told only when the first one was. */
    queue_entry(notifier, 1, name);
    queue_entry(notifier, 2, name);
    while (notifier_length(notifier) > 0)
        (void)sched_yield();
    release(&kernel);
    wait_until_idle(notifier, &kernel);
    assert_string_equal(kernel.told, "busy name name ");
    notifier_free(notifier);
}

static void test_the_end_drops_what_is_queued_and_tells_who_waits(void **state)
{
    char busy[] = "busy", name[] = "name";
    struct kernel kernel;
    struct notifier *notifier;

    (void)state;
    kernel_init(&kernel);
    assert_int_equal(notifier_new(&ops, &kernel, 1, &notifier), 0);
    queue_entry(notifier, BLOCKING_INO, busy);
    wait_until_blocked(&kernel);
    queue_entry(notifier, BLOCKING_INO, name);
    notifier_when_idle(notifier, note_idle, &kernel);
    assert_false(kernel.is_idle);
    release(&kernel);
    notifier_stop(notifier);
    assert_true(kernel.is_idle);
    queue_entry(notifier, 1, name);
    notifier_free(notifier);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_of_change_is_told_in_its_own_way),
        cmocka_unit_test(
            test_what_is_queued_twice_is_told_once_at_the_end_and_again_after_it_was_told),
        cmocka_unit_test(test_what_the_kernel_asked_for_or_does_not_know_is_not_told),
        cmocka_unit_test(test_a_directory_that_blocks_holds_up_no_other),
        cmocka_unit_test(test_the_end_drops_what_is_queued_and_tells_who_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
