/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "run.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "dice.h"

/* A run takes some ms; under valgrind some hundred. */
#define RUN_MAX_S 60

#define STEPS_MIN  70
#define STEPS_VARY 50

/* What a failing run has come to is looked at no more often than that. */
#define QUICK_CHECK_EVERY 16

static void begin(struct outcome *outcome)
{
    outcome->has_failed = false;
    outcome->failure[0] = '\0';
    outcome->len = 0;
}

static void take_step(struct world *world, const struct step *step, struct outcome *outcome)
{
    cleanup_free char *words = step_tell(step);

    log_info("sim", "%s", words);
    outcome->steps[outcome->len++] = *step;
    (void)step_run(world, step);
}

static void check_file(struct world *world)
{
    struct err err = { 0 };

    if (!world_has_failed(world) && store_quick_check(world->store, &err) < 0)
        world_fail(world, "%s", err.msg);
}

/* The end of each run. */
static void finish(struct world *world, bool checks_file, struct outcome *outcome)
{
    world->model->random = 1; /* whatever came before */
    if (!world_has_failed(world))
        world_calm(world);
    if (!world_has_failed(world))
        world_check_quiet(world);
    if (checks_file)
        check_file(world);
    world_stop(world);
    outcome->has_failed = world_has_failed(world);
    (void)snprintf(outcome->failure, sizeof outcome->failure, "%s", world->failure);
    world_free(world);
}

void run_seed(struct bench *bench, struct tally *tally, uint64_t seed, struct outcome *ret)
{
    struct world *world = world_new(bench, tally);
    struct dice dice;
    size_t len;

    begin(ret);
    dice_init(&dice, seed);
    len = STEPS_MIN + seed % STEPS_VARY;
    for (size_t i = 0; i < len && !world_has_failed(world); i++) {
        struct step step = dice_draw_step(&dice, world, i);

        take_step(world, &step, ret);
    }
    finish(world, seed % QUICK_CHECK_EVERY == 0, ret);
    tally->seeds++;
}

void run_steps(struct bench *bench, struct tally *tally, const struct step *steps, size_t len,
               struct outcome *ret)
{
    struct world *world = world_new(bench, tally);

    begin(ret);
    for (size_t i = 0; i < len && !world_has_failed(world); i++)
        take_step(world, &steps[i], ret);
    finish(world, true, ret);
}

/* ---- apart ---- */

struct apart {
    enum plant plant;
    uint64_t seed;
    const struct step *steps; /* NULL: those of the seed */
    size_t len;
};

static void run_apart(const struct apart *apart, struct outcome *outcome)
{
    struct bench bench;
    struct tally tally = { 0 };

    (void)alarm(RUN_MAX_S);
    bench_init(&bench);
    plant_use(apart->plant, &tally, bench.disk);
    if (apart->steps)
        run_steps(&bench, &tally, apart->steps, apart->len, outcome);
    else
        run_seed(&bench, &tally, apart->seed, outcome);
    bench_clear(&bench);
}

static void fork_apart(const struct apart *apart, struct outcome *ret)
{
    struct outcome *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child;
    int status = 0;

    if (shared == MAP_FAILED)
        abort();
    (void)fflush(NULL);
    child = fork();
    if (child < 0)
        abort();
    if (child == 0) {
        run_apart(apart, shared);
        _exit(0);
    }
    while (waitpid(child, &status, 0) < 0)
        ;
    *ret = *shared;
    (void)munmap(shared, sizeof *shared);
    if (status == 0)
        return;
    ret->has_failed = true;
    (void)snprintf(ret->failure, sizeof ret->failure, "the process died (status %d)", status);
}

void run_seed_apart(enum plant plant, uint64_t seed, struct outcome *ret)
{
    fork_apart(&(struct apart){ .plant = plant, .seed = seed }, ret);
}

void run_steps_apart(enum plant plant, const struct step *steps, size_t len, struct outcome *ret)
{
    fork_apart(&(struct apart){ .plant = plant, .steps = steps, .len = len }, ret);
}
