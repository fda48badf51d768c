/* SPDX-License-Identifier: MIT */
/*
 * Which handler answers a path. Paths are split before they are decoded, because an item's path is
 * bounded by colons that are part of the URL's own text: "root:/a/b:/children". Each segment is
 * decoded exactly once.
 */
#include "route.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "account.h"
#include "auth.h"
#include "batch.h"
#include "checkout.h"
#include "children.h"
#include "control.h"
#include "copy.h"
#include "delta.h"
#include "download.h"
#include "encode.h"
#include "folders.h"
#include "fragment.h"
#include "items.h"
#include "memory.h"
#include "patch.h"
#include "removal.h"
#include "request.h"
#include "upload.h"
#include "versions.h"

static const struct route routes[] = {
    { "GET", "/v1.0", ROUTE_BEARER, account_get_service },
    { "GET", "/v1.0/me", ROUTE_BEARER, account_get_user },
    { "GET", "/v1.0/users/{id}", ROUTE_BEARER, account_get_user },
    { "GET", "/v1.0/me/drives", ROUTE_FILES, account_get_drives },
    { "GET", "/v1.0/sites/{id}", ROUTE_BEARER, account_get_site },
    { "POST", "/v1.0/$batch", ROUTE_BEARER, batch_post },
    { "GET", "/v1.0/{drive}", ROUTE_FILES, account_get_drive },
    { "GET", "/v1.0/{drive}/{item}", ROUTE_FILES, items_get },
    { "GET", "/v1.0/{drive}/{item}/children", ROUTE_FILES, children_get },
    { "GET", "/v1.0/{drive}/{item}/delta", ROUTE_FILES, delta_get },
    { "GET", "/v1.0/{drive}/{item}/content", ROUTE_FILES, download_get_redirect },
    { "HEAD", "/v1.0/{drive}/{item}/content", ROUTE_FILES, download_get_redirect },
    { "GET", "/v1.0/{drive}/{item}/versions", ROUTE_FILES, versions_get },
    { "GET", "/v1.0/{drive}/{item}/versions/{version}", ROUTE_FILES, versions_get_one },
    { "GET", "/v1.0/{drive}/{item}/versions/{version}/content", ROUTE_FILES,
      versions_get_redirect },
    { "PUT", "/v1.0/{drive}/{item}/content", ROUTE_WRITES, upload_put_content },
    { "PUT", "/v1.0/{drive}/{item}", ROUTE_WRITES, fragment_put_item },
    { "POST", "/v1.0/{drive}/{item}/createUploadSession", ROUTE_WRITES, fragment_post_session },
    { "POST", "/v1.0/{drive}/{item}/children", ROUTE_WRITES, folders_post },
    { "PATCH", "/v1.0/{drive}/{item}", ROUTE_WRITES, patch_item },
    { "DELETE", "/v1.0/{drive}/{item}", ROUTE_WRITES, removal_delete },
    { "POST", "/v1.0/{drive}/{item}/permanentDelete", ROUTE_WRITES, removal_post_permanent },
    { "POST", "/v1.0/{drive}/{item}/restore", ROUTE_WRITES, removal_post_restore },
    { "POST", "/v1.0/{drive}/{item}/copy", ROUTE_WRITES, copy_post },
    { "POST", "/v1.0/{drive}/{item}/checkout", ROUTE_WRITES, checkout_post },
    { "POST", "/v1.0/{drive}/{item}/checkin", ROUTE_WRITES, checkout_post_checkin },
    { "POST", "/v1.0/{drive}/{item}/discardCheckout", ROUTE_WRITES, checkout_post_discard },
    { "POST", "/v1.0/{drive}/{item}/versions/{version}/restoreVersion", ROUTE_WRITES,
      versions_post_restore },
    { "POST", "/{tenant}/oauth2/v2.0/devicecode", 0, auth_post_devicecode },
    { "POST", "/{tenant}/oauth2/v2.0/token", 0, auth_post_token },
    { "GET", "/_emulator/requests", ROUTE_CONTROL, control_get_requests },
    { "GET", "/_emulator/log", ROUTE_CONTROL, control_get_log },
    { "POST", "/_emulator/reset-counts", ROUTE_CONTROL, control_post_reset_counts },
    { "GET", "/_emulator/faults", ROUTE_CONTROL, control_get_faults },
    { "POST", "/_emulator/faults", ROUTE_CONTROL, control_post_faults },
    { "DELETE", "/_emulator/faults", ROUTE_CONTROL, control_delete_faults },
    { "POST", "/_emulator/edit", ROUTE_CONTROL, control_post_edit },
    { "GET", "/_emulator/tree", ROUTE_CONTROL, control_get_tree },
    { "POST", "/_emulator/approve", ROUTE_CONTROL, control_post_approve },
    { "POST", "/_emulator/tokens", ROUTE_CONTROL, control_post_tokens },
    { "POST", "/_emulator/clock", ROUTE_CONTROL, control_post_clock },
    { "POST", "/_emulator/settle", ROUTE_CONTROL, control_post_settle },
    { "POST", "/_emulator/delta", ROUTE_CONTROL, control_post_delta },
    { "POST", "/_emulator/quota", ROUTE_CONTROL, control_post_quota },
};

