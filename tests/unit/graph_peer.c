/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "graph_peer.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/strbuf.h"
#include "base/xalloc.h"

#include "unit.h"

#define TLS_HANDSHAKE   0x16
#define MAX_CONNECTIONS 16
#define MAX_REQUESTS    256
#define MAX_BYTES       (8 * 1024 * 1024)

struct connection {
    int fd;
    unsigned number;
    struct strbuf in;
};

struct peer_parts {
    pthread_t thread;
    int listener;
    int stop[2]; /* a pipe: closed to end the thread */
    const char *const *answers;
    struct connection connections[MAX_CONNECTIONS]; /* of the thread, as are the next two */
    size_t connection_count;
    unsigned accepted;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct peer_request requests[MAX_REQUESTS]; /* lock */
    size_t request_count;                       /* lock */
};

/* ---- The thread ---- */

static void drop_connection(struct peer_parts *parts, size_t i)
{
    (void)close(parts->connections[i].fd);
    strbuf_clear(&parts->connections[i].in);
    parts->connections[i] = parts->connections[--parts->connection_count];
}

static void accept_one(struct peer_parts *parts)
{
    int fd = accept(parts->listener, NULL, NULL);

    if (fd < 0)
        return;
    if (parts->connection_count == MAX_CONNECTIONS)
        drop_connection(parts, 0);
    struct connection *connection = &parts->connections[parts->connection_count++];
    *connection = (struct connection){ .fd = fd, .number = parts->accepted++ };
    strbuf_init(&connection->in, MAX_BYTES);
}

static char *find_header(const char *head, const char *name)
{
    size_t length = strlen(name);

    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            line += length + 1;
            line += strspn(line, " ");
            return x_strndup(line, strcspn(line, "\r"));
        }
    }
    return NULL;
}

static bool send_answer(int fd, const char *text)
{
    cleanup_free char *whole =
        text[0] == '{'
            ? x_asprintf("HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(text), text)
            : x_strdup(text);
    return send(fd, whole, strlen(whole), MSG_NOSIGNAL) >= 0;
}

/* Notes a request and sends its answer. Returns false if the connection has to be closed. */
static bool answer(struct peer_parts *parts, const struct connection *connection, char *head,
                   char *body, size_t body_length)
{
    const char *text = parts->answers[0];
    {
        LOCKED(&parts->lock);
        if (parts->request_count == MAX_REQUESTS)
            abort();
        for (size_t i = 0; i <= parts->request_count && parts->answers[i]; i++)
            text = parts->answers[i];
        parts->requests[parts->request_count++] =
            (struct peer_request){ connection->number, head, body, body_length };
        (void)pthread_cond_broadcast(&parts->changed);
    }
    if (strcmp(text, PEER_HANGUP) == 0)
        return false;
    return send_answer(connection->fd, text);
}

/* Takes whole requests off what has come. */
static bool take_requests(struct peer_parts *parts, struct connection *connection)
{
    char *end;

    while ((end = strstr(connection->in.data, "\r\n\r\n"))) {
        size_t head_length = (size_t)(end - connection->in.data) + 4;
        cleanup_free char *head = x_strndup(connection->in.data, head_length);
        cleanup_free char *length = find_header(head, "Content-Length");
        size_t body_length = length ? strtoul(length, NULL, 10) : 0;
        if (connection->in.len < head_length + body_length)
            return true;
        char *body = x_malloc(body_length + 1);
        memcpy(body, connection->in.data + head_length, body_length);
        body[body_length] = '\0';
        size_t rest = connection->in.len - head_length - body_length;
        memmove(connection->in.data, connection->in.data + head_length + body_length, rest + 1);
        strbuf_truncate(&connection->in, rest);
        if (!answer(parts, connection, steal_ptr(&head), body, body_length))
            return false;
    }
    return true;
}

static bool read_some(struct peer_parts *parts, struct connection *connection)
{
    char chunk[16384];
    ssize_t length = recv(connection->fd, chunk, sizeof(chunk), 0);

    if (length <= 0 || chunk[0] == TLS_HANDSHAKE ||
        strbuf_add(&connection->in, chunk, (size_t)length) < 0)
        return false;
    return take_requests(parts, connection);
}

static void *peer_main(void *arg)
{
    struct peer_parts *parts = arg;

    for (;;) {
        struct pollfd polled[MAX_CONNECTIONS + 2] = {
            { .fd = parts->stop[0], .events = POLLIN },
            { .fd = parts->listener, .events = POLLIN },
        };
        size_t count = parts->connection_count;
        for (size_t i = 0; i < count; i++)
            polled[i + 2] = (struct pollfd){ .fd = parts->connections[i].fd, .events = POLLIN };
        if (poll(polled, count + 2, -1) < 0)
            continue;
        if (polled[0].revents)
            return NULL;
        for (size_t i = count; i-- > 0;) {
            if (polled[i + 2].revents && !read_some(parts, &parts->connections[i]))
                drop_connection(parts, i);
        }
        if (polled[1].revents)
            accept_one(parts);
    }
}

/* ---- For the test ---- */

struct peer *peer_start(const char *const *answers)
{
    struct peer *peer = x_calloc(1, sizeof(*peer));
    struct peer_parts *parts = x_calloc(1, sizeof(*parts));
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t length = sizeof(address);

    peer->parts = parts;
    parts->answers = answers;
    (void)pthread_mutex_init(&parts->lock, NULL);
    (void)pthread_cond_init(&parts->changed, NULL);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    parts->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(parts->listener >= 0);
    assert_int_equal(bind(parts->listener, (struct sockaddr *)(void *)&address, length), 0);
    assert_int_equal(listen(parts->listener, MAX_CONNECTIONS), 0);
    assert_int_equal(getsockname(parts->listener, (struct sockaddr *)(void *)&address, &length), 0);
    assert_int_equal(pipe(parts->stop), 0);
    peer->url = x_asprintf("http://127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    assert_int_equal(pthread_create(&parts->thread, NULL, peer_main, parts), 0);
    return peer;
}

void peer_stop(struct peer *peer)
{
    if (!peer)
        return;
    struct peer_parts *parts = peer->parts;
    (void)close(parts->stop[1]);
    (void)pthread_join(parts->thread, NULL);
    while (parts->connection_count > 0)
        drop_connection(parts, 0);
    (void)close(parts->stop[0]);
    (void)close(parts->listener);
    for (size_t i = 0; i < parts->request_count; i++) {
        free(parts->requests[i].head);
        free(parts->requests[i].body);
    }
    (void)pthread_cond_destroy(&parts->changed);
    (void)pthread_mutex_destroy(&parts->lock);
    free(parts);
    free(peer->url);
    free(peer);
}

size_t peer_count(struct peer *peer)
{
    LOCKED(&peer->parts->lock);
    return peer->parts->request_count;
}

void peer_wait_for(struct peer *peer, size_t count)
{
    LOCKED(&peer->parts->lock);
    while (peer->parts->request_count < count)
        (void)pthread_cond_wait(&peer->parts->changed, &peer->parts->lock);
}

const struct peer_request *peer_request(struct peer *peer, size_t i)
{
    LOCKED(&peer->parts->lock);
    assert_true(i < peer->parts->request_count);
    return &peer->parts->requests[i];
}

char *peer_header(struct peer *peer, size_t i, const char *name)
{
    return find_header(peer_request(peer, i)->head, name);
}
