/* SPDX-License-Identifier: MIT */
/*
 * HTTP: two listening sockets by libmicrohttpd, a thread per connection, so that a handler may
 * sleep. Paths reach the handlers undecoded. Every body is sent through one callback, which is also
 * where connections break, stall, drip and corrupt.
 */
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <microhttpd.h>
#include <zlib.h>

#include "blob.h"
#include "dispatch.h"
#include "memory.h"
#include "request.h"

enum {
    BODY_MAX = 256 << 20,
    SEND_BLOCK = 1 << 16,
    CONNECTION_MEMORY = 1 << 17,
    CONNECTIONS_MAX = 4096,
    THREAD_STACK = 1 << 20,
    RATE_STEPS = 20, /* per second */
};

struct listener {
    struct emulator *emulator;
    enum origin origin;
    struct MHD_Daemon *daemon;
};

struct server {
    struct emulator *emulator;
    struct listener listeners[2];
    char *tls_cert;
    char *tls_key;
};

/* One request and its answer, from the request line to the last byte. */
struct exchange {
    struct request request;
    struct response response;
    int socket;
    bool has_headers;
    bool is_too_big;
    int64_t paced_from_ms; /* when the body that goes at a rate began, sent or received; else 0 */
};

static void *begin_exchange(void *context, const char *uri, struct MHD_Connection *connection)
{
    struct listener *listener = context;
    struct exchange *exchange = mem_zalloc(sizeof *exchange);
    size_t length = strcspn(uri, "?");

    (void)connection;
    exchange->request.emulator = listener->emulator;
    exchange->request.origin = listener->origin;
    exchange->request.kept_bytes = -1;
    exchange->request.path = mem_strndup(uri, length);
    if (uri[length]) {
        exchange->request.raw_query = mem_strdup(uri + length + 1);
        pairs_parse(&exchange->request.query, exchange->request.raw_query);
    }
    response_init(&exchange->response);
    return exchange;
}

static void end_exchange(void *context, struct MHD_Connection *connection, void **con_cls,
                         enum MHD_RequestTerminationCode code)
{
    struct exchange *exchange = *con_cls;

    (void)context;
    (void)connection;
    (void)code;
    if (!exchange)
        return;
    request_clear(&exchange->request);
    response_clear(&exchange->response);
    free(exchange);
    *con_cls = NULL;
}

