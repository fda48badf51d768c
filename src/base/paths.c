/* SPDX-License-Identifier: MIT */
/* Where an account's files are: the XDG base directories, and their defaults below the home. */
#include "config.h"

#include "base/paths.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/xalloc.h"

#define ACCOUNT_NAME_MAX 40

/* $HOME, else what the password file says; NULL if neither is an absolute path. For the caller to
 * free. */
static char *home_directory(void)
{
    const char *home = getenv("HOME");
    struct passwd entry, *found = NULL;
    char buf[4096];

    if (!home || home[0] != '/') {
        if (getpwuid_r(getuid(), &entry, buf, sizeof buf, &found) != 0 || !found)
            return NULL;
        home = found->pw_dir;
    }
    return home[0] == '/' ? x_strdup(home) : NULL;
}

/* The value of ${variable}, else ${below_home} in the home directory. The specification has
 * relative values ignored. */
static int base_directory(const char *variable, const char *below_home, char **ret_path,
                          struct err *err)
{
    const char *value = getenv(variable);
    cleanup_free char *home = NULL;

    if (value && value[0] == '/') {
        *ret_path = x_strdup(value);
        return 0;
    }
    home = home_directory();
    if (!home)
        return err_set(err, -ENOENT, "no home directory known (set HOME or %s)", variable);
    *ret_path = x_asprintf("%s/%s", home, below_home);
    return 0;
}

bool paths_account_name_valid(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz"
                                  "0123456789._@-";
    size_t len = strlen(name);

    return len >= 1 && len <= ACCOUNT_NAME_MAX && strspn(name, allowed) == len && name[0] != '.' &&
           name[0] != '-';
}

static int account_directory(const char *variable, const char *below_home, const char *account,
                             char **ret_path, struct err *err)
{
    cleanup_free char *base = NULL;
    int r;

    if (!paths_account_name_valid(account))
        return err_set(err, -EINVAL,
                       "account name: use 1 to %d letters, digits or . _ @ -, not beginning with "
                       ". or -",
                       ACCOUNT_NAME_MAX);
    r = base_directory(variable, below_home, &base, err);
    if (r < 0)
        return r;
    *ret_path = x_asprintf("%s/graphfs/%s", base, account);
    return 0;
}

int paths_config_file(char **ret_path, struct err *err)
{
    cleanup_free char *base = NULL;
    int r = base_directory("XDG_CONFIG_HOME", ".config", &base, err);

    if (r < 0)
        return r;
    *ret_path = x_asprintf("%s/graphfs/config", base);
    return 0;
}

int paths_state_dir(const char *account, char **ret_path, struct err *err)
{
    return account_directory("XDG_STATE_HOME", ".local/state", account, ret_path, err);
}

int paths_cache_dir(const char *account, char **ret_path, struct err *err)
{
    return account_directory("XDG_CACHE_HOME", ".cache", account, ret_path, err);
}
