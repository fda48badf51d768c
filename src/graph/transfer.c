/* SPDX-License-Identifier: MIT */
/*
 * One exchange over libcurl: its options, the body that arrives, and what became of it.
 *
 * Redirects are answers, never followed here: the next host must not get the bearer token. Bodies
 * are bounded after decompression. Where a host ignores a Range and sends everything, only the
 * wanted window is kept, and the transfer ends as soon as it is complete.
 */
#include "config.h"

#include "graph/net_i.h"

#include "graph/secret.h"
#include "graph/url.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/xalloc.h"

#define CONNECT_TIMEOUT_MS   15000L
#define CONTENT_BUFFER_BYTES (256L * 1024)
/* Longer than a change of networks takes, shorter than a reader waits. */
#define ACKNOWLEDGE_TIMEOUT_MS 30000
/* What the kernel takes before it has gone out. By itself it takes megabytes, and then nobody could
 * tell an upload that moves slowly from one that doesn't. */
#define UNSENT_BYTES      (128 * 1024)
#define ERROR_WORDS_BYTES ((size_t)64 * 1024)

struct transfer {
    CURL *easy;
    struct curl_slist *headers;
    char range[64];
    int64_t active_ms;   /* when something last arrived, or went out */
    curl_off_t sent;     /* bytes of the body */
    bool has_byte;       /* something has arrived */
    int64_t passed;      /* bytes of a 200 answer to a Range that were skipped */
    bool is_window_full; /* ended by us, with all that was wanted */
    bool is_paused;      /* libcurl keeps what comes, until net_go_on() */
    bool is_too_large;
    bool is_repeat; /* was about to go out once more */
};

/* Part of an answer has come. */
static void note_activity(struct net_request *request)
{
    request->transfer->active_ms = net_now_ms(request->net);
    request->transfer->has_byte = true;
}

int64_t transfer_patience_ms(const struct net_request *request)
{
    int64_t idle_ms = request->net->idle_timeout_ms;
    /* Then it is not the server that keeps us waiting. */
    if (request->transfer->is_paused)
        return net_now_ms(request->net) + idle_ms;
    /* A service that thinks before it speaks, as over a large folder, sends nothing meanwhile. */
    return request->transfer->active_ms +
           (request->transfer->has_byte ? idle_ms : idle_ms + idle_ms / 2);
}

/* Of a body that is being sent. */
static int on_progress(void *arg, curl_off_t to_receive, curl_off_t received, curl_off_t to_send,
                       curl_off_t sent)
{
    struct net_request *request = arg;
    (void)to_receive;
    (void)received;
    (void)to_send;
    if (sent != request->transfer->sent)
        request->transfer->active_ms = net_now_ms(request->net);
    request->transfer->sent = sent;
    return 0;
}

/* Adds to a range that is handed over in pieces. Returns false to end the transfer. */
static bool keep_pieces(struct net_request *request, const char *data, size_t length)
{
    struct strbuf *body = &request->body_received;
    while (length > 0) {
        size_t room = request->piece_length - body->len;
        size_t taken = length < room ? length : room;
        bool is_last = request->handed + body->len + taken >= request->range_length;
        if (strbuf_add(body, data, taken) < 0)
            return false;
        if (body->len == request->piece_length && !is_last) {
            if (!request->on_piece(request, request->arg))
                return false;
            request->handed += request->piece_length;
        }
        data += taken;
        length -= taken;
    }
    return true;
}

static bool keep_content(struct net_request *request, const char *data, size_t length)
{
    if (request->piece_length > 0)
        return keep_pieces(request, data, length);
    return strbuf_add(&request->body_received, data, length) == 0;
}

static size_t kept_so_far(const struct net_request *request)
{
    return request->handed + request->body_received.len;
}

/* Keeps the part of data that lies in the wanted window of the whole content. */
static size_t keep_window(struct net_request *request, const char *data, size_t length)
{
    struct transfer *transfer = request->transfer;
    int64_t skip = request->range_first - transfer->passed;
    size_t skipped = skip < (int64_t)length ? (size_t)(skip > 0 ? skip : 0) : length;
    size_t wanted = request->range_length - kept_so_far(request);
    size_t kept = length - skipped < wanted ? length - skipped : wanted;
    transfer->passed += (int64_t)skipped;
    if (!keep_content(request, data + skipped, kept))
        return 0;
    transfer->is_window_full = kept_so_far(request) == request->range_length;
    return transfer->is_window_full ? 0 : length;
}

/* What an error says about itself is read as far as anyone would read it, whatever max_body is. */
static size_t keep_words(struct net_request *request, const char *data, size_t length)
{
    size_t room = ERROR_WORDS_BYTES - request->body_received.len;
    return strbuf_add(&request->body_received, data, length < room ? length : room) < 0 ? 0
                                                                                        : length;
}

