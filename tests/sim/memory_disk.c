/* SPDX-License-Identifier: MIT */
/*
 * A file's locks and its shared memory (the index of the log) are those of SQLite's own VFS for
 * Unix, without the system's calls. The shared memory is in no image: whoever opens a database
 * first makes it anew, as after a death on a real disk.
 */
#include "config.h"

#include "memory_disk.h"

#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "base/xalloc.h"

#define DISK_NAME  "graphfs-memory"
#define NAME_MAX_  512
#define SHM_LOCKS  8
#define SHM_SIZE   32768
#define MIN_GROWTH 65536

/* SQLite allows any time; Julian day in ms. */
#define ALWAYS_MS INT64_C(212000000000000)

struct bytes {
    unsigned char *data;
    size_t size, capacity;
};

struct file {
    char *name; /* NULL: nobody else's, gone when it is closed */
    struct bytes now;
    struct bytes synced;
    unsigned handles;
    /* Locks of the database, and who holds them. */
    unsigned shared;
    const struct handle *reserved, *exclusive;
    /* The shared memory: regions, and the holders of each lock (-1: one, exclusively). */
    unsigned char *regions[64];
    int shm_locks[SHM_LOCKS];
    unsigned shm_handles;
};

DEFINE_VEC(file_list, struct file *);

struct memory_image {
    struct file_list files;
};

struct memory_disk {
    sqlite3_vfs vfs;
    struct file_list files;
    unsigned writes_left; /* 0: no fall is to come */
    bool falls_by_power;
    struct memory_image *fallen;
    uint64_t random;
};

struct handle {
    sqlite3_file base;
    struct memory_disk *disk;
    struct file *file;
    int lock;
    bool has_shm;
    unsigned shm_shared, shm_exclusive; /* bits */
};

/* ---- bytes ---- */

static void bytes_resize(struct bytes *bytes, size_t size)
{
    if (size > bytes->capacity) {
        bytes->capacity = size + MIN_GROWTH;
        bytes->data = x_reallocarray(bytes->data, bytes->capacity, 1);
    }
    if (size > bytes->size)
        memset(bytes->data + bytes->size, 0, size - bytes->size);
    bytes->size = size;
}

static void bytes_copy(struct bytes *bytes, const struct bytes *from)
{
    bytes_resize(bytes, from->size);
    if (from->size > 0)
        memcpy(bytes->data, from->data, from->size);
}

/* ---- files ---- */

static void shm_clear(struct file *file)
{
    for (size_t i = 0; i < sizeof file->regions / sizeof *file->regions; i++) {
        free(file->regions[i]);
        file->regions[i] = NULL;
    }
}

static void file_free(struct file *file)
{
    shm_clear(file);
    free(file->now.data);
    free(file->synced.data);
    free(file->name);
    free(file);
}

static struct file *file_new(struct memory_disk *disk, const char *name)
{
    struct file *file = x_calloc(1, sizeof *file);

    file->name = x_strdup(name);
    if (name)
        (void)file_list_push(&disk->files, file);
    return file;
}

static size_t find(const struct memory_disk *disk, const char *name)
{
    for (size_t i = 0; name && i < disk->files.len; i++) {
        if (strcmp(disk->files.items[i]->name, name) == 0)
            return i;
    }
    return SIZE_MAX;
}

static void remove_from(struct file_list *list, size_t index)
{
    list->items[index] = list->items[--list->len];
}

/* ---- images ---- */

struct memory_image *memory_disk_save(const struct memory_disk *disk, bool is_power_cut)
{
    struct memory_image *image = x_calloc(1, sizeof *image);

    for (size_t i = 0; i < disk->files.len; i++) {
        const struct file *file = disk->files.items[i];
        struct file *copy = x_calloc(1, sizeof *copy);

        copy->name = x_strdup(file->name);
        bytes_copy(&copy->synced, &file->synced);
        bytes_copy(&copy->now, is_power_cut ? &file->synced : &file->now);
        (void)file_list_push(&image->files, copy);
    }
    return image;
}

