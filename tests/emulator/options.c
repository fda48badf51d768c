/* SPDX-License-Identifier: MIT */
/* The command line: one table feeds the parser and --help. */
#include "options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct setting {
    const char *name;
    const char *argument; /* NULL for a switch */
    size_t place;         /* of the field in struct options */
    int (*parse)(const char *text, void *field);
    const char *help;
};

static int parse_text(const char *text, void *field)
{
    *(const char **)field = text;
    return 0;
}

/* An origin: a scheme and a host, without a path. */
static int parse_origin(const char *text, void *field)
{
    size_t scheme = strncmp(text, "http://", 7) == 0    ? 7
                    : strncmp(text, "https://", 8) == 0 ? 8
                                                        : 0;

    if (!scheme || !text[scheme] || strpbrk(text + scheme, "/?#@ "))
        return -1;
    return parse_text(text, field);
}

static int parse_number(const char *text, void *field)
{
    char *end;

    errno = 0;

    long long number = strtoll(text, &end, 10);

    if (errno || end == text || *end || number < 0)
        return -1;
    *(int64_t *)field = number;
    return 0;
}

static int parse_seconds(const char *text, void *field)
{
    int64_t seconds;

    if (parse_number(text, &seconds) < 0 || seconds > INT64_MAX / 1000)
        return -1;
    *(int64_t *)field = seconds * 1000;
    return 0;
}

static int parse_seed(const char *text, void *field)
{
    int64_t number;

    if (parse_number(text, &number) < 0)
        return -1;
    *(uint64_t *)field = (uint64_t)number;
    return 0;
}

static int parse_switch(const char *text, void *field)
{
    (void)text;
    *(bool *)field = true;
    return 0;
}

static int parse_profile(const char *text, void *field)
{
    static const char *const names[] = { "business", "consumer", "consumer-legacy" };

    for (int i = 0; i < 3; i++)
        if (strcmp(text, names[i]) == 0) {
            *(enum profile *)field = (enum profile)i;
            return 0;
        }
    return -1;
}

/* ADDR:PORT with an IPv4 address, or an IPv6 one in brackets. */
static int parse_address(const char *text, void *field)
{
    struct sockaddr_storage *address = field;
    const char *colon = strrchr(text, ':');
    char host[64];
    int64_t port;

    if (!colon || (size_t)(colon - text) >= sizeof host || parse_number(colon + 1, &port) < 0 ||
        port > 65535)
        return -1;
    (void)snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
    memset(address, 0, sizeof *address);
    if (host[0] == '[' && host[strlen(host) - 1] == ']') {
        struct sockaddr_in6 *six = field;

        host[strlen(host) - 1] = '\0';
        six->sin6_family = AF_INET6;
        six->sin6_port = htons((uint16_t)port);
        return inet_pton(AF_INET6, host + 1, &six->sin6_addr) == 1 ? 0 : -1;
    }

    struct sockaddr_in *four = field;

    four->sin_family = AF_INET;
    four->sin_port = htons((uint16_t)port);
    return inet_pton(AF_INET, host, &four->sin_addr) == 1 ? 0 : -1;
}

/* N/S: so many requests in so many seconds. */
static int parse_throttle(const char *text, void *field)
{
    struct options *options =
        (struct options *)(void *)((char *)field - offsetof(struct options, throttle_requests));
    char count[24];
    const char *slash = strchr(text, '/');

    if (!slash || (size_t)(slash - text) >= sizeof count)
        return -1;
    (void)snprintf(count, sizeof count, "%.*s", (int)(slash - text), text);
    if (parse_number(count, &options->throttle_requests) < 0 ||
        parse_seconds(slash + 1, &options->throttle_window_ms) < 0)
        return -1;
    return options->throttle_requests && options->throttle_window_ms ? 0 : -1;
}

