/* SPDX-License-Identifier: MIT */
/* A process for each processor. One that dies leaves the seed that it was at. */
#include "config.h"

#include "seeds.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"

#define WORKERS_MAX 64

/* A seed that takes longer never ends. */
#define SEED_MAX_S 60

struct worker {
    pid_t pid;
    uint64_t seed;
    bool has_failed;
    struct tally tally;
};

struct crew {
    atomic_bool must_stop;
    bool is_survey; /* a failure is told of, and is no reason to stop */
    size_t count;
    struct worker workers[WORKERS_MAX];
};

static void work(struct crew *crew, size_t number, enum plant plant, uint64_t first, uint64_t count)
{
    struct worker *worker = &crew->workers[number];
    struct outcome *outcome = x_calloc(1, sizeof *outcome);
    struct bench bench;

    bench_init(&bench);
    plant_use(plant, &worker->tally, bench.disk);
    for (uint64_t i = number; i < count && !atomic_load(&crew->must_stop); i += crew->count) {
        worker->seed = first + i;
        (void)alarm(SEED_MAX_S);
        run_seed(&bench, &worker->tally, worker->seed, outcome);
        if (!outcome->has_failed)
            continue;
        worker->has_failed = true;
        if (!crew->is_survey)
            break;
        printf("seed %llu: %s\n", (unsigned long long)worker->seed, outcome->failure);
    }
    if (worker->has_failed && !crew->is_survey)
        atomic_store(&crew->must_stop, true);
    bench_clear(&bench);
    free(outcome);
    (void)fflush(NULL);
}

static void start(struct crew *crew, size_t number, enum plant plant, uint64_t first,
                  uint64_t count)
{
    pid_t child;

    (void)fflush(NULL);
    child = fork();
    if (child < 0)
        abort();
    if (child == 0) {
        /* Nobody would wait for what it finds. */
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        work(crew, number, plant, first, count);
        _exit(0);
    }
    crew->workers[number].pid = child;
}

/* The first seed that failed, of several. */
static void reap(struct crew *crew, struct seeds *ret)
{
    for (size_t i = 0; i < crew->count; i++) {
        struct worker *worker = &crew->workers[i];
        int status = 0;

        while (waitpid(worker->pid, &status, 0) < 0)
            ;
        tally_add(&ret->tally, &worker->tally);
        if (status == 0 && !worker->has_failed)
            continue;
        atomic_store(&crew->must_stop, true);
        if (!ret->has_failed || worker->seed < ret->failed)
            ret->failed = worker->seed;
        ret->has_failed = true;
    }
}

static void run(enum plant plant, uint64_t first, uint64_t count, bool is_survey, struct seeds *ret)
{
    struct crew *crew =
        mmap(NULL, sizeof *crew, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    if (crew == MAP_FAILED)
        abort();
    crew->is_survey = is_survey;
    crew->count = processors < 1 ? 1 : processors > WORKERS_MAX ? WORKERS_MAX : (size_t)processors;
    *ret = (struct seeds){ 0 };
    for (size_t i = 0; i < crew->count; i++)
        start(crew, i, plant, first, count);
    reap(crew, ret);
    (void)munmap(crew, sizeof *crew);
}

void seeds_run(enum plant plant, uint64_t first, uint64_t count, struct seeds *ret)
{
    run(plant, first, count, false, ret);
}

void seeds_survey(enum plant plant, uint64_t first, uint64_t count, struct seeds *ret)
{
    run(plant, first, count, true, ret);
}
