/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "store_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xalloc.h"
#include "unit.h"

static void remember(const struct change *changes, size_t count, void *arg)
{
    struct fixture *fixture = arg;

    for (size_t i = 0; i < count; i++) {
        struct change copy = changes[i];

        copy.name = x_strdup(copy.name);
        fixture->told =
            x_reallocarray(fixture->told, fixture->told_count + 1, sizeof *fixture->told);
        fixture->told[fixture->told_count++] = copy;
    }
}

static void open_store(struct fixture *fixture)
{
    struct err err = { 0 };
    bool was_damaged;

    if (store_open(fixture->dir, NULL, fixture->clock, &fixture->store, &was_damaged, &err) < 0)
        fail_msg("%s", err.msg);
    store_set_listener(fixture->store, remember, fixture);
}

int fixture_setup(void **state)
{
    struct fixture *fixture = x_calloc(1, sizeof *fixture);

    fixture->dir = x_strdup("/tmp/graphfs-test-XXXXXX");
    if (!mkdtemp(fixture->dir))
        return -1;
    fixture->clock = clock_new_manual(FIXTURE_START_MS);
    open_store(fixture);
    *state = fixture;
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    cleanup_free char *command = x_asprintf("rm -rf '%s'", fixture->dir);
    int r;

    store_close(fixture->store);
    clock_free(fixture->clock);
    fixture_forget_told(fixture);
    free(fixture->dir);
    free(fixture);
    r = system(command);
    return r;
}

void fixture_reopen(struct fixture *fixture)
{
    store_close(fixture->store);
    open_store(fixture);
}

void fixture_forget_told(struct fixture *fixture)
{
    for (size_t i = 0; i < fixture->told_count; i++)
        free(fixture->told[i].name);
    free(fixture->told);
    fixture->told = NULL;
    fixture->told_count = 0;
}

bool fixture_was_told(const struct fixture *fixture, enum change_kind kind, ino_nr parent,
                      const char *name, ino_nr ino)
{
    for (size_t i = 0; i < fixture->told_count; i++) {
        const struct change *change = &fixture->told[i];

        if (change->kind == kind && (parent == 0 || change->parent == parent) &&
            (ino == 0 || change->ino == ino) &&
            (!name || (change->name && strcmp(change->name, name) == 0)))
            return true;
    }
    return false;
}

struct node fixture_node(ino_nr parent, const char *name, enum node_kind kind, int64_t drive,
                         const char *rid)
{
    bool is_file = kind == NODE_FILE;

    return (struct node){
        .attr = { .kind = kind, .flags = NODE_LOCAL | NODE_BASE, .drive = drive },
        .rid = x_strdup(rid),
        .local = { .parent = parent,
                   .name = x_strdup(name),
                   .size = is_file ? 10 : 0,
                   .mtime_ns = INT64_C(1600000000000000000),
                   .generation = is_file ? 7 : 0 },
        .base = { .parent = parent,
                  .name = x_strdup(name),
                  .size = is_file ? 10 : 0,
                  .mtime_ns = INT64_C(1600000000000000000),
                  .generation = is_file ? 7 : 0,
                  .etag = x_strdup("\"e1\"") },
    };
}

ino_nr fixture_add(struct fixture *fixture, ino_nr parent, const char *name, enum node_kind kind,
                   int64_t drive, const char *rid)
{
    struct node node = fixture_node(parent, name, kind, drive, rid);
    struct store_txn *txn;
    ino_nr ino;

    assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
    assert_int_equal(txn_put_node(txn, &node), 0);
    assert_int_equal(store_commit(txn, NULL), 0);
    ino = node.attr.ino;
    node_clear(&node);
    return ino;
}

int64_t fixture_add_drive(struct fixture *fixture, const char *drive_id, ino_nr *ret_root)
{
    struct drive_row drive = {
        .kind = DRIVE_OWN,
        .drive_id = x_strdup(drive_id),
        .root_rid = x_asprintf("%s-root", drive_id),
        .is_default = true,
    };
    struct store_txn *txn;
    struct node root;
    int64_t id;

    assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
    assert_int_equal(txn_put_drive(txn, &drive), 0);
    root = fixture_node(STORE_INO_ME, "drive", NODE_FOLDER, drive.id, drive.root_rid);
    assert_int_equal(txn_put_node(txn, &root), 0);
    drive.root = root.attr.ino;
    assert_int_equal(txn_put_drive(txn, &drive), 0);
    assert_int_equal(store_commit(txn, NULL), 0);
    *ret_root = drive.root;
    id = drive.id;
    node_clear(&root);
    drive_row_clear(&drive);
    return id;
}

int fixture_find(struct fixture *fixture, const char *path, struct node_attr *ret)
{
    cleanup_free char *copy = x_strdup(path);
    char *rest = copy;
    ino_nr ino = STORE_INO_ROOT;
    const char *name;
    int r = store_getattr(fixture->store, ino, ret);

    while (r == 0 && (name = strsep(&rest, "/")) != NULL) {
        if (!*name)
            continue;
        r = store_lookup(fixture->store, ino, name, ret);
        ino = ret->ino;
    }
    return r;
}
