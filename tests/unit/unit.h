/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_UNIT_H
#define GRAPHFS_TESTS_UNIT_H

/* What cmocka.h needs before it, in the order that it needs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* The number of rows of a table. */
#define ROWS(table) (sizeof(table) / sizeof(table)[0])

/* How many seeds a random test tries: `usual`, or fewer where a tool makes each much slower. */
static inline unsigned long unit_seeds(unsigned long usual)
{
    const char *text = getenv("GRAPHFS_TEST_SEEDS");
    unsigned long wanted = text ? strtoul(text, NULL, 10) : usual;

    return wanted < usual ? wanted : usual;
}

#endif
