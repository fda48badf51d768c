/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_BASE_PATHS_H
#define GRAPHFS_BASE_PATHS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/strbuf.h"

/*
 * Where an account keeps its files, after the XDG base directory specification. Nothing is created.
 * Each returns 0 with an allocated path for the caller to free; -EINVAL for an account name that
 * can't be a directory; -ENOENT if neither the variable nor a home directory is known.
 */

/* paths_config_file: $XDG_CONFIG_HOME/graphfs/config */
int paths_config_file(char **ret_path, struct err *err);

/* paths_state_dir: $XDG_STATE_HOME/graphfs/ACCOUNT: store and unsent data; must not be lost */
int paths_state_dir(const char *account, char **ret_path, struct err *err);

/* paths_cache_dir: $XDG_CACHE_HOME/graphfs/ACCOUNT: can be emptied at any time */
int paths_cache_dir(const char *account, char **ret_path, struct err *err);

/*
 * paths_account_name_valid(name):
 * 1 to 40 of [A-Za-z0-9._@-], the first not a dot or a dash. (inih, which reads the configuration,
 * cuts a section's name after 49 bytes, and "account " goes before it.)
 */
bool paths_account_name_valid(const char *name);

/*
 * mkdir_p(path, mode):
 * Creates the directory ${path} and those above it that are missing, with ${mode}. One that exists
 * is left as it is. Returns 0 or -errno, -ENOTDIR if something else stands there.
 */
int mkdir_p(const char *path, mode_t mode);

/*
 * file_read_all(path, max, out):
 * Appends the whole file to ${out}, which the caller has initialised. Returns 0 or -errno, -EFBIG
 * if there are more than ${max} bytes; ${out} may then hold a part.
 */
int file_read_all(const char *path, size_t max, struct strbuf *out);

/*
 * file_write_atomic(path, data, len, mode):
 * Replaces the file ${path} so that a crash at any moment leaves either the old or the new one,
 * whole and with ${mode} whatever the umask, and so that it is on disk when this returns. Returns 0
 * or -errno; after a failure the old file is still there. Blocks on the disk.
 */
int file_write_atomic(const char *path, const void *data, size_t len, mode_t mode);

#endif
