/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_DELTA_TOKEN_H
#define EMULATOR_DELTA_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "buffer.h"

struct drive;

enum { NOTES_MAX = 64, HELD_MAX = 4 };

/* A few items that a token carries along. */
struct notes {
    uint32_t items[NOTES_MAX];
    uint32_t count;
};

enum note_kind {
    NOTE_SILENT, /* gone before they were told: no tombstones */
    NOTE_HELD,   /* folders that wait for a later page */
    NOTE_AGAIN,  /* told, and to be told once more on a later page */
    NOTE_KINDS,
};

/* Where a client is in its drive's delta. */
struct delta_token {
    bool is_enumeration;
    uint32_t start;    /* of the emulator: tokens of another one have expired */
    uint32_t epoch;    /* as those of an older epoch have */
    uint32_t scope;    /* the folder whose changes are followed */
    uint32_t cursor;   /* enumeration: the next item */
    uint32_t position; /* in the feed: where the changes go on */
    uint32_t base;     /* ... and where they began in this round: what the client knew */
    uint32_t scanned;  /* enumeration: feed position up to which deletions were looked at */
    int64_t since_ms;  /* enumeration: leaves out what is older */
    struct notes notes[NOTE_KINDS];
};

/* Adds the item unless there are too many; false then. */
bool notes_add(struct notes *notes, uint32_t limit, uint32_t item);
bool notes_have(const struct notes *notes, uint32_t item);

/* Adds the text form, which needs no escape and only this drive can read. */
void delta_token_add(const struct drive *drive, const struct delta_token *token,
                     struct buffer *out);

/* False if this is no token of the drive. */
bool delta_token_parse(const struct drive *drive, const char *encoded, struct delta_token *token);

#endif