/* files=N,folders=N[,size=BYTES][,seed=N] */
static int parse_generate(const char *text, void *field)
{
    struct options *options =
        (struct options *)(void *)((char *)field - offsetof(struct options, generate_files));

    const struct {
        const char *name;
        int64_t *field;
    } parts[] = {
        { "files=", &options->generate_files },
        { "folders=", &options->generate_folders },
        { "size=", &options->generate_size },
        { "seed=", &options->generate_seed },
    };

    while (*text) {
        size_t length = strcspn(text, ",");
        char part[48];
        size_t i = 0;

        if (length >= sizeof part)
            return -1;
        (void)snprintf(part, sizeof part, "%.*s", (int)length, text);
        while (i < 4 && strncmp(part, parts[i].name, strlen(parts[i].name)) != 0)
            i++;
        if (i == 4 || parse_number(part + strlen(parts[i].name), parts[i].field) < 0)
            return -1;
        text += length + (text[length] == ',');
    }
    return options->generate_files + options->generate_folders < UINT32_MAX ? 0 : -1;
}

#define FIELD(name) offsetof(struct options, name)

static const struct setting settings[] = {
    { "listen", "ADDR:PORT", FIELD(api_address), parse_address,
      "where Graph and the sign-in service answer (default 127.0.0.1:0; port 0 picks one)" },
    { "content-listen", "ADDR:PORT", FIELD(content_address), parse_address,
      "where file contents are served (default 127.0.0.1:0)" },
    { "content-url", "URL", FIELD(content_url), parse_origin,
      "the origin of contents as clients see it, behind a proxy" },
    { "port-file", "FILE", FIELD(port_file), parse_text,
      "write both ports to FILE, a line each, once both answer" },
    { "tls-cert", "FILE", FIELD(tls_cert), parse_text, "serve both ports over TLS (PEM)" },
    { "tls-key", "FILE", FIELD(tls_key), parse_text, "the key of --tls-cert (PEM)" },
    { "profile", "NAME", FIELD(profile), parse_profile,
      "business (default), consumer or consumer-legacy" },
    { "client-id", "ID", FIELD(client_id), parse_text, "the only client id to accept" },
    { "auto-approve", NULL, FIELD(auto_approve), parse_switch,
      "approve each device code as soon as it is asked for" },
    { "import-drive", "DIR", FIELD(import_dir), parse_text,
      "fill the default drive with the tree in DIR, which must not change" },
    { "generate", "SPEC", FIELD(generate_files), parse_generate,
      "fill the default drive: files=N,folders=N[,size=BYTES][,seed=N]" },
    { "state", "DIR", FIELD(state_dir), parse_text,
      "begin with what the last run left in DIR, leave it there at the end" },
    { "seed", "N", FIELD(seed), parse_seed, "seed of all that is random (default 1)" },
    { "start-number", "N", FIELD(start_number), parse_number,
      "number of this start; delta tokens of another are 410 (default by chance)" },
    { "plain", NULL, FIELD(is_plain), parse_switch,
      "no unknown properties, repeated or late entries or changes of order" },
    { "lag", "MS", FIELD(lag_ms), parse_number,
      "how late a read model may learn of a change (default 0)" },
    { "latency", "MS", FIELD(latency_ms), parse_number, "wait before each answer (default 0)" },
    { "bandwidth", "BYTES", FIELD(bandwidth), parse_number,
      "bytes per second of each content that is fetched or sent (default no limit)" },
    { "forgive-bearer", NULL, FIELD(forgives_bearer), parse_switch,
      "serve and take contents though the bearer is sent along, as some clients do" },
    { "forgive-annotations", NULL, FIELD(forgives_annotations), parse_switch,
      "hear @name.conflictBehavior as @microsoft.graph.conflictBehavior" },
    { "forgive-dot-paths", NULL, FIELD(forgives_dot_paths), parse_switch,
      "take root:/.%2Fa%2Fb: for root:/a/b:" },
    { "delta-paths", NULL, FIELD(tells_delta_paths), parse_switch,
      "business: tell the path of the parent in delta, too" },
    { "delta-facets", NULL, FIELD(tells_delta_facets), parse_switch,
      "business: tell in delta whether what is gone was a file or a folder" },
    { "page-size", "N", FIELD(page_size), parse_number,
      "give pages of at most N items, whatever was asked for" },
    { "put-limit", "BYTES", FIELD(put_limit), parse_number,
      "the largest content in one request (default 250 MiB, consumer-legacy 4 MiB)" },
    { "throttle", "N/S", FIELD(throttle_requests), parse_throttle,
      "answer 429 to more than N requests in S seconds" },
    { "token-ttl", "S", FIELD(token_ttl_ms), parse_seconds,
      "life of an access token in seconds (default 3600)" },
    { "url-ttl", "S", FIELD(url_ttl_ms), parse_seconds,
      "life of a download URL in seconds (default 3600)" },
    { "session-ttl", "S", FIELD(session_ttl_ms), parse_seconds,
      "life of an idle upload session in seconds (default 900, consumer-legacy 5 days)" },
    { "copy-time", "MS", FIELD(copy_ms), parse_number, "how long a copy takes (default 0)" },
    { "rewrite-office", NULL, FIELD(rewrites_office), parse_switch,
      "business: store Office files and pages otherwise than sent, with a new eTag 2 s later" },
    { "late-tags", "MS", FIELD(late_tags_ms), parse_number,
      "business: give what was uploaded a new eTag after MS, and another after 2 MS" },
    { "hash-delay", "MS", FIELD(hash_delay_ms), parse_number,
      "tell no hashes of what was changed less than MS ago" },
    { "strict-fragments", NULL, FIELD(strict_fragments), parse_switch,
      "refuse, at the end, an upload whose fragments were no multiples of 320 KiB" },
    { "session-moves-tag", NULL, FIELD(session_moves_tag), parse_switch,
      "give an item a new eTag when an upload session begins, so that If-Match fails" },
    { "sessions-replace", NULL, FIELD(sessions_replace), parse_switch,
      "business: an upload session replaces what has its name unless it says otherwise" },
    { "require-checkout", NULL, FIELD(requires_checkout), parse_switch,
      "business: files must be checked out to be edited; new ones are, and seen by none else" },
    { "log", "FILE", FIELD(log_file), parse_text, "write a JSON line per request" },
};

