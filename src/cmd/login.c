/* SPDX-License-Identifier: MIT */
/* graphfs login: sign-in by device code. */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pool.h"
#include "base/utf8.h"
#include "base/xalloc.h"
#include "cmd/account.h"
#include "cmd/cmd.h"

struct login_values {
    const char *method;
    struct account_choice choice;
};

static const struct option_row login_options[] = {
    { "account", 'a', OPTION_TEXT, "ACCOUNT", "the account to sign in to (default: default)",
      offsetof(struct login_values, choice.account) },
    { "method", 0, OPTION_TEXT, "device", "how to sign in; so far there is only this way",
      offsetof(struct login_values, method) },
    { "tenant", 0, OPTION_TEXT, "TENANT",
      "who may sign in: common, organizations, consumers,\nor a tenant's domain or GUID",
      offsetof(struct login_values, choice.tenant) },
    { "client-id", 0, OPTION_TEXT, "ID", "id of the application that you registered",
      offsetof(struct login_values, choice.client_id) },
    { "cloud", 0, OPTION_TEXT, "CLOUD", "global, usgov, dod or china",
      offsetof(struct login_values, choice.cloud) },
    { "scope", 0, OPTION_TEXT, "SCOPES",
      "the permissions to ask for, instead of those that\nyour drives need",
      offsetof(struct login_values, choice.scopes) },
    { "write", 0, OPTION_FLAG, NULL, "ask for the permission to change files, too",
      offsetof(struct login_values, choice.writes) },
    OPTIONS_END,
};

static void show_prompt(const char *message, const char *user_code, const char *url, void *arg)
{
    cleanup_free char *text =
        message
            ? x_strdup(message)
            : x_asprintf("Open %s in a browser and enter the code %s to sign in.", url, user_code);
    cleanup_free char *printable = utf8_printable(text);
    (void)arg;
    (void)printf("%s\n", printable);
    (void)fflush(stdout);
}

static int sign_in(const struct account *account, struct err *err)
{
    struct graph *graph = NULL;
    struct pool *pool = pool_new("login", 1);
    if (!pool)
        return err_set_errno(err, errno, "starting a thread");
    int ret = graph_new(&account->conf, clock_system(), pool, &graph, err);
    if (ret == 0)
        ret = graph_login_device(graph, show_prompt, NULL, err);
    graph_free(graph);
    pool_free(pool);
    return ret;
}

static int run_login(const struct verb *verb, int argc, char **argv)
{
    struct login_values values = { .method = "device" };
    struct graph_identity identity = { 0 };
    cleanup_account struct account account = { 0 };
    struct err err;
    int first;
    int code;
    if (!verb_parse(verb, argc, argv, &values, &first, &code))
        return code;
    if (first < argc)
        return verb_misused(verb, "%s: it takes no operand", argv[first]);
    if (strcmp(values.method, "device") != 0)
        return verb_misused(verb, "--method=%s: there is only --method=device", values.method);
    if (account_load(&values.choice, &account, &err) < 0 ||
        account_check_keys(&account, &err) < 0 || sign_in(&account, &err) < 0)
        return verb_failed(&err, "signing in");
    if (graph_identity_load(account.state_dir, &identity, &err) < 0)
        return verb_failed(&err, "signing in");
    cleanup_free char *name =
        utf8_printable(identity.user_name ? identity.user_name : identity.user_id);
    (void)printf("Signed in as %s.\n", name);
    graph_identity_clear(&identity);
    return EXIT_DONE;
}

const struct verb verb_login = {
    .name = "login",
    .args = "",
    .summary = "Signs in to Microsoft Graph, with a code that you enter in a browser anywhere.",
    .options = login_options,
    .run = run_login,
};
