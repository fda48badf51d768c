/* SPDX-License-Identifier: MIT */
/*
 * graphfs mount: what can be known to be wrong is said before anything begins; then the daemon is
 * made (serve.c), in the background unless -f.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/paths.h"
#include "base/xalloc.h"
#include "cmd/account.h"
#include "cmd/background.h"
#include "cmd/cmd.h"
#include "cmd/mount_options.h"
#include "cmd/mount_point.h"
#include "cmd/mount_root.h"
#include "cmd/serve.h"

enum { LOG_MAX_BYTES = 8 * 1024 * 1024 };

struct mount_values {
    struct account_choice choice;
    const char *root;
    char *options; /* owned: all -o */
    bool is_foreground;
};

static const struct option_row mount_rows[] = {
    { "account", 'a', OPTION_TEXT, "ACCOUNT", "the account to mount (default: default)",
      offsetof(struct mount_values, choice.account) },
    { "root", 0, OPTION_TEXT, "GRAPHPATH", "the part of Graph to mount: /me/drive, /drives, /",
      offsetof(struct mount_values, root) },
    { "foreground", 'f', OPTION_FLAG, NULL, "stay in the foreground, and log to stderr",
      offsetof(struct mount_values, is_foreground) },
    { "options", 'o', OPTION_LIST, "OPT,...", "mount options, of those below",
      offsetof(struct mount_values, options) },
    OPTIONS_END,
};

/* ---- options ---- */

struct setting_context {
    struct mount_options *options;
    struct err *err;
};

/* Every key of the file is one of the account's or a mount option. */
static int take_setting(void *arg, const char *key, const char *value, int line)
{
    struct setting_context *context = arg;
    int r;

    if (account_has_key(key))
        return 0;
    r = mount_options_set(context->options, key, value, context->err);
    return r < 0 ? err_wrap(context->err, "the configuration file, line %d", line) : 0;
}

/* The command line beats the account's section, which beats [defaults]. */
static int read_options(const struct account *account, const struct mount_values *values,
                        struct mount_options *options, struct err *err)
{
    struct setting_context context = { options, err };
    int r = config_each(account->config, "defaults", take_setting, &context);

    if (r == 0)
        r = config_each(account->config, account->section, take_setting, &context);
    if (r == 0 && values->options)
        r = mount_options_parse(options, values->options, err);
    if (r == 0 && values->root)
        r = mount_options_set(options, "root", values->root, err);
    for (size_t length = strlen(options->root); length > 1 && options->root[length - 1] == '/';)
        options->root[--length] = '\0';
    if (r == 0)
        r = mount_root_check(options->root, err);
    return r;
}

/* ---- the log ---- */

static char *choose_log(const struct account *account, const struct mount_options *options,
                        bool is_foreground)
{
    if (options->log && options->log[0] == '/')
        return x_strdup(options->log);
    if (options->log) {
        cleanup_free char *here = realpath(".", NULL);

        return x_asprintf("%s/%s", here ? here : "", options->log);
    }
    return is_foreground ? NULL : x_asprintf("%s/graphfs.log", account->state_dir);
}

static int open_log(const struct account *account, const struct mount_options *options,
                    const char *path, struct err *err)
{
    enum log_level level;
    int r;

    if (options->debug)
        log_set_level(LOG_LEVEL_DEBUG);
    else if (log_level_from_name(options->log_level, &level) == 0)
        log_set_level(level);
    if (!path)
        return 0;
    r = mkdir_p(account->state_dir, 0700);
    if (r < 0)
        return err_set_errno(err, r, "making %s", account->state_dir);
    return log_open_file(path, LOG_MAX_BYTES, err);
}

/* ---- the verb ---- */

static int run_daemon(const struct serve_conf *conf, const struct account *account)
{
    struct err err = { 0 };
    int r = open_log(account, conf->options, conf->log_file, &err);

    if (r == 0) {
        r = serve(conf, &err);
        if (r < 0 && conf->log_file)
            log_error("mount", "%s", err.msg);
    }
    log_close();
    return r == 0 ? EXIT_DONE : verb_failed(&err, "mounting");
}

/* Nothing that the daemon needs may lie below its own mount. */
static int check_place(const struct account *account, const char *log_file, const char *mountpoint,
                       struct err *err)
{
    const struct {
        const char *path;
        const char *what;
    } needed[] = {
        { account->state_dir, "its own state" },
        { account->cache_dir, "its own cache" },
        { account->conf.ca_file, "the certificates" },
        { log_file, "its own log" },
    };

    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        int r = needed[i].path
                    ? mount_point_check_hides(mountpoint, needed[i].path, needed[i].what, err)
                    : 0;

        if (r < 0)
            return r;
    }
    return 0;
}

static int mount_account(const struct account *account, const struct mount_options *options,
                         const char *place, bool is_foreground)
{
    struct background background = { .report = -1 };
    cleanup_free char *mountpoint = NULL;
    cleanup_free char *log_file = choose_log(account, options, is_foreground);
    struct graph_identity who = { 0 };
    struct err err = { 0 };
    int status;

    if (graph_identity_load(account->state_dir, &who, &err) < 0)
        return verb_failed(&err, "mounting");
    graph_identity_clear(&who);
    if (mount_point_check_fuse(options->allow_other || options->allow_root, &err) < 0 ||
        mount_point_prepare(place, options->nonempty, &mountpoint, &err) < 0 ||
        check_place(account, log_file, mountpoint, &err) < 0)
        return verb_failed(&err, "mounting");
    if (!is_foreground && !background_start(&background, &status))
        return status;
    return run_daemon(
        &(struct serve_conf){
            .account = account->name,
            .state_dir = account->state_dir,
            .cache_dir = account->cache_dir,
            .graph = &account->conf,
            .options = options,
            .mountpoint = mountpoint,
            .log_file = log_file,
            .background = &background,
        },
        account);
}

static int run_with_options(const struct verb *verb, const struct mount_values *values,
                            struct mount_options *options, const char *place)
{
    cleanup_account struct account account = { 0 };
    struct err err = { 0 };

    if (values->choice.account && !paths_account_name_valid(values->choice.account))
        return verb_misused(verb, "%s: not a name for an account", values->choice.account);
    if (account_load(&values->choice, &account, &err) < 0)
        return verb_failed(&err, "mounting");
    if (read_options(&account, values, options, &err) < 0)
        return verb_misused(verb, "%s", err.msg);
    return mount_account(&account, options, place, values->is_foreground);
}

static int run_mount(const struct verb *verb, int argc, char **argv)
{
    struct mount_values values = { 0 };
    struct mount_options options;
    int first, code;

    if (!verb_parse(verb, argc, argv, &values, &first, &code)) {
        free(values.options);
        return code;
    }
    mount_options_init(&options);
    code = argc - first == 1 ? run_with_options(verb, &values, &options, argv[first])
                             : verb_misused(verb, "one MOUNTPOINT is wanted");
    mount_options_clear(&options);
    free(values.options);
    return code;
}

const struct verb verb_mount = {
    .name = "mount",
    .args = "MOUNTPOINT",
    .summary = "Mounts an account, or a part of it.",
    .options = mount_rows,
    .print_more = mount_options_print,
    .run = run_mount,
};