enum { SEGMENTS_MAX = 256 };

struct segment {
    char *text;     /* decoded, without the colon; NULL if it can't be decoded */
    bool has_colon; /* ends in a colon of the URL's own */
};

struct segments {
    struct segment list[SEGMENTS_MAX];
    int count;
    int next;
};

static void segments_clear(struct segments *segments)
{
    for (int i = 0; i < segments->count; i++)
        free(segments->list[i].text);
}

/* False if the path has too many parts. */
static bool split(const char *path, struct segments *segments)
{
    while (*path) {
        size_t length;

        path += strspn(path, "/");
        length = strcspn(path, "/");
        if (!length)
            break;
        if (segments->count == SEGMENTS_MAX)
            return false;

        struct segment *segment = &segments->list[segments->count++];

        segment->has_colon = length > 1 && path[length - 1] == ':';
        segment->text = url_decode(path, length - segment->has_colon, false);
        path += length;
    }
    return true;
}

static struct segment *peek(struct segments *segments)
{
    return segments->next < segments->count ? &segments->list[segments->next] : NULL;
}

/* Takes the next segment if it is this word. */
static bool take_word(struct segments *segments, const char *word)
{
    struct segment *segment = peek(segments);

    if (!segment || segment->has_colon || !segment->text || strcasecmp(segment->text, word) != 0)
        return false;
    segments->next++;
    return true;
}

static bool take_any(struct segments *segments, char **ret_text)
{
    struct segment *segment = peek(segments);

    if (!segment || segment->has_colon || !segment->text)
        return false;
    free(*ret_text);
    *ret_text = mem_strdup(segment->text);
    segments->next++;
    return true;
}

static bool match_drive(struct request *request, struct segments *segments)
{
    int start = segments->next;

    if (take_word(segments, "me") && take_word(segments, "drive")) {
        buffer_add_text(&request->pattern, "/me/drive");
        return true;
    }
    segments->next = start;
    if (take_word(segments, "me") && take_word(segments, "drives") &&
        take_any(segments, &request->drive_id)) {
        buffer_add_text(&request->pattern, "/me/drives/{id}");
        return true;
    }
    segments->next = start;
    if (take_word(segments, "drives") && take_any(segments, &request->drive_id)) {
        buffer_add_text(&request->pattern, "/drives/{id}");
        return true;
    }
    segments->next = start;
    return false;
}

/* "/a/b:" or "/a/b" at the end, after a segment with a colon. No name may hold an encoded slash; if
 * that is forgiven, what begins with a dot may be a whole path in one segment. */
