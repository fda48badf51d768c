/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_BASE_UUID_H
#define GRAPHFS_BASE_UUID_H

#include <stddef.h>

/* A UUID as text, with its NUL. */
#define UUID_SIZE 37

/* random_bytes(out, len): Fills ${out} from the kernel's generator; aborts if there is none. */
void random_bytes(void *out, size_t len);

/* uuid_v4(out): A new random UUID in lower case, "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx". */
void uuid_v4(char out[UUID_SIZE]);

/*
 * uuid_boot(out):
 * The kernel's id of the boot that we are in: as long as it is the same, the page cache has all
 * that was ever written. Returns 0 or -errno.
 */
int uuid_boot(char out[UUID_SIZE]);

#endif
