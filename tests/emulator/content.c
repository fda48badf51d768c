/* SPDX-License-Identifier: MIT */
/* Which handler answers on the content origin; what nothing else fits is a download. */
#include "content.h"

#include <string.h>

#include "copy.h"
#include "download.h"
#include "fragment.h"
#include "request.h"
#include "session.h"

static const struct kind {
    const char *begin; /* of the path; NULL: any */
    const char *end;
    const char *pattern;
    void (*handle)(struct request *request, struct response *response);
} kinds[] = {
    { SESSION_LEGACY_PATH, NULL, "/{upload}", fragment_serve },
    { NULL, "/uploadSession", "/{upload}", fragment_serve },
    { MONITOR_PATH, NULL, "/{monitor}", copy_serve_monitor },
    { MONITOR_LEGACY_PATH, NULL, "/{monitor}", copy_serve_monitor },
    { NULL, NULL, "/{content}", download_serve },
};

static const struct kind *find_kind(const char *path)
{
    const struct kind *kind = kinds;
    size_t length = strlen(path);

    for (;; kind++) {
        size_t end = kind->end ? strlen(kind->end) : 0;

        if ((!kind->begin || strncmp(path, kind->begin, strlen(kind->begin)) == 0) &&
            (!kind->end || (length >= end && strcmp(path + length - end, kind->end) == 0)))
            return kind;
    }
}

void content_find(struct request *request)
{
    buffer_add_text(&request->pattern, find_kind(request->path)->pattern);
}

void content_serve(struct request *request, struct response *response)
{
    find_kind(request->path)->handle(request, response);
}
