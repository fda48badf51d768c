/* SPDX-License-Identifier: MIT */
/* What is read has the content's number at its beginning, and nothing else that counts. */
#include "config.h"

#include "memory_bytes.h"

#include <errno.h>
#include <stdlib.h>

#include "../fakes/fake_remote.h"
#include "base/cleanup.h"
#include "base/vec.h"
#include "base/xalloc.h"
#include "memory_disk.h"

DEFINE_VEC(written_list, struct written);

/* A read or a hash that was asked for. */
struct asked_bytes {
    struct written written;
    char *data; /* NULL: it is a hash */
    size_t length;
    bytes_done_fn *read;
    bytes_hash_fn *hashed;
    enum hash_kind kind;
    void *arg;
};

DEFINE_VEC(asked_bytes_list, struct asked_bytes);

struct memory_bytes {
    struct bytes bytes;
    struct written_list list;
    struct asked_bytes_list asked;
    const struct memory_disk *disk;
    memory_bytes_kept_fn *kept;
    void *kept_arg;
};

struct bytes_file {
    struct memory_bytes *memory;
    struct written written;
};

struct written *memory_bytes_find(struct memory_bytes *memory, uint64_t generation)
{
    for (size_t i = memory->list.len; i-- > 0;) {
        if (memory->list.items[i].generation == generation)
            return &memory->list.items[i];
    }
    return NULL;
}

struct written *memory_bytes_add(struct memory_bytes *memory, const struct written *written)
{
    return written_list_push(&memory->list, *written);
}

size_t memory_bytes_count(const struct memory_bytes *memory)
{
    return memory->list.len;
}

struct written *memory_bytes_at(struct memory_bytes *memory, size_t index)
{
    return &memory->list.items[index];
}

/* ---- the engine's side ---- */

static int open_bytes(struct bytes *bytes, uint64_t generation, struct bytes_file **ret,
                      int64_t *ret_size)
{
    struct memory_bytes *memory = (struct memory_bytes *)bytes;
    struct written *written = memory_bytes_find(memory, generation);

    if (!written || written->is_dropped)
        return -ENOENT;
    if (written->needs_base)
        return -EAGAIN;
    written->is_frozen |= !memory_disk_has_fallen(memory->disk);
    *ret = x_calloc(1, sizeof **ret);
    (*ret)->memory = memory;
    (*ret)->written = *written;
    *ret_size = written->size;
    return 0;
}

static void read_bytes(struct bytes_file *file, int64_t offset, char *data, size_t length,
                       bytes_done_fn *done, void *arg)
{
    (void)offset;
    (void)asked_bytes_list_push(&file->memory->asked, (struct asked_bytes){
                                                          .written = file->written,
                                                          .data = data,
                                                          .length = length,
                                                          .read = done,
                                                          .arg = arg,
                                                      });
}

static void hash_bytes(struct bytes_file *file, enum hash_kind kind, bytes_hash_fn *done, void *arg)
{
    (void)asked_bytes_list_push(&file->memory->asked, (struct asked_bytes){
                                                          .written = file->written,
                                                          .hashed = done,
                                                          .kind = kind,
                                                          .arg = arg,
                                                      });
}

static void close_bytes(struct bytes_file *file)
{
    free(file);
}

static void keep_bytes(struct bytes *bytes, const struct node *node, const char *drive_id)
{
    struct memory_bytes *memory = (struct memory_bytes *)bytes;
    struct written *written = memory_bytes_find(memory, node->local.generation);

    (void)drive_id;
    if (!written || written->is_dropped || memory_disk_has_fallen(memory->disk))
        return;
    memory->kept(written, node, memory->kept_arg);
    written->is_dropped = true;
}

static void drop_bytes(struct bytes *bytes, uint64_t generation)
{
    struct memory_bytes *memory = (struct memory_bytes *)bytes;
    struct written *written = memory_bytes_find(memory, generation);

    if (written && !memory_disk_has_fallen(memory->disk))
        written->is_dropped = true;
}

bool memory_bytes_pump(struct memory_bytes *memory)
{
    struct asked_bytes_list list = memory->asked;
    bool was_asked = list.len > 0;

    memory->asked = (struct asked_bytes_list){ 0 };
    for (size_t i = 0; i < list.len; i++) {
        struct asked_bytes *asked = &list.items[i];
        cleanup_free char *text = x_asprintf("hash%u", asked->written.content);

        if (asked->data) {
            fake_stamp(asked->data, asked->length, asked->written.content);
            asked->read(0, asked->arg);
        } else if (asked->kind == HASH_QUICKXOR) {
            asked->hashed(0, text, asked->arg);
        } else {
            asked->hashed(-ENOTSUP, NULL, asked->arg);
        }
    }
    asked_bytes_list_clear(&list);
    return was_asked;
}

/* ---- life ---- */

/* Nothing that the model's users name is a backup. */
static int own_bytes(struct bytes *bytes, ino_nr ino)
{
    (void)bytes, (void)ino;
    return -ENOTSUP;
}

static const struct bytes_ops ops = {
    .open = open_bytes,
    .read = read_bytes,
    .hash = hash_bytes,
    .close = close_bytes,
    .keep = keep_bytes,
    .drop = drop_bytes,
    .own = own_bytes,
};

struct memory_bytes *memory_bytes_new(const struct memory_disk *disk, memory_bytes_kept_fn *kept,
                                      void *arg)
{
    struct memory_bytes *memory = x_calloc(1, sizeof *memory);

    memory->bytes.ops = &ops;
    memory->disk = disk;
    memory->kept = kept;
    memory->kept_arg = arg;
    return memory;
}

void memory_bytes_free(struct memory_bytes *memory)
{
    written_list_clear(&memory->list);
    asked_bytes_list_clear(&memory->asked);
    free(memory);
}

struct bytes *memory_bytes_ops(struct memory_bytes *memory)
{
    return &memory->bytes;
}
