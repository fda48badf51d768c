/* SPDX-License-Identifier: MIT */
/*
 * Ids that change. The service moves accounts to another back end, where all items have new ids and
 * tags; the token of delta is dead then, and a full enumeration tells of the same tree once more.
 * To take that for a new tree would give all files new inode numbers and fetch all their bytes
 * again.
 *
 * So each row that the enumeration lacks is matched to an item in it that no row has: the same name
 * and kind in the same folder, and for a file the same size and hash; the same time of change where
 * no hash can be compared. Such a row takes the new id and the new tags, and nothing else, and its
 * content keeps its generation. A folder has to be matched before what is in it can be, and ids
 * have no order, so staging is gone through until no more folders are found: as often as the tree
 * is deep.
 *
 * What is like nothing is missing, or new, as ever.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "sync/apply_i.h"

/* Staged items that are looked at together. */
#define ITEMS_PER_LOOK 500

/* ---- one id ---- */

/* What children called their parent before it told its id hangs on a placeholder. */
static int adopt_children(struct applying *applying, const struct node *folder, const char *rid)
{
    cleanup_free ino_nr *children = NULL;
    struct node placeholder;
    size_t count = 0;
    int r = txn_find_node(applying->txn, folder->attr.drive, rid, &placeholder);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    r = txn_list_related(applying->txn, placeholder.attr.ino, &children, &count);
    for (size_t i = 0; i < count && r == 0; i++) {
        cleanup_free char *name = NULL;
        struct node child;

        r = txn_get_node(applying->txn, children[i], &child);
        if (r < 0)
            break;
        name = x_strdup(child.base.name);
        r = place_follow(applying, &child, folder->attr.ino, name);
        if (r == 0)
            r = txn_put_node(applying->txn, &child);
        node_clear(&child);
    }
    if (r == 0)
        r = txn_remove_node(applying->txn, placeholder.attr.ino);
    node_clear(&placeholder);
    return r;
}

int identity_take_root(struct applying *applying, struct node *root, const char *rid)
{
    int r = adopt_children(applying, root, rid);

    if (r == 0)
        (void)parts_take_text(&root->rid, rid);
    return r;
}

int apply_take_root_id(struct store_txn *txn, const struct apply_context *context, const char *rid,
                       struct err *err)
{
    struct applying applying = { .txn = txn, .context = context };
    struct node root;
    int r = txn_get_node(txn, context->drive->root, &root);

    if (r == 0) {
        if (!text_is_same(root.rid, rid)) {
            r = identity_take_root(&applying, &root, rid);
            if (r == 0)
                r = txn_put_node(txn, &root);
        }
        node_clear(&root);
    }
    r = place_settle(&applying, r);
    return r < 0 ? err_set_errno(err, r, "storing the id of a root") : 0;
}

/* -EEXIST if there is an item with this id. */
static int check_id_is_free(struct store_txn *txn, int64_t drive, const char *rid)
{
    struct node other;
    int r = txn_find_node(txn, drive, rid, &other);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    r = other.attr.parent == STORE_INO_NONE && !*other.local.name ? 0 : -EEXIST;
    node_clear(&other);
    return r;
}

static int take_id(struct applying *applying, struct node *node, const char *rid)
{
    int r = check_id_is_free(applying->txn, node->attr.drive, rid);

    if (r == 0)
        r = adopt_children(applying, node, rid);
    if (r < 0)
        return r;
    (void)parts_take_text(&node->rid, rid);
    return txn_put_node(applying->txn, node);
}

int apply_take_id(struct store_txn *txn, const struct apply_context *context, ino_nr ino,
                  const char *rid, struct err *err)
{
    struct applying applying = { .txn = txn, .context = context };
    struct node node;
    int r = txn_get_node(txn, ino, &node);

    if (r == 0) {
        r = take_id(&applying, &node, rid);
        node_clear(&node);
    }
    r = place_settle(&applying, r);
    return r < 0 && r != -EEXIST ? err_set_errno(err, r, "storing the id of an item") : r;
}

int identity_take_doubt(struct store_txn *txn, ino_nr from, ino_nr to)
{
    struct missing_row row = { 0 };
    int r = txn_get_missing(txn, from, &row);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    row.ino = to;
    r = txn_put_missing(txn, &row);
    return r < 0 ? r : txn_clear_missing(txn, from);
}

/* ---- what is like a row ---- */

struct matching {
    struct applying *applying;
    char *after;      /* the last id looked at */
    size_t looked_at; /* at a time */
    size_t folders;   /* matched in this pass */
    size_t matched;   /* in all */
};

static int note_live(struct store_txn *txn, const struct item *item, void *arg)
{
    (void)txn;
    *(bool *)arg |= !(item->flags & ITEM_DELETED);
    return 0;
}

