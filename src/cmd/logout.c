/* SPDX-License-Identifier: MIT */
/* graphfs logout: forgets the sign-in. What is cached stays, for the next one of the same user. */
#include "config.h"

#include <stddef.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "cmd/account.h"
#include "cmd/cmd.h"

static const struct option_row logout_options[] = {
    { "account", 'a', OPTION_TEXT, "ACCOUNT", "the account to sign out of (default: default)",
      offsetof(struct account_choice, account) },
    OPTIONS_END,
};

static int run_logout(const struct verb *verb, int argc, char **argv)
{
    struct account_choice choice = { 0 };
    cleanup_account struct account account = { 0 };
    struct err err;
    int first;
    int code;
    if (!verb_parse(verb, argc, argv, &choice, &first, &code))
        return code;
    if (first < argc)
        return verb_misused(verb, "%s: it takes no operand", argv[first]);
    if (account_load(&choice, &account, &err) < 0 || graph_logout(account.state_dir, &err) < 0)
        return verb_failed(&err, "signing out");
    if (account.identity.user_name) {
        cleanup_free char *name = utf8_printable(account.identity.user_name);
        (void)printf("Signed out %s.\n", name);
    }
    return EXIT_DONE;
}

const struct verb verb_logout = {
    .name = "logout",
    .args = "",
    .summary = "Forgets the sign-in of an account.",
    .options = logout_options,
    .run = run_logout,
};
