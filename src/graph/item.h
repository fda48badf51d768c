/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_GRAPH_ITEM_H
#define GRAPHFS_GRAPH_ITEM_H

/*
 * What the server says of drives and drive items, as plain data.
 *
 * These structs are the only form in which an answer of Graph leaves graph/. Their strings are
 * borrowed: they live as long as the answer (struct item_page, struct drive_list) that holds them.
 * A missing property is NULL, or has its ITEM_HAS_ flag unset; it never means "empty".
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum item_kind {
    ITEM_FILE,
    ITEM_FOLDER,
    ITEM_PACKAGE, /* a OneNote notebook: neither file nor folder, its content can't be fetched */
    ITEM_UNKNOWN, /* a tombstone, or an item with no facet that tells */
};

enum hash_kind { HASH_NONE, HASH_QUICKXOR, HASH_SHA1, HASH_SHA256 };

enum item_flags {
    ITEM_DELETED = 1 << 0,   /* a tombstone: only id (and perhaps drive and parent) mean anything */
    ITEM_ROOT = 1 << 1,      /* the root folder of its drive */
    ITEM_SHORTCUT = 1 << 2,  /* remoteItem: the thing lives at (target_drive_id, target_id) */
    ITEM_MALWARE = 1 << 3,   /* flagged by the service, which refuses its content */
    ITEM_PENDING = 1 << 4,   /* pendingOperations: size and hash are not settled yet */
    ITEM_HAS_SIZE = 1 << 5,  /* size was there and a number >= 0 */
    ITEM_HAS_MTIME = 1 << 6, /* mtime_ns was there */
};

struct item {
    const char *id;        /* never NULL or empty */
    const char *drive_id;  /* parentReference.driveId, normalised; NULL if not told */
    const char *parent_id; /* parentReference.id; NULL for a root or if not told */
    const char *name;      /* as the server has it (not decoded); NULL on most tombstones */
    enum item_kind kind;
    unsigned flags;              /* enum item_flags */
    int64_t size;                /* bytes; 0 unless ITEM_HAS_SIZE */
    int64_t mtime_ns;            /* fileSystemInfo's, else the server's; since the epoch, UTC */
    int64_t server_mtime_ns;     /* lastModifiedDateTime; 0 if not told */
    const char *etag;            /* exactly as received, inner quotes included */
    const char *ctag;            /* same; business delta omits it */
    enum hash_kind hash_kind;    /* quickXor is preferred where several are given */
    const char *hash;            /* base64 for quickXor, upper-case hex for SHA */
    const char *package_type;    /* "oneNote" */
    const char *target_drive_id; /* of a shortcut, normalised */
    const char *target_id;
    const char *download_url; /* preauthenticated: a secret, never logged or stored */
    const char *web_url;
    const char *modified_by;    /* display name, else e-mail, of who changed it last */
    const char *modified_by_id; /* same: the user's id */
};

/* A page of items with its link onward. Exactly one of the links is set on a page of delta; a page
 * of children may have neither. */
struct item_page {
    struct item *items;
    size_t count;
    const char *next_link;
    const char *delta_link;
    void *owner; /* what the strings live in; graph/'s own */
};

/* Frees the page and all strings of its items. NULL is allowed. */
void item_page_free(struct item_page *page);

struct drive_info {
    const char *id;   /* normalised (personal accounts: lower case, 16 digits) */
    const char *type; /* personal, business, documentLibrary */
    const char *name;
    const char *owner;
    const char *web_url;
    int64_t quota_total;     /* bytes; 0: unknown */
    int64_t quota_used;      /* bytes */
    int64_t quota_remaining; /* bytes */
    bool is_default;         /* it is /me/drive */
};

struct drive_list {
    struct drive_info *drives;
    size_t count;
    void *owner;
};

/* A content that a file has, or once had. */
struct version_info {
    const char *id;   /* names it among the file's versions; never NULL or empty */
    int64_t size;     /* bytes; -1 if not told */
    int64_t mtime_ns; /* when it was written, often in whole seconds; 0 if not told */
};

/* Newest first. Its strings live as long as it. */
struct version_infos {
    struct version_info *versions;
    size_t count;
    void *owner;
};

/* Frees the list and all its strings. NULL is allowed. */
void version_infos_free(struct version_infos *list);

/* Frees the list and all its strings. NULL is allowed. */
void drive_list_free(struct drive_list *list);

#endif
