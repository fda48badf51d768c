/* SPDX-License-Identifier: MIT */
/*
 * The table of open files, hashed by inode number, and beside it a fixed array that remembers which
 * content generation the kernel's pages of an inode are of. The array forgets: two inodes that
 * share a slot drive each other out, which costs a page cache and no more.
 *
 * Outdated inodes are a set that must not forget: whoever opened one would get the new content cut
 * to the old size. It is filled at commits and emptied by the notifiers soon after.
 */
#include "config.h"

#include "fs/opens.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/lock.h"
#include "base/vec.h"
#include "base/xalloc.h"

/* Row numbers are given out one after the other, so their low bits are spread evenly. */
enum { BUCKETS = 1024, PAGE_SLOTS = 16384 };

struct page_slot {
    ino_nr ino;
    uint64_t generation;
};

struct outdated {
    LIST_ENTRY(outdated) link;
    ino_nr ino;
    enum kernel_view view;
    unsigned changes;
};

LIST_HEAD(outdated_list, outdated);
DEFINE_VEC(ino_numbers, ino_nr);

struct opens {
    pthread_mutex_t lock;
    /* All below: lock. */
    LIST_HEAD(, open_inode) buckets[BUCKETS];
    struct outdated_list outdated[BUCKETS];
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
        struct open_inode *inode;

        while ((inode = LIST_FIRST(&opens->buckets[i])))
            opens_remove(opens, LIST_FIRST(&inode->files));
        while (!LIST_EMPTY(&opens->outdated[i])) {
            struct outdated *outdated = LIST_FIRST(&opens->outdated[i]);

            LIST_REMOVE(outdated, link);
            free(outdated);
        }
    }
    (void)pthread_mutex_destroy(&opens->lock);
    free(opens);
}

/* The lock is held. */
static struct open_inode *find(struct opens *opens, ino_nr ino)
{
    struct open_inode *inode;

    LIST_FOREACH (inode, &opens->buckets[ino % BUCKETS], link) {
        if (inode->ino == ino)
            return inode;
    }
    return NULL;
}

/* The lock is held. */
static struct open_inode *find_or_make(struct opens *opens, ino_nr ino)
{
    struct open_inode *inode = find(opens, ino);

    if (inode)
        return inode;
    inode = x_calloc(1, sizeof *inode);
    inode->ino = ino;
    LIST_INIT(&inode->files);
    (void)pthread_mutex_init(&inode->writing, NULL);
    (void)pthread_mutex_init(&inode->lock, NULL);
    LIST_INSERT_HEAD(&opens->buckets[ino % BUCKETS], inode, link);
    return inode;
}

struct open_file *opens_add(struct opens *opens, const struct node_attr *attr)
{
    struct open_file *file = x_calloc(1, sizeof *file);

    file->attr = *attr;
    LOCKED(&opens->lock);
    file->inode = find_or_make(opens, attr->ino);
    LIST_INSERT_HEAD(&file->inode->files, file, link);
    opens->count++;
    return file;
}

static void inode_free(struct open_inode *inode)
{
    overlay_unref(inode->overlay);
    (void)pthread_mutex_destroy(&inode->writing);
    (void)pthread_mutex_destroy(&inode->lock);
    free(inode);
}

void opens_remove(struct opens *opens, struct open_file *file)
{
    struct open_inode *unused = NULL;

    {
        LOCKED(&opens->lock);
        LIST_REMOVE(file, link);
        opens->count--;
        if (LIST_EMPTY(&file->inode->files)) {
            unused = file->inode;
            LIST_REMOVE(unused, link);
        }
    }

    if (unused)
        inode_free(unused);
    content_close(file->content);
    node_clear(&file->row);
    free(file);
}

/* ---- what was written ---- */

struct overlay *opens_get_overlay(struct open_inode *inode)
{
    LOCKED(&inode->lock);
    if (inode->overlay)
        overlay_ref(inode->overlay);
    return inode->overlay;
}

void opens_set_overlay(struct open_inode *inode, struct overlay *overlay)
{
    struct overlay *before;

    {
        LOCKED(&inode->lock);
        before = inode->overlay;
        inode->overlay = overlay;
    }

    overlay_unref(before);
}

struct overlay *opens_find_overlay(struct opens *opens, ino_nr ino)
{
    struct open_inode *inode;

