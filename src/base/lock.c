/* SPDX-License-Identifier: MIT */
/*
 * The one kind of lock whose initialisation takes more than a line. glibc's default favours
 * readers, and lets a stream of them starve a writer for ever.
 */
#include "config.h"

#include "base/lock.h"

void rwlock_init_prefer_writer(pthread_rwlock_t *rwlock)
{
    pthread_rwlockattr_t attributes;

    if (pthread_rwlockattr_init(&attributes) != 0 ||
        pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP) !=
            0 ||
        pthread_rwlock_init(rwlock, &attributes) != 0)
        abort();
    (void)pthread_rwlockattr_destroy(&attributes);
}
