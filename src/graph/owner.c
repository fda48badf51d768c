/* SPDX-License-Identifier: MIT */
/* See owner.h. A page of a thousand items has some ten thousand strings: they stand one behind the
 * other in pieces, so that to free them is a few calls. */
#include "config.h"

#include "graph/owner.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/xalloc.h"

/* A string longer than a part of it gets a piece of its own. */
#define PIECE_BYTES ((size_t)16 * 1024)
#define PART_BYTES  (PIECE_BYTES / 4)

struct piece {
    SLIST_ENTRY(piece) link;
    char bytes[];
};

struct owner {
    SLIST_HEAD(, piece) pieces;
    char *free;  /* the rest of the piece that is being filled */
    size_t left; /* bytes of it */
};

struct owner *owner_new(void)
{
    struct owner *owner = x_calloc(1, sizeof(*owner));
    SLIST_INIT(&owner->pieces);
    return owner;
}

void owner_free(struct owner *owner)
{
    struct piece *piece, *next;
    if (!owner)
        return;
    for (piece = SLIST_FIRST(&owner->pieces); piece; piece = next) {
        next = SLIST_NEXT(piece, link);
        free(piece);
    }
    free(owner);
}

static char *add_piece(struct owner *owner, size_t size)
{
    struct piece *piece = x_malloc(sizeof(*piece) + size);
    SLIST_INSERT_HEAD(&owner->pieces, piece, link);
    return piece->bytes;
}

static char *find_room(struct owner *owner, size_t size)
{
    char *room;
    if (size > PART_BYTES)
        return add_piece(owner, size);
    if (size > owner->left) {
        owner->free = add_piece(owner, PIECE_BYTES);
        owner->left = PIECE_BYTES;
    }
    room = owner->free;
    owner->free += size;
    owner->left -= size;
    return room;
}

const char *owner_copy(struct owner *owner, const char *text)
{
    size_t size;
    if (!text)
        return NULL;
    size = strlen(text) + 1;
    return memcpy(find_room(owner, size), text, size);
}
