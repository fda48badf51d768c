/* SPDX-License-Identifier: MIT */
/*
 * Settling, see settle.h. The row from here is `node` throughout; what the server has is in its
 * `remote`, or is another row that waits for its name (`rival`).
 *
 * A conflict copy is the old row without its id: inode, open files and content stay with it. The
 * server's item gets a new row in its place.
 */
#include "config.h"

#include "sync/settle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/utf8.h"
#include "base/xalloc.h"
#include "sync/apply_i.h"
#include "sync/push_rival.h"
#include "tree/names.h"

/* What the service takes in a name, in bytes of ours: 255 UTF-16 units are at least so many. */
#define CONFLICT_NAME_MAX 240

struct settling {
    struct applying applying;
    const struct settle_facts *facts;
    enum settle_outcome outcome;
};

static unsigned dirty_of(const struct node *node)
{
    return node_dirty(node, APPLY_MTIME_GRANULARITY_NS);
}

/* ---- names of conflict copies ---- */

/* Where the extension begins, with its dot; the end if there is none. */
static const char *extension_of(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot && dot != name ? dot : name + strlen(name);
}

char *settle_conflict_name(const char *name, const struct settle_facts *facts, unsigned attempt)
{
    const char *extension = extension_of(name);
    char number[16] = "";
    cleanup_free char *mark = NULL;
    size_t stem = (size_t)(extension - name), room;

    if (attempt > 0)
        (void)snprintf(number, sizeof number, " %u", attempt + 1);
    mark = x_asprintf(" (conflict %s %s%s)", facts->host, facts->local_time, number);
    if (strlen(extension) > CONFLICT_NAME_MAX / 2) {
        stem += strlen(extension);
        extension = "";
    }
    room = CONFLICT_NAME_MAX - strlen(extension);
    room = room > strlen(mark) ? room - strlen(mark) : 1;
    if (stem > room)
        for (stem = room; stem > 1 && ((unsigned char)name[stem] & 0xC0) == 0x80;)
            stem--;
    return x_asprintf("%.*s%s%s", (int)stem, name, mark, extension);
}

/* Gives the row a free conflict name in the directory where it is; the caller puts it. */
static int take_conflict_name(struct settling *settling, struct node *node)
{
    cleanup_free char *before = x_strdup(node->local.name);
    struct node_attr holder;
    int r = 0;

    place_note_freed(&settling->applying, node);
    node->attr.flags &= ~(unsigned)NODE_SAFE_NAME;
    node->attr.flags |= NODE_CONFLICT;
    for (unsigned attempt = 0; r == 0; attempt++) {
        free(node->local.name);
        node->local.name = settle_conflict_name(before, settling->facts, attempt);
        r = txn_lookup(settling->applying.txn, node->local.parent, node->local.name, &holder);
    }
    if (r != -ENOENT)
        return r;
    log_warn("sync", "%s was changed here and on the server: what is here is now %s", before,
             node->local.name);
    return 0;
}

/* ---- a row and its `remote` ---- */

/* Not the server's any more, but ours alone; the caller puts it. */
static void forget_server(struct node *node)
{
    node->attr.flags &= ~(unsigned)(NODE_BASE | NODE_REMOTE | NODE_HAS_HASH | NODE_SAFE_NAME);
    free(node->rid);
    node->rid = NULL;
    node->confirmed_ms = 0;
}

/* A row for the item that `node` stood for until now, as `remote` has it, or as base where that
 * says nothing. */
static struct node twin_of(const struct node *node)
{
    const struct node_state *state = &node->remote;
    struct node twin = {
        .attr = { .kind = node->attr.kind,
                  .flags = NODE_LOCAL | NODE_BASE | (state->hash ? NODE_HAS_HASH : 0u),
                  .drive = node->attr.drive },
        .rid = x_strdup(node->rid),
        .local = { .name = x_strdup(""),
                   .size = state->size,
                   .mtime_ns = state->mtime_ns,
                   .generation = state->generation },
        .base = { .name = x_strdup(""),
                  .size = state->size,
                  .mtime_ns = state->mtime_ns,
                  .generation = state->generation,
                  .etag = x_strdup(state->etag),
                  .ctag = x_strdup(state->ctag),
                  .hash_kind = state->hash_kind,
                  .hash = x_strdup(state->hash),
                  .server_mtime_ns = state->server_mtime_ns },
        .confirmed_ms = node->confirmed_ms,
    };

