/* SPDX-License-Identifier: MIT */
/*
 * One table maps (HTTP status, Graph code) to what the program does. Codes are inconsistent in
 * case, so they are compared without; the deepest inner code that the table knows decides, as
 * Graph's documentation asks, and the message never does. Rows with a status and no code are what
 * counts when no code is known; the classes of 4xx and 5xx come last.
 */
#include "config.h"

#include "graph/errmap.h"

#include "base/cleanup.h"
#include "base/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MAX_INNER_ERRORS 8
#define MAX_ERROR_DEPTH  32

struct errmap_row {
    long status;      /* 0: any */
    const char *code; /* NULL: any */
    int error;        /* positive errno */
    enum err_scope scope;
    enum err_retry retry;
};

static const struct errmap_row errmap_rows[] = {
    /* Codes that mean the same whatever the status is. */
    { 0, "activityLimitReached", EAGAIN, ERR_SCOPE_ACCOUNT, ERR_RETRY_LATER },
    { 0, "throttledRequest", EAGAIN, ERR_SCOPE_ACCOUNT, ERR_RETRY_LATER },
    { 0, "TooManyRequests", EAGAIN, ERR_SCOPE_ACCOUNT, ERR_RETRY_LATER },
    { 0, "serviceNotAvailable", EAGAIN, ERR_SCOPE_ACCOUNT, ERR_RETRY_LATER },
    { 0, "InvalidAuthenticationToken", EACCES, ERR_SCOPE_ACCOUNT, ERR_RETRY_AFTER_LOGIN },
    { 0, "unauthenticated", EACCES, ERR_SCOPE_ACCOUNT, ERR_RETRY_AFTER_LOGIN },
    { 0, "malwareDetected", EACCES, ERR_SCOPE_ITEM, ERR_RETRY_NEVER },
    { 0, "accessDenied", EACCES, ERR_SCOPE_ITEM, ERR_RETRY_NEVER },
    { 0, "accessRestricted", EACCES, ERR_SCOPE_ITEM, ERR_RETRY_NEVER },
    { 0, "Authorization_RequestDenied", EACCES, ERR_SCOPE_ITEM, ERR_RETRY_NEVER },
    { 0, "quotaLimitReached", ENOSPC, ERR_SCOPE_DRIVE, ERR_RETRY_NEVER },
    { 0, "insufficientStorage", ENOSPC, ERR_SCOPE_DRIVE, ERR_RETRY_NEVER },
    { 0, "itemNotFound", ENOENT, ERR_SCOPE_ITEM, ERR_RETRY_NEVER },
    { 0, "ResourceNotFound", ENOENT, ERR_SCOPE_ITEM, ERR_RETRY_NEVER },
    { 0, "Request_ResourceNotFound", ENOENT, ERR_SCOPE_ITEM, ERR_RETRY_NEVER },
    { 0, "nameAlreadyExists", EEXIST, ERR_SCOPE_ITEM, ERR_RETRY_NEVER },
    { 0, "resourceModified", ESTALE, ERR_SCOPE_ITEM, ERR_RETRY_NEVER },
    { 0, "resourceLocked", EBUSY, ERR_SCOPE_ITEM, ERR_RETRY_LATER },
    { 0, "lockMismatch", EBUSY, ERR_SCOPE_ITEM, ERR_RETRY_LATER },
    { 0, "pathIsTooLong", ENAMETOOLONG, ERR_SCOPE_ITEM, ERR_RETRY_NEVER },
    { 0, "maxFileSizeExceeded", EFBIG, ERR_SCOPE_ITEM, ERR_RETRY_NEVER },
    { 0, "childItemCountExceeded", EDQUOT, ERR_SCOPE_ITEM, ERR_RETRY_NEVER },
    { 0, "resyncRequired", ESTALE, ERR_SCOPE_DRIVE, ERR_RETRY_NEVER },
    { 0, "resyncApplyDifferences", ESTALE, ERR_SCOPE_DRIVE, ERR_RETRY_NEVER },
    { 0, "resyncUploadDifferences", ESTALE, ERR_SCOPE_DRIVE, ERR_RETRY_NEVER },
    { 0, "resyncChangesApplyDifferences", ESTALE, ERR_SCOPE_DRIVE, ERR_RETRY_NEVER },
    { 0, "resyncChangesUploadDifferences", ESTALE, ERR_SCOPE_DRIVE, ERR_RETRY_NEVER },
    { 0, "syncStateNotFound", ESTALE, ERR_SCOPE_DRIVE, ERR_RETRY_NEVER },
    /* What a status means when no code is known. */
    { 400, NULL, EINVAL, ERR_SCOPE_ITEM, ERR_RETRY_NEVER },
    { 401, NULL, EACCES, ERR_SCOPE_ACCOUNT, ERR_RETRY_AFTER_LOGIN },
    { 402, NULL, EACCES, ERR_SCOPE_ITEM, ERR_RETRY_NEVER },
    { 403, NULL, EACCES, ERR_SCOPE_ITEM, ERR_RETRY_NEVER },
    { 404, NULL, ENOENT, ERR_SCOPE_ITEM, ERR_RETRY_NEVER },
    { 405, NULL, EPERM, ERR_SCOPE_ITEM, ERR_RETRY_NEVER },
    { 408, NULL, EIO, ERR_SCOPE_ITEM, ERR_RETRY_LATER },
    { 409, NULL, EEXIST, ERR_SCOPE_ITEM, ERR_RETRY_NEVER },
    { 410, NULL, ESTALE, ERR_SCOPE_DRIVE, ERR_RETRY_NEVER },
    { 412, NULL, ESTALE, ERR_SCOPE_ITEM, ERR_RETRY_NEVER },
    { 413, NULL, EFBIG, ERR_SCOPE_ITEM, ERR_RETRY_NEVER },
    { 416, NULL, ERANGE, ERR_SCOPE_ITEM, ERR_RETRY_NEVER },
    { 423, NULL, EBUSY, ERR_SCOPE_ITEM, ERR_RETRY_LATER },
    { 429, NULL, EAGAIN, ERR_SCOPE_ACCOUNT, ERR_RETRY_LATER },
    { 451, NULL, EACCES, ERR_SCOPE_ITEM, ERR_RETRY_NEVER },
    { 501, NULL, ENOTSUP, ERR_SCOPE_ITEM, ERR_RETRY_NEVER },
    { 503, NULL, EAGAIN, ERR_SCOPE_ACCOUNT, ERR_RETRY_LATER },
    { 507, NULL, ENOSPC, ERR_SCOPE_DRIVE, ERR_RETRY_NEVER },
    { 509, NULL, EAGAIN, ERR_SCOPE_ACCOUNT, ERR_RETRY_LATER },
};

