/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_BASE_INI_H
#define GRAPHFS_BASE_INI_H

#include "base/cleanup.h"
#include "base/err.h"

/*
 * The configuration file: INI, with a section `[account NAME]` per account and `[defaults]` for
 * all. Constant once loaded, so any thread may read it.
 */
struct config;

/* cleanup_config: config_free at the end of the scope */
#define cleanup_config __attribute__((cleanup(config_free_variable)))

/*
 * config_load(path, ret_config, err):
 * Reads ${path}. A file that doesn't exist is an empty configuration. Returns 0 with a
 * configuration for config_free; -EINVAL for a syntax error, a key given twice or one outside of
 * any section, with the line in the message; -errno if the file can't be read.
 */
int config_load(const char *path, struct config **ret_config, struct err *err);

/* config_free(config): Takes NULL. */
void config_free(struct config *config);

/*
 * config_get(config, section, key):
 * The value of ${key} in ${section}, else in [defaults], else NULL. It belongs to ${config}.
 */
const char *config_get(const struct config *config, const char *section, const char *key);

/*
 * config_each(config, section, fn, arg):
 * Calls ${fn} with each key and value that stands in ${section} itself, in the order of the file,
 * until one returns other than 0; returns that.
 */
int config_each(const struct config *config, const char *section,
                int (*fn)(void *arg, const char *key, const char *value, int line), void *arg);

DEFINE_CLEANUP_FUNCTION(config_free_variable, struct config *, config_free)

#endif
