/* SPDX-License-Identifier: MIT */
/*
 * The life of a mount: mounting, the threads that answer the kernel, and an end in good order.
 *
 * The end goes from the top down while the workers still answer: requests that wait are answered,
 * sync changes nothing any more, the notifiers finish their last call (it may want a lock that the
 * kernel holds for a request of ours), and only then the workers stop. All signals are blocked in
 * all threads; the main thread takes them one by one. A worker that sees the mount gone, because
 * somebody unmounted it, sends the process the same signal that a person would.
 */
#include "config.h"

#include "fs/session.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "fs/control.h"
#include "fs/evict.h"
#include "fs/notify.h"
#include "fs/opens.h"
#include "fs/pinner.h"
#include "fs/prefetch.h"
#include "fs/wait.h"
#include "sync/bytes.h"

/* A request that waits for the network holds no worker, so these are for the processor's sake. A
 * notifier waits as long as somebody looks for a name in a directory that was never listed. */
enum { WORKERS = 16, NOTIFIERS = 8 };

/* The kernel stops reading files, cached ones too, when so many reads are waiting. It cuts this to
 * what it allows. */
enum { MAX_BACKGROUND = 65535 };

/* Pages are dropped only when we say so: an mtime that the service corrects changes no bytes. */
#define WANTED_CAPABILITIES                                                                        \
    (FUSE_CAP_ASYNC_READ | FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_EXPLICIT_INVAL_DATA |                \
     FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO)

struct worker {
    struct fs *fs;
    pthread_t thread;
    struct fuse_buf buffer; /* this thread's own, until it is joined */
};

void session_init(void *userdata, struct fuse_conn_info *connection)
{
    struct fs *fs = userdata;

    connection->want = connection->capable & WANTED_CAPABILITIES;
    connection->max_background = MAX_BACKGROUND;
    connection->congestion_threshold = MAX_BACKGROUND;
    connection->time_gran = 1;
    atomic_store(&fs->is_initialised, true);
}

/* ---- telling the kernel ---- */

static void note_result(const char *what, int r)
{
    /* Nothing cached, or a directory that isn't empty and was dropped all the same; the mount going
     * away. */
    if (r < 0 && r != -ENOENT && r != -ENOTEMPTY && r != -ENODEV && r != -ENOTCONN)
        log_warn("fs", "telling the kernel of a changed %s: %s", what, ERRNO_TEXT(r));
}

/* Before its first request the kernel can't have anything to forget; and the session may be just
 * being made. */
static bool is_new_to_kernel(const struct fs *fs)
{
    return !atomic_load(&fs->is_initialised);
}

static void forget_entry(void *arg, ino_nr parent, const char *name)
{
    struct fs *fs = arg;

    if (is_new_to_kernel(fs))
        return;
    note_result("name", fuse_lowlevel_notify_inval_entry(fs->session, fs_nodeid(fs, parent), name,
                                                         strlen(name)));
}

static void forget_deleted(void *arg, ino_nr parent, ino_nr ino, const char *name)
{
    struct fs *fs = arg;

    if (is_new_to_kernel(fs))
        return;
    note_result("name", fuse_lowlevel_notify_delete(fs->session, fs_nodeid(fs, parent),
                                                    fs_nodeid(fs, ino), name, strlen(name)));
}

/*
 * Waits for the lookups in this directory that are under way. The kernel makes an inode of a
 * lookup's answer some time after it was sent; told in between, it has no such inode to forget
 * anything of, and then keeps for good what was true before the change. While it looks up it holds
 * the directory's lock, which a notification of any name in there waits for: this one nobody has.
 */
static void await_lookups(struct fs *fs, ino_nr directory)
{
    static const char name[] = "\001";

    if (directory != STORE_INO_NONE)
        (void)fuse_lowlevel_notify_inval_entry(fs->session, fs_nodeid(fs, directory), name,
                                               strlen(name));
}

/* A negative offset: attributes alone. */
static void forget_attr(void *arg, ino_nr parent, ino_nr ino)
{
    struct fs *fs = arg;

    if (is_new_to_kernel(fs))
        return;
    await_lookups(fs, parent);
    note_result("inode", fuse_lowlevel_notify_inval_inode(fs->session, fs_nodeid(fs, ino), -1, 0));
}

