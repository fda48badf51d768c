/* SPDX-License-Identifier: MIT */
/* One table says what a refusal means to the user. The first row that fits counts. */
#include "config.h"

#include "sync/refusal.h"

#include <errno.h>
#include <stddef.h>
#include <strings.h>

#define MINUTES INT64_C(60000)

static const struct row {
    int code;               /* -errno; 0: any */
    const char *graph_code; /* NULL: any */
    struct refusal refusal;
} rows[] = {
    { -ENOSPC, NULL, { "the drive is full", "make room in it, or get more", 10 * MINUTES } },
    { -EDQUOT,
      "childItemCountExceeded",
      { "the folder is full", "move some of what is in it to other folders", 10 * MINUTES } },
    { -EACCES,
      "malwareDetected",
      { "the service takes it for malware", "delete it, or move it out of the mount",
        60 * MINUTES } },
    { -EACCES,
      NULL,
      { "it may only be read there",
        "ask its owner for the permission to change it, or move it "
        "to a folder of yours",
        10 * MINUTES } },
    { -EBUSY,
      "notAllowed",
      { "it can't be changed unless it is checked out there",
        "check it out in the browser, or have whoever has it check it in", 2 * MINUTES } },
    { -EBUSY,
      NULL,
      { "somebody has it locked there, or checked out",
        "have it closed or checked in; it is tried again", 2 * MINUTES } },
    { -ENAMETOOLONG,
      NULL,
      { "its path is too long for the service", "shorten its name, or those of the folders above",
        60 * MINUTES } },
    { -EFBIG,
      NULL,
      { "it is larger than the service takes", "make it smaller, or keep it elsewhere",
        60 * MINUTES } },
    { -EINVAL,
      NULL,
      { "the service takes neither its name nor what is in it", "give it another name",
        60 * MINUTES } },
};

static const struct refusal other = { NULL, "the log tells what was asked", 10 * MINUTES };

const struct refusal *refusal_find(const struct err *err)
{
    /* A lock passes by itself, too, but when is up to somebody else. */
    if (err->retry != ERR_RETRY_NEVER && err->code != -EBUSY)
        return NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].code == err->code &&
            (!rows[i].graph_code || strcasecmp(rows[i].graph_code, err->graph_code) == 0))
            return &rows[i].refusal;
    }
    return &other;
}
