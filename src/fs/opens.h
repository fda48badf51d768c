/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_FS_OPENS_H
#define GRAPHFS_FS_OPENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <pthread.h>

#include "content/content.h"
#include "overlay/overlay.h"
#include "store/store.h"

/*
 * The open files: an inode's attributes and version as they were when it was opened, so that what
 * happens to the row doesn't touch those who have it open. And what the kernel believes of inodes:
 * whose pages it may have, whose size it has wrong. Thread safe; its lock is a leaf, taken also at
 * the store's commits (opens_note_change).
 */
struct opens;

/* What all opens of one inode share. */
struct open_inode {
    LIST_ENTRY(open_inode) link;            /* the table's lock */
    LIST_HEAD(open_files, open_file) files; /* the table's lock */
    ino_nr ino;                             /* const */

    pthread_mutex_t writing; /* held by who writes: one at a time; before all locks of the store */
    pthread_mutex_t lock;    /* a leaf */
    struct overlay *overlay; /* lock; what was written; NULL: it is as the version has it */
    bool has_news;           /* lock; size and time of it are not in the row yet */
    int64_t news_since_ms;   /* lock; the same since then, monotonic */
    bool is_unlinked;        /* lock; by the user: no row stands for it */
};

/* One open() of a file. All is const once it is in the table, but for `content`, which is set
 * before the kernel hears of it. */
struct open_file {
    LIST_ENTRY(open_file) link;
    struct open_inode *inode;
    struct node_attr attr;
    struct content_file *content; /* NULL: it was written before it was opened */
    struct node row;              /* as it was opened, unless opening it has made it */
    bool is_writer;               /* sync holds the file for it: fs_close_file() lets go */
    bool is_direct;               /* reads pass the kernel's cache: its size may be wrong */
};

/* Empty. For opens_free(). */
struct opens *opens_new(void);

/* Closes what is still open. NULL is allowed. */
void opens_free(struct opens *opens);

/* Counts the inode as open from now on. For opens_remove(). */
struct open_file *opens_add(struct opens *opens, const struct node_attr *attr);

/* Ends what opens_add() began; closes file->content, clears file->row. */
void opens_remove(struct opens *opens, struct open_file *file);

/* What was written to it, referenced; NULL: nothing was. */
struct overlay *opens_get_overlay(struct open_inode *inode);

/* All that have it open see this from now on; the reference is given away. */
void opens_set_overlay(struct open_inode *inode, struct overlay *overlay);

/* The same for an inode that may be open: NULL as well if it isn't. */
struct overlay *opens_find_overlay(struct opens *opens, ino_nr ino);

/* The user has removed its name: what is written to it from now on is for those alone who have it
 * open. */
void opens_note_unlinked(struct opens *opens, ino_nr ino);

/* Whether the inode is open, and has lost its name so. */
bool opens_is_unlinked(struct opens *opens, ino_nr ino);

/* The attributes of an open inode; false if it isn't open. */
bool opens_get_attr(struct opens *opens, ino_nr ino, struct node_attr *ret);

/*
 * Whether the pages that the kernel may have of an inode are of this generation; from now on they
 * are taken to be. False as well if that is no longer remembered.
 */
bool opens_note_pages(struct opens *opens, ino_nr ino, uint64_t generation);

/* The pages that the kernel may have of this generation were wrong: opens_note_pages() will be
 * false for it. Calls fn for each inode that is open with it, without the lock. */
void opens_distrust_pages(struct opens *opens, uint64_t generation,
                          void (*fn)(void *arg, ino_nr ino), void *arg);

/* What the kernel knows of an inode's size. An answer that gives it the attributes of now is not
 * enough after a change: it drops them if an older answer, that had crossed the commit, was taken
 * in since it asked. */
enum kernel_view {
    VIEW_CURRENT,
    VIEW_OUTDATED, /* it has not asked since the commit */
    VIEW_DOUBTFUL, /* it was answered, and may not have taken it in */
};

/* The inode's content changes with the commit under way. True if somebody has it open; if not, the
 * view is outdated until the kernel was told to forget what it knows: opens_told(). */
bool opens_note_change(struct opens *opens, ino_nr ino);

/* Never VIEW_OUTDATED in an open that comes after the reply of opens_tell(), until a new change. */
enum kernel_view opens_view(struct opens *opens, ino_nr ino);

/* To be asked before the kernel is told, for opens_told() after that: changes that come in between
 * are still to be told. */
unsigned opens_changes(struct opens *opens, ino_nr ino);

/* The kernel was told; ${changes} is what opens_changes() said before. */
void opens_told(struct opens *opens, ino_nr ino, unsigned changes);

/* Runs reply(arg), which gives the kernel the attributes of now: once, and an open that it lets go
 * on finds the view no longer outdated. */
void opens_tell(struct opens *opens, ino_nr ino, void (*reply)(void *arg), void *arg);

/* How many opens there are. */
size_t opens_count(struct opens *opens);

#endif
