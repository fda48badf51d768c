/* SPDX-License-Identifier: MIT */
/*
 * The service as a whole: puts net, token, calls and remote together, and takes them down in the
 * opposite order.
 *
 * The end: calls and the remote's operations are stopped while the net thread still runs, for it is
 * what answers them; then the thread ends; then all is freed.
 */
#include "config.h"

#include "graph/graph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/xalloc.h"
#include "graph/auth.h"
#include "graph/call.h"
#include "graph/graph_i.h"
#include "graph/graph_remote.h"
#include "graph/link.h"
#include "graph/net.h"
#include "graph/url.h"

/* Decorated as the service asks for, so that it doesn't slow the program down as an unknown one. */
#define USER_AGENT              "NONISV|graphfs|graphfs/" PACKAGE_VERSION
#define VERSION_PATH            "/v1.0"
#define DEFAULT_IDLE_TIMEOUT_MS (60 * 1000)
#define MAX_SCOPES_BYTES        2048

/* What reading drives needs, and changing what is in them. Files.Read.All, and not Files.Read,
 * because folders that others share are read from their owners' drives; some tenants let only an
 * administrator consent to it, hence
 * --scope. */
static const char reading_permission[] = "Files.Read.All";
static const char writing_permission[] = "Files.ReadWrite.All";
/* What a sign-in needs whatever it is for: to ask who it is, and to last. */
static const char user_permission[] = "User.Read";
static const char *const plain_scopes[] = { "offline_access", "openid", "profile" };

static const struct graph_cloud clouds[] = {
    { "global", "https://graph.microsoft.com", "https://login.microsoftonline.com" },
    { "usgov", "https://graph.microsoft.us", "https://login.microsoftonline.us" },
    { "dod", "https://dod-graph.microsoft.us", "https://login.microsoftonline.us" },
    { "china", "https://microsoftgraph.chinacloudapi.cn",
      "https://login.partner.microsoftonline.cn" },
};

const struct graph_cloud *graph_cloud_find(const char *name)
{
    for (size_t i = 0; i < sizeof(clouds) / sizeof(clouds[0]); i++) {
        if (strcmp(clouds[i].name, name) == 0)
            return &clouds[i];
    }
    return NULL;
}

bool graph_has_scope(const char *scopes, const char *name)
{
    size_t length = strlen(name);
    for (const char *scope = scopes + strspn(scopes, " "); *scope != '\0';
         scope += strspn(scope, " ")) {
        const char *end = scope + strcspn(scope, " ");
        const char *start = end;
        while (start > scope && start[-1] != '/')
            start--;
        if ((size_t)(end - start) == length && strncasecmp(start, name, length) == 0)
            return true;
        scope = end;
    }
    return false;
}

static void add_scope(struct strbuf *scopes, const char *host, const char *name)
{
    if (!graph_has_scope(scopes->data, name))
        (void)strbuf_addf(scopes, "%s%s%s%s", scopes->len > 0 ? " " : "", host,
                          *host != '\0' ? "/" : "", name);
}

/* The scopes to ask for: those of the user, or what drives need, and what every sign-in needs. */
static char *make_scopes(const char *asked, bool writes, const struct graph_cloud *cloud)
{
    /* A bare name means the global cloud's Graph. */
    const char *host = strcmp(cloud->name, "global") == 0 ? "" : cloud->graph_url;
    cleanup_strbuf struct strbuf scopes;
    strbuf_init(&scopes, MAX_SCOPES_BYTES);
    if (asked)
        (void)strbuf_addstr(&scopes, asked);
    else
        add_scope(&scopes, host, writes ? writing_permission : reading_permission);
    /* The service refuses to mix permissions with "what was registered", which has it anyway. */
    if (!graph_has_scope(scopes.data, ".default"))
        add_scope(&scopes, host, user_permission);
    for (size_t i = 0; i < sizeof(plain_scopes) / sizeof(plain_scopes[0]); i++)
        add_scope(&scopes, "", plain_scopes[i]);
    return strbuf_steal(&scopes);
}

static int check_conf(const struct graph_conf *conf, const struct graph_cloud **ret_cloud,
                      struct err *err)
{
    const char *name = conf->cloud ? conf->cloud : "global";
    const struct graph_cloud *cloud = graph_cloud_find(name);
    if (!cloud) {
        (void)err_set(err, -EINVAL,
                      "cloud = %s: there is none of that name (global, usgov, dod, china)", name);
        return -EINVAL;
    }
    *ret_cloud = cloud;
    if (!conf->client_id || conf->client_id[0] == '\0')
        return err_set(err, -EINVAL,
                       "no client_id is set: register an application and put its id "
                       "into the configuration (see README)");
    if (conf->tenant && (conf->tenant[0] == '\0' || strpbrk(conf->tenant, "/?#% ")))
        return err_set(err, -EINVAL, "tenant = %s: not a name, domain or GUID", conf->tenant);
    if (conf->graph_url && url_check_service("graph_url", conf->graph_url, err) < 0)
        return -EINVAL;
    if (conf->login_url && url_check_service("login_url", conf->login_url, err) < 0)
        return -EINVAL;
    if (conf->scopes && strlen(conf->scopes) > MAX_SCOPES_BYTES / 2)
        return err_set(err, -EINVAL, "the scopes are too long");
    if (conf->ca_file && access(conf->ca_file, R_OK) < 0)
        return err_set_errno(err, errno, "ca_file = %s", conf->ca_file);
    return 0;
}

