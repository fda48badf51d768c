/* SPDX-License-Identifier: MIT */
/*
 * Runs seeds until one fails, and prints its shortest trace then; a survey goes on, and prints a
 * line for each that does.
 *
 *	simulate [--seeds=N] [--first=SEED] [--plant=MISTAKE] [--survey]
 *	simulate --seed=SEED [--steps=NUMBERS] [--plant=MISTAKE] [--verbose]
 */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "dice.h"
#include "seeds.h"
#include "shrink.h"

#define SEEDS 1000

/* So many seeds must have tried everything. */
#define SEEDS_FOR_ALL 1000

struct options {
    uint64_t first, seeds, seed;
    bool is_single;
    bool is_survey;
    const char *steps;
    enum plant plant;
};

static const struct option option_table[] = {
    { "first", required_argument, NULL, 'f' }, { "plant", required_argument, NULL, 'p' },
    { "seed", required_argument, NULL, 's' },  { "seeds", required_argument, NULL, 'n' },
    { "survey", no_argument, NULL, 'y' },      { "steps", required_argument, NULL, 't' },
    { "verbose", no_argument, NULL, 'v' },     { 0 },
};

static bool take_option(struct options *options, int letter)
{
    switch (letter) {
    case 'f':
        options->first = strtoull(optarg, NULL, 10);
        return true;
    case 'n':
        options->seeds = strtoull(optarg, NULL, 10);
        return true;
    case 'p':
        options->plant = plant_find(optarg);
        return options->plant != PLANTS;
    case 's':
        options->seed = strtoull(optarg, NULL, 10);
        options->is_single = true;
        return true;
    case 't':
        options->steps = optarg;
        return true;
    case 'y':
        options->is_survey = true;
        return true;
    case 'v':
        log_set_level(LOG_LEVEL_INFO);
        return true;
    default:
        return false;
    }
}

static int explain(const struct options *options, uint64_t seed)
{
    cleanup_free struct trace *trace = x_calloc(1, sizeof *trace);

    printf("seed %llu fails; looking for its shortest trace\n", (unsigned long long)seed);
    if (shrink_seed(options->plant, seed, trace))
        trace_print(trace, options->plant, seed);
    else
        printf("it doesn't fail again\n");
    return 1;
}

/* From one seed on. */
static int run_range(const struct options *options)
{
    struct seeds seeds;
    unsigned missing;

    if (options->is_survey)
        seeds_survey(options->plant, options->first, options->seeds, &seeds);
    else
        seeds_run(options->plant, options->first, unit_seeds(options->seeds), &seeds);
    if (seeds.has_failed && options->is_survey)
        return 1;
    if (seeds.has_failed)
        return explain(options, seeds.failed);
    printf("%llu seeds:\n", (unsigned long long)seeds.tally.seeds);
    missing = tally_print(&seeds.tally, options->first >= DICE_WRITING);
    if (missing == 0 || seeds.tally.seeds < SEEDS_FOR_ALL)
        return 0;
    printf("%u of these never came about\n", missing);
    return 1;
}

/* Those in which users here change things come behind the others, unless one sort is asked for. */
static int run_many(const struct options *options)
{
    struct options writing = *options;
    int status;

    if (options->first != 0)
        return run_range(options);
    writing.first = 1;
    status = run_range(&writing);
    writing.first = DICE_WRITING;
    return status == 0 ? run_range(&writing) : status;
}

/* In this process, for a debugger. */
static int run_traced(const struct options *options)
{
    cleanup_free struct trace *trace = x_calloc(1, sizeof *trace);
    cleanup_free struct outcome *outcome = x_calloc(1, sizeof *outcome);
    struct tally tally = { 0 };
    struct bench bench;

    if (!trace_pick(options->plant, options->seed, options->steps, trace)) {
        (void)fprintf(stderr, "simulate: there are no such steps\n");
        return 2;
    }
    bench_init(&bench);
    plant_use(options->plant, &tally, bench.disk);
    run_steps(&bench, &tally, trace->steps, trace->len, outcome);
    bench_clear(&bench);
    (void)snprintf(trace->failure, sizeof trace->failure, "%s",
                   outcome->has_failed ? outcome->failure : "it doesn't");
    trace_print(trace, options->plant, options->seed);
    return outcome->has_failed;
}

static int run_single(const struct options *options)
{
    struct seeds seeds;

    if (options->steps)
        return run_traced(options);
    seeds_run(options->plant, options->seed, 1, &seeds);
    return seeds.has_failed ? explain(options, options->seed) : 0;
}

int main(int argc, char **argv)
{
    struct options options = { .seeds = SEEDS };
    int letter;

    log_set_level(LOG_LEVEL_ERROR);
    while ((letter = getopt_long(argc, argv, "", option_table, NULL)) != -1) {
        if (!take_option(&options, letter)) {
            (void)fprintf(stderr, "simulate: wrong usage\n");
            return 2;
        }
    }
    return options.is_single ? run_single(&options) : run_many(&options);
}
