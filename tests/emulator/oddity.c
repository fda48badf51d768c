/* SPDX-License-Identifier: MIT */
/* Items that are not plain files or folders, and items whose answers lie. */
#include "oddity.h"

#include <stdlib.h>

#include <json-c/json.h>

void oddity_free(struct oddity *oddity)
{
    if (!oddity)
        return;
    json_object_put(oddity->lies);
    free(oddity);
}
