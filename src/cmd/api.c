/* SPDX-License-Identifier: MIT */
/* graphfs api: one raw call to Graph, as its documentation writes it. */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/paths.h"
#include "base/pool.h"
#include "base/strbuf.h"
#include "base/utf8.h"
#include "base/vec.h"
#include "base/xalloc.h"
#include "cmd/account.h"
#include "cmd/cmd.h"

#define MAX_DATA_BYTES   ((size_t)4 * 1024 * 1024)
#define MAX_ANSWER_DEPTH 64

struct api_values {
    const char *method;
    const char *data;
    bool is_paginated;
    struct account_choice choice;
};

static const struct option_row api_options[] = {
    { "account", 'a', OPTION_TEXT, "ACCOUNT", "the account to use (default: default)",
      offsetof(struct api_values, choice.account) },
    { "method", 'X', OPTION_TEXT, "METHOD", "default: GET, with data POST",
      offsetof(struct api_values, method) },
    { "data", 'd', OPTION_TEXT, "DATA", "JSON to send, or @FILE to send a file's",
      offsetof(struct api_values, data) },
    { "paginate", 0, OPTION_FLAG, NULL, "follow @odata.nextLink and print every page",
      offsetof(struct api_values, is_paginated) },
    OPTIONS_END,
};

static int read_data(const char *data, struct strbuf *body, struct err *err)
{
    if (data[0] != '@')
        return strbuf_addstr(body, data) < 0 ? err_set(err, -EFBIG, "the data is too long") : 0;
    int ret = file_read_all(data + 1, MAX_DATA_BYTES, body);
    return ret < 0 ? err_set_errno(err, ret, "%s", data + 1) : 0;
}

static int print_body(const struct strbuf *body, struct err *err)
{
    bool is_open = body->len > 0 && body->data[body->len - 1] != '\n';
    if (fwrite(body->data, 1, body->len, stdout) != body->len ||
        (is_open && fputc('\n', stdout) == EOF) || fflush(stdout) != 0)
        return err_set_errno(err, errno, "standard output");
    return 0;
}

/* The link to the page after this one, for the caller to free; NULL if it is the last. */
static char *next_link(const struct strbuf *body)
{
    const char *link;
    cleanup_json struct json_object *json =
        json_parse_bounded(body->data, body->len, MAX_ANSWER_DEPTH, NULL);
    return json_get_str(json, "@odata.nextLink", &link) == JSON_OK ? x_strdup(link) : NULL;
}

/* The pages that were asked for. A link back to any of them would lead in circles. */
DEFINE_VEC(pages, char *);

static bool pages_have(const struct pages *pages, const char *link)
{
    for (size_t i = 0; i < pages->len; i++) {
        if (strcmp(pages->items[i], link) == 0)
            return true;
    }
    return false;
}

static void pages_free(struct pages *pages)
{
    for (size_t i = 0; i < pages->len; i++)
        free(pages->items[i]);
    pages_clear(pages);
}

static int print_response(const struct graph_response *response, struct err *err)
{
    if (response->status / 100 == 3 && response->location) {
        cleanup_free char *location = utf8_printable(response->location);
        (void)fprintf(stderr, "Location: %s\n", location);
    }
    return print_body(&response->body, err);
}

/* One call. Sets *ret_next to the link to the next page, NULL if none is wanted or there is none.
 */
static int call_one(struct graph *graph, const struct api_values *values, const char *path,
                    const struct strbuf *data, char **ret_next, struct err *err)
{
    struct graph_response response;
    struct err print_err;
    const char *method = values->method ? values->method : values->data ? "POST" : "GET";
    int ret = graph_call_sync(graph, method, path, values->data ? data->data : NULL, data->len,
                              &response, err);
    if (print_response(&response, &print_err) < 0 && ret == 0) {
        *err = print_err;
        ret = err->code;
    }
    if (ret == 0)
        *ret_next = values->is_paginated ? next_link(&response.body) : NULL;
    graph_response_clear(&response);
    return ret;
}

static int call_and_print(struct graph *graph, const struct api_values *values, const char *path,
                          struct err *err)
{
    cleanup_strbuf struct strbuf data;
    struct pages pages = { 0 };
    char *next = x_strdup(path);
    strbuf_init(&data, MAX_DATA_BYTES);
    int ret = values->data ? read_data(values->data, &data, err) : 0;
    while (ret == 0 && next) {
        const char *here = *pages_push(&pages, steal_ptr(&next));
        ret = call_one(graph, values, here, &data, &next, err);
        if (ret == 0 && next && pages_have(&pages, next))
            ret = err_set(err, -EPROTO, "a page's next link leads back to a page before it");
    }
    free(next);
    pages_free(&pages);
    return ret;
}

static int call(const struct account *account, const struct api_values *values, const char *path,
                struct err *err)
{
    struct graph *graph = NULL;
    struct pool *pool = pool_new("api", 1);
    if (!pool)
        return err_set_errno(err, errno, "starting a thread");
    int ret = graph_new(&account->conf, clock_system(), pool, &graph, err);
    if (ret == 0)
        ret = call_and_print(graph, values, path, err);
    graph_free(graph);
    pool_free(pool);
    return ret;
}

static int run_api(const struct verb *verb, int argc, char **argv)
{
    struct api_values values = { 0 };
    cleanup_account struct account account = { 0 };
    struct err err;
    int first;
    int code;
    if (!verb_parse(verb, argc, argv, &values, &first, &code))
        return code;
    if (argc - first != 1)
        return verb_misused(verb, "it takes one path, such as /me/drive");
    if (account_load(&values.choice, &account, &err) < 0 ||
        account_check_keys(&account, &err) < 0 || call(&account, &values, argv[first], &err) < 0)
        return verb_failed(&err, "%s", argv[first]);
    return EXIT_DONE;
}

const struct verb verb_api = {
    .name = "api",
    .args = "GRAPHPATH",
    .summary = "Makes one call to Graph and prints the answer.",
    .details = "GRAPHPATH is a path as in Graph's documentation, without the version: /me/drive.",
    .options = api_options,
    .run = run_api,
};
