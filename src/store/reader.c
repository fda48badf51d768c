/* SPDX-License-Identifier: MIT */
/*
 * Reading connections. A thread's first read opens one, its end closes it. They are on a list too,
 * because store_close() may come before the threads end; then the key goes first, and the threads'
 * ends do nothing.
 */
#include "config.h"

#include "store/store_i.h"

#include "base/lock.h"
#include "base/xalloc.h"

static void reader_end(void *arg)
{
    struct reader *reader = arg;

    {
        LOCKED(&reader->store->readers_lock);
        struct reader **link = &reader->store->readers;

        while (*link != reader)
            link = &(*link)->next;
        *link = reader->next;
    }

    sql_close(reader->conn);
    free(reader);
}

int reader_init(struct store *store)
{
    return -pthread_key_create(&store->reader_key, reader_end);
}

void reader_close_all(struct store *store)
{
    (void)pthread_key_delete(store->reader_key);
    while (store->readers) {
        struct reader *reader = store->readers;

        store->readers = reader->next;
        sql_close(reader->conn);
        free(reader);
    }
}

struct sql_conn *store_reader(struct store *store)
{
    struct reader *reader = pthread_getspecific(store->reader_key);
    struct sql_conn *conn;

    if (reader)
        return reader->conn;
    if (sql_open(store->path, &conn, NULL) < 0)
        return NULL;
    reader = x_calloc(1, sizeof *reader);
    reader->conn = conn;
    reader->store = store;
    if (pthread_setspecific(store->reader_key, reader) != 0) {
        sql_close(conn);
        free(reader);
        return NULL;
    }
    LOCKED(&store->readers_lock);
    reader->next = store->readers;
    store->readers = reader;
    return conn;
}