/* What an owner of pieces wants to know before the end. */
static void note_head(struct net_request *request)
{
    CURL *easy = request->transfer->easy;
    curl_off_t length = -1;
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &request->status);
    if (curl_easy_getinfo(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length) == CURLE_OK)
        request->content_length = length;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct net_request *request = arg;
    size_t length = size * count;
    if (request->is_held) {
        request->transfer->is_paused = true;
        return CURL_WRITEFUNC_PAUSE; /* the same bytes come once more */
    }
    note_activity(request);
    atomic_fetch_add(&request->net->bytes_received, length);
    note_head(request);
    if (request->status >= 300)
        return keep_words(request, data, length);
    if (request->range_length > 0 && request->status == 200)
        return keep_window(request, data, length);
    if (length > request->max_body - kept_so_far(request)) {
        request->transfer->is_too_large = true;
        return 0;
    }
    return keep_content(request, data, length) ? length : 0;
}

void net_hold(struct net_request *request)
{
    request->is_held = true;
}

void net_go_on(struct net_request *request)
{
    struct transfer *transfer = request->transfer;
    request->is_held = false;
    if (!transfer || !transfer->is_paused)
        return;
    transfer->is_paused = false;
    transfer->active_ms = net_now_ms(request->net);
    (void)curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
}

static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
    struct net_request *request = arg;
    (void)data;
    note_activity(request);
    return size * count;
}

static int add_header(struct transfer *transfer, const char *header)
{
    struct curl_slist *longer = curl_slist_append(transfer->headers, header);
    if (!longer)
        return -ENOMEM;
    transfer->headers = longer;
    return 0;
}

/* libcurl says nothing of the length of a body that isn't there, but the service answers 411. */
static bool is_body_missed(const struct net_request *request)
{
    static const char *const methods[] = { "POST", "PUT", "PATCH" };
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]) && !request->body; i++) {
        if (strcmp(methods[i], request->method) == 0)
            return true;
    }
    return false;
}

static int add_headers(struct transfer *transfer, const struct net_request *request)
{
    int ret = is_body_missed(request) ? add_header(transfer, "Content-Length: 0") : 0;
    /* Else libcurl asks before it sends a large body, and waits a second for an answer. */
    if (request->body)
        ret = add_header(transfer, "Expect:");
    for (const char *const *header = request->headers; header && *header && ret == 0; header++)
        ret = add_header(transfer, *header);
    return ret;
}

static bool is_to_loopback(const char *url)
{
    struct url_origin origin;
    return url_parse_origin(url, &origin, NULL) == 0 && url_is_loopback(&origin);
}

static long http_version(const struct net_request *request)
{
    /* Bulk data wants connections of its own: streams of one connection share its window. */
    if (request->net->force_http1 || request->class == NET_CONTENT)
        return CURL_HTTP_VERSION_1_1;
    return CURL_HTTP_VERSION_2TLS;
}

/* What was sent and isn't acknowledged for so long has gone into a dead connection: the kernel says
 * so then, and the request is sent over another. By itself it would try on for a quarter of an
 * hour. */
static int on_socket(void *arg, curl_socket_t socket, curlsocktype purpose)
{
    unsigned timeout_ms = ACKNOWLEDGE_TIMEOUT_MS;
    int unsent = UNSENT_BYTES;
    (void)arg;
    if (purpose == CURLSOCKTYPE_IPCXN) {
        (void)setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
        (void)setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
    }
    return CURL_SOCKOPT_OK;
}

/* A connection is there, and the request goes out now. If the connection had been kept and closes
 * without an answer, libcurl does this once more, with a new one: but the server may have closed it
 * after the deed. */
static int on_send(void *arg, char *server, char *local, int server_port, int local_port)
{
    struct net_request *request = arg;
    (void)server;
    (void)local;
    (void)server_port;
    (void)local_port;
    request->transfer->is_repeat = request->was_sent;
    request->was_sent = true;
    return request->is_once && request->transfer->is_repeat ? CURL_PREREQFUNC_ABORT
                                                            : CURL_PREREQFUNC_OK;
}

static void set_connection_options(CURL *easy, struct net_request *request)
{
    const struct net *net = request->net;
    (void)curl_easy_setopt(easy, CURLOPT_URL, request->url);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_send);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQDATA, request);
