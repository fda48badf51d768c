/* SPDX-License-Identifier: MIT */
/*
 * A sorted array. Who writes in order takes from the front of its one range; who writes all over a
 * large file makes it long, but what is fetched meanwhile makes it shorter again.
 */
#include "config.h"

#include "overlay/ranges.h"

#include <string.h>

bool range_is_empty(struct range range)
{
    return range.first >= range.end;
}

struct range range_meet(struct range one, struct range other)
{
    return (struct range){
        .first = one.first > other.first ? one.first : other.first,
        .end = one.end < other.end ? one.end : other.end,
    };
}

void ranges_fill(struct ranges *ranges, int64_t size)
{
    if (size > 0)
        (void)range_list_push(&ranges->list, (struct range){ 0, size });
    ranges->total = size;
}

void ranges_clear(struct ranges *ranges)
{
    range_list_clear(&ranges->list);
    ranges->total = 0;
}

/* The place of the first one that ends behind ${offset}; the number of ranges if none does. */
static size_t find_behind(const struct ranges *ranges, int64_t offset)
{
    size_t low = 0, high = ranges->list.len;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (ranges->list.items[middle].end <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Replaces ${count} items at ${at} by those of ${with}, which are at most one more. */
static void replace(struct range_list *list, size_t at, size_t count, const struct range *with,
                    size_t with_count)
{
    range_list_reserve(list, 1);
    memmove(list->items + at + with_count, list->items + at + count,
            (list->len - at - count) * sizeof list->items[0]);
    for (size_t i = 0; i < with_count; i++)
        list->items[at + i] = with[i];
    list->len = list->len - count + with_count;
}

void ranges_remove(struct ranges *ranges, struct range range)
{
    const struct range *items = ranges->list.items;
    size_t first = find_behind(ranges, range.first), end = first, kept_count = 0;
    struct range kept[2];

    if (range_is_empty(range))
        return;
    for (; end < ranges->list.len && items[end].first < range.end; end++) {
        struct range before = { items[end].first, range.first };
        struct range behind = { range.end, items[end].end };
        struct range gone = range_meet(items[end], range);

        ranges->total -= gone.end - gone.first;
        if (!range_is_empty(before))
            kept[kept_count++] = before;
        if (!range_is_empty(behind))
            kept[kept_count++] = behind;
    }
    if (end > first)
        replace(&ranges->list, first, end - first, kept, kept_count);
}

struct range ranges_next(const struct ranges *ranges, struct range range, int64_t from)
{
    size_t at;

    if (from > range.first)
        range.first = from;
    at = find_behind(ranges, range.first);
    if (at == ranges->list.len)
        return (struct range){ range.end, range.end };
    return range_meet(ranges->list.items[at], range);
}

struct range ranges_hull(const struct ranges *ranges, struct range range)
{
    struct range hull = ranges_next(ranges, range, range.first);
    size_t last;

    if (range_is_empty(hull))
        return hull;
    /* The one that holds the last byte of the range, or the last before it. */
    last = find_behind(ranges, range.end - 1);
    if (last == ranges->list.len || ranges->list.items[last].first >= range.end)
        last--;
    hull.end = range_meet(ranges->list.items[last], range).end;
    return hull;
}

int64_t ranges_count(const struct ranges *ranges, struct range range)
{
    struct range part = ranges_next(ranges, range, range.first);
    int64_t count = 0;

    for (; !range_is_empty(part); part = ranges_next(ranges, range, part.end))
        count += part.end - part.first;
    return count;
}

int64_t ranges_end(const struct ranges *ranges)
{
    return ranges->list.len > 0 ? ranges->list.items[ranges->list.len - 1].end : 0;
}