void memory_image_free(struct memory_image *image)
{
    if (!image)
        return;
    for (size_t i = 0; i < image->files.len; i++)
        file_free(image->files.items[i]);
    file_list_clear(&image->files);
    free(image);
}

void memory_disk_restore(struct memory_disk *disk, const struct memory_image *image)
{
    memory_disk_fall_after(disk, 0, false);
    for (size_t i = 0; i < disk->files.len; i++) {
        if (disk->files.items[i]->handles > 0)
            abort();
        file_free(disk->files.items[i]);
    }
    disk->files.len = 0;
    disk->random = 1;
    for (size_t i = 0; image && i < image->files.len; i++) {
        const struct file *from = image->files.items[i];
        struct file *file = file_new(disk, from->name);

        bytes_copy(&file->now, &from->now);
        bytes_copy(&file->synced, &from->synced);
    }
}

void memory_disk_fall_after(struct memory_disk *disk, unsigned writes, bool is_power_cut)
{
    memory_image_free(disk->fallen);
    disk->fallen = NULL;
    disk->writes_left = writes;
    disk->falls_by_power = is_power_cut;
}

bool memory_disk_has_fallen(const struct memory_disk *disk)
{
    return disk->fallen;
}

bool memory_disk_falls_by_power(const struct memory_disk *disk)
{
    return disk->falls_by_power;
}

struct memory_image *memory_disk_take_fallen(struct memory_disk *disk)
{
    struct memory_image *image = disk->fallen;

    disk->fallen = NULL;
    return image;
}

/* Before each change of a file. */
static void note_write(struct memory_disk *disk)
{
    if (disk->writes_left > 0 && --disk->writes_left == 0)
        disk->fallen = memory_disk_save(disk, disk->falls_by_power);
}

/* ---- an open file ---- */

static int do_close(sqlite3_file *base)
{
    struct handle *handle = (struct handle *)base;

    handle->file->handles--;
    if (!handle->file->name)
        file_free(handle->file);
    return SQLITE_OK;
}

static int do_read(sqlite3_file *base, void *data, int amount, sqlite3_int64 offset)
{
    const struct bytes *bytes = &((struct handle *)base)->file->now;
    size_t begin = (size_t)offset, size = (size_t)amount, left;

    left = begin < bytes->size ? bytes->size - begin : 0;
    if (left > size)
        left = size;
    if (left > 0)
        memcpy(data, bytes->data + begin, left);
    if (left == size)
        return SQLITE_OK;
    memset((unsigned char *)data + left, 0, size - left);
    return SQLITE_IOERR_SHORT_READ;
}

static int do_write(sqlite3_file *base, const void *data, int amount, sqlite3_int64 offset)
{
    struct handle *handle = (struct handle *)base;
    struct bytes *bytes = &handle->file->now;
    size_t end = (size_t)offset + (size_t)amount;

    note_write(handle->disk);
    if (end > bytes->size)
        bytes_resize(bytes, end);
    memcpy(bytes->data + offset, data, (size_t)amount);
    return SQLITE_OK;
}

static int do_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct handle *handle = (struct handle *)base;

    note_write(handle->disk);
    bytes_resize(&handle->file->now, (size_t)size);
    return SQLITE_OK;
}

static int do_sync(sqlite3_file *base, int flags)
{
    struct file *file = ((struct handle *)base)->file;

    (void)flags;
    bytes_copy(&file->synced, &file->now);
    return SQLITE_OK;
}

static int do_size(sqlite3_file *base, sqlite3_int64 *ret)
{
    *ret = (sqlite3_int64)((struct handle *)base)->file->now.size;
    return SQLITE_OK;
}

static int do_lock(sqlite3_file *base, int level)
{
    struct handle *handle = (struct handle *)base;
    struct file *file = handle->file;

    if (level <= handle->lock)
        return SQLITE_OK;
    if (file->exclusive && file->exclusive != handle)
        return SQLITE_BUSY;
    if (level > SQLITE_LOCK_SHARED && file->reserved && file->reserved != handle)
        return SQLITE_BUSY;
    if (level == SQLITE_LOCK_EXCLUSIVE && file->shared > 1)
        return SQLITE_BUSY;
    if (handle->lock < SQLITE_LOCK_SHARED)
        file->shared++;
    if (level > SQLITE_LOCK_SHARED)
        file->reserved = handle;
    if (level == SQLITE_LOCK_EXCLUSIVE)
        file->exclusive = handle;
    handle->lock = level;
    return SQLITE_OK;
}