static void take_path(struct request *request, struct segments *segments)
{
    struct buffer path = { 0 };
    bool forgives_dots = request->emulator && request->emulator->options->forgives_dot_paths;

    for (struct segment *segment; (segment = peek(segments)); segments->next++) {
        const char *text = segment->text ? segment->text : "";
        bool is_dotted = forgives_dots && strncmp(text, "./", 2) == 0;

        if (is_dotted)
            text += 2;
        if (!segment->text || (!is_dotted && strchr(text, '/')))
            request->has_bad_path = true;
        buffer_addf(&path, "/%s", text);
        if (segment->has_colon) {
            segments->next++;
            break;
        }
    }
    request->item_path = path.length ? mem_strdup(path.data) : NULL;
    buffer_free(&path);
    buffer_add_text(&request->pattern, ":/{path}:");
}

static bool match_item(struct request *request, struct segments *segments)
{
    struct segment *first = peek(segments);
    struct segment *named = first;

    if (!first || !first->text)
        return false;
    if (strcasecmp(first->text, "root") == 0) {
        buffer_add_text(&request->pattern, "/root");
    } else if (!first->has_colon && segments->next + 1 < segments->count &&
               (strcasecmp(first->text, "items") == 0 || strcasecmp(first->text, "special") == 0)) {
        bool by_id = strcasecmp(first->text, "items") == 0;

        named = &segments->list[++segments->next];
        if (!named->text)
            return false;
        *(by_id ? &request->item_id : &request->special) = mem_strdup(named->text);
        buffer_add_text(&request->pattern, by_id ? "/items/{id}" : "/special/{name}");
    } else {
        return false;
    }
    segments->next++;
    if (named->has_colon)
        take_path(request, segments);
    return true;
}

/* "delta(token='x')" is another spelling of "delta?token=x". */
static bool take_delta(struct request *request, struct segments *segments)
{
    static const char begin[] = "delta(token='";
    struct segment *segment = peek(segments);

    if (take_word(segments, "delta") || take_word(segments, "delta()"))
        return true;
    if (!segment || !segment->text || strncasecmp(segment->text, begin, sizeof begin - 1) != 0)
        return false;

    char *token = mem_strdup(segment->text + sizeof begin - 1);

    token[strcspn(token, "'")] = '\0';
    pairs_add(&request->query, "token", token);
    free(token);
    segments->next++;
    return true;
}

/* Goes back to a request that no pattern has touched. */
static void reset(struct request *request)
{
    char **texts[] = { &request->drive_id, &request->item_id, &request->item_path,
                       &request->special };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        free(*texts[i]);
        *texts[i] = NULL;
    }
    for (int i = 0; i < REQUEST_VARS; i++) {
        free(request->vars[i]);
        request->vars[i] = NULL;
    }
    request->var_count = 0;
    request->has_bad_path = false;
    buffer_clear(&request->pattern);
}

static bool match_word(struct request *request, struct segments *segments, const char *word)
{
    if (strcmp(word, "{drive}") == 0)
        return match_drive(request, segments);
    if (strcmp(word, "{item}") == 0)
        return match_item(request, segments);
    if (strcmp(word, "v1.0") == 0)
        return take_word(segments, word);
    buffer_addf(&request->pattern, "/%s", word);
    if (word[0] == '{')
        return take_any(segments, &request->vars[request->var_count++]);
    if (strcmp(word, "delta") == 0)
        return take_delta(request, segments);
    return take_word(segments, word);
}

static bool match(struct request *request, struct segments *segments, const char *pattern)
{
    reset(request);
    segments->next = 0;
    while (*pattern) {
        char word[32] = "";
        size_t length = strcspn(++pattern, "/");

        memcpy(word, pattern, length);
        if (!match_word(request, segments, word))
            return false;
        pattern += length;
    }
    return segments->next == segments->count;
}

const struct route *route_find(struct request *request, bool *ret_is_known)
{
    struct segments segments = { 0 };
    const struct route *found = NULL;

    *ret_is_known = false;
    bool is_whole = split(request->path, &segments);

    for (size_t i = 0; is_whole && !found && i < sizeof routes / sizeof routes[0]; i++)
        if (match(request, &segments, routes[i].pattern)) {
            *ret_is_known = true;
            if (strcmp(routes[i].method, request->method) == 0)
                found = &routes[i];
        }
    segments_clear(&segments);
    if (!found) {
        reset(request);
        buffer_add_text(&request->pattern, "(none)");
    }
    return found;
}
