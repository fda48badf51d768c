/* SPDX-License-Identifier: MIT */
/*
 * The daemon's life. Rooms are made from the bottom up and freed in the order below. All threads
 * begin with signals blocked, so that the main thread alone gets them.
 *
 *     lock file, store, pool, graph, content, overlays, sync, fs, [the root is asked for],
 *     mount, sync's thread
 *
 * A known root is mounted without waiting for anything: the network is first used by sync's thread.
 * An unknown one has to be asked for, so that thread starts earlier then.
 */
#include "config.h"

#include "cmd/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/pool.h"
#include "base/xalloc.h"
#include "cmd/account.h"
#include "cmd/mount_root.h"
#include "content/content.h"
#include "fs/bytes.h"
#include "fs/fs.h"
#include "fs/recover.h"
#include "local/local.h"
#include "overlay/overlay.h"
#include "store/store.h"
#include "sync/sync.h"
#include "tree/names.h"

enum { POOL_THREADS = 4, FILES_MAX = 65536, FUSE_OPTIONS_MAX_BYTES = 1024 };

#define API_VERSION "/v1.0"

/* Bytes of the disk that neither cache nor what is written may take. */
#define STORE_ROOM (INT64_C(16) << 20)

struct rooms {
    const struct serve_conf *conf;
    char *graph_url; /* with the version */
    int lock;        /* of the account; -1: not held */
    struct store *store;
    struct pool *pool;
    struct graph *graph;
    struct sync *sync;
    struct content *content;
    struct overlays *overlays;
    struct bytes *bytes;
    struct fs *fs;
    char *user; /* the user's id */
    char host[HOST_NAME_MAX + 1];
    bool is_syncing;
};

/* ---- the process ---- */

static void block_signals(int how)
{
    static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
    sigset_t signals;

    (void)sigemptyset(&signals);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        (void)sigaddset(&signals, numbers[i]);
    (void)pthread_sigmask(how, &signals, NULL);
}

