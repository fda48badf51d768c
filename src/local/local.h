/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_LOCAL_LOCAL_H
#define GRAPHFS_LOCAL_LOCAL_H

/*
 * local: what the user's calls do to rows.
 *
 * Each function changes the local state of rows, and nothing else: what is to be sent follows from
 * the difference to base. It works inside the caller's transaction, which the caller has marked as
 * own (txn_set_own) if the kernel asks. What is refused, with the errno that POSIX has for it,
 * leaves the transaction as it was; any other error is the store's, and the transaction is to be
 * rolled back. All of it blocks on the disk, none on the network.
 *
 * Where it can't be known yet whether a name is free or a folder empty, -EAGAIN says so: the caller
 * has the folder listed (a new name's parent, or the folder that was to go), and calls again.
 *
 * What is made under a name that isn't sent, or in a folder that isn't, is NODE_LOCAL_ONLY; so is
 * what is moved there.
 *
 * Directories in which names appear or go have now_ns as their mtime afterwards. A row that was
 * blocked, and whose place or content is changed, is so no more.
 */

#include "store/store.h"

/*
 * Makes an empty file (with a generation of its own) or folder (which is complete). *ret is what it
 * is then.
 *
 *   -EEXIST        the name is taken, perhaps by one that differs only in case
 *   -ENOENT        the parent is gone; -ENOTDIR: it is no directory
 *   -EROFS         nothing can be made there: in a view, in a package, below a shortcut whose
 *                  target isn't known
 *   -EPERM         a desktop's trash
 *   -EINVAL, -EILSEQ, -ENAMETOOLONG   no name for a file: see name_encode()
 *   -EAGAIN        the parent's children are not all known
 */
int local_create(struct store_txn *txn, ino_nr parent, const char *name, enum node_kind kind,
                 int64_t now_ns, struct node_attr *ret);

/*
 * Removes a file, or an empty folder if wants_directory. *ret_removed is what it was. A row that
 * the service knows of, or may by now, stays without a local state, which is then that of base;
 * others go. Whoever waited for the name (NODE_SAFE_NAME) gets it, which the kernel is told.
 *
 *   -ENOENT, -ENOTDIR, -EISDIR, -ENOTEMPTY
 *   -EBUSY         a drive, or a view
 *   -EPERM         a package, or a link of ours
 *   -EAGAIN        not all of the folder's children are known, and none of them is there
 */
int local_remove(struct store_txn *txn, ino_nr parent, const char *name, bool wants_directory,
                 int64_t now_ns, struct node_attr *ret_removed);

/* What a rename did. */
struct local_rename {
    struct node_attr moved;    /* as it is now */
    struct node_attr replaced; /* as it was, or as it is now after an exchange; ino 0: nothing */
};

/*
 * rename(2), with RENAME_NOREPLACE or RENAME_EXCHANGE in flags. What is replaced is removed as by
 * local_remove(). A name under which only case changes is free for the thing itself.
 *
 *   -ENOENT, -ENOTDIR, -EISDIR, -ENOTEMPTY, -EROFS
 *   -EEXIST        with RENAME_NOREPLACE; or the new name differs only in case from another
 *   -EINVAL        other flags, a folder into itself; -EINVAL, -EILSEQ, -ENAMETOOLONG of the name
 *   -EXDEV         to another drive or shortcut; or what the service knows to a place that isn't
 *                  sent: mv copies then
 *   -EPERM         a package, a desktop's trash
 *   -EAGAIN        the new parent's children are not all known, or those of what is replaced
 */
int local_rename(struct store_txn *txn, ino_nr parent, const char *name, ino_nr new_parent,
                 const char *new_name, unsigned flags, int64_t now_ns, struct local_rename *ret);

/* From now on the file's content is another, which the caller has begun under this generation. Size
 * and mtime stay. -ENOENT: it is gone; -EISDIR. */
int local_write(struct store_txn *txn, ino_nr ino, uint64_t generation);

/* What has become of that content. -ESTALE, and nothing is changed, if the file has another by
 * now; -ENOENT: it is gone. */
int local_set_content(struct store_txn *txn, ino_nr ino, uint64_t generation, int64_t size,
                      int64_t mtime_ns);

/* Nothing is here any more of a content that the service stores in another way: the file shows the
 * service's from now on. -ESTALE: the file has another content, or one of its own; -ENOENT. */
int local_forget_content(struct store_txn *txn, ino_nr ino, uint64_t generation);

/* utimensat(2), of files and folders; only that of files is sent. -ENOENT; -EROFS: of a view;
 * -EPERM: of a package or link. */
int local_set_mtime(struct store_txn *txn, ino_nr ino, int64_t mtime_ns);

/* chmod(2), chown(2), and the time of the last access: kept here. The same errors. */
int local_set_attr(struct store_txn *txn, ino_nr ino, const struct local_attr *attr);

/* Which rows aren't sent (NODE_LOCAL_ONLY) is found anew if these names, which are those of
 * name_set_local_only(), aren't the ones of last time. */
int local_refresh_names(struct store_txn *txn, const char *patterns);

#endif
