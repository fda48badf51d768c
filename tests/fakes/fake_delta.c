/* SPDX-License-Identifier: MIT */
/* See fake_remote.c for how delta works here. Links are "next ROUND POSITION" and "token ROUND". */
#include "config.h"

#include "fake_delta.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "fake_remote.h"

/* ---- pages ---- */

DEFINE_VEC(string_list, char *);
DEFINE_VEC(item_list, struct item);

/* page.items is items.items, and owner is this. */
struct fake_page {
    struct item_page page;
    struct item_list items;
    struct string_list strings;
};

struct item_page *fake_page_new(void)
{
    struct fake_page *page = x_calloc(1, sizeof *page);

    page->page.owner = page;
    return &page->page;
}

void item_page_free(struct item_page *page)
{
    struct fake_page *owner;

    if (!page)
        return;
    owner = page->owner;
    for (size_t i = 0; i < owner->strings.len; i++)
        free(owner->strings.items[i]);
    string_list_clear(&owner->strings);
    item_list_clear(&owner->items);
    free(owner);
}

/* The string, which lives as long as the page. */
static const char *keep(struct item_page *page, char *string)
{
    struct fake_page *owner = page->owner;

    (void)string_list_push(&owner->strings, string);
    return string;
}

static void add(struct item_page *page, struct item item)
{
    struct fake_page *owner = page->owner;

    (void)item_list_push(&owner->items, item);
    page->items = owner->items.items;
    page->count = owner->items.len;
}

void fake_page_add_deleted(struct item_page *page, const char *id)
{
    add(page, (struct item){
                  .id = keep(page, x_strdup(id)),
                  .kind = ITEM_UNKNOWN,
                  .flags = ITEM_DELETED,
              });
}

static void add_target(struct item_page *page, const struct fake_model *model, size_t target,
                       struct item *item)
{
    const struct fake_item *folder = &model->items.items[target];

    item->flags |= ITEM_SHORTCUT;
    item->target_drive_id = keep(page, x_strdup(model->drives.items[folder->drive].id));
    item->target_id = keep(page, x_strdup(folder->id));
}

static char *make_tag(const struct fake_model *model, char kind, unsigned number)
{
    return x_asprintf("\"%c%u.%u\"", kind, model->back_end, number);
}

char *fake_etag(const struct fake_model *model, const struct fake_version *version)
{
    return make_tag(model, 'e', version->change);
}

void fake_page_add(struct item_page *page, const struct fake_model *model, size_t number,
                   const struct fake_version *version, bool has_ctag)
{
    const struct fake_item *source = &model->items.items[number];
    struct item item = {
        .id = keep(page, x_strdup(source->id)),
        .drive_id = keep(page, x_strdup(model->drives.items[source->drive].id)),
        .name = keep(page, x_strdup(version->name)),
        .kind = source->kind,
        .flags = ITEM_HAS_SIZE | ITEM_HAS_MTIME,
        .size = version->size,
        .mtime_ns = version->mtime_ns,
        .server_mtime_ns = version->mtime_ns,
        .etag = keep(page, fake_etag(model, version)),
    };

    if (source->is_root)
        item.flags |= ITEM_ROOT;
    else
        item.parent_id = keep(page, x_strdup(model->items.items[version->parent].id));
    if (has_ctag)
        item.ctag = keep(page, make_tag(model, 'c', version->content));
    if (source->kind == ITEM_FILE) {
        item.hash_kind = HASH_QUICKXOR;
        item.hash = keep(page, x_asprintf("hash%u", version->content));
    }
    if (source->target != SIZE_MAX)
        add_target(page, model, source->target, &item);
    add(page, item);
}

void fake_page_set_next(struct item_page *page, char *link)
{
    page->next_link = keep(page, link);
}

void fake_page_set_delta(struct item_page *page, char *link)
{
    page->delta_link = keep(page, link);
}

/* ---- what a round tells ---- */

static bool is_live(const struct fake_model *model, size_t item, int version)
{
    return version >= 0 && !model->items.items[item].versions.items[version].is_deleted;
}

static int told(const struct fake_round *round, size_t item)
{
    return item < round->told_count ? round->told[item] : -1;
}

