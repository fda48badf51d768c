/* SPDX-License-Identifier: MIT */
/*
 * bare STORE PAGE ROUNDS: the least that taking a delta page in can cost. Parses a page with json-c
 * and updates the rows of its items, in one transaction. STORE is a copy of a store of graphfs: the
 * rows and indices are the same. Prints the median of the rounds, in milliseconds of processor
 * time.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>
#include <sqlite3.h>

#define ROUNDS_MAX 1000

static const char update[] =
    "UPDATE node SET name = ?1, size = ?2, mtime = ?3, etag = ?4, ctag = ?5 "
    "WHERE rid = ?6 AND drive = (SELECT min(drive) FROM node WHERE rid NOTNULL)";

static void must(sqlite3 *db, int result)
{
    if (result == SQLITE_OK || result == SQLITE_DONE)
        return;
    (void)fprintf(stderr, "bare: %s\n", sqlite3_errmsg(db));
    exit(1);
}

static const char *text_of(struct json_object *item, const char *key)
{
    return json_object_get_string(json_object_object_get(item, key));
}

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    (void)sqlite3_bind_text(statement, at, text, -1, SQLITE_TRANSIENT);
}

static void update_item(sqlite3 *db, sqlite3_stmt *statement, struct json_object *item, int round)
{
    bind_text(statement, 1, text_of(item, "name"));
    (void)sqlite3_bind_int64(statement, 2,
                             json_object_get_int64(json_object_object_get(item, "size")));
    (void)sqlite3_bind_int64(statement, 3, round);
    bind_text(statement, 4, text_of(item, "eTag"));
    bind_text(statement, 5, text_of(item, "cTag"));
    bind_text(statement, 6, text_of(item, "id"));
    must(db, sqlite3_step(statement));
    must(db, sqlite3_reset(statement));
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t size = 0;

    if (!file || getdelim(&text, &size, '\0', file) < 0) {
        (void)fprintf(stderr, "bare: %s can't be read\n", path);
        exit(1);
    }
    (void)fclose(file);
    return text;
}

static void take_in(sqlite3 *db, sqlite3_stmt *statement, const char *text, int round)
{
    struct json_object *page = json_tokener_parse(text);
    struct json_object *items = json_object_object_get(page, "value");

    must(db, sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL));
    for (size_t i = 0; i < json_object_array_length(items); i++)
        update_item(db, statement, json_object_array_get_idx(items, i), round);
    must(db, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
    (void)json_object_put(page);
}

static double now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int compare(const void *one, const void *other)
{
    double a = *(const double *)one, b = *(const double *)other;

    return (a > b) - (a < b);
}

int main(int argc, char **argv)
{
    static double times[ROUNDS_MAX];
    int rounds = argc == 4 ? (int)strtol(argv[3], NULL, 10) : 0;
    sqlite3_stmt *statement;
    sqlite3 *db;
    char *text;

    if (rounds < 1 || rounds > ROUNDS_MAX) {
        (void)fprintf(stderr, "usage: bare STORE PAGE ROUNDS\n");
        return 2;
    }
    must(NULL, sqlite3_open(argv[1], &db));
    must(db, sqlite3_exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", NULL, NULL,
                          NULL));
    must(db, sqlite3_prepare_v2(db, update, -1, &statement, NULL));
    text = read_file(argv[2]);
    for (int i = 0; i < rounds; i++) {
        double begin = now_ms();

        take_in(db, statement, text, i);
        times[i] = now_ms() - begin;
    }
    qsort(times, (size_t)rounds, sizeof times[0], compare);
    (void)printf("%.3f %d\n", times[rounds / 2], sqlite3_changes(db));
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(db);
    free(text);
    return 0;
}
