/* SPDX-License-Identifier: MIT */
/* The types of files that tests and demonstrations have. */
#include "mime.h"

#include <string.h>
#include <strings.h>

const char *mime_type(const char *name)
{
    static const char *const types[][2] = {
        { "txt", "text/plain" },
        { "md", "text/markdown" },
        { "html", "text/html" },
        { "json", "application/json" },
        { "pdf", "application/pdf" },
        { "png", "image/png" },
        { "jpg", "image/jpeg" },
        { "jpeg", "image/jpeg" },
        { "zip", "application/zip" },
        { "docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document" },
        { "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" },
    };
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; dot && i < sizeof types / sizeof types[0]; i++)
        if (strcasecmp(types[i][0], dot + 1) == 0)
            return types[i][1];
    return "application/octet-stream";
}