static void copy_conf(struct graph *graph, const struct graph_conf *conf,
                      const struct graph_cloud *cloud)
{
    bool is_global = strcmp(cloud->name, "global") == 0;
    graph->graph_url = url_base(conf->graph_url ? conf->graph_url : cloud->graph_url);
    graph->root = x_asprintf("%s" VERSION_PATH, graph->graph_url);
    graph->login_url = url_base(conf->login_url ? conf->login_url : cloud->login_url);
    graph->state_dir = x_strdup(conf->state_dir);
    graph->cloud = x_strdup(cloud->name);
    graph->client_id = x_strdup(conf->client_id);
    /* Only the global cloud has personal accounts. */
    graph->tenant = x_strdup(conf->tenant ? conf->tenant : is_global ? "common" : "organizations");
    graph->scopes = make_scopes(conf->scopes, conf->writes, cloud);
}

static int start(struct graph *graph, const struct graph_conf *conf, struct pool *pool,
                 struct err *err)
{
    struct net_conf net_conf = {
        .user_agent = USER_AGENT,
        .ca_file = conf->ca_file,
        .idle_timeout_ms =
            conf->idle_timeout_ms > 0 ? conf->idle_timeout_ms : DEFAULT_IDLE_TIMEOUT_MS,
        .force_http1 = conf->force_http1,
    };
    struct auth_conf auth_conf = {
        .state_dir = graph->state_dir,
        .place = { graph->cloud, graph->graph_url, graph->login_url },
        .client_id = graph->client_id,
        .tenant = graph->tenant,
    };
    int ret = url_parse_origin(graph->root, &graph->origin, err);
    if (ret == 0)
        ret = net_new(&net_conf, graph->clock, &graph->net, err);
    if (ret < 0)
        return ret;
    graph->auth = auth_new(&auth_conf, graph->net, graph->clock, &graph->link);
    graph->caller = caller_new(graph->net, graph->auth, &graph->link, graph->clock, pool);
    return graph_remote_new(graph->caller, graph->clock, pool, graph->root, &graph->remote, err);
}

int graph_new(const struct graph_conf *conf, struct clock *clock, struct pool *pool,
              struct graph **ret_graph, struct err *err)
{
    const struct graph_cloud *cloud = NULL;
    int ret = check_conf(conf, &cloud, err);
    if (ret < 0)
        return ret;
    struct graph *graph = x_calloc(1, sizeof(*graph));
    graph->clock = clock;
    link_init(&graph->link, pool);
    copy_conf(graph, conf, cloud);
    ret = start(graph, conf, pool, err);
    if (ret < 0) {
        graph_free(graph);
        return ret;
    }
    *ret_graph = graph;
    return 0;
}

void graph_free(struct graph *graph)
{
    if (!graph)
        return;
    if (graph->remote) {
        caller_stop(graph->caller);
        graph_remote_stop(graph->remote);
        caller_drain(graph->caller);
    }
    net_free(graph->net);
    graph_remote_free(graph->remote);
    caller_free(graph->caller);
    auth_free(graph->auth);
    link_clear(&graph->link);
    free(graph->state_dir);
    free(graph->graph_url);
    free(graph->root);
    free(graph->login_url);
    free(graph->cloud);
    free(graph->client_id);
    free(graph->tenant);
    free(graph->scopes);
    free(graph);
}

struct remote *graph_remote(struct graph *graph)
{
    return graph_remote_base(graph->remote);
}

enum graph_link graph_state(struct graph *graph, char *message, size_t size)
{
    return link_state(&graph->link, message, size);
}

void graph_listen(struct graph *graph, graph_listener_fn *listener, void *arg)
{
    graph->link.listener = listener;
    graph->link.listener_arg = arg;
}

void graph_wake(struct graph *graph)
{
    caller_wake(graph->caller);
}

struct graph_counters graph_count(struct graph *graph)
{
    struct net_counters counters = net_count(graph->net);
    return (struct graph_counters){
        .requests = counters.requests,
        .bytes_received = counters.bytes_received,
        .bytes_sent = counters.bytes_sent,
    };
}
