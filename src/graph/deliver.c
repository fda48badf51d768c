/* SPDX-License-Identifier: MIT */
/*
 * What a call gives to whoever began it, on the pool: the pieces of a range as they come, then the
 * completion.
 *
 * Pieces of one call are given one at a time and in order, each by a job of its own, so that the
 * calls share the pool. Where they come faster than they are taken, the net thread is told to leave
 * the rest on the connection: a call holds PIECES_MAX of them and the one that is arriving.
 */
#include "config.h"

#include <stdlib.h>

#include "base/lock.h"
#include "base/xalloc.h"
#include "graph/call_i.h"

#define PIECES_MAX 2

struct call_piece {
    STAILQ_ENTRY(call_piece) link;
    struct call_answer answer;
};

void call_answer_clear(struct call_answer *answer)
{
    strbuf_clear(&answer->body);
    free(answer->etag);
    free(answer->content_range);
    free(answer->content_encoding);
    free(answer->location);
    *answer = (struct call_answer){ .content_length = -1 };
    strbuf_init(&answer->body, 0);
}

static void call_free(struct call *call)
{
    call_answer_clear(&call->answer);
    call_request_clear(&call->asked);
    free(call);
}

static void complete(struct call *call)
{
    struct caller *caller = call->caller;
    call->done(&call->answer, call->err.code < 0 ? &call->err : NULL, call->arg);
    call_free(call);
    LOCKED(&caller->lock);
    if (--caller->outstanding == 0)
        (void)pthread_cond_broadcast(&caller->idle);
}

/* The next piece, for the caller to free; NULL: there is none left. Sets whether there is room
 * again for which the net thread waits. */
static struct call_piece *take_piece(struct call *call, bool *ret_has_room)
{
    struct call_piece *piece;
    LOCKED(&call->caller->lock);
    *ret_has_room = call->is_held;
    call->is_held = false;
    piece = STAILQ_FIRST(&call->pieces);
    if (piece) {
        STAILQ_REMOVE_HEAD(&call->pieces, link);
        call->pieces_waiting--;
    }
    return piece;
}

/* Whether to run again: there are more pieces, or the end has come. */
static bool is_more_due(struct call *call)
{
    LOCKED(&call->caller->lock);
    call->is_delivering = call->is_over || !STAILQ_EMPTY(&call->pieces);
    return call->is_delivering;
}

static void deliver(void *arg)
{
    struct call *call = arg;
    bool has_room;
    struct call_piece *piece = take_piece(call, &has_room);
    if (!piece) {
        complete(call);
        return;
    }
    if (has_room)
        call_go_on(call->caller, call->id);
    call->asked.piece(&piece->answer, call->arg);
    call_answer_clear(&piece->answer);
    free(piece);
    if (is_more_due(call))
        pool_submit(call->caller->pool, deliver, call);
}

bool call_deliver_piece(struct call *call, struct call_answer *answer)
{
    struct call_piece *piece = x_calloc(1, sizeof(*piece));
    bool was_delivering, is_full;
    piece->answer = *answer;
    {
        LOCKED(&call->caller->lock);
        STAILQ_INSERT_TAIL(&call->pieces, piece, link);
        is_full = ++call->pieces_waiting >= PIECES_MAX;
        call->is_held |= is_full;
        was_delivering = call->is_delivering;
        call->is_delivering = true;
    }
    if (!was_delivering)
        pool_submit(call->caller->pool, deliver, call);
    return !is_full;
}

void call_deliver_end(struct call *call)
{
    bool was_delivering;
    {
        LOCKED(&call->caller->lock);
        call->is_over = true;
        was_delivering = call->is_delivering;
        call->is_delivering = true;
    }
    if (!was_delivering)
        pool_submit(call->caller->pool, deliver, call);
}
