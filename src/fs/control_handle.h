/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_FS_CONTROL_HANDLE_H
#define GRAPHFS_FS_CONTROL_HANDLE_H

/*
 * What goes through an open file of `.graphfs`: a request in, its answer out. The answer is read as
 * from a pipe, in order and once, whatever the offset; a read waits for it.
 *
 * Requests: "status", "sync", "confirm-removals"; "pin INO", "unpin INO", "evict INO" with an
 * item's number. In a build with test hooks also "clock MS", which moves the daemon's clock, and
 * "settle", which is answered when nothing is under way. Answers: the status, or {"ok":true} (of
 * "evict" with what it did, of "pin" and "unpin" with the pass that heeds it, see pin.h), or
 * {"ok":false,"error":"why"}.
 */

#include "fs/control.h"

struct control_handle;

/* A handle without a request yet; reading it gives nothing. For control_handle_close(). */
struct control_handle *control_handle_new(struct control *control);
void control_handle_close(struct control_handle *handle);

/* Its answer is the present status, though nobody asked. */
void control_handle_set_status(struct control_handle *handle);

/* Takes a request. -EBUSY if one is under way, -EINVAL if it isn't a short line of text. What is
 * wrong with the request itself is told in the answer. */
int control_handle_write(struct control_handle *handle, const char *data, size_t size);

/* Answers req with what is left of the answer, at the latest when that has come. */
void control_handle_read(struct control_handle *handle, fuse_req_t req, size_t size);

#endif
