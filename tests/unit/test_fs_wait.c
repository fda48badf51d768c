/* SPDX-License-Identifier: MIT */
/*
 * Waiting requests, with libfuse and sync replaced by what stands here: a request remembers its
 * interrupt function and its answers.
 */
#include "config.h"

#include "fs/wait.h"

#include <errno.h>
#include <pthread.h>

#include "base/lock.h"
#include "unit.h"

enum { DEADLINE_MS = 60000, NOT_ANSWERED = 1 };

struct fuse_req {
    fuse_interrupt_func_t on_interrupt;
    void *arg;
    int answers;
    int code; /* of the answer */
};

/* Guards all requests. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t answered = PTHREAD_COND_INITIALIZER;
static uint64_t forgotten; /* the last id that sync was to forget */

void fuse_req_interrupt_func(fuse_req_t req, fuse_interrupt_func_t func, void *data)
{
    LOCKED(&lock);
    req->on_interrupt = func;
    req->arg = data;
}

void fs_reply_error(fuse_req_t req, int code)
{
    LOCKED(&lock);
    req->answers++;
    req->code = code;
    (void)pthread_cond_broadcast(&answered);
}

bool sync_forget(struct sync *sync, uint64_t id)
{
    (void)sync;
    LOCKED(&lock);
    forgotten = id;
    return true;
}

struct world {
    struct clock *clock;
    struct fs fs;
    struct fuse_req req;
};

static int setup(void **state)
{
    static struct world world;

    world = (struct world){
        .clock = clock_new_manual(0),
        .req = { .code = NOT_ANSWERED },
    };
    forgotten = 0;
    *state = &world;
    return waits_new(world.clock, &world.fs.waits);
}

static int teardown(void **state)
{
    struct world *world = *state;

    waits_free(world->fs.waits);
    clock_free(world->clock);
    return 0;
}

static void interrupt(struct fuse_req *req)
{
    assert_non_null(req->on_interrupt);
    req->on_interrupt(req, req->arg);
}

static int wait_for_answer(struct fuse_req *req)
{
    LOCKED(&lock);
    while (req->answers == 0)
        (void)pthread_cond_wait(&answered, &lock);
    return req->code;
}

static void resume(struct wait *wait, const struct err *err)
{
    fs_reply_error(wait->req, err ? err->code : 0);
}

static struct wait *begin(struct world *world)
{
    return wait_new(&world->fs, &(struct wait_conf){
                                    .req = &world->req,
                                    .name = "name",
                                    .resume = resume,
                                    .abandon = wait_forget_sync,
                                });
}

static void test_the_end_of_the_work_answers(void **state)
{
    struct world *world = *state;
    struct wait *wait = begin(world);

    wait_for_work(wait, 7);
    assert_int_equal(waits_count(world->fs.waits), 1);
    wait_sync_done(NULL, wait);
    assert_int_equal(world->req.code, 0);
    assert_int_equal(waits_count(world->fs.waits), 0);
    waits_stop(world->fs.waits);
    assert_int_equal(world->req.answers, 1);
    assert_int_equal(forgotten, 0);
}

static void test_work_that_fails_hands_its_error_on(void **state)
{
    struct world *world = *state;
    struct wait *wait = begin(world);
    const struct err err = { .code = -EACCES };

    wait_for_work(wait, 7);
    wait_sync_done(&err, wait);
    assert_int_equal(world->req.code, -EACCES);
}

static void test_work_may_end_before_its_starter_has_said_what_it_is(void **state)
{
    struct world *world = *state;
    struct wait *wait = begin(world);

    wait_sync_done(NULL, wait);
    wait_for_work(wait, 7);
    assert_int_equal(world->req.answers, 1);
    assert_int_equal(forgotten, 0);
}

static void test_an_interrupted_request_is_answered_and_its_work_given_up(void **state)
{
    struct world *world = *state;

    wait_for_work(begin(world), 7);
    interrupt(&world->req);
    assert_int_equal(wait_for_answer(&world->req), -EINTR);
    waits_stop(world->fs.waits);
    assert_int_equal(forgotten, 7);
    assert_int_equal(world->req.answers, 1);
}

/* Nobody is answered before: the kernel could release what the starter still uses. */
static void
test_an_interrupt_before_the_work_began_is_answered_when_the_starter_is_done(void **state)
{
    struct world *world = *state;
    struct wait *wait = begin(world);

    interrupt(&world->req);
    waits_wake(world->fs.waits);
    assert_int_equal(waits_count(world->fs.waits), 0);
    assert_int_equal(world->req.answers, 0);
    wait_for_work(wait, 7);
    assert_int_equal(wait_for_answer(&world->req), -EINTR);
    waits_stop(world->fs.waits);
    assert_int_equal(forgotten, 7);
}