    return twin;
}

/* Both have other content: two rows. */
static int split(struct settling *settling, struct node *node)
{
    struct node twin = twin_of(node);
    cleanup_free char *name = x_strdup(node->remote.name);
    ino_nr parent = node->remote.parent;
    int r = 0;

    /* Moved away here: then the server's place is free, and this may keep its own. */
    if (!(dirty_of(node) & DIRTY_PLACE))
        r = take_conflict_name(settling, node);
    forget_server(node);
    if (r == 0)
        r = txn_put_node(settling->applying.txn, node);
    if (r == 0)
        r = place_follow(&settling->applying, &twin, parent, name);
    if (r == 0)
        r = txn_put_node(settling->applying.txn, &twin);
    if (r == 0)
        r = identity_take_doubt(settling->applying.txn, node->attr.ino, twin.attr.ino);
    node_clear(&twin);
    return r;
}

/* The server's tags and attributes become base's; local content stays what it is. */
static void take_tags(struct node *node)
{
    struct node_state *base = &node->base, *remote = &node->remote;

    if (!(dirty_of(node) & (DIRTY_CONTENT | DIRTY_MTIME)))
        node->local.mtime_ns = remote->mtime_ns;
    base->mtime_ns = remote->mtime_ns;
    base->server_mtime_ns = remote->server_mtime_ns;
    base->size = remote->size;
    base->hash_kind = remote->hash_kind;
    (void)parts_take_text(&base->etag, remote->etag);
    if (remote->ctag)
        (void)parts_take_text(&base->ctag, remote->ctag);
    (void)parts_take_text(&base->hash, remote->hash);
    node->attr.flags &= ~(unsigned)NODE_HAS_HASH;
    if (base->hash)
        node->attr.flags |= NODE_HAS_HASH;
}

static void take_content(struct node *node)
{
    take_tags(node);
    node->base.generation = node->remote.generation;
    node->local.generation = node->remote.generation;
    node->local.size = node->remote.size;
    node->local.mtime_ns = node->remote.mtime_ns;
}

static bool is_moved_there(const struct node *node)
{
    return node->remote.parent != node->base.parent ||
           !text_is_same(node->remote.name, node->base.name);
}

/* Where the server has it. */
static int take_place(struct settling *settling, struct node *node)
{
    cleanup_free char *name = x_strdup(node->remote.name);

    return place_follow(&settling->applying, node, node->remote.parent, name);
}

/* The row ends as the server has it, as far as nothing from here is left to be sent. */
static int merge(struct settling *settling, struct node *node, bool takes_content)
{
    bool is_new_content = node->remote.generation != node->base.generation;
    int r = 0;

    if (takes_content && is_new_content)
        take_content(node);
    else
        take_tags(node);
    if (is_moved_there(node))
        r = take_place(settling, node);
    node->attr.flags &= ~(unsigned)NODE_REMOTE;
    return r < 0 ? r : txn_put_node(settling->applying.txn, node);
}

static int bring_back(struct settling *settling, struct node *node)
{
    int r;

    node->attr.flags |= NODE_LOCAL;
    /* With the server's content: what had been written here went with the file. */
    take_content(node);
    r = take_place(settling, node);
    node->attr.flags &= ~(unsigned)NODE_REMOTE;
    if (r == 0)
        r = txn_put_node(settling->applying.txn, node);
    return r < 0 ? r : place_revive(&settling->applying, node->local.parent);
}

/* Whether two contents are one; false as well if that can't be said. */
static bool is_same_hash(const struct settle_facts *facts, const struct node_state *state)
{
    return facts->hash && state->hash && facts->hash_kind == state->hash_kind &&
           strcmp(facts->hash, state->hash) == 0;
}

static bool needs_hash(const struct settling *settling, const struct node *node,
                       const struct node_state *state)
{
    return !settling->facts->hash && state->hash && state->size == node->local.size;
}

static int settle_content(struct settling *settling, struct node *node)
{
    if (needs_hash(settling, node, &node->remote)) {
        settling->outcome = SETTLE_NEEDS_HASH;
        return 0;
    }
    if (!is_same_hash(settling->facts, &node->remote))
        return split(settling, node);
    node->base.generation = node->remote.generation = node->local.generation;
    return merge(settling, node, false);
}

