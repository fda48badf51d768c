/* SPDX-License-Identifier: MIT */
/* $select: which rows of the table of properties an answer has. */
#include "selection.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "item_property.h"
#include "request.h"

/* Properties that a driveItem can have and these do not. */
static const char *const absent_properties[] = {
    "analytics",      "audio",        "bundle",   "content",       "description",
    "image",          "location",     "listItem", "permissions",   "photo",
    "retentionLabel", "searchResult", "shared",   "sharepointIds", "video",
    "versions",       "thumbnails",   "children", "createdByUser", "lastModifiedByUser",
    "webDavUrl",
};

static bool is_absent_property(const char *name)
{
    for (size_t i = 0; i < sizeof absent_properties / sizeof absent_properties[0]; i++)
        if (strcasecmp(absent_properties[i], name) == 0)
            return true;
    return false;
}

const char *selection_parse_text(const char *text, struct selection *ret_selection)
{
    *ret_selection = (struct selection){ .properties = UINT64_MAX };
    if (!text || !*text || strcmp(text, "*") == 0)
        return NULL;
    /* The tag and the id come unasked. */
    *ret_selection = (struct selection){ .properties = 1 << 0 | 1 << 4, .is_explicit = true };
    while (*text) {
        char name[64];
        size_t length = strcspn(text, ","), start = strspn(text, " "), i = 0;

        if (length - start >= sizeof name)
            return text;
        (void)snprintf(name, sizeof name, "%.*s", (int)(length - start), text + start);
        name[strcspn(name, " /")] = '\0';
        if (strcasecmp(name, "content.downloadUrl") == 0)
            (void)snprintf(name, sizeof name, "%s", "@microsoft.graph.downloadUrl");
        while (i < item_property_count && strcasecmp(item_properties[i].name, name) != 0)
            i++;
        if (i < item_property_count)
            ret_selection->properties |= (uint64_t)1 << i;
        else if (!is_absent_property(name))
            return text;
        text += length + (text[length] == ',');
    }
    return NULL;
}

const char *selection_parse(const struct request *request, struct selection *ret_selection)
{
    return selection_parse_text(request_option(request, "$select"), ret_selection);
}
