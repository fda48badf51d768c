/* SPDX-License-Identifier: MIT */
/*
 * Commits that survive a power cut.
 *
 * A commit is in the log, which nobody syncs (PRAGMA synchronous = NORMAL); it is whole on the disk
 * once the log is synced, with all that came before it. SQLite would do that in COMMIT, for each
 * one, or, if nothing was changed, not at all. So the log is synced here, by a connection of its
 * own, when no lock of the store is held: who commits meanwhile isn't held up. Those who wait for
 * it at once are served by one sync.
 *
 * A log that is begun anew was copied into the database before, and both synced.
 */
#include "config.h"

#include "store/store_i.h"

#include <errno.h>

#include "base/lock.h"

void durable_init(struct durable *durable, const char *path)
{
    durable->path = path;
    (void)pthread_mutex_init(&durable->lock, NULL);
}

void durable_clear(struct durable *durable)
{
    sql_close(durable->conn);
    (void)pthread_mutex_destroy(&durable->lock);
}

uint64_t durable_count_commit(struct durable *durable)
{
    return atomic_fetch_add(&durable->commits, 1) + 1;
}

/* The lock is held. Reading makes the connection open the log. */
static int sync_log(struct durable *durable, struct err *err)
{
    sqlite3_file *log = NULL;
    int64_t version;
    int r = durable->conn ? 0 : sql_open(durable->path, &durable->conn, err);

    if (r < 0)
        return r;
    r = sql_get(durable->conn, STMT_USER_VERSION, &version, NULL, 0);
    if (r == 0)
        r = sql_errno(
            sqlite3_file_control(durable->conn->db, NULL, SQLITE_FCNTL_JOURNAL_POINTER, &log));
    if (r == 0 && !(log && log->pMethods))
        r = -EIO;
    if (r == 0)
        r = sql_errno(log->pMethods->xSync(log, SQLITE_SYNC_NORMAL));
    return r < 0 ? err_set_errno(err, r, "syncing the store's log") : 0;
}

int durable_await(struct durable *durable, uint64_t number, struct err *err)
{
    uint64_t commits;
    int r;

    LOCKED(&durable->lock);
    if (durable->synced >= number)
        return 0;
    commits = atomic_load(&durable->commits);
    r = sync_log(durable, err);
    if (r == 0)
        durable->synced = commits;
    return r;
}
