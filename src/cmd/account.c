/* SPDX-License-Identifier: MIT */
/* See account.h. */
#include "config.h"

#include "cmd/account.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "base/cleanup.h"
#include "base/paths.h"
#include "base/xalloc.h"

static const char *first_of(const char *one, const char *two, const char *three)
{
    if (one)
        return one;
    return two ? two : three;
}

const char *account_setting(const struct account *account, const char *key)
{
    return config_get(account->config, account->section, key);
}

static void fill_conf(struct account *account, const struct account_choice *choice)
{
    const struct graph_identity *identity = &account->identity;
    account->conf = (struct graph_conf){
        .state_dir = account->state_dir,
        .client_id =
            first_of(choice->client_id, account_setting(account, "client_id"), identity->client_id),
        .tenant =
            first_of(choice->tenant, account_setting(account, "tenant"), identity->sign_in_tenant),
        .cloud = first_of(choice->cloud, account_setting(account, "cloud"), identity->cloud),
        .graph_url = account_setting(account, "graph_url"),
        .login_url = account_setting(account, "login_url"),
        .ca_file = account_setting(account, "ca_file"),
        .scopes = choice->scopes,
    };
}

static int load_config(struct account *account, struct err *err)
{
    cleanup_free char *path = NULL;
    int ret = paths_config_file(&path, err);
    return ret < 0 ? ret : config_load(path, &account->config, err);
}

int account_load(const struct account_choice *choice, struct account *ret_account, struct err *err)
{
    cleanup_account struct account account = { 0 };
    account.name = x_strdup(choice->account ? choice->account : DEFAULT_ACCOUNT);
    account.section = x_asprintf("account %s", account.name);
    int ret = paths_state_dir(account.name, &account.state_dir, err);
    if (ret == 0)
        ret = paths_cache_dir(account.name, &account.cache_dir, err);
    if (ret == 0)
        ret = load_config(&account, err);
    if (ret < 0)
        return ret;
    /* Without a sign-in there is nothing to fall back on; whoever needs one finds out by itself. */
    (void)graph_identity_load(account.state_dir, &account.identity, NULL);
    fill_conf(&account, choice);
    *ret_account = account;
    account = (struct account){ 0 };
    return 0;
}

void account_clear(struct account *account)
{
    free(account->name);
    free(account->section);
    free(account->state_dir);
    free(account->cache_dir);
    config_free(account->config);
    graph_identity_clear(&account->identity);
    *account = (struct account){ 0 };
}

void account_protect_memory(void)
{
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
