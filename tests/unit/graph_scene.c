/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "graph_scene.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/xalloc.h"

#include "unit.h"

static void find_drive(struct scene *scene)
{
    struct page_query query = { .kind = PAGE_DELTA, .priority = REMOTE_READ };
    struct answer answer;

    answer_init(&answer);
    remote_drives(scene->remote, answer_drives, &answer);
    assert_int_equal(answer_wait(&answer), 0);
    scene->drive_id = x_strdup(answer.drives->drives[0].id);
    answer_clear(&answer);
    query.drive_id = scene->drive_id;
    (void)remote_page(scene->remote, &query, answer_page, &answer);
    assert_int_equal(answer_wait(&answer), 0);
    scene->root_id = x_strdup(answer.page->items[0].id);
    answer_clear(&answer);
}

struct scene *scene_new(const char *const *args)
{
    struct scene *scene = x_calloc(1, sizeof(*scene));

    scene->emulator = emulator_start(args);
    scene->service = service_new_for(scene->emulator, "Files.ReadWrite.All");
    scene->remote = scene->service->remote;
    service_sign_in(scene->service);
    find_drive(scene);
    return scene;
}

void scene_free(struct scene *scene)
{
    service_free(scene->service);
    emulator_stop(scene->emulator);
    free(scene->drive_id);
    free(scene->root_id);
    free(scene);
}

void scene_edit(const struct scene *scene, const char *operation)
{
    cleanup_free char *body = x_asprintf("{\"ops\":[%s]}", operation);

    emulator_do(scene->emulator, "POST", "edit", body);
}

void scene_fault(const struct scene *scene, const char *fault)
{
    emulator_fault(scene->emulator, fault);
    emulator_do(scene->emulator, "POST", "reset-counts", NULL);
}

int64_t scene_requests(const struct scene *scene)
{
    int64_t count = emulator_count(scene->emulator, "total");
    int64_t login = emulator_count(scene->emulator, "login");

    emulator_do(scene->emulator, "DELETE", "faults", NULL);
    return count - login;
}

int scene_child(const struct scene *scene, const char *parent_id, const char *name,
                struct answer *answer)
{
    struct path_query query = {
        .drive_id = scene->drive_id,
        .parent_id = parent_id,
        .name = name,
        .priority = REMOTE_READ,
    };

    answer_init(answer);
    (void)remote_child(scene->remote, &query, answer_page, answer);
    return answer_wait(answer);
}

const struct item *scene_item(const struct scene *scene, const char *name, struct answer *answer)
{
    assert_int_equal(scene_child(scene, scene->root_id, name, answer), 0);
    return &answer->page->items[0];
}

bool scene_has(const struct scene *scene, const char *name)
{
    struct answer answer;
    int ret = scene_child(scene, scene->root_id, name, &answer);

    answer_clear(&answer);
    assert_true(ret == 0 || ret == -ENOENT);
    return ret == 0;
}

char *scene_content(const struct scene *scene, const char *name, size_t *ret_length)
{
    struct answer found, content;
    const struct item *item = scene_item(scene, name, &found);
    struct fetch_query query = {
        .url = item->download_url,
        .length = item->size > 0 ? (size_t)item->size : 1,
        .priority = REMOTE_READ,
    };

    answer_init(&content);
    (void)remote_fetch(scene->remote, &query, answer_fetch, &content);
    assert_int_equal(answer_wait(&content), 0);
    char *data = content.data;
    *ret_length = content.length;
    content.data = NULL;
    answer_clear(&content);
    answer_clear(&found);
    return data;
}

int scene_make_folder(const struct scene *scene, const char *parent_id, const char *name,
                      struct answer *answer)
{
    struct path_query query = {
        .drive_id = scene->drive_id,
        .parent_id = parent_id,
        .name = name,
        .priority = REMOTE_UPLOAD,
    };

    answer_init(answer);
    (void)remote_make_folder(scene->remote, &query, answer_page, answer);
    return answer_wait_passing(answer, scene->service, 500);
}

int scene_change(const struct scene *scene, struct change_query query, struct answer *answer)
{
    query.drive_id = scene->drive_id;
    query.priority = REMOTE_UPLOAD;
    answer_init(answer);
    (void)remote_change(scene->remote, &query, answer_page, answer);
    return answer_wait_passing(answer, scene->service, 500);
}

int scene_delete(const struct scene *scene, const char *item_id, const char *if_match,
                 struct answer *answer)
{
    struct delete_query query = {
        .drive_id = scene->drive_id,
        .item_id = item_id,
        .if_match = if_match,
        .priority = REMOTE_UPLOAD,
    };

    answer_init(answer);
    (void)remote_delete(scene->remote, &query, answer_done, answer);
    return answer_wait_passing(answer, scene->service, 500);
}

int scene_put(const struct scene *scene, struct upload_target target, const char *data,
              size_t length, struct answer *answer)
{
    struct put_query query = {
        .target = target,
        .data = data,
        .length = length,
        .priority = REMOTE_UPLOAD,
    };

    query.target.drive_id = scene->drive_id;
    if (!target.item_id && !target.parent_id)
        query.target.parent_id = scene->root_id;
    answer_init(answer);
    (void)remote_put(scene->remote, &query, answer_page, answer);
    return answer_wait_passing(answer, scene->service, 500);
}