static int do_unlock(sqlite3_file *base, int level)
{
    struct handle *handle = (struct handle *)base;
    struct file *file = handle->file;

    if (level >= handle->lock)
        return SQLITE_OK;
    if (file->exclusive == handle)
        file->exclusive = NULL;
    if (file->reserved == handle)
        file->reserved = NULL;
    if (level == SQLITE_LOCK_NONE)
        file->shared--;
    handle->lock = level;
    return SQLITE_OK;
}

static int do_check_reserved(sqlite3_file *base, int *ret)
{
    *ret = ((struct handle *)base)->file->reserved != NULL;
    return SQLITE_OK;
}

static int do_control(sqlite3_file *base, int operation, void *arg)
{
    (void)base;
    (void)operation;
    (void)arg;
    return SQLITE_NOTFOUND;
}

static int do_sector_size(sqlite3_file *base)
{
    (void)base;
    return 4096;
}

static int do_characteristics(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* ---- shared memory ---- */

static int do_shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **ret)
{
    struct handle *handle = (struct handle *)base;
    struct file *file = handle->file;
    size_t index = (size_t)region;

    if (index >= sizeof file->regions / sizeof *file->regions || size != SHM_SIZE)
        return SQLITE_IOERR_SHMSIZE;
    if (!handle->has_shm)
        file->shm_handles++;
    handle->has_shm = true;
    if (!file->regions[index] && extend)
        file->regions[index] = x_calloc(1, SHM_SIZE);
    *ret = file->regions[index];
    return SQLITE_OK;
}

/* One of the locks, by its number. */
static bool can_lock(const struct handle *handle, int number, bool exclusively)
{
    int holders = handle->file->shm_locks[number];

    if (handle->shm_exclusive >> number & 1)
        return true;
    if (exclusively && handle->shm_shared >> number & 1)
        return holders == 1;
    return exclusively ? holders == 0 : holders >= 0;
}

static void take_lock(struct handle *handle, int number, bool exclusively)
{
    int *holders = &handle->file->shm_locks[number];
    unsigned bit = 1u << number;

    if (exclusively) {
        *holders = -1;
        handle->shm_exclusive |= bit;
    } else if (!(handle->shm_shared & bit)) {
        ++*holders;
        handle->shm_shared |= bit;
    }
}

static void release_lock(struct handle *handle, int number)
{
    int *holders = &handle->file->shm_locks[number];
    unsigned bit = 1u << number;

    if (handle->shm_exclusive & bit)
        *holders = 0;
    else if (handle->shm_shared & bit)
        --*holders;
    handle->shm_exclusive &= ~bit;
    handle->shm_shared &= ~bit;
}

static int do_shm_lock(sqlite3_file *base, int first, int count, int flags)
{
    struct handle *handle = (struct handle *)base;
    bool exclusively = flags & SQLITE_SHM_EXCLUSIVE;

    for (int i = first; i < first + count; i++) {
        if (flags & SQLITE_SHM_UNLOCK)
            release_lock(handle, i);
        else if (!can_lock(handle, i, exclusively))
            return SQLITE_BUSY;
    }
    for (int i = first; i < first + count && flags & SQLITE_SHM_LOCK; i++)
        take_lock(handle, i, exclusively);
    return SQLITE_OK;
}

static void do_shm_barrier(sqlite3_file *base)
{
    (void)base;
}