/* Is the row one that the enumeration lacks? */
static int is_lacking(struct applying *applying, const struct node *node, bool *ret)
{
    bool is_live = false;
    int r;

    *ret = false;
    if (!node->rid || !(node->attr.flags & NODE_BASE) ||
        node->attr.drive != applying->context->drive->id)
        return 0;
    r = txn_get_staged(applying->txn, node->attr.drive, node->rid, note_live, &is_live);
    *ret = !is_live;
    return r == -ENOENT ? 0 : r;
}

static bool is_same_file(const struct node_state *base, const struct item *item)
{
    if (!(item->flags & ITEM_HAS_SIZE) || item->flags & ITEM_PENDING || item->size != base->size)
        return false;
    if (item->hash && base->hash && item->hash_kind == base->hash_kind)
        return strcmp(item->hash, base->hash) == 0;
    return item->flags & ITEM_HAS_MTIME && apply_is_same_mtime(item->mtime_ns, base->mtime_ns);
}

static bool is_alike(const struct node *node, const struct item *item, ino_nr parent,
                     const char *name)
{
    return node->base.parent == parent && strcmp(node->base.name, name) == 0 &&
           !apply_is_another_thing(node, item) &&
           (node->attr.kind != NODE_FILE || parts_are_elsewhere(node) ||
            is_same_file(&node->base, item));
}

/* The row that has, or waits for, this name. -ENOENT if there is none. */
static int find_by_place(struct store_txn *txn, ino_nr parent, const char *name, struct node *ret)
{
    struct node_attr attr = { 0 };
    int r = txn_lookup(txn, parent, name, &attr);

    if (r == -ENOENT)
        r = txn_find_waiting(txn, parent, name, &attr.ino);
    return r < 0 ? r : txn_get_node(txn, attr.ino, ret);
}

/* The same content under other tags: those of the former back end would tell it apart. */
static void take_tags(struct node *node, const struct item *item, ino_nr parent, char *name)
{
    const struct apply_view view = apply_view_of(item, parent, name);

    if (parts_are_elsewhere(node))
        return;
    (void)parts_take_text(&node->base.etag, item->etag);
    (void)parts_take_text(&node->base.ctag, item->ctag);
    (void)parts_take_content_tags(node, &view.state);
}

static int match_with(struct matching *matching, struct node *node, const struct item *item,
                      ino_nr parent, char *name)
{
    bool lacking;
    int r = is_lacking(matching->applying, node, &lacking);

    if (r < 0 || !lacking || !is_alike(node, item, parent, name))
        return r;
    take_tags(node, item, parent, name);
    matching->matched++;
    matching->folders += node->attr.kind == NODE_FOLDER;
    return take_id(matching->applying, node, item->id);
}

/* Looks for the row that the item has in truth. */
static int match_item(struct store_txn *txn, const struct item *item, void *arg)
{
    struct matching *matching = arg;
    const struct apply_context *context = matching->applying->context;
    cleanup_free char *name = NULL;
    struct node parent, node;
    ino_nr directory;
    int r;

    matching->looked_at++;
    (void)parts_take_text(&matching->after, item->id);
    if (!apply_is_usable(context, item) || item->flags & ITEM_ROOT || !item->parent_id)
        return 0;
    r = txn_find_node(txn, context->drive->id, item->parent_id, &parent);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    directory = parent.attr.ino;
    node_clear(&parent);
    name = place_decode_name(item->name);
    r = find_by_place(txn, directory, name, &node);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    r = match_with(matching, &node, item, directory, name);
    node_clear(&node);
    return r;
}

/* ---- all ---- */

static int match_root(struct store_txn *txn, const struct item *item, void *arg)
{
    struct matching *matching = arg;

    matching->looked_at++;
    (void)parts_take_text(&matching->after, item->id);
    if (!(item->flags & ITEM_ROOT) || !apply_is_usable(matching->applying->context, item))
        return 0;
    log_info("sync", "the root of drive %s is item %s now",
             matching->applying->context->drive->drive_id, item->id);
    return apply_take_root_id(txn, matching->applying->context, item->id, NULL);
}

static int look_at_all(struct matching *matching, txn_staged_fn *fn)
{
    struct applying *applying = matching->applying;
    int r = 0;

    (void)parts_take_text(&matching->after, "");
    do {
        cleanup_free char *after = x_strdup(matching->after);

        matching->looked_at = 0;
        r = txn_each_unknown(applying->txn, applying->context->drive->id, after, ITEMS_PER_LOOK, fn,
                             matching);
    } while (r == 0 && matching->looked_at == ITEMS_PER_LOOK);
    return r;
}

int apply_match_ids(struct store_txn *txn, const struct apply_context *context, struct err *err)
{
    struct applying applying = { .txn = txn, .context = context };
    struct matching matching = { .applying = &applying };
    int r = look_at_all(&matching, match_root);

    do {
        matching.folders = 0;
        if (r == 0)
            r = look_at_all(&matching, match_item);
    } while (r == 0 && matching.folders > 0);
    free(matching.after);
    r = place_settle(&applying, r);
    if (matching.matched > 0)
        log_info("sync", "%zu items have new ids", matching.matched);
    return r < 0 ? err_set_errno(err, r, "matching ids") : 0;
}
