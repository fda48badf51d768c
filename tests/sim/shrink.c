/* SPDX-License-Identifier: MIT */
/* Chunks are left out, half of the steps at first and smaller ones then, as long as the rest still
 * fails, in whatever way; single steps until that leads to nothing. */
#include "config.h"

#include "shrink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static void take(const struct outcome *outcome, struct trace *ret)
{
    ret->len = outcome->len;
    for (size_t i = 0; i < outcome->len; i++) {
        ret->steps[i] = outcome->steps[i];
        ret->numbers[i] = i;
    }
    memcpy(ret->failure, outcome->failure, sizeof ret->failure);
}

static void drop(struct trace *trace, size_t begin, size_t count)
{
    size_t end = begin + count;

    memmove(trace->steps + begin, trace->steps + end, (trace->len - end) * sizeof *trace->steps);
    memmove(trace->numbers + begin, trace->numbers + end,
            (trace->len - end) * sizeof *trace->numbers);
    trace->len -= count;
}

/* True, and *trace without the chunk, if it still fails. */
static bool try_without(enum plant plant, struct trace *trace, size_t begin, size_t count)
{
    struct outcome *outcome = x_calloc(1, sizeof *outcome);
    struct trace *shorter = x_memdup(trace, sizeof *trace);
    bool has_failed;

    drop(shorter, begin, count);
    trace->runs++;
    shorter->runs++;
    run_steps_apart(plant, shorter->steps, shorter->len, outcome);
    has_failed = outcome->has_failed;
    if (has_failed) {
        /* Steps behind the failure go, too. */
        shorter->len = outcome->len;
        memcpy(shorter->failure, outcome->failure, sizeof shorter->failure);
        *trace = *shorter;
    }
    free(shorter);
    free(outcome);
    return has_failed;
}

/* From the end, so that what only leads on from a step goes before that. */
static bool drop_chunks(enum plant plant, struct trace *trace, size_t size)
{
    bool has_dropped = false;
    size_t end = trace->len;

    while (end > 0) {
        size_t count = end < size ? end : size;

        if (try_without(plant, trace, end - count, count))
            has_dropped = true;
        end -= count;
        if (end > trace->len)
            end = trace->len;
    }
    return has_dropped;
}

bool shrink_seed(enum plant plant, uint64_t seed, struct trace *ret)
{
    cleanup_free struct outcome *outcome = x_calloc(1, sizeof *outcome);

    *ret = (struct trace){ 0 };
    run_seed_apart(plant, seed, outcome);
    if (!outcome->has_failed)
        return false;
    take(outcome, ret);
    for (size_t size = ret->len / 2; size > 1; size /= 2)
        (void)drop_chunks(plant, ret, size);
    while (drop_chunks(plant, ret, 1))
        ;
    return true;
}

/* ---- words ---- */

static void print_repetition(const struct trace *trace, enum plant plant, uint64_t seed)
{
    printf("tests/sim/simulate --seed=%llu", (unsigned long long)seed);
    if (plant != PLANT_NONE)
        printf(" --plant=%s", plant_names[plant]);
    printf(" --steps=");
    for (size_t i = 0; i < trace->len; i++)
        printf("%s%zu", i > 0 ? "," : "", trace->numbers[i]);
    printf("\n");
}

void trace_print(const struct trace *trace, enum plant plant, uint64_t seed)
{
    printf("seed %llu fails in %zu steps: %s\n", (unsigned long long)seed, trace->len,
           trace->failure);
    for (size_t i = 0; i < trace->len; i++) {
        cleanup_free char *words = step_tell(&trace->steps[i]);

        printf("  %2zu. %s\n", i + 1, words);
    }
    printf("repeat it: ");
    print_repetition(trace, plant, seed);
}

bool trace_pick(enum plant plant, uint64_t seed, const char *numbers, struct trace *ret)
{
    cleanup_free struct outcome *outcome = x_calloc(1, sizeof *outcome);
    char *end;

    *ret = (struct trace){ 0 };
    run_seed_apart(plant, seed, outcome);
    for (; *numbers; numbers = *end == ',' ? end + 1 : end) {
        unsigned long first = strtoul(numbers, &end, 10), last = first;

        if (end != numbers && *end == '-')
            last = strtoul(end + 1, &end, 10);
        if ((*end && *end != ',') || end == numbers || last >= outcome->len)
            return false;
        for (; first <= last && ret->len < RUN_STEPS_MAX; first++) {
            ret->numbers[ret->len] = first;
            ret->steps[ret->len++] = outcome->steps[first];
        }
    }
    return true;
}