/* What delta shows of an item now: the number of a version, -1 for nothing. */
static int shown(const struct fake_model *model, size_t item)
{
    int number;

    (void)fake_seen(model, item, FAKE_DELTA, &number);
    if (model->items.items[item].is_hidden ||
        clock_real_ms(model->clock) < model->items.items[item].hidden_until_ms)
        return -1;
    return number;
}

static bool is_news(const struct fake_model *model, const struct fake_round *round, size_t item)
{
    int now = shown(model, item), before = told(round, item);

    return now >= 0 && now != before && (is_live(model, item, now) || is_live(model, item, before));
}

static void add_entry(struct fake_model *model, const struct fake_settings *settings,
                      struct fake_round *round, size_t item)
{
    if (shown(model, item) > 0 && is_live(model, item, shown(model, item) - 1) &&
        fake_random(model, 100) < settings->repeat_percent)
        (void)fake_entries_push(&round->entries,
                                (struct fake_entry){ .item = item, .is_old = true });
    (void)fake_entries_push(&round->entries, (struct fake_entry){ .item = item });
}

/* Any order, but an item's older state comes first. */
static void shuffle(struct fake_model *model, struct fake_entries *entries)
{
    for (size_t i = entries->len; i > 1; i--) {
        size_t other = fake_random(model, (unsigned)i);
        struct fake_entry swapped = entries->items[i - 1];

        entries->items[i - 1] = entries->items[other];
        entries->items[other] = swapped;
    }
    for (size_t i = 0; i < entries->len; i++) {
        if (!entries->items[i].is_old)
            continue;
        for (size_t j = 0; j < i; j++) {
            if (entries->items[j].item == entries->items[i].item) {
                entries->items[j].is_old = true;
                entries->items[i].is_old = false;
            }
        }
    }
}

/* Begins the round behind a token; SIZE_MAX: a full one. Returns its number. */
static size_t begin_round(struct fake_delta *delta, const struct fake_settings *settings,
                          size_t drive, size_t token)
{
    struct fake_model *model = delta->model;
    struct fake_round round = { .told_count = model->items.len };

    round.told = x_calloc(model->items.len, sizeof *round.told);
    for (size_t i = 0; i < model->items.len; i++)
        round.told[i] = token == SIZE_MAX ? -1 : told(&delta->rounds.items[token], i);
    round.known = x_memdup(round.told, model->items.len * sizeof *round.told);
    for (size_t i = 0; i < model->items.len; i++) {
        if (model->items.items[i].drive == drive && is_news(model, &round, i))
            add_entry(model, settings, &round, i);
    }
    if (settings->is_shuffled)
        shuffle(model, &round.entries);
    (void)fake_rounds_push(&delta->rounds, round);
    return delta->rounds.len - 1;
}

/* Whether this round tells that the folder, as the token knows it, is gone. Whoever asks for a page
 * again may have lost what it told of the item before. */
static bool parent_goes_too(const struct fake_model *model, const struct fake_round *round,
                            size_t item)
{
    int before = told(round, item);
    size_t parent = model->items.items[item].versions.items[before].parent;

    if (before != round->known[item] || !is_live(model, parent, told(round, parent)))
        return false;
    for (size_t i = 0; i < round->entries.len; i++) {
        if (round->entries.items[i].item == parent)
            return shown(model, parent) >= 0 && !is_live(model, parent, shown(model, parent));
    }
    return false;
}

/* A page that is asked for again tells it again. */
static void tell_gone(const struct fake_model *model, const struct fake_settings *settings,
                      struct fake_round *round, struct fake_entry *entry, struct item_page *page)
{
    if (!entry->is_gone && !is_live(model, entry->item, told(round, entry->item)))
        return;
    entry->is_silent =
        !entry->is_gone && settings->omits_tombstones && parent_goes_too(model, round, entry->item);
    if (entry->is_silent)
        return;
    entry->is_gone = true;
    fake_page_add_deleted(page, model->items.items[entry->item].id);
    round->told[entry->item] = shown(model, entry->item);
}

static void tell(struct fake_delta *delta, const struct fake_settings *settings,
                 struct fake_round *round, struct fake_entry *entry, struct item_page *page)
{
    const struct fake_model *model = delta->model;
    const struct fake_item *item = &model->items.items[entry->item];
    int now = shown(model, entry->item), version = now;