static const struct errmap_row server_failed = { 0, NULL, EIO, ERR_SCOPE_ITEM, ERR_RETRY_LATER };
static const struct errmap_row other_answer = { 0, NULL, EIO, ERR_SCOPE_ITEM, ERR_RETRY_NEVER };

#define ROW_COUNT (sizeof(errmap_rows) / sizeof(errmap_rows[0]))

static const struct errmap_row *find_code(const char *code)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (errmap_rows[i].code && strcasecmp(errmap_rows[i].code, code) == 0)
            return &errmap_rows[i];
    }
    return NULL;
}

static const struct errmap_row *find_status(long status)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (!errmap_rows[i].code && errmap_rows[i].status == status)
            return &errmap_rows[i];
    }
    return status >= 500 && status < 600 ? &server_failed : &other_answer;
}

/* The error object and its inner ones, outermost first. Returns how many there are. */
static size_t collect_errors(struct json_object *body, struct json_object **errors)
{
    size_t count = 0;
    struct json_object *next = NULL;
    if (json_get_obj(body, "error", &next) != JSON_OK)
        return 0;
    while (next && count < MAX_INNER_ERRORS) {
        struct json_object *error = next;
        errors[count++] = error;
        next = NULL;
        /* The OneDrive hosts spell it in lower case. */
        if (json_get_obj(error, "innerError", &next) != JSON_OK)
            (void)json_get_obj(error, "innererror", &next);
    }
    return count;
}

int errmap_object(struct err *err, long status, struct json_object *body, const char *request_id)
{
    struct json_object *errors[MAX_INNER_ERRORS];
    const struct errmap_row *row = NULL;
    const char *code = NULL;
    const char *message = NULL;
    size_t count = collect_errors(body, errors);

    for (size_t i = count; i > 0 && !row; i--) {
        if (json_get_str(errors[i - 1], "code", &code) == JSON_OK)
            row = find_code(code);
    }
    /* The outermost code is what documentation and forums call the error by. */
    if (!row) {
        row = find_status(status);
        if (count == 0 || json_get_str(errors[0], "code", &code) != JSON_OK)
            code = NULL;
    }
    if (count > 0 && json_get_str(errors[0], "message", &message) != JSON_OK)
        message = NULL;

    struct err found;
    (void)err_set(&found, -row->error, "HTTP %ld%s%.60s%s%.120s", status, code ? " " : "",
                  code ? code : "", message && *message ? ": " : "", message ? message : "");
    if (request_id)
        errmap_note_id(&found, request_id);
    found.http_status = status;
    found.scope = row->scope;
    found.retry = row->retry;
    (void)snprintf(found.graph_code, sizeof(found.graph_code), "%s", code ? code : "");
    if (err)
        *err = found;
    return found.code;
}

int errmap_answer(struct err *err, long status, const char *body, size_t length,
                  const char *request_id)
{
    cleanup_json struct json_object *parsed = NULL;
    if (length > 0 && body[0] == '{')
        parsed = json_parse_bounded(body, length, MAX_ERROR_DEPTH, NULL);
    return errmap_object(err, status, parsed, request_id);
}

bool errmap_leaves_doubt(const struct err *err, bool has_retry_after)
{
    bool is_refused = err->http_status >= 400 && err->http_status < 500 && err->http_status != 408;
    if (is_refused || (err->code == -EAGAIN && has_retry_after))
        return false;
    return err->code == -EIO || (err->code == -EAGAIN && err->http_status >= 500);
}

void errmap_note_id(struct err *err, const char *request_id)
{
    char note[96];
    int length = snprintf(note, sizeof(note), " [client-request-id %.40s]", request_id);
    size_t used = strlen(err->msg);
    if (used > sizeof(err->msg) - 1 - (size_t)length)
        used = sizeof(err->msg) - 1 - (size_t)length;
    memcpy(err->msg + used, note, (size_t)length + 1);
}