#if CURL_AT_LEAST_VERSION(7, 87, 0)
    /* Else the end of a request waits for its thread that looks a name up, and all others with it.
     */
    (void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    if (request->is_fresh)
        (void)curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, http_version(request));
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, net->user_agent);
    if (net->ca_file)
        (void)curl_easy_setopt(easy, CURLOPT_CAINFO, net->ca_file);
    /* An empty proxy overrules http_proxy and its kin. */
    if (is_to_loopback(request->url))
        (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    /* Rather wait for the connection that is being made than make thirty. */
    if (request->class == NET_API && strncasecmp(request->url, "https", 5) == 0)
        (void)curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    if (request->class == NET_CONTENT)
        (void)curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, CONTENT_BUFFER_BYTES);
}

static void set_method(CURL *easy, struct net_request *request)
{
    if (request->body) {
        (void)curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
        (void)curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
        (void)curl_easy_setopt(easy, CURLOPT_XFERINFODATA, request);
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_length);
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
    }
    if (strcmp(request->method, "HEAD") == 0)
        (void)curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else
        (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void set_answer_options(CURL *easy, struct net_request *request)
{
    struct transfer *transfer = request->transfer;
    if (request->is_compressed)
        (void)curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    if (request->range_length > 0) {
        (void)snprintf(transfer->range, sizeof(transfer->range), "%lld-%lld",
                       (long long)request->range_first,
                       (long long)(request->range_first + (int64_t)request->range_length - 1));
        (void)curl_easy_setopt(easy, CURLOPT_RANGE, transfer->range);
    }
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->error);
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, (void *)request);
}

/* The most that is held of an answer at a time. */
static size_t body_limit(const struct net_request *request)
{
    size_t limit = request->piece_length > 0 ? request->piece_length : request->max_body;
    return limit > ERROR_WORDS_BYTES ? limit : ERROR_WORDS_BYTES;
}

int transfer_start(struct net_request *request)
{
    struct transfer *transfer = x_calloc(1, sizeof(*transfer));
    request->transfer = transfer;
    request->was_sent = false;
    request->status = 0;
    request->handed = 0;
    request->content_length = -1;
    request->error[0] = '\0';
    strbuf_init(&request->body_received, body_limit(request));
    transfer->active_ms = net_now_ms(request->net);
    transfer->easy = curl_easy_init();
    if (!transfer->easy || add_headers(transfer, request) < 0)
        return -ENOMEM;
    set_connection_options(transfer->easy, request);
    set_method(transfer->easy, request);
    set_answer_options(transfer->easy, request);
    (void)curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
    return curl_multi_add_handle(request->net->multi, transfer->easy) == CURLM_OK ? 0 : -ENOMEM;
}

void transfer_stop(struct net_request *request)
{
    (void)curl_multi_remove_handle(request->net->multi, request->transfer->easy);
}

void transfer_forsake(struct net_request *request)
{
    if (!request->transfer->has_byte)
        (void)curl_easy_setopt(request->transfer->easy, CURLOPT_FORBID_REUSE, 1L);
}

/* The bearer token was in them. */
static void wipe_headers(struct curl_slist *headers)
{
    for (struct curl_slist *header = headers; header; header = header->next)
        explicit_bzero(header->data, strlen(header->data));
    curl_slist_free_all(headers);
}

void transfer_free(struct net_request *request)
{
    struct transfer *transfer = request->transfer;
    if (!transfer)
        return;
    curl_easy_cleanup(transfer->easy);
    wipe_headers(transfer->headers);
    free(transfer);
    if (request->is_secret)
        secret_clear_strbuf(&request->body_received);
    strbuf_clear(&request->body_received);
    request->transfer = NULL;
}

static enum net_outcome outcome_of(const struct net_request *request, CURLcode result)
{
    switch ((int)result) {
    case CURLE_OK:
        return NET_ANSWERED;
    case CURLE_WRITE_ERROR:
        if (request->transfer->is_window_full)
            return NET_ANSWERED;
        return request->transfer->is_too_large ? NET_TOO_LARGE : NET_BROKEN;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT: /* only the connect timeout is set */
        return NET_UNREACHABLE;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return NET_INVALID;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return NET_UNTRUSTED;
    default:
        return NET_BROKEN;
    }
}

void transfer_finish(struct net_request *request, CURLcode result)
{
    note_head(request);
    request->outcome = outcome_of(request, result);
    if (result == CURLE_ABORTED_BY_CALLBACK && request->transfer->is_repeat)
        (void)snprintf(request->error, sizeof(request->error),
                       "the connection was closed without an answer");
    else if (result != CURLE_OK && request->error[0] == '\0')
        (void)snprintf(request->error, sizeof(request->error), "%s", curl_easy_strerror(result));
    transfer_stop(request);
}

const char *net_header(const struct net_request *request, const char *name)
{
    struct curl_header *header;
    if (!request->transfer ||
        curl_easy_header(request->transfer->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return NULL;
    return header->value;
}

void net_request_clear(struct net_request *request)
{
    transfer_free(request);
}