    LOCKED(&opens->lock);
    inode = find(opens, ino);
    return inode ? opens_get_overlay(inode) : NULL;
}

void opens_note_unlinked(struct opens *opens, ino_nr ino)
{
    struct open_inode *inode;

    LOCKED(&opens->lock);
    inode = find(opens, ino);
    if (inode) {
        LOCKED(&inode->lock);
        inode->is_unlinked = true;
    }
}

bool opens_is_unlinked(struct opens *opens, ino_nr ino)
{
    struct open_inode *inode;

    LOCKED(&opens->lock);
    inode = find(opens, ino);
    if (!inode)
        return false;

    LOCKED(&inode->lock);
    return inode->is_unlinked;
}

/* ---- what is open ---- */

bool opens_get_attr(struct opens *opens, ino_nr ino, struct node_attr *ret)
{
    const struct open_inode *inode;

    LOCKED(&opens->lock);
    inode = find(opens, ino);
    if (inode)
        *ret = LIST_FIRST(&inode->files)->attr;
    return inode != NULL;
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

/* Whether somebody opened it with this content. The lock is held. */
static bool shows(const struct open_inode *inode, uint64_t generation)
{
    const struct open_file *file;

    LIST_FOREACH (file, &inode->files, link) {
        if (file->attr.generation == generation)
            return true;
    }
    return false;
}

void opens_distrust_pages(struct opens *opens, uint64_t generation,
                          void (*fn)(void *arg, ino_nr ino), void *arg)
{
    struct ino_numbers open = { 0 };

    {
        LOCKED(&opens->lock);
        for (size_t i = 0; i < PAGE_SLOTS; i++) {
            if (opens->pages[i].generation == generation)
                opens->pages[i] = (struct page_slot){ 0 };
        }
        for (size_t i = 0; i < BUCKETS; i++) {
            const struct open_inode *inode;

            LIST_FOREACH (inode, &opens->buckets[i], link) {
                if (shows(inode, generation))
                    (void)ino_numbers_push(&open, inode->ino);
            }
        }
    }

    for (size_t i = 0; i < open.len; i++)
        fn(arg, open.items[i]);
    ino_numbers_clear(&open);
}

/* ---- outdated inodes ---- */

/* The lock is held. */
static struct outdated *find_outdated(struct opens *opens, ino_nr ino)
{
    struct outdated *outdated;

    LIST_FOREACH (outdated, &opens->outdated[ino % BUCKETS], link) {
        if (outdated->ino == ino)
            return outdated;
    }
    return NULL;
}

bool opens_note_change(struct opens *opens, ino_nr ino)
{
    struct outdated *outdated;

    LOCKED(&opens->lock);
    if (find(opens, ino))
        return true;
    outdated = find_outdated(opens, ino);
    if (!outdated) {
        outdated = x_calloc(1, sizeof *outdated);
        outdated->ino = ino;
        LIST_INSERT_HEAD(&opens->outdated[ino % BUCKETS], outdated, link);
    }
    outdated->view = VIEW_OUTDATED;
    outdated->changes++;
    return false;
}

enum kernel_view opens_view(struct opens *opens, ino_nr ino)
{
    const struct outdated *outdated;

    LOCKED(&opens->lock);
    outdated = find_outdated(opens, ino);
    return outdated ? outdated->view : VIEW_CURRENT;
}

unsigned opens_changes(struct opens *opens, ino_nr ino)
{
    const struct outdated *outdated;

    LOCKED(&opens->lock);
    outdated = find_outdated(opens, ino);
    return outdated ? outdated->changes : 0;
}

void opens_told(struct opens *opens, ino_nr ino, unsigned changes)
{
    struct outdated *outdated;

    LOCKED(&opens->lock);
    outdated = find_outdated(opens, ino);
    if (!outdated || outdated->changes != changes)
        return;
    LIST_REMOVE(outdated, link);
    free(outdated);
}

void opens_tell(struct opens *opens, ino_nr ino, void (*reply)(void *arg), void *arg)
{
    {
        struct outdated *outdated;

        LOCKED(&opens->lock);
        outdated = find_outdated(opens, ino);
        if (outdated) {
            outdated->view = VIEW_DOUBTFUL;
            reply(arg);
            return;
        }
    }
    reply(arg);
}

size_t opens_count(struct opens *opens)
{
    LOCKED(&opens->lock);
    return opens->count;
}