static void *stop(void *arg)
{
    waits_stop(arg);
    return NULL;
}

static void test_a_mount_that_ends_while_work_is_started_answers_and_gives_it_up(void **state)
{
    struct world *world = *state;
    struct wait *wait = begin(world);
    struct fuse_req late = { .code = NOT_ANSWERED };
    pthread_t stopper;

    assert_int_equal(pthread_create(&stopper, NULL, stop, world->fs.waits), 0);
    /* Refused once the end has begun. */
    while (late.answers == 0) {
        struct wait *other = wait_new(&world->fs, &(struct wait_conf){ .req = &late });

        if (other) {
            assert_true(wait_claim(other));
            wait_end(other);
            wait_for_handle(other);
        }
    }
    wait_for_work(wait, 7);
    assert_int_equal(pthread_join(stopper, NULL), 0);
    assert_int_equal(world->req.code, -ENOTCONN);
    assert_int_equal(forgotten, 7);
}

static bool comes_too_late(struct wait *wait)
{
    (void)wait;
    return false;
}

static void test_work_that_ends_after_an_interrupt_answers_nothing(void **state)
{
    struct world *world = *state;
    struct wait *wait = wait_new(&world->fs, &(struct wait_conf){
                                                 .req = &world->req,
                                                 .resume = resume,
                                                 .abandon = comes_too_late,
                                             });

    wait_for_work(wait, 7);
    interrupt(&world->req);
    assert_int_equal(wait_for_answer(&world->req), -EINTR);
    wait_sync_done(NULL, wait);
    assert_int_equal(world->req.answers, 1);
}

static void test_a_request_waits_until_its_deadline_and_no_longer(void **state)
{
    struct world *world = *state;

    wait_for_work(begin(world), 7);
    clock_advance(world->clock, DEADLINE_MS - 1);
    waits_wake(world->fs.waits);
    assert_int_equal(waits_count(world->fs.waits), 1);
    clock_advance(world->clock, 1);
    waits_wake(world->fs.waits);
    assert_int_equal(wait_for_answer(&world->req), -ETIMEDOUT);
}

static void test_a_request_without_a_deadline_delays_no_other(void **state)
{
    struct world *world = *state;
    struct fuse_req patient = { .code = NOT_ANSWERED };

    wait_for_work(wait_new(&world->fs,
                           &(struct wait_conf){
                               .req = &patient,
                               .abandon = wait_forget_sync,
                               .deadline_ms = WAIT_FOR_EVER,
                           }),
                  8);
    wait_for_work(begin(world), 7);
    clock_advance(world->clock, DEADLINE_MS);
    waits_wake(world->fs.waits);
    assert_int_equal(wait_for_answer(&world->req), -ETIMEDOUT);
    assert_int_equal(patient.answers, 0);
    waits_stop(world->fs.waits);
    assert_int_equal(patient.code, -ENOTCONN);
}

static void test_the_end_of_the_mount_answers_all_and_lets_none_wait(void **state)
{
    struct world *world = *state;
    struct fuse_req late = { .code = NOT_ANSWERED };

    wait_for_work(begin(world), 7);
    waits_stop(world->fs.waits);
    assert_int_equal(world->req.code, -ENOTCONN);
    assert_null(wait_new(&world->fs, &(struct wait_conf){ .req = &late }));
    assert_int_equal(late.code, -ENOTCONN);
    assert_null(late.on_interrupt);
}

#define WAIT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WAIT_TEST(test_the_end_of_the_work_answers),
        WAIT_TEST(test_work_that_fails_hands_its_error_on),
        WAIT_TEST(test_work_may_end_before_its_starter_has_said_what_it_is),
        WAIT_TEST(test_an_interrupted_request_is_answered_and_its_work_given_up),
        WAIT_TEST(test_an_interrupt_before_the_work_began_is_answered_when_the_starter_is_done),
        WAIT_TEST(test_a_mount_that_ends_while_work_is_started_answers_and_gives_it_up),
        WAIT_TEST(test_work_that_ends_after_an_interrupt_answers_nothing),
        WAIT_TEST(test_a_request_waits_until_its_deadline_and_no_longer),
        WAIT_TEST(test_a_request_without_a_deadline_delays_no_other),
        WAIT_TEST(test_the_end_of_the_mount_answers_all_and_lets_none_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
