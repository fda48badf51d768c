/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "local_scene.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xalloc.h"
#include "unit.h"

int scene_setup(void **state)
{
    struct scene *scene = x_calloc(1, sizeof *scene);
    void *fixture = NULL;
    int r = fixture_setup(&fixture);

    if (r != 0)
        return r;
    scene->fixture = fixture;
    scene->drive = fixture_add_drive(scene->fixture, "D", &scene->root);
    scene_edit(scene, scene->root, edit_agree);
    *state = scene;
    return 0;
}

int scene_teardown(void **state)
{
    struct scene *scene = *state;
    void *fixture = scene->fixture;

    free(scene);
    return fixture_teardown(&fixture);
}

/* ---- the user ---- */

static struct store_txn *begin(struct scene *scene)
{
    struct store_txn *txn;

    assert_int_equal(store_begin(scene->fixture->store, &txn, NULL), 0);
    (void)txn_set_own(txn, true);
    fixture_forget_told(scene->fixture);
    return txn;
}

/* A refusal is committed, too: it must have changed nothing. */
static int end(struct scene *scene, struct store_txn *txn, int r)
{
    assert_int_equal(store_commit(txn, NULL), 0);
    if (r < 0)
        assert_int_equal(scene->fixture->told_count, 0);
    return r;
}

int scene_create(struct scene *scene, ino_nr parent, const char *name, enum node_kind kind)
{
    struct store_txn *txn = begin(scene);
    struct node_attr attr;

    return end(scene, txn, local_create(txn, parent, name, kind, SCENE_NOW_NS, &attr));
}

int scene_remove(struct scene *scene, ino_nr parent, const char *name, bool wants_directory)
{
    struct store_txn *txn = begin(scene);
    struct node_attr attr;

    return end(scene, txn, local_remove(txn, parent, name, wants_directory, SCENE_NOW_NS, &attr));
}

int scene_rename(struct scene *scene, ino_nr parent, const char *name, ino_nr new_parent,
                 const char *new_name, unsigned flags)
{
    struct store_txn *txn = begin(scene);
    struct local_rename done;

    return end(scene, txn,
               local_rename(txn, parent, name, new_parent, new_name, flags, SCENE_NOW_NS, &done));
}

ino_nr scene_make(struct scene *scene, ino_nr parent, const char *name, enum node_kind kind)
{
    struct node_attr attr;

    assert_int_equal(scene_create(scene, parent, name, kind), 0);
    assert_int_equal(store_lookup(scene->fixture->store, parent, name, &attr), 0);
    return attr.ino;
}

/* ---- others ---- */

void edit_agree(struct node *node)
{
    node->attr.flags |= NODE_BASE;
    if (node->attr.kind == NODE_FOLDER)
        node->attr.flags |= NODE_COMPLETE;
    if (!node->rid)
        node->rid = x_asprintf("R%llu", (unsigned long long)node->attr.ino);
    free(node->base.name);
    node->base.name = x_strdup(node->local.name);
    node->base.parent = node->local.parent;
    node->base.size = node->local.size;
    node->base.mtime_ns = node->local.mtime_ns;
    node->base.generation = node->local.generation;
}

void edit_incomplete(struct node *node)
{
    node->attr.flags &= ~(unsigned)NODE_COMPLETE;
}

void scene_edit(struct scene *scene, ino_nr ino, void (*edit)(struct node *node))
{
    struct store_txn *txn;
    struct node node;

    assert_int_equal(store_begin(scene->fixture->store, &txn, NULL), 0);
    assert_int_equal(txn_get_node(txn, ino, &node), 0);
    edit(&node);
    assert_int_equal(txn_put_node(txn, &node), 0);
    assert_int_equal(store_commit(txn, NULL), 0);
    node_clear(&node);
}

ino_nr scene_add(struct scene *scene, ino_nr parent, const char *name, enum node_kind kind)
{
    ino_nr ino = fixture_add(scene->fixture, parent, name, kind, scene->drive, NULL);

    scene_edit(scene, ino, edit_agree);
    return ino;
}

void scene_put_intent(struct scene *scene, ino_nr ino, uint64_t generation)
{
    const struct intent intent = { .ino = ino, .verb = INTENT_UPLOAD, .generation = generation };
    struct store_txn *txn;

    assert_int_equal(store_begin(scene->fixture->store, &txn, NULL), 0);
    assert_int_equal(txn_put_intent(txn, &intent), 0);
    assert_int_equal(store_commit(txn, NULL), 0);
}

/* ---- looking ---- */

struct node scene_get(struct scene *scene, ino_nr ino)
{
    struct node node;

    assert_int_equal(store_get_node(scene->fixture->store, ino, &node), 0);
    return node;
}

bool scene_has_row(struct scene *scene, ino_nr ino)
{
    struct node_attr attr;

    return store_getattr(scene->fixture->store, ino, &attr) == 0;
}

ino_nr scene_find(struct scene *scene, const char *path)
{
    cleanup_free char *full = x_asprintf("/me/drive/%s", path);
    struct node_attr attr;

    return fixture_find(scene->fixture, full, &attr) == 0 ? attr.ino : STORE_INO_NONE;
}

void scene_assert_all_own(struct scene *scene)
{
    for (size_t i = 0; i < scene->fixture->told_count; i++)
        assert_true(scene->fixture->told[i].is_own);
}
