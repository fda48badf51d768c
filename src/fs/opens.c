/* SPDX-License-Identifier: MIT */
/*
 * The table of open files, hashed by inode number, and beside it a fixed array that remembers which
 * content generation the kernel's pages of an inode are of. The array forgets: two inodes that
 * share a slot drive each other out, which costs a page cache and no more.
 */
#include "config.h"

#include "fs/opens.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/lock.h"
#include "base/xalloc.h"

/* Row numbers are given out one after the other, so their low bits are spread evenly. */
enum { BUCKETS = 1024, PAGE_SLOTS = 16384 };

struct page_slot {
    ino_nr ino;
    uint64_t generation;
};

struct opens {
    pthread_mutex_t lock;
    /* All below: lock. */
    LIST_HEAD(, open_file) buckets[BUCKETS];
    struct page_slot pages[PAGE_SLOTS];
    size_t count;
};

struct opens *opens_new(void)
{
    struct opens *opens = x_calloc(1, sizeof *opens);

    (void)pthread_mutex_init(&opens->lock, NULL);
    return opens;
}

void opens_free(struct opens *opens)
{
    if (!opens)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        struct open_file *file;

        while ((file = LIST_FIRST(&opens->buckets[i])))
            opens_remove(opens, file);
    }
    (void)pthread_mutex_destroy(&opens->lock);
    free(opens);
}

struct open_file *opens_add(struct opens *opens, const struct node_attr *attr)
{
    struct open_file *file = x_calloc(1, sizeof *file);

    file->attr = *attr;
    LOCKED(&opens->lock);
    LIST_INSERT_HEAD(&opens->buckets[attr->ino % BUCKETS], file, link);
    opens->count++;
    return file;
}

void opens_remove(struct opens *opens, struct open_file *file)
{
    {
        LOCKED(&opens->lock);
        LIST_REMOVE(file, link);
        opens->count--;
    }
    if (file->content)
        content_close(file->content);
    free(file);
}

/* The lock is held. */
static const struct open_file *find(struct opens *opens, ino_nr ino)
{
    const struct open_file *file;

    LIST_FOREACH (file, &opens->buckets[ino % BUCKETS], link) {
        if (file->attr.ino == ino)
            return file;
    }
    return NULL;
}

bool opens_has(struct opens *opens, ino_nr ino)
{
    LOCKED(&opens->lock);
    return find(opens, ino) != NULL;
}

bool opens_get_attr(struct opens *opens, ino_nr ino, struct node_attr *ret)
{
    const struct open_file *file;

    LOCKED(&opens->lock);
    file = find(opens, ino);
    if (file)
        *ret = file->attr;
    return file != NULL;
}

bool opens_note_pages(struct opens *opens, ino_nr ino, uint64_t generation)
{
    const struct page_slot now = { .ino = ino, .generation = generation };
    struct page_slot *slot = &opens->pages[ino % PAGE_SLOTS];
    bool are_same;

    LOCKED(&opens->lock);
    are_same = slot->ino == now.ino && slot->generation == now.generation;
    *slot = now;
    return are_same;
}

size_t opens_count(struct opens *opens)
{
    LOCKED(&opens->lock);
    return opens->count;
}