/* Each open file of the mount may cost a descriptor. */
static void prepare_process(void)
{
    struct rlimit files;

    account_protect_memory();
    (void)signal(SIGPIPE, SIG_IGN);
    (void)umask(077);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < FILES_MAX) {
        files.rlim_cur = files.rlim_max < FILES_MAX ? files.rlim_max : FILES_MAX;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

/* What the URLs of items begin with. */
static char *full_graph_url(const struct graph_conf *conf)
{
    const struct graph_cloud *cloud = graph_cloud_find(conf->cloud ? conf->cloud : "global");
    const char *url = conf->graph_url ? conf->graph_url : cloud ? cloud->graph_url : "";

    return x_asprintf("%s" API_VERSION, url);
}

/* ---- the account's lock ---- */

static int lock_is_held(int fd, const char *account, struct err *err)
{
    char holder[PATH_MAX + 32] = "";
    ssize_t length = pread(fd, holder, sizeof holder - 1, 0);
    char *place;

    holder[length > 0 ? length : 0] = '\0';
    place = strchr(holder, ' ');
    if (place)
        *place++ = '\0';
    return err_set(err, -EBUSY,
                   "the account %s is mounted already, by process %s (graphfs unmount %s; or use "
                   "another account, graphfs mount -a)",
                   account, holder, place ? place : "");
}

/* The lock is the kernel's, so it goes with the process however that ends; the file only tells
 * whose it is. */
static int lock_account(struct rooms *rooms, struct err *err)
{
    cleanup_free char *path = x_asprintf("%s/lock", rooms->conf->state_dir);
    cleanup_free char *holder = x_asprintf("%ld %s", (long)getpid(), rooms->conf->mountpoint);
    cleanup_close int fd = -1;
    int r = mkdir_p(rooms->conf->state_dir, 0700);

    if (r < 0)
        return err_set_errno(err, r, "making %s", rooms->conf->state_dir);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set_errno(err, errno, "opening %s", path);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? lock_is_held(fd, rooms->conf->account, err)
                                    : err_set_errno(err, errno, "locking %s", path);
    if (ftruncate(fd, 0) < 0 || pwrite(fd, holder, strlen(holder), 0) < 0)
        return err_set_errno(err, errno, "writing %s", path);
    rooms->lock = steal_fd(&fd);
    return 0;
}

/* ---- the rooms ---- */

static int open_store(struct rooms *rooms, struct err *err)
{
    struct graph_identity who = { 0 };
    struct store_identity identity;
    bool was_damaged = false;
    int r = graph_identity_load(rooms->conf->state_dir, &who, err);

    if (r < 0)
        return r;
    identity = (struct store_identity){
        .cloud = who.cloud ? who.cloud : "",
        .tenant = who.tenant ? who.tenant : "",
        .user = who.user_id ? who.user_id : "",
    };
    r = store_open(rooms->conf->state_dir, &identity, clock_system(), &rooms->store, &was_damaged,
                   err);
    rooms->user = x_strdup(who.user_id);
    graph_identity_clear(&who);
    if (was_damaged)
        log_warn("mount", "the store was damaged and set aside; the tree is fetched again");
    return r;
}

/* On a pool thread. */
static void on_link_change(enum graph_link state, void *arg)
{
    static const char *const words[] = {
        [GRAPH_ONLINE] = "online again",
        [GRAPH_OFFLINE] = "offline",
        [GRAPH_SIGNED_OUT] = "signed out",
    };
    struct rooms *rooms = arg;
    char why[ERR_MSG_SIZE] = "";

    (void)graph_state(rooms->graph, why, sizeof why);
    log_info("mount", "%s%s%s", words[state], *why ? ": " : "", why);
    if (state == GRAPH_ONLINE)
        sync_wake(rooms->sync);
}

static int make_sync(struct rooms *rooms, struct err *err)
{
    const struct mount_options *options = rooms->conf->options;
    const struct sync_conf conf = {
        .store = rooms->store,
        .remote = graph_remote(rooms->graph),
        .clock = clock_system(),
        .poll_s = (int)options->poll,
        .poll_idle_s = (int)options->poll_idle,
        .object_ttl_s = (int)options->object_ttl,
        /* Nothing is sent by a mount that nothing can be changed in. */
        .bytes = options->experimental_writing ? rooms->bytes : NULL,
        .host = rooms->host,
        .user = rooms->user,
        .big_delete = options->big_delete,
        .upload_delay_ms = options->upload_delay * 1000,
    };
    int r = sync_new(&conf, &rooms->sync);

    if (r < 0)
        return err_set_errno(err, r, "reading the drives from the store");
    fs_bytes_set_sync(rooms->bytes, rooms->sync);
    graph_listen(rooms->graph, on_link_change, rooms);
    return 0;
}

/* What isn't sent may be more, or less, than at the last mount. */
static int refresh_names(struct rooms *rooms, struct err *err)
{
    const char *patterns = rooms->conf->options->local_only;
    struct store_txn *txn = NULL;
    int r;

    name_set_local_only(patterns);
    if (!rooms->conf->options->experimental_writing)
        return 0;
    r = store_begin(rooms->store, &txn, err);
    if (r < 0)
        return r;
    r = local_refresh_names(txn, patterns);
    if (r == 0)
        return store_commit(txn, err);
    store_rollback(txn);
    return err_set_errno(err, r, "finding the names that aren't sent");
}

/* Without any room nothing could be deleted either: the store needs some for what it commits. */
static int64_t min_free(const struct mount_options *options)
{
    return options->min_free > STORE_ROOM ? options->min_free : STORE_ROOM;
}

/* What was written stays in the state directory until the service has it. */
static int make_overlays(struct rooms *rooms, struct err *err)
{
    const struct mount_options *options = rooms->conf->options;
    cleanup_free char *directory = x_asprintf("%s/overlays", rooms->conf->state_dir);
    const struct overlays_conf conf = {
        .directory = directory,
        .content = rooms->content,
        .pool = rooms->pool,
        .clock = clock_system(),
        .limit_bytes = options->dirty_limit,
        .min_free_bytes = min_free(options),
    };
    int r = overlays_new(&conf, &rooms->overlays, err);

    if (r < 0)
        return r;
    if (gethostname(rooms->host, sizeof rooms->host) < 0 || rooms->host[0] == '\0')
        (void)snprintf(rooms->host, sizeof rooms->host, "here");
    rooms->host[sizeof rooms->host - 1] = '\0';
    rooms->bytes = fs_bytes_new(&(struct endings_conf){
        .store = rooms->store,
        .overlays = rooms->overlays,
        .content = rooms->content,
        .pool = rooms->pool,
    });
    return recover_written(
        &(struct recovered_rooms){
            .store = rooms->store,
            .overlays = rooms->overlays,
            .bytes = rooms->bytes,
        },
        err);
}

static int make_content(struct rooms *rooms, struct err *err)
{
    const struct content_conf conf = {
        .cache_dir = rooms->conf->cache_dir,
        .store_uuid = store_uuid(rooms->store),
        .limit_bytes = rooms->conf->options->cache_size,
        .min_free_bytes = min_free(rooms->conf->options),
        .remote = graph_remote(rooms->graph),
        .pool = rooms->pool,
        .waits_for_pins = true,
        .clock = clock_system(),
    };

    return content_new(&conf, &rooms->content, err);
}

static int make_fs(struct rooms *rooms, struct err *err)
{
    const struct mount_options *options = rooms->conf->options;
    cleanup_strbuf struct strbuf fuse_options;
    struct fs_conf conf = {
        .store = rooms->store,
        .content = rooms->content,
        .overlays = rooms->overlays,
        .bytes = rooms->bytes,
        .sync = rooms->sync,
        .graph = rooms->graph,
        .clock = clock_system(),
        .account = rooms->conf->account,
        .mountpoint = rooms->conf->mountpoint,
        .state_dir = rooms->conf->state_dir,
        .log_file = rooms->conf->log_file,
        .graph_url = rooms->graph_url,
        .uid = options->uid < 0 ? getuid() : (uid_t)options->uid,
        .gid = options->gid < 0 ? getgid() : (gid_t)options->gid,
        .umask = (mode_t)options->umask,
        .object_ttl_s = (int)options->object_ttl,
        .is_writable = options->experimental_writing && !options->read_only,
        .is_sync = options->sync,
        .debug = options->debug,
    };
    int r;

    strbuf_init(&fuse_options, FUSE_OPTIONS_MAX_BYTES);
    mount_options_for_fuse(options, &fuse_options);
    conf.fuse_options = fuse_options.data;
    r = fs_new(&conf, &rooms->fs, err);
    fs_bytes_set_fs(rooms->bytes, rooms->fs);
    return r;
}

static int make_rooms(struct rooms *rooms, struct err *err)
{
    int r = lock_account(rooms, err);

    if (r == 0)
        r = open_store(rooms, err);
    if (r == 0)
        r = refresh_names(rooms, err);
    if (r < 0)
        return r;
    rooms->pool = pool_new("graphfs-pool", POOL_THREADS);
    if (!rooms->pool)
        return err_set_errno(err, errno, "starting threads");
    r = graph_new(rooms->conf->graph, clock_system(), rooms->pool, &rooms->graph, err);
    if (r == 0)
        r = make_content(rooms, err);
    if (r == 0)
        r = make_overlays(rooms, err);
    if (r == 0)
        r = make_sync(rooms, err);
    if (r == 0)
        r = make_fs(rooms, err);
    return r;
}

/* content and graph end what they have under way, which may still tell sync of it. */
static void free_rooms(struct rooms *rooms)
{
    if (rooms->sync)
        sync_stop(rooms->sync);
    fs_free(rooms->fs);
    fs_bytes_stop(rooms->bytes);
    overlays_free(rooms->overlays);
    content_free(rooms->content);
    graph_free(rooms->graph);
    pool_free(rooms->pool);
    fs_bytes_free(rooms->bytes);
    sync_free(rooms->sync);
    store_close(rooms->store);
    free(rooms->user);
    if (rooms->lock >= 0)
        (void)close(rooms->lock);
}

/* ---- mounting ---- */

static int start_syncing(struct rooms *rooms, struct err *err)
{
    int r = rooms->is_syncing ? 0 : sync_start(rooms->sync);

    if (r < 0)
        return err_set_errno(err, r, "starting a thread");
    rooms->is_syncing = true;
    return 0;
}

/* Until there is a mount, a signal may end the process as it does any other. */
static int ask_for_root(struct rooms *rooms, ino_nr *ret_root, struct err *err)
{
    int r = start_syncing(rooms, err);

    if (r < 0)
        return r;
    block_signals(SIG_UNBLOCK);
    r = mount_root_find(rooms->store, rooms->sync, rooms->conf->options->root, ret_root, err);
    block_signals(SIG_BLOCK);
    return r;
}

static int mount_at_root(struct rooms *rooms, ino_nr root, struct err *err)
{
    struct node_attr attr;
    int r = fs_mount(rooms->fs, root, err);

    if (r == 0 && store_getattr(rooms->store, root, &attr) == 0)
        sync_note_use(rooms->sync, attr.drive);
    return r;
}

static void check_store(void *arg)
{
    struct store *store = arg;
    struct err err;

    if (store_quick_check(store, &err) < 0)
        log_error("mount", "the store is damaged: %s", err.msg);
}

static void on_ready(void *arg)
{
    struct rooms *rooms = arg;

    log_info("mount", "serving %s", rooms->conf->mountpoint);
    background_ready(rooms->conf->background);
}

static int run(struct rooms *rooms, struct err *err)
{
    ino_nr root;
    int r = make_rooms(rooms, err);

    if (r < 0)
        return r;
    if (mount_root_find_known(rooms->store, rooms->conf->options->root, &root) < 0)
        r = ask_for_root(rooms, &root, err);
    if (r == 0)
        r = mount_at_root(rooms, root, err);
    if (r == 0)
        r = start_syncing(rooms, err);
    if (r < 0)
        return r;
    if (store_was_unclean(rooms->store))
        pool_submit(rooms->pool, check_store, rooms->store);
    return fs_serve(rooms->fs, on_ready, rooms, err);
}

int serve(const struct serve_conf *conf, struct err *err)
{
    struct rooms rooms = {
        .conf = conf,
        .graph_url = full_graph_url(conf->graph),
        .lock = -1,
    };
    int r;

    prepare_process();
    block_signals(SIG_BLOCK);
    r = run(&rooms, err);
    free_rooms(&rooms);
    free(rooms.graph_url);
    log_info("mount", "ended");
    return r;
}
