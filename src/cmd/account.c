/* SPDX-License-Identifier: MIT */
/* See account.h. */
#include "config.h"

#include "cmd/account.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/cleanup.h"
#include "base/paths.h"
#include "base/xalloc.h"
#include "cmd/mount_options.h"
#include "graph/url.h"

#define MAX_IDLE_TIMEOUT_S 3600

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

bool account_has_key(const char *key)
{
    static const char *const keys[] = {
        "client_id", "tenant",  "cloud",        "graph_url",
        "login_url", "ca_file", "idle_timeout", "http_version",
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strcmp(keys[i], key) == 0)
            return true;
    }
    return false;
}

static int check_key(void *arg, const char *key, const char *value, int line)
{
    (void)value;
    if (account_has_key(key) || mount_options_has(key))
        return 0;
    return err_set(arg, -EINVAL, "the configuration file, line %d: there is no key %s", line, key);
}

int account_check_keys(const struct account *account, struct err *err)
{
    int ret = config_each(account->config, "defaults", check_key, err);
    return ret < 0 ? ret : config_each(account->config, account->section, check_key, err);
}

static char *base_url_setting(const struct account *account, const char *key)
{
    const char *url = account_setting(account, key);
    return url ? url_base(url) : NULL;
}

static int read_idle_timeout(const struct account *account, int64_t *ret_ms, struct err *err)
{
    const char *text = account_setting(account, "idle_timeout");
    if (!text)
        return 0;
    char *end;
    errno = 0;
    long seconds = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || seconds < 1 || seconds > MAX_IDLE_TIMEOUT_S)
        return err_set(err, -EINVAL, "idle_timeout = %s: not a number of seconds from 1 to %d",
                       text, MAX_IDLE_TIMEOUT_S);
    *ret_ms = (int64_t)seconds * 1000;
    return 0;
}

static int read_http_version(const struct account *account, bool *ret_force_http1, struct err *err)
{
    const char *text = account_setting(account, "http_version");
    if (text && strcmp(text, "auto") != 0 && strcmp(text, "1.1") != 0)
        return err_set(err, -EINVAL, "http_version = %s: neither auto nor 1.1", text);
    *ret_force_http1 = text && strcmp(text, "1.1") == 0;
    return 0;
}

bool account_writes(const struct account *account)
{
    static const char *const no[] = { "no", "false", "0" };
    const char *value = account_setting(account, "experimental_writing");

    for (size_t i = 0; value && i < sizeof no / sizeof no[0]; i++) {
        if (strcmp(value, no[i]) == 0)
            value = NULL;
    }
    return value || account->identity.writes;
}

static int fill_conf(struct account *account, const struct account_choice *choice, struct err *err)
{
    const struct graph_identity *identity = &account->identity;
    account->graph_url = base_url_setting(account, "graph_url");
    account->login_url = base_url_setting(account, "login_url");
    account->conf = (struct graph_conf){
        .state_dir = account->state_dir,
        .client_id =
            first_of(choice->client_id, account_setting(account, "client_id"), identity->client_id),
        .tenant =
            first_of(choice->tenant, account_setting(account, "tenant"), identity->sign_in_tenant),
        .cloud = first_of(choice->cloud, account_setting(account, "cloud"), identity->cloud),
        .graph_url = account->graph_url,
        .login_url = account->login_url,
        .ca_file = account_setting(account, "ca_file"),
        .scopes = choice->scopes,
        .writes = choice->writes || account_writes(account),
    };
    int ret = read_idle_timeout(account, &account->conf.idle_timeout_ms, err);
    return ret < 0 ? ret : read_http_version(account, &account->conf.force_http1, err);
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
    /* The token file is read here. */
    account_protect_memory();
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
    ret = fill_conf(&account, choice, err);
    if (ret < 0)
        return ret;
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
    free(account->graph_url);
    free(account->login_url);
    config_free(account->config);
    graph_identity_clear(&account->identity);
    *account = (struct account){ 0 };
}

void account_protect_memory(void)
{
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
