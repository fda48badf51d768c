/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_CMD_ACCOUNT_H
#define GRAPHFS_CMD_ACCOUNT_H

/* An account as the configuration file, its sign-in and the command line describe it. */

#include "base/err.h"
#include "base/ini.h"
#include "graph/graph.h"

#include <stdbool.h>

#define DEFAULT_ACCOUNT "default"

struct account {
    char *name;
    char *section; /* "account NAME" */
    char *state_dir;
    char *cache_dir;
    char *graph_url; /* as configured; NULL: not */
    char *login_url;
    struct config *config;
    struct graph_identity identity; /* empty if nobody is signed in */
    struct graph_conf conf;         /* ready for graph_new(); borrows from all of the above */
};

/* cleanup_account: account_clear at the end of the scope; begin with { 0 } */
#define cleanup_account __attribute__((cleanup(account_clear)))

/* What the command line says, which beats everything; NULL: nothing. */
struct account_choice {
    const char *account;
    const char *client_id;
    const char *tenant;
    const char *cloud;
    const char *scopes;
    bool writes; /* the permission to change files is wanted */
};

/* Loads the account, and protects the process's memory first. For each setting the command line
 * beats its section of the file, that beats [defaults], and that what was used at the sign-in.
 * Returns 0 or -errno with a message. Borrows the strings of choice. */
int account_load(const struct account_choice *choice, struct account *ret_account, struct err *err);

/* Whether the account's configuration, or who signed in last, wants files to be changed. */
bool account_writes(const struct account *account);

/* A setting of the account's section or of [defaults]; NULL if it isn't set. */
const char *account_setting(const struct account *account, const char *key);

/* Whether the configuration's key is one of the account itself, and no mount option. */
bool account_has_key(const char *key);

/* Whether all keys that the file has for the account are known. Returns 0, or -EINVAL with a
 * message that says which line is wrong. */
int account_check_keys(const struct account *account, struct err *err);

/* Frees what it holds; it is as before account_load() then. */
void account_clear(struct account *account);

/* Keeps tokens out of core dumps and from other processes of the user. */
void account_protect_memory(void);

#endif