static int do_shm_unmap(sqlite3_file *base, int delete_it)
{
    struct handle *handle = (struct handle *)base;

    (void)delete_it;
    for (int i = 0; i < SHM_LOCKS; i++)
        release_lock(handle, i);
    if (handle->has_shm && --handle->file->shm_handles == 0)
        shm_clear(handle->file);
    handle->has_shm = false;
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = do_close,
    .xRead = do_read,
    .xWrite = do_write,
    .xTruncate = do_truncate,
    .xSync = do_sync,
    .xFileSize = do_size,
    .xLock = do_lock,
    .xUnlock = do_unlock,
    .xCheckReservedLock = do_check_reserved,
    .xFileControl = do_control,
    .xSectorSize = do_sector_size,
    .xDeviceCharacteristics = do_characteristics,
    .xShmMap = do_shm_map,
    .xShmLock = do_shm_lock,
    .xShmBarrier = do_shm_barrier,
    .xShmUnmap = do_shm_unmap,
};

/* ---- the disk ---- */

static int do_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags,
                   int *ret_flags)
{
    struct memory_disk *disk = vfs->pAppData;
    struct handle *handle = (struct handle *)base;
    size_t index = find(disk, name);

    *handle = (struct handle){ .base.pMethods = &methods, .disk = disk };
    handle->file = index == SIZE_MAX ? file_new(disk, name) : disk->files.items[index];
    handle->file->handles++;
    if (ret_flags)
        *ret_flags = flags;
    return SQLITE_OK;
}

static int do_delete(sqlite3_vfs *vfs, const char *name, int sync_directory)
{
    struct memory_disk *disk = vfs->pAppData;
    size_t index = find(disk, name);

    (void)sync_directory;
    if (index == SIZE_MAX)
        return SQLITE_IOERR_DELETE_NOENT;
    if (disk->files.items[index]->handles > 0)
        return SQLITE_IOERR_DELETE;
    note_write(disk);
    file_free(disk->files.items[index]);
    remove_from(&disk->files, index);
    return SQLITE_OK;
}

static int do_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
    size_t index = find(vfs->pAppData, name);
    const struct memory_disk *disk = vfs->pAppData;

    *ret = index != SIZE_MAX &&
           (flags != SQLITE_ACCESS_EXISTS || disk->files.items[index]->now.size > 0);
    return SQLITE_OK;
}

static int do_full_name(sqlite3_vfs *vfs, const char *name, int size, char *ret)
{
    (void)vfs;
    (void)sqlite3_snprintf(size, ret, "%s", name);
    return SQLITE_OK;
}

static int do_random(sqlite3_vfs *vfs, int size, char *ret)
{
    struct memory_disk *disk = vfs->pAppData;

    for (int i = 0; i < size; i++) {
        disk->random = disk->random * 6364136223846793005 + 1442695040888963407;
        ret[i] = (char)(disk->random >> 56);
    }
    return size;
}

static int do_sleep(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs;
    return microseconds;
}

static int do_time(sqlite3_vfs *vfs, sqlite3_int64 *ret)
{
    (void)vfs;
    *ret = ALWAYS_MS;
    return SQLITE_OK;
}

static int do_last_error(sqlite3_vfs *vfs, int size, char *ret)
{
    (void)vfs;
    (void)size;
    (void)ret;
    return 0;
}

struct memory_disk *memory_disk_new(void)
{
    struct memory_disk *disk = x_calloc(1, sizeof *disk);

    disk->random = 1;
    disk->vfs = (sqlite3_vfs){
        .iVersion = 2,
        .szOsFile = sizeof(struct handle),
        .mxPathname = NAME_MAX_,
        .zName = DISK_NAME,
        .pAppData = disk,
        .xOpen = do_open,
        .xDelete = do_delete,
        .xAccess = do_access,
        .xFullPathname = do_full_name,
        .xRandomness = do_random,
        .xSleep = do_sleep,
        .xGetLastError = do_last_error,
        .xCurrentTimeInt64 = do_time,
    };
    if (sqlite3_vfs_register(&disk->vfs, 1) != SQLITE_OK)
        abort();
    return disk;
}

void memory_disk_free(struct memory_disk *disk)
{
    if (!disk)
        return;
    memory_disk_restore(disk, NULL);
    (void)sqlite3_vfs_unregister(&disk->vfs);
    file_list_clear(&disk->files);
    free(disk);
}
