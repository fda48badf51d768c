/* SPDX-License-Identifier: MIT */
/* See options.h: a table becomes the arrays that getopt_long() wants. */
#include "config.h"

#include "cmd/options.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xalloc.h"

#define MAX_OPTIONS 40
#define HELP_COLUMN 26
/* What getopt_long() returns for row i, if it has no letter. */
#define FIRST_CODE 256

static const struct option_row help_row = {
    "help", 'h', OPTION_FLAG, NULL, "print this help", 0,
};

static size_t count_rows(const struct option_row *rows)
{
    size_t count = 0;
    while (count < MAX_OPTIONS && rows[count].long_name)
        count++;
    return count;
}

static void store(const struct option_row *row, void *values, const char *text)
{
    char *place = (char *)values + row->offset;
    switch (row->kind) {
    case OPTION_FLAG:
        *(bool *)(void *)place = true;
        break;
    case OPTION_TEXT:
        *(const char **)(void *)place = text;
        break;
    case OPTION_LIST: {
        char **list = (char **)(void *)place;
        char *longer = *list ? x_asprintf("%s,%s", *list, text) : x_strdup(text);
        free(*list);
        *list = longer;
        break;
    }
    }
}

/* Fills getopt's tables; `+ 2` is for --help and the end. */
static void build_tables(const struct option_row *rows, size_t count,
                         struct option longs[MAX_OPTIONS + 2], char shorts[2 * MAX_OPTIONS + 3])
{
    char *letter = shorts;
    for (size_t i = 0; i <= count; i++) {
        const struct option_row *row = i < count ? &rows[i] : &help_row;
        longs[i] = (struct option){
            .name = row->long_name,
            .has_arg = row->kind == OPTION_FLAG ? no_argument : required_argument,
            .val = FIRST_CODE + (int)i,
        };
        if (row->short_name == 0)
            continue;
        *letter++ = row->short_name;
        if (row->kind != OPTION_FLAG)
            *letter++ = ':';
    }
    *letter = '\0';
    longs[count + 1] = (struct option){ 0 };
}

static const struct option_row *find_row(const struct option_row *rows, size_t count, int code)
{
    if (code >= FIRST_CODE)
        return (size_t)(code - FIRST_CODE) < count ? &rows[code - FIRST_CODE] : &help_row;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].short_name == code)
            return &rows[i];
    }
    return code == help_row.short_name ? &help_row : NULL;
}

enum options_result options_parse(const struct option_row *rows, const char *prefix, int argc,
                                  char **argv, void *values, int *ret_first)
{
    struct option longs[MAX_OPTIONS + 2];
    char shorts[2 * MAX_OPTIONS + 3];
    size_t count = count_rows(rows);
    char *name = argv[0];
    int code;
    cleanup_free char *shown = x_strdup(prefix);
    enum options_result result = OPTIONS_GOOD;
    build_tables(rows, count, longs, shorts);
    argv[0] = shown; /* what getopt_long() puts before its complaints */
    optind = 0;      /* begin anew */
    while (result == OPTIONS_GOOD && (code = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        const struct option_row *row = find_row(rows, count, code);
        if (!row)
            result = OPTIONS_MISUSED;
        else if (row == &help_row)
            result = OPTIONS_HELP;
        else
            store(row, values, optarg);
    }
    argv[0] = name;
    *ret_first = optind;
    return result;
}

static void print_row(const struct option_row *row, FILE *out)
{
    char left[80];
    (void)snprintf(left, sizeof(left), "  %c%c%s --%s%s%s", row->short_name ? '-' : ' ',
                   row->short_name ? row->short_name : ' ', row->short_name ? "," : " ",
                   row->long_name, row->arg ? "=" : "", row->arg ? row->arg : "");
    (void)fprintf(out, "%-*s", HELP_COLUMN, left);
    if (strlen(left) >= HELP_COLUMN)
        (void)fprintf(out, "\n%*s", HELP_COLUMN, "");
    for (const char *p = row->help; *p != '\0'; p++) {
        (void)fputc(*p, out);
        if (*p == '\n')
            (void)fprintf(out, "%*s", HELP_COLUMN, "");
    }
    (void)fputc('\n', out);
}

void options_print(const struct option_row *rows, FILE *out)
{
    size_t count = count_rows(rows);
    for (size_t i = 0; i < count; i++)
        print_row(&rows[i], out);
    print_row(&help_row, out);
}
