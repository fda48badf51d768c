/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "full_disk.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

static _Atomic int64_t refused_from, refused_to;

void full_disk_refuse(int64_t from, int64_t to)
{
    atomic_store(&refused_from, from);
    atomic_store(&refused_to, to);
}

/* The linker's names (--wrap=disk_write). */
/* NOLINTBEGIN(bugprone-reserved-identifier) */
int __real_disk_write(int fd, const void *data, size_t length, int64_t offset);
int __wrap_disk_write(int fd, const void *data, size_t length, int64_t offset);

int __wrap_disk_write(int fd, const void *data, size_t length, int64_t offset)
{
    if (offset >= atomic_load(&refused_from) && offset < atomic_load(&refused_to))
        return -ENOSPC;
    return __real_disk_write(fd, data, length, offset);
}

/* NOLINTEND(bugprone-reserved-identifier) */