static void forget_content(void *arg, ino_nr parent, ino_nr ino)
{
    struct fs *fs = arg;
    unsigned changes;

    {
        READING(fs); /* a change that is noted has been committed */
        changes = opens_changes(fs->opens, ino);
    }
    if (!is_new_to_kernel(fs)) {
        await_lookups(fs, parent);
        note_result("file",
                    fuse_lowlevel_notify_inval_inode(fs->session, fs_nodeid(fs, ino), 0, 0));
    }
    opens_told(fs->opens, ino, changes);
}

static const struct notify_ops notify_ops = {
    .forget_entry = forget_entry,
    .forget_deleted = forget_deleted,
    .forget_attr = forget_attr,
    .forget_content = forget_content,
};

/* No row stands for it any more. */
static void drop_generation(struct fs *fs, uint64_t generation)
{
    struct overlay *overlay = overlay_get(fs->conf.overlays, generation);

    if (overlay)
        bytes_drop(fs->conf.bytes, generation);
    else
        content_drop(fs->conf.content, generation);
    overlay_unref(overlay);
}

/* After a commit, on the thread that made it, with no lock held. The kernel first: to drop content
 * costs disk accesses. */
static void on_changes(const struct change *changes, size_t count, void *arg)
{
    struct fs *fs = arg;

    notifier_queue(fs->notifier, changes, count);
    pinner_note_change(fs->pinner);
    for (size_t i = 0; i < count; i++) {
        if (changes[i].kind == CHANGE_UNUSED)
            drop_generation(fs, changes[i].generation);
    }
}

static bool is_open(ino_nr ino, void *arg)
{
    struct fs *fs = arg;

    return opens_note_change(fs->opens, ino);
}

static void queue_forgetting(void *arg, ino_nr ino)
{
    struct fs *fs = arg;
    const struct change change = { .kind = CHANGE_CONTENT, .ino = ino };

    notifier_queue(fs->notifier, &change, 1);
}

/* Bytes that were served already: on a thread of the pool. */
static void on_wrong_content(uint64_t generation, void *arg)
{
    struct fs *fs = arg;

    opens_distrust_pages(fs->opens, generation, queue_forgetting, fs);
}

/* ---- mounting ---- */

