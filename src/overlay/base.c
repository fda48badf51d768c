/* SPDX-License-Identifier: MIT */
/*
 * The base of an overlay: a version that is open in content as long as somebody may need it. It is
 * opened when it is first needed, since most overlays that a start finds are full. While it is open
 * nobody drops it; so it stays open until the overlay is full, also when nobody uses that.
 */
#include "config.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "overlay/overlay_i.h"

/* With the base's lock held. */
static int open_base(struct overlay *overlay)
{
    cleanup_free uint8_t *bytes = NULL;
    struct err err = { 0 };
    struct head head;
    int r = map_read_head(&overlay->body.map, &head, &bytes);

    if (r == 0)
        r = content_open(overlay->overlays->content, &head.base, &overlay->base, &err);
    return r;
}

int overlay_use_base(struct overlay *overlay, struct content_file **ret_base)
{
    int r = 0;

    LOCKED(&overlay->base_lock);
    if (!overlay->base)
        r = open_base(overlay);
    if (r < 0)
        return r;
    overlay->base_users++;
    *ret_base = overlay->base;
    return 0;
}

/* Gives up ${users} uses; the base that is to be closed then, or NULL. */
static struct content_file *take_idle(struct overlay *overlay, unsigned users)
{
    LOCKED(&overlay->base_lock);
    overlay->base_users -= users;
    if (overlay->base_users > 0 || !overlay_is_full(overlay))
        return NULL;
    return steal_ptr(&overlay->base);
}

void overlay_end_base(struct overlay *overlay)
{
    content_close(take_idle(overlay, 1));
}

void overlay_close_idle_base(struct overlay *overlay)
{
    if (overlay_is_full(overlay))
        content_close(take_idle(overlay, 0));
}
