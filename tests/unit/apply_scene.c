/* SPDX-License-Identifier: MIT */
/* See apply_scene.h. */
#include "config.h"

#include "apply_scene.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "unit.h"

int scene_setup(void **state)
{
    struct scene *scene = x_calloc(1, sizeof *scene);
    void *fixture;
    ino_nr root;

    if (fixture_setup(&fixture) < 0)
        return -1;
    log_set_level(LOG_LEVEL_ERROR); /* lies are logged as warnings */
    scene->fixture = fixture;
    scene->now_ms = FIXTURE_START_MS;
    *state = scene;
    return store_get_drive(scene->fixture->store, fixture_add_drive(scene->fixture, "D", &root),
                           &scene->drive);
}

int scene_teardown(void **state)
{
    struct scene *scene = *state;
    void *fixture = scene->fixture;

    drive_row_clear(&scene->drive);
    free(scene);
    return fixture_teardown(&fixture);
}

struct item scene_folder(const char *id, const char *parent_id, const char *name)
{
    return (struct item){
        .id = id,
        .parent_id = strcmp(parent_id, "root") == 0 ? "D-root" : parent_id,
        .name = name,
        .kind = ITEM_FOLDER,
        .etag = "e",
    };
}

struct item scene_file(const char *id, const char *parent_id, const char *name)
{
    struct item item = scene_folder(id, parent_id, name);

    item.kind = ITEM_FILE;
    item.flags = ITEM_HAS_SIZE | ITEM_HAS_MTIME;
    item.size = 10;
    item.mtime_ns = INT64_C(1500000000000000000);
    item.ctag = "c1";
    return item;
}

struct item scene_tombstone(const char *id)
{
    return (struct item){ .id = id, .kind = ITEM_UNKNOWN, .flags = ITEM_DELETED };
}

struct store_txn *scene_begin(struct scene *scene)
{
    struct store_txn *txn;

    assert_int_equal(store_begin(scene->fixture->store, &txn, NULL), 0);
    return txn;
}

void scene_commit(struct store_txn *txn)
{
    assert_int_equal(store_commit(txn, NULL), 0);
}

struct apply_context scene_context(struct scene *scene, enum apply_source source)
{
    return (struct apply_context){
        .drive = &scene->drive,
        .source = source,
        .now_ms = scene->now_ms,
    };
}

enum apply_outcome scene_apply(struct scene *scene, enum apply_source source, struct item report)
{
    const struct apply_context context = scene_context(scene, source);
    struct store_txn *txn = scene_begin(scene);
    enum apply_outcome outcome;

    assert_int_equal(apply_report(txn, &context, &report, &outcome, NULL), 0);
    scene_commit(txn);
    return outcome;
}

void scene_delete(struct scene *scene, ino_nr ino)
{
    const struct apply_context context = scene_context(scene, APPLY_ITEM);
    struct store_txn *txn = scene_begin(scene);

    assert_int_equal(apply_delete(txn, &context, ino, NULL), 0);
    scene_commit(txn);
}

void scene_stage(struct scene *scene, struct item report)
{
    struct store_txn *txn = scene_begin(scene);

    assert_int_equal(txn_stage(txn, scene->drive.id, &report), 0);
    scene_commit(txn);
}

int64_t scene_count_staged(struct scene *scene)
{
    struct store_txn *txn = scene_begin(scene);
    int64_t count;

    assert_int_equal(txn_count_staged(txn, scene->drive.id, &count), 0);
    store_rollback(txn);
    return count;
}

ino_nr scene_at(struct scene *scene, const char *path)
{
    cleanup_free char *full = x_asprintf("/me/drive/%s", path);
    struct node_attr attr;
    int r = fixture_find(scene->fixture, full, &attr);

    assert_true(r == 0 || r == -ENOENT);
    return r == 0 ? attr.ino : 0;
}

struct node scene_row(struct scene *scene, const char *rid)
{
    struct store_txn *txn = scene_begin(scene);
    struct node node = { 0 };

    (void)txn_find_node(txn, scene->drive.id, rid, &node);
    store_rollback(txn);
    return node;
}