static void log_from_libfuse(enum fuse_log_level level, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void log_from_libfuse(enum fuse_log_level level, const char *format, va_list args)
{
    cleanup_strbuf struct strbuf text;
    enum log_level ours = level >= FUSE_LOG_INFO ? LOG_LEVEL_INFO : LOG_LEVEL_WARN;

    strbuf_init(&text, 4096);
    (void)strbuf_vaddf(&text, format, args);
    while (text.len > 0 && text.data[text.len - 1] == '\n')
        strbuf_truncate(&text, text.len - 1);
    if (log_enabled(ours))
        log_message(ours, "libfuse", "%s", text.data);
}

static int session_new(struct fs *fs, struct err *err)
{
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    cleanup_free char *options =
        x_asprintf("default_permissions,nosuid,nodev,noatime,fsname=graphfs:%s,subtype=graphfs%s",
                   fs->conf.account, fs->conf.fuse_options);

    fuse_set_log_func(log_from_libfuse);
    if (fuse_opt_add_arg(&args, "graphfs") == 0 && fuse_opt_add_arg(&args, "-o") == 0 &&
        fuse_opt_add_arg(&args, options) == 0 &&
        (!fs->conf.debug || fuse_opt_add_arg(&args, "-d") == 0))
        fs->session = fuse_session_new(&args, &fs_ops, sizeof fs_ops, fs);
    fuse_opt_free_args(&args);
    if (!fs->session)
        return err_set(err, -EINVAL, "libfuse refuses the options: %s", options);
    return 0;
}

static int start_threads(struct fs *fs, struct err *err)
{
    int r = waits_new(fs->conf.clock, &fs->waits);

    if (r == 0)
        r = notifier_new(&notify_ops, fs, NOTIFIERS, &fs->notifier);
    return r < 0 ? err_set_errno(err, r, "starting a thread") : 0;
}

int fs_new(const struct fs_conf *conf, struct fs **ret_fs, struct err *err)
{
    struct fs *fs = x_calloc(1, sizeof *fs);
    int r;

    fs->conf = *conf;
    fs->opens = opens_new();
    fs->prefetcher = prefetcher_new();
    fs->control = control_new(fs);
    fs->pinner = pinner_new(fs);
    fs->evictor = evictor_new(fs);
    r = session_new(fs, err);
    if (r == 0)
        r = start_threads(fs, err);
    if (r < 0) {
        fs_free(fs);
        return r;
    }
    store_set_is_open(conf->store, is_open, fs);
    store_set_listener(conf->store, on_changes, fs);
    content_set_on_wrong(conf->content, on_wrong_content, fs);
    *ret_fs = fs;
    return 0;
}

int fs_mount(struct fs *fs, ino_nr root, struct err *err)
{
    int r = store_path(fs->conf.store, root, &fs->root_path);

    if (r < 0)
        return err_set_errno(err, r, "finding the root's path");
    atomic_store(&fs->root, root);
    if (fuse_session_mount(fs->session, fs->conf.mountpoint) != 0)
        return err_set(err, -EIO, "the kernel or fusermount3 refuses to mount at %s",
                       fs->conf.mountpoint);
    fs->is_mounted = true;
    r = pinner_start(fs->pinner);
    if (r == 0)
        r = evictor_start(fs->evictor);
    return r < 0 ? err_set_errno(err, r, "starting a thread") : 0;
}

static void unmount(struct fs *fs)
{
    if (fs->is_mounted)
        fuse_session_unmount(fs->session);
    fs->is_mounted = false;
}

void fs_free(struct fs *fs)
{
    if (!fs)
        return;
    if (fs->waits)
        waits_stop(fs->waits);
    if (fs->notifier)
        notifier_stop(fs->notifier);
    evictor_stop(fs->evictor);
    pinner_stop(fs->pinner);
    unmount(fs);
    content_set_on_wrong(fs->conf.content, NULL, NULL);
    store_set_listener(fs->conf.store, NULL, NULL);
    store_set_is_open(fs->conf.store, NULL, NULL);
    control_free(fs->control);
    evictor_free(fs->evictor);
    pinner_free(fs->pinner);
    opens_free(fs->opens);
    prefetcher_free(fs->prefetcher);
    notifier_free(fs->notifier);
    waits_free(fs->waits);
    if (fs->session)
        fuse_session_destroy(fs->session);
    free(fs->root_path);
    free(fs);
}

/* ---- serving ---- */

/* Only after the first request: libfuse may refuse it for reasons of its own. */
static void say_ready(struct fs *fs)
{
    if (atomic_load(&fs->is_initialised) && !fuse_session_exited(fs->session) &&
        !atomic_exchange(&fs->has_said_ready, true))
        fs->ready(fs->ready_arg);
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    struct fuse_session *session = worker->fs->session;

    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    while (!fuse_session_exited(session)) {
        int received;

        (void)pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
        received = fuse_session_receive_buf(session, &worker->buffer);
        (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
        if (received > 0) {
            fuse_session_process_buf(session, &worker->buffer);
            say_ready(worker->fs);
        } else if (received != -EINTR && received != -EAGAIN)
            break;
    }
    (void)kill(getpid(), SIGTERM);
    return NULL;
}

static int start_workers(struct fs *fs, struct worker *workers, size_t *ret_started)
{
    for (size_t i = 0; i < WORKERS; i++) {
        int r;

        workers[i].fs = fs;
        r = pthread_create(&workers[i].thread, NULL, work, &workers[i]);
        if (r != 0)
            return -r;
        *ret_started = i + 1;
    }
    return 0;
}

static void stop_workers(struct fs *fs, struct worker *workers, size_t started)
{
    fuse_session_exit(fs->session);
    for (size_t i = 0; i < started; i++)
        (void)pthread_cancel(workers[i].thread);
    for (size_t i = 0; i < started; i++) {
        (void)pthread_join(workers[i].thread, NULL);
        free(workers[i].buffer.mem);
    }
}

static void wait_for_signal(void)
{
    sigset_t signals;
    int number;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGHUP);
    while (sigwait(&signals, &number) != 0)
        continue;
}

int fs_serve(struct fs *fs, void (*ready)(void *arg), void *arg, struct err *err)
{
    struct worker workers[WORKERS] = { 0 };
    size_t started = 0;
    int r;

    fs->ready = ready;
    fs->ready_arg = arg;
    r = start_workers(fs, workers, &started);
    if (r == 0)
        wait_for_signal();
    else
        (void)err_set_errno(err, r, "starting a thread");
    /* A signal may come before that, and is no failure. */
    if (r == 0 && fuse_session_exited(fs->session) && !atomic_load(&fs->has_said_ready))
        r = err_set(err, -EIO, "libfuse and the kernel don't agree on how to work together");
    waits_stop(fs->waits);
    evictor_stop(fs->evictor);
    pinner_stop(fs->pinner);
    sync_stop(fs->conf.sync);
    notifier_stop(fs->notifier);
    stop_workers(fs, workers, started);
    unmount(fs);
    return r;
}