/* libmicrohttpd would decode the path; an item's path must be split first. */
static size_t keep_escapes(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

static enum MHD_Result copy_header(void *context, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    (void)kind;
    pairs_add(context, name, value);
    return MHD_YES;
}

static void read_head(struct exchange *exchange, struct MHD_Connection *connection,
                      const char *method, const char *version)
{
    struct request *request = &exchange->request;
    const struct emulator *emulator = request->emulator;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    exchange->socket = info ? info->connect_fd : -1;
    request->method = mem_strdup(method);
    (void)snprintf(request->http_version, sizeof request->http_version, "%s",
                   strncmp(version, "HTTP/", 5) == 0 ? version + 5 : version);
    MHD_get_connection_values(connection, MHD_HEADER_KIND, copy_header, &request->headers);

    const char *host = pairs_get(&request->headers, "Host");
    const char *proxy = pairs_get(&request->headers, "X-Forwarded-Proto");

    (void)snprintf(request->base_url, sizeof request->base_url, "%s://%s",
                   proxy                         ? proxy
                   : emulator->options->tls_cert ? "https"
                                                 : "http",
                   host ? host : "localhost");
    exchange->has_headers = true;
}

/* The body's bytes at `offset`; 0 at the end. */
static size_t read_body(const struct response *response, int64_t offset, char *out, size_t size)
{
    int64_t left = response_length(response) - offset;

    if (left <= 0)
        return 0;
    if ((int64_t)size > left)
        size = (size_t)left;
    if (response->blob)
        return blob_read(response->blob, response->blob_offset + offset, out, size);
    memcpy(out, response->body.data + offset, size);
    return size;
}

/* Not the clock that tests move. */
static int64_t passed_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits until `bytes` of a body may have come over the wire; false if the emulator stops. By the
 * time that has passed: what comes in small pieces comes as fast as what comes in large ones. */
static bool keep_rate(struct exchange *exchange, int64_t rate, int64_t bytes)
{
    int64_t now_ms = passed_ms(), ahead_ms;

    if (exchange->paced_from_ms == 0)
        exchange->paced_from_ms = now_ms;
    ahead_ms = bytes * 1000 / rate - (now_ms - exchange->paced_from_ms);
    return ahead_ms <= 0 || emulator_sleep(exchange->request.emulator, ahead_ms);
}

static size_t pace_to_rate(struct exchange *exchange, int64_t sent, size_t size)
{
    int64_t rate = exchange->response.rate;
    size_t step = (size_t)(rate / RATE_STEPS) + 1;

    size = size < step ? size : step;
    return keep_rate(exchange, rate, sent + (int64_t)size) ? size : 0;
}

/* A content that is sent here is as slow as one that is fetched. */
static void pace_upload(struct exchange *exchange, size_t size)
{
    const struct request *request = &exchange->request;
    int64_t rate = request->emulator->options->bandwidth;

    if (rate && strcmp(request->method, "PUT") == 0)
        (void)keep_rate(exchange, rate, (int64_t)(request->body.length + size));
}

/* How many bytes may be sent now, after whatever wait the answer's faults want; 0 when the
 * connection is to break. */
static size_t pace(struct exchange *exchange, int64_t sent, size_t size)
{
    struct response *response = &exchange->response;
    struct emulator *emulator = exchange->request.emulator;

    if (response->stall_at >= 0 && sent >= response->stall_at) {
        bool goes_on;

        pthread_mutex_lock(&emulator->lock);
        goes_on = fault_wait(&exchange->request, emulator->faults.generation, exchange->socket);
        pthread_mutex_unlock(&emulator->lock);
        response->stall_at = -1;
        if (!goes_on)
            return 0;
    }
    if (response->cut_at >= 0 && (int64_t)size > response->cut_at - sent)
        size = (size_t)(response->cut_at - sent);
    if (response->stall_at >= 0 && (int64_t)size > response->stall_at - sent)
        size = (size_t)(response->stall_at - sent);
    return response->rate > 0 ? pace_to_rate(exchange, sent, size) : size;
}

static ssize_t send_body(void *context, uint64_t position, char *out, size_t size)
{
    struct exchange *exchange = context;
    struct response *response = &exchange->response;
    int64_t sent = (int64_t)position;

    if (sent >= response_length(response))
        return response->has_wrong_size ? MHD_CONTENT_READER_END_WITH_ERROR
                                        : MHD_CONTENT_READER_END_OF_STREAM;
    size = pace(exchange, sent, size);
    if (!size)
        return MHD_CONTENT_READER_END_WITH_ERROR;

    size_t got = read_body(response, sent, out, size);

    if (response->is_flipped && sent == 0)
        out[got / 2] = (char)(out[got / 2] ^ 0x20);
    return (ssize_t)got;
}

/* True if an entry of Accept-Encoding is `name`; *ret_quality is then its weight. */
static bool find_encoding(const char *accepted, const char *name, double *ret_quality)
{
    size_t length = strlen(name);

    while (*accepted) {
        size_t entry = strcspn(accepted, ","), start = strspn(accepted, " \t");
        size_t end = strcspn(accepted + start, " \t;,");
        const char *weight = strcasestr(accepted + start, "q=");

        if (end == length && strncasecmp(accepted + start, name, length) == 0) {
            *ret_quality = weight && weight < accepted + entry ? strtod(weight + 2, NULL) : 1.0;
            return true;
        }
        accepted += entry + (accepted[entry] == ',');
    }
    return false;
}

static bool accepts_gzip(const char *accepted)
{
    double quality = 0.0;

    return accepted &&
           (find_encoding(accepted, "gzip", &quality) || find_encoding(accepted, "*", &quality)) &&
           quality > 0.0;
}

static void compress_body(struct response *response)
{
    z_stream stream = { .next_in = (unsigned char *)response->body.data,
                        .avail_in = (unsigned)response->body.length };

    enum { GZIP_WINDOW = 15 + 16 };

    if (deflateInit2(&stream, 1, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return;

    uLong bound = deflateBound(&stream, (uLong)response->body.length);
    char *packed = mem_alloc(bound);

    stream.next_out = (unsigned char *)packed;
    stream.avail_out = (unsigned)bound;
    deflate(&stream, Z_FINISH);
    free(response->body.data);
    response->body =
        (struct buffer){ .data = packed, .length = stream.total_out, .capacity = bound };
    deflateEnd(&stream);
    response_header(response, "Content-Encoding", "gzip");
}

/* A wrong total in Content-Range, or more promised than comes. */
static uint64_t declared_length(struct response *response)
{
    int64_t length = response_length(response);

    if (!response->has_wrong_size)
        return response->is_chunked ? MHD_SIZE_UNKNOWN : (uint64_t)length;
    for (size_t i = 0; i < response->headers.count; i++) {
        struct pair *pair = &response->headers.list[i];

        if (strcmp(pair->name, "Content-Range") == 0) {
            struct buffer value = { 0 };

            buffer_addf(&value, "%s7", pair->value);
            free(pair->value);
            pair->value = value.data;
            response->has_wrong_size = false;
            return (uint64_t)length;
        }
    }
    return (uint64_t)length + 7;
}

static enum MHD_Result send_response(struct exchange *exchange, struct MHD_Connection *connection)
{
    struct response *response = &exchange->response;
    const char *accepted = pairs_get(&exchange->request.headers, "Accept-Encoding");
    bool is_lower = false;

    if (response->is_closed)
        return MHD_NO;
    if (response->may_pack && response->body.length && accepts_gzip(accepted) &&
        response->cut_at < 0)
        compress_body(response);

    uint64_t length = response_length(response) ? declared_length(response) : 0;
    struct MHD_Response *answer =
        length ? MHD_create_response_from_callback(length, SEND_BLOCK, send_body, exchange, NULL)
               : MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);

    pthread_mutex_lock(&exchange->request.emulator->lock);
    is_lower = emulator_whim(exchange->request.emulator, 4);
    pthread_mutex_unlock(&exchange->request.emulator->lock);
    for (size_t i = 0; i < response->headers.count; i++) {
        struct pair *pair = &response->headers.list[i];

        for (char *c = pair->name; is_lower && *c; c++)
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
        MHD_add_response_header(answer, pair->name, pair->value);
    }

    enum MHD_Result result = MHD_queue_response(connection, response->status, answer);

    MHD_destroy_response(answer);
    return result;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload_data,
                                  size_t *upload_size, void **con_cls)
{
    struct exchange *exchange = *con_cls;

    (void)context;
    (void)url;
    if (!exchange->has_headers) {
        read_head(exchange, connection, method, version);
        return MHD_YES;
    }
    if (*upload_size) {
        pace_upload(exchange, *upload_size);
        if (exchange->request.body.length + *upload_size > BODY_MAX)
            exchange->is_too_big = true;
        else
            buffer_add(&exchange->request.body, upload_data, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    exchange->paced_from_ms = 0;
    if (exchange->is_too_big)
        response_error(&exchange->request, &exchange->response, 413, "requestEntityTooLarge",
                       "The request is too large.", NULL);
    else
        dispatch(&exchange->request, &exchange->response, exchange->socket);
    return send_response(exchange, connection);
}

static char *read_pem(const char *path)
{
    FILE *file = fopen(path, "re");
    struct buffer text = { 0 };
    char chunk[4096];
    size_t got;

    if (!file) {
        (void)fprintf(stderr, "graph-emulator: %s: %m\n", path);
        return NULL;
    }
    while ((got = fread(chunk, 1, sizeof chunk, file)) > 0)
        buffer_add(&text, chunk, got);
    (void)fclose(file);
    return text.data ? text.data : mem_strdup("");
}

static int start_listener(struct server *server, struct listener *listener, enum origin origin,
                          const struct sockaddr_storage *address, uint16_t *ret_port)
{
    bool is_tls = server->tls_cert;
    unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
                     MHD_USE_POLL | MHD_USE_SUPPRESS_DATE_NO_CLOCK | (is_tls ? MHD_USE_TLS : 0) |
                     (address->ss_family == AF_INET6 ? MHD_USE_IPv6 : 0);
    struct MHD_OptionItem tls[] = {
        { is_tls ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, server->tls_cert },
        { MHD_OPTION_HTTPS_MEM_KEY, 0, server->tls_key },
        { MHD_OPTION_END, 0, NULL },
    };

    *listener = (struct listener){ .emulator = server->emulator, .origin = origin };
    listener->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, listener, MHD_OPTION_SOCK_ADDR, address,
        MHD_OPTION_URI_LOG_CALLBACK, begin_exchange, listener, MHD_OPTION_NOTIFY_COMPLETED,
        end_exchange, NULL, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_THREAD_STACK_SIZE, (size_t)THREAD_STACK,
        MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    if (!listener->daemon) {
        (void)fprintf(stderr, "graph-emulator: can't listen for %s: %m\n",
                      origin == ORIGIN_API ? "the API" : "contents");
        return -1;
    }
    *ret_port = MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    return 0;
}

struct server *server_start(struct emulator *emulator)
{
    const struct options *options = emulator->options;
    struct server *server = mem_zalloc(sizeof *server);

    server->emulator = emulator;
    if (options->tls_cert) {
        server->tls_cert = read_pem(options->tls_cert);
        server->tls_key = read_pem(options->tls_key);
        if (!server->tls_cert || !server->tls_key)
            goto fail;
    }
    if (start_listener(server, &server->listeners[0], ORIGIN_CONTENT, &options->content_address,
                       &emulator->content_port) < 0 ||
        start_listener(server, &server->listeners[1], ORIGIN_API, &options->api_address,
                       &emulator->api_port) < 0)
        goto fail;
    return server;
fail:
    server_stop(server);
    return NULL;
}

void server_stop(struct server *server)
{
    if (!server)
        return;
    pthread_mutex_lock(&server->emulator->lock);
    server->emulator->is_stopping = true;
    pthread_cond_broadcast(&server->emulator->wake);
    pthread_mutex_unlock(&server->emulator->lock);
    for (int i = 0; i < 2; i++)
        if (server->listeners[i].daemon)
            MHD_stop_daemon(server->listeners[i].daemon);
    free(server->tls_cert);
    free(server->tls_key);
    free(server);
}
