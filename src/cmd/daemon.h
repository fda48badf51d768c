/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_CMD_DAEMON_H
#define GRAPHFS_CMD_DAEMON_H

#include "base/err.h"
#include "base/json.h"
#include "cmd/mountinfo.h"

/* How the commands talk to a running mount: through `.graphfs` in its root. */

/* Its status, for json_object_put(). -ENOTCONN with a message if its daemon has died. */
int daemon_read_status(const struct mount_entry *mount, struct json_object **ret, struct err *err);

/* The same as it was sent. */
int daemon_read_status_text(const struct mount_entry *mount, struct strbuf *out, struct err *err);

/* Makes a request and waits for its answer, however long that takes. -EIO with what the daemon says
 * if it failed. */
int daemon_request(const struct mount_entry *mount, const char *request, struct err *err);

/* The same, with what it answers, for json_object_put(). */
int daemon_ask(const struct mount_entry *mount, const char *request, struct json_object **ret,
               struct err *err);

#endif