enum { SETTING_COUNT = sizeof settings / sizeof settings[0] };

static void print_help(void)
{
    printf("usage: graph-emulator [OPTION...]\n"
           "Behaves as Microsoft Graph does for drives, for tests and demonstrations.\n\n");
    for (int i = 0; i < SETTING_COUNT; i++) {
        char left[48];

        (void)snprintf(left, sizeof left, "--%s%s%s", settings[i].name,
                       settings[i].argument ? "=" : "",
                       settings[i].argument ? settings[i].argument : "");
        printf("  %-26s %s\n", left, settings[i].help);
    }
    printf("  %-26s %s\n", "--help", "print this and end");
}

static void set_defaults(struct options *options)
{
    *options = (struct options){
        .seed = 1,
        .token_ttl_ms = 3600 * 1000,
        .url_ttl_ms = 3600 * 1000,
        .generate_size = 4096,
        .generate_seed = 1,
    };
    parse_address("127.0.0.1:0", &options->api_address);
    parse_address("127.0.0.1:0", &options->content_address);
}

int options_parse(struct options *options, int argc, char **argv)
{
    struct option longs[SETTING_COUNT + 2] = { { NULL, 0, NULL, 0 } };
    int chosen = 0, got;

    for (int i = 0; i < SETTING_COUNT; i++)
        longs[i] =
            (struct option){ settings[i].name,
                             settings[i].argument ? required_argument : no_argument, NULL, 's' };
    longs[SETTING_COUNT] = (struct option){ "help", no_argument, NULL, 'h' };
    set_defaults(options);
    while ((got = getopt_long(argc, argv, "", longs, &chosen)) != -1) {
        if (got == 'h') {
            print_help();
            return 1;
        }
        if (got != 's')
            return -1;
        if (settings[chosen].parse(optarg, (char *)options + settings[chosen].place) < 0) {
            (void)fprintf(stderr, "graph-emulator: --%s: not a valid value: '%s' (expected %s)\n",
                          settings[chosen].name, optarg, settings[chosen].argument);
            return -1;
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "graph-emulator: unexpected argument '%s' (try --help)\n",
                      argv[optind]);
        return -1;
    }
    if (!options->tls_cert != !options->tls_key) {
        (void)fprintf(stderr, "graph-emulator: --tls-cert and --tls-key go together\n");
        return -1;
    }
    return 0;
}
