/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TREE_NAMES_H
#define GRAPHFS_TREE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The names of files and folders in a drive: what the service stores (the server name) and what the
 * mount shows (the shown name). Characters that the service refuses are stored as look-alikes and
 * shown as themselves. The two directions undo each other for every name that the service accepts,
 * and for every shown name without a trailing colon. All functions are pure,
 * but for name_set_local_only().
 */

/* The longest name, in bytes, that FUSE passes on, with a margin; and a buffer for one. */
#define NAME_MAX_BYTES 1020
#define NAME_SIZE      (NAME_MAX_BYTES + 1)

/* The longest server name, in UTF-16 code units. */
#define NAME_SERVER_UNITS 255

/* A buffer for a safe name. */
#define NAME_SAFE_SIZE 192

/*
 * name_decode(server_name, out, size):
 * Writes the shown name of ${server_name} to ${out}. Returns 0; -EILSEQ if it is not UTF-8,
 * -ENAMETOOLONG if it doesn't fit. Doesn't look whether the result can be shown: see name_check.
 */
int name_decode(const char *server_name, char *out, size_t size);

/*
 * name_encode(shown_name, out, size):
 * Writes the server name of ${shown_name} to ${out}. Returns 0; -EINVAL if the shown name is
 * reserved, -EILSEQ if it is not UTF-8, -ENAMETOOLONG if the server name doesn't fit.
 */
int name_encode(const char *shown_name, char *out, size_t size);

/*
 * name_check(server_name):
 * Whether an item of this name can be shown under the decoded name. 0 if so. Otherwise it needs a
 * safe name: -EILSEQ if it is not UTF-8, -ENAMETOOLONG, or -EINVAL if the decoded name is empty,
 * "." or "..", reserved, or contains a slash. The server's names are not to be trusted.
 */
int name_check(const char *server_name);

/*
 * name_make_safe(server_name, id, out):
 * Writes to ${out} a name that can be shown for an item whose own can't, or is taken: what is
 * usable of ${server_name}, cut to 120 bytes, then " [TAG]", then its ending if it has a plain one.
 * The tag is a hash of ${id}: the result is the same on every machine, and differs between items.
 * ${server_name} may be any bytes.
 */
void name_make_safe(const char *server_name, const char *id, char out[NAME_SAFE_SIZE]);

/*
 * name_is_reserved_shown(shown_name):
 * Whether it ends in a colon, which no file or folder can: "foo:" is the entity of "foo". A final
 * full-width colon isn't decoded for that reason.
 */
bool name_is_reserved_shown(const char *shown_name);

/*
 * name_set_local_only(patterns):
 * Which names stay here beside those that the service refuses: patterns of the shell, with colons
 * between them; NULL: the usual ones. Not while there are threads.
 */
#define NAME_LOCAL_ONLY_USUAL ".~lock.*#:.*.sw?:.nfs*:.fuse_hidden*"
void name_set_local_only(const char *patterns);

/*
 * name_is_local_only(shown_name, is_root_child):
 * Whether what is made under this name stays here: the service refuses it outright, or nobody wants
 * it there. ${is_root_child}: it is in the root of a document library, which has a name more that
 * is refused; not in that of a personal drive. What the service has under such a name is shown all
 * the same.
 */
bool name_is_local_only(const char *shown_name, bool is_root_child);

/*
 * name_is_backup_of(shown_name, original):
 * Whether programs that save a file named ${original} keep the former one under ${shown_name}.
 */
bool name_is_backup_of(const char *shown_name, const char *original);

/*
 * name_is_trash(shown_name):
 * Whether a desktop would keep what is deleted under it. There is none of these in a drive: it has
 * a recycle bin of its own.
 */
bool name_is_trash(const char *shown_name);

/*
 * name_equal_fold(a, b):
 * Whether the service takes the two names for the same: it looks at no case. See fold.c for how far
 * that goes.
 */
bool name_equal_fold(const char *a, const char *b);

/*
 * name_next_spelling(name, after, out):
 * Writes to ${out} the first text, in order of bytes, behind ${after} that name_equal_fold() takes
 * for ${name}, which is valid UTF-8; ${after} is any text, "" for the very first. False if there is
 * none. So names in an ordered list can be found by looking where they may be.
 */
#define NAME_SPELLING_SIZE (2 * NAME_SIZE)
bool name_next_spelling(const char *name, const char *after, char out[NAME_SPELLING_SIZE]);

/* Where names are looked up. */
struct name_source {
    int (*next)(void *arg, const char *from, char **ret); /* the first not before ${from}, for the
                                                             caller to free; -ENOENT: none */
    int (*accept)(void *arg, const char *name);           /* 0; -ENOENT: go on */
    void *arg;
};

/*
 * name_find_twin(source, name):
 * Goes through the names in an ordered list that name_equal_fold() takes for ${name}, until
 * ${source} accepts one: 0. -ENOENT if it accepts none; or what else its functions return. Few
 * lookups do, mostly as many as the name has letters: where a spelling would be stands the next
 * name that there is, and the spellings before that one are skipped.
 */
int name_find_twin(const struct name_source *source, const char *name);

#endif
