/* SPDX-License-Identifier: MIT */
/* graphfs logout: forgets the sign-in. What is cached stays, for the next one of the same user. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "cmd/account.h"
#include "cmd/cmd.h"
#include "store/store.h"

struct logout_values {
    struct account_choice choice;
    bool is_forced;
};

static const struct option_row logout_options[] = {
    { "account", 'a', OPTION_TEXT, "ACCOUNT", "the account to sign out of (default: default)",
      offsetof(struct logout_values, choice.account) },
    { "force", 0, OPTION_FLAG, NULL, "also if not all is sent that was changed here",
      offsetof(struct logout_values, is_forced) },
    OPTIONS_END,
};

/* What isn't sent would wait for ever, if nobody knew of it. */
static int check_left(const struct account *account, struct err *err)
{
    int64_t left = 0;

    if (store_count_left(account->state_dir, &left) < 0 || left == 0)
        return 0;
    return err_set(err, -EBUSY,
                   "%" PRId64 " change%s of the account %s not sent yet (graphfs sync, or "
                   "graphfs logout --force, which keeps them for the next sign-in)",
                   left, left == 1 ? "" : "s", left == 1 ? "is" : "are");
}

static int run_logout(const struct verb *verb, int argc, char **argv)
{
    struct logout_values values = { 0 };
    cleanup_account struct account account = { 0 };
    struct err err;
    int first;
    int code;
    if (!verb_parse(verb, argc, argv, &values, &first, &code))
        return code;
    if (first < argc)
        return verb_misused(verb, "%s: it takes no operand", argv[first]);
    if (account_load(&values.choice, &account, &err) < 0 ||
        (!values.is_forced && check_left(&account, &err) < 0) ||
        graph_logout(account.state_dir, &err) < 0)
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
