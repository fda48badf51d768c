/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_UNIT_H
#define GRAPHFS_TESTS_UNIT_H

/* What cmocka.h needs before it, in the order that it needs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The number of rows of a table. */
#define ROWS(table) (sizeof(table) / sizeof(table)[0])

#endif