static int settle_remote(struct settling *settling, struct node *node)
{
    unsigned dirty = dirty_of(node);

    settling->outcome = SETTLE_DONE;
    if (node->remote_deleted)
        return delete_tree(&settling->applying, node->attr.ino);
    if (dirty & DIRTY_DELETED)
        return bring_back(settling, node);
    if (dirty & DIRTY_CONTENT && node->remote.generation != node->base.generation)
        return settle_content(settling, node);
    return merge(settling, node, true);
}

/* ---- a row and the server's item of its name ---- */

/* The row takes over what the server says of the rival, whose row goes. */
static int adopt(struct settling *settling, struct node *node, struct node *rival)
{
    struct store_txn *txn = settling->applying.txn;
    struct node_state base = node->base;
    int r;

    node->base = rival->base;
    rival->base = base;
    free(node->rid);
    node->rid = steal_ptr(&rival->rid);
    node->attr.flags |= NODE_BASE | (rival->attr.flags & NODE_HAS_HASH);
    node->confirmed_ms = rival->confirmed_ms;
    if (node->attr.kind == NODE_FILE)
        node->base.generation = node->local.generation;
    else if (!(rival->attr.flags & NODE_COMPLETE))
        node->attr.flags &= ~(unsigned)NODE_COMPLETE;
    r = identity_take_doubt(txn, rival->attr.ino, node->attr.ino);
    if (r == 0)
        r = txn_remove_node(txn, rival->attr.ino);
    if (r == 0)
        r = txn_put_node(txn, node);
    return r < 0 ? r : place_take_children(&settling->applying, rival->attr.ino, node->attr.ino);
}

static int settle_rivals(struct settling *settling, struct node *node, struct node *rival)
{
    bool is_new = dirty_of(node) & DIRTY_CREATED;
    bool are_folders = node->attr.kind == NODE_FOLDER && rival->attr.kind == NODE_FOLDER;
    bool are_files = node->attr.kind == NODE_FILE && rival->attr.kind == NODE_FILE;
    bool is_plain = !((node->attr.flags | rival->attr.flags) & NODE_SHORTCUT);
    int r;

    if (is_new && are_files && is_plain && needs_hash(settling, node, &rival->base)) {
        settling->outcome = SETTLE_NEEDS_HASH;
        return 0;
    }
    settling->outcome = SETTLE_DONE;
    if (is_new && is_plain &&
        (are_folders || (are_files && is_same_hash(settling->facts, &rival->base))))
        return adopt(settling, node, rival);
    r = take_conflict_name(settling, node);
    return r < 0 ? r : txn_put_node(settling->applying.txn, node);
}

/* The server's item that waits for the name that this row took here. */
static int settle_name(struct settling *settling, struct node *node)
{
    struct node rival;
    ino_nr waiting;
    int r;

    if (!(dirty_of(node) & (DIRTY_CREATED | DIRTY_PLACE)))
        return 0;
    r = rival_find(settling->applying.txn, node, &waiting);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    r = txn_get_node(settling->applying.txn, waiting, &rival);
    if (r < 0)
        return r;
    r = settle_rivals(settling, node, &rival);
    node_clear(&rival);
    return r;
}

int settle_row(struct store_txn *txn, const struct apply_context *context, ino_nr ino,
               const struct settle_facts *facts, enum settle_outcome *ret, struct err *err)
{
    struct settling settling = {
        .applying = { .txn = txn, .context = context },
        .facts = facts,
        .outcome = SETTLE_NOTHING,
    };
    struct node node;
    int r = txn_get_node(txn, ino, &node);

    if (r == 0) {
        if (node.attr.flags & NODE_REMOTE && node.attr.parent != STORE_INO_NONE)
            r = settle_remote(&settling, &node);
        else if (node.attr.flags & NODE_LOCAL)
            r = settle_name(&settling, &node);
        node_clear(&node);
    } else if (r == -ENOENT) {
        r = 0;
    }
    r = place_settle(&settling.applying, r);
    if (r < 0)
        return err_set_errno(err, r, "settling a conflict");
    *ret = settling.outcome;
    return 0;
}
