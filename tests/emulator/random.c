/* SPDX-License-Identifier: MIT */
/* SplitMix64: one 64-bit word of state, no bad seeds. */
#include "random.h"

#include <stdio.h>

uint64_t random_mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    x ^= x >> 31;
    return x;
}

uint64_t random_next(struct random *random)
{
    random->state += 0x9e3779b97f4a7c15u;
    return random_mix(random->state);
}

uint64_t random_below(struct random *random, uint64_t limit)
{
    return limit ? random_next(random) % limit : 0;
}

bool random_one_in(struct random *random, uint64_t n)
{
    return random_below(random, n) == 0;
}

void random_hex(struct random *random, char *out, size_t length)
{
    for (size_t i = 0; i < length; i++)
        out[i] = "0123456789abcdef"[random_below(random, 16)];
    out[length] = '\0';
}

void random_uuid(struct random *random, char out[37])
{
    uint64_t high = random_next(random), low = random_next(random);

    (void)snprintf(out, 37, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(high >> 32),
                   (unsigned)(high >> 16) & 0xffff, (unsigned)high & 0xfff,
                   ((unsigned)(low >> 48) & 0x3fff) | 0x8000,
                   (unsigned long long)(low & 0xffffffffffffu));
}
