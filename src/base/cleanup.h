/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_BASE_CLEANUP_H
#define GRAPHFS_BASE_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Locals that own something say so in their declaration, and are released when they go out of
 * scope, on every path:
 *
 *     cleanup_free char *path = x_asprintf(...);
 *     cleanup_close int fd = -1;
 *
 * Each must be initialised where it is declared. Give the thing away with steal_ptr or steal_fd.
 * Types with their own destructor declare their attribute beside it (cleanup_strbuf in strbuf.h,
 * cleanup_json in json.h). None of them changes errno.
 */

/* DEFINE_CLEANUP_FUNCTION(name, type, release): ${name} releases a variable of a pointer type. */
#define DEFINE_CLEANUP_FUNCTION(name, type, release)                                               \
    static inline void name(type *variable)                                                        \
    {                                                                                              \
        int saved_errno = errno;                                                                   \
        if (*variable)                                                                             \
            release(*variable);                                                                    \
        errno = saved_errno;                                                                       \
    }

/* cleanup_free: free() */
#define cleanup_free __attribute__((cleanup(cleanup_free_pointer)))
/* cleanup_close: close(), unless the descriptor is negative */
#define cleanup_close __attribute__((cleanup(cleanup_close_descriptor)))
/* cleanup_file: fclose(), ignoring its result: not for what was written */
#define cleanup_file __attribute__((cleanup(cleanup_close_file)))
/* cleanup_dir: closedir() */
#define cleanup_dir __attribute__((cleanup(cleanup_close_dir)))

/* ${variable} points to the owning pointer, whatever its type. */
static inline void cleanup_free_pointer(void *variable)
{
    void *owned;

    memcpy(&owned, variable, sizeof owned);
    free(owned);
}

static inline void cleanup_close_descriptor(const int *fd)
{
    int saved_errno = errno;

    if (*fd >= 0)
        (void)close(*fd);
    errno = saved_errno;
}

DEFINE_CLEANUP_FUNCTION(cleanup_close_file, FILE *, (void)fclose)
DEFINE_CLEANUP_FUNCTION(cleanup_close_dir, DIR *, (void)closedir)

/* ${variable} points to a pointer; returns its value and leaves NULL there. */
static inline void *cleanup_take_pointer(void *variable)
{
    void *owned, *none = NULL;

    memcpy(&owned, variable, sizeof owned);
    memcpy(variable, &none, sizeof none);
    return owned;
}

/* steal_ptr(&pointer): the pointer's value, which is now the caller's; NULL stays behind. */
#define steal_ptr(variable) ((__typeof__(*(variable)))cleanup_take_pointer(variable))

/* steal_fd(&fd): the descriptor, which is now the caller's; -1 stays behind. */
static inline int steal_fd(int *fd)
{
    int owned = *fd;

    *fd = -1;
    return owned;
}

#endif