    if (!entry->was_asked_for)
        entry->before = told(round, entry->item);
    entry->was_asked_for = true;
    if (entry->is_old && now > 0 && is_live(model, entry->item, now - 1))
        version = now - 1;
    if (is_live(model, entry->item, version)) {
        fake_page_add(page, model, entry->item, &item->versions.items[version],
                      !settings->omits_ctag);
        round->told[entry->item] = version;
    } else if (now < 0 && !entry->is_gone) {
        round->told[entry->item] = entry->before; /* lost, whatever this page has told before */
    } else {
        tell_gone(model, settings, round, entry, page);
    }
}

/* ---- the pages of a round ---- */

static const struct fake_entry *find_entry(const struct fake_round *round, size_t item)
{
    const struct fake_entry *found = NULL;

    for (size_t i = 0; i < round->entries.len; i++) {
        if (round->entries.items[i].item == item)
            found = &round->entries.items[i];
    }
    return found;
}

/* Whether the folder that it was to go with was told to be gone, and not restored meanwhile. */
static bool went_with_parent(const struct fake_model *model, const struct fake_round *round,
                             size_t item)
{
    size_t parent = model->items.items[item].versions.items[told(round, item)].parent;
    const struct fake_entry *entry = find_entry(round, parent);

    if (!entry)
        return false;
    return entry->is_silent ? went_with_parent(model, round, parent)
                            : entry->is_gone && !is_live(model, parent, told(round, parent));
}

static void end_round(struct fake_delta *delta, size_t number, struct item_page *page)
{
    struct fake_round *round = &delta->rounds.items[number];
    const struct fake_model *model = delta->model;
    bool *went = x_calloc(round->entries.len + 1, sizeof *went);

    for (size_t i = 0; i < round->entries.len; i++) {
        const struct fake_entry *entry = &round->entries.items[i];

        went[i] = entry->is_silent && !is_live(model, entry->item, shown(model, entry->item)) &&
                  went_with_parent(model, round, entry->item);
    }
    for (size_t i = 0; i < round->entries.len; i++) {
        if (went[i])
            round->told[round->entries.items[i].item] = shown(model, round->entries.items[i].item);
    }
    free(went);
    fake_page_set_delta(page, x_asprintf("token %zu", number));
}

static bool fail_if_expired(const struct fake_delta *delta, size_t number, struct err *err)
{
    if (number >= delta->expired)
        return false;
    (void)err_set(err, -EPROTO, "the link is dead");
    err->http_status = delta->expired_status;
    (void)snprintf(err->graph_code, sizeof err->graph_code, "%s", delta->expired_code);
    return true;
}

struct item_page *fake_delta_page(struct fake_delta *delta, const struct fake_settings *settings,
                                  size_t drive, const char *link, struct err *err)
{
    struct item_page *page = fake_page_new();
    size_t number = 0, position = 0, end;
    struct fake_round *round;

    if (link && sscanf(link, "next %zu %zu", &number, &position) != 2 &&
        sscanf(link, "token %zu", &number) != 1)
        abort();
    if (link && fail_if_expired(delta, number, err))
        return page;
    if (!link || link[0] == 't')
        number = begin_round(delta, settings, drive, link ? number : SIZE_MAX);
    round = &delta->rounds.items[number];
    end = position + settings->page_size;
    if (end > round->entries.len)
        end = round->entries.len;
    for (size_t i = position; i < end; i++)
        tell(delta, settings, round, &round->entries.items[i], page);
    if (settings->is_looping)
        fake_page_set_next(page, x_asprintf("next %zu %zu", number, position));
    else if (end < round->entries.len)
        fake_page_set_next(page, x_asprintf("next %zu %zu", number, end));
    else
        end_round(delta, number, page);
    return page;
}

void fake_delta_expire(struct fake_delta *delta, long http_status, const char *graph_code)
{
    delta->expired = delta->rounds.len;
    delta->expired_status = http_status;
    (void)snprintf(delta->expired_code, sizeof delta->expired_code, "%s", graph_code);
}

void fake_delta_clear(struct fake_delta *delta)
{
    for (size_t i = 0; i < delta->rounds.len; i++) {
        fake_entries_clear(&delta->rounds.items[i].entries);
        free(delta->rounds.items[i].told);
        free(delta->rounds.items[i].known);
    }
    fake_rounds_clear(&delta->rounds);
}
