/* SPDX-License-Identifier: MIT */
/*
 * The token file is a flat JSON object, one key for each row of `fields`. What the file has beyond
 * them (of a newer version) is not kept.
 */
#include "config.h"

#include "graph/tokens.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/paths.h"
#include "base/strbuf.h"
#include "base/xalloc.h"
#include "graph/secret.h"

#define TOKEN_FILE     "token.json"
#define LOCK_FILE      "token.lock"
#define MAX_FILE_BYTES (256 * 1024)
#define MAX_FILE_DEPTH 4

static const struct {
    const char *key;
    size_t offset;
} fields[] = {
    { "cloud", offsetof(struct tokens, cloud) },
    { "graph_url", offsetof(struct tokens, graph_url) },
    { "login_url", offsetof(struct tokens, login_url) },
    { "client_id", offsetof(struct tokens, client_id) },
    { "tenant", offsetof(struct tokens, tenant) },
    { "scope", offsetof(struct tokens, scope) },
    { "refresh_token", offsetof(struct tokens, refresh_token) },
    { "access_token", offsetof(struct tokens, access_token) },
    { "signed_out", offsetof(struct tokens, signed_out) },
    { "user_id", offsetof(struct tokens, user_id) },
    { "user_name", offsetof(struct tokens, user_name) },
    { "user_tenant", offsetof(struct tokens, user_tenant) },
};

#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))

static char **field_at(struct tokens *tokens, size_t i)
{
    return (char **)(void *)((char *)tokens + fields[i].offset);
}

static const char *field_of(const struct tokens *tokens, size_t i)
{
    return *(const char *const *)(const void *)((const char *)tokens + fields[i].offset);
}

static char *file_path(const char *state_dir, const char *name)
{
    return x_asprintf("%s/%s", state_dir, name);
}

void tokens_clear(struct tokens *tokens)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        secret_replace(field_at(tokens, i), NULL);
    }
    *tokens = (struct tokens){ 0 };
}

int tokens_check_place(const struct tokens *tokens, const struct tokens_place *place,
                       struct err *err)
{
    const struct {
        const char *key;
        const char *is;
        const char *wanted;
    } rows[] = {
        { "cloud", tokens->cloud, place->cloud },
        { "graph_url", tokens->graph_url, place->graph_url },
        { "login_url", tokens->login_url, place->login_url },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].is && strcmp(rows[i].is, rows[i].wanted) != 0)
            return err_set(err, -EACCES,
                           "the sign-in is for %s = %.80s, not %.80s (run `graphfs login`)",
                           rows[i].key, rows[i].is, rows[i].wanted);
    }
    return 0;
}

static int decode(const struct strbuf *text, struct tokens *ret_tokens, struct err *err)
{
    cleanup_json struct json_object *json =
        json_parse_bounded(text->data, text->len, MAX_FILE_DEPTH, err);
    if (!json)
        return err_wrap(err, "the token file is damaged (run `graphfs login`)");
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const char *value;
        if (json_get_str(json, fields[i].key, &value) == JSON_OK)
            *field_at(ret_tokens, i) = x_strdup(value);
    }
    (void)json_get_i64(json, "renew_ms", &ret_tokens->renew_ms);
    return 0;
}

static struct tokens_stamp stamp_of(const struct stat *status)
{
    return (struct tokens_stamp){ .inode = status->st_ino, .changed = status->st_ctim };
}

int tokens_load(const char *state_dir, struct tokens *ret_tokens, struct tokens_stamp *ret_stamp,
                struct err *err)
{
    cleanup_free char *path = file_path(state_dir, TOKEN_FILE);
    cleanup_secret struct strbuf text;
    struct stat status;
    strbuf_init(&text, MAX_FILE_BYTES);
    /* The stamp is of a file at least as old as what is read: a change between shows next time. */
    if (stat(path, &status) < 0) {
        if (errno == ENOENT)
            return err_set(err, -ENOENT, "nobody is signed in (run `graphfs login`)");
        return err_set_errno(err, errno, "%s", path);
    }
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return err_set(err, -EACCES, "%s: others may read it (run `chmod 600` on it)", path);
    int ret = file_read_all(path, MAX_FILE_BYTES, &text);
    if (ret < 0)
        return err_set_errno(err, ret, "%s", path);
    ret = decode(&text, ret_tokens, err);
    if (ret == 0 && ret_stamp)
        *ret_stamp = stamp_of(&status);
    return ret;
}

int tokens_save(const char *state_dir, const struct tokens *tokens, struct tokens_stamp *ret_stamp,
                struct err *err)
{
    cleanup_free char *path = file_path(state_dir, TOKEN_FILE);
    cleanup_secret struct strbuf text;
    struct stat status;
    strbuf_init(&text, MAX_FILE_BYTES);
    (void)strbuf_addch(&text, '{');
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (!field_of(tokens, i))
            continue;
        (void)strbuf_addf(&text, "\n  \"%s\": ", fields[i].key);
        json_add_string(&text, field_of(tokens, i));
        (void)strbuf_addch(&text, ',');
    }
    (void)strbuf_addf(&text, "\n  \"renew_ms\": %lld\n}\n", (long long)tokens->renew_ms);
    int ret = strbuf_error(&text);
    if (ret == 0)
        ret = file_write_atomic(path, text.data, text.len, 0600);
    if (ret < 0)
        return err_set_errno(err, ret, "%s", path);
    if (ret_stamp && stat(path, &status) == 0)
        *ret_stamp = stamp_of(&status);
    return 0;
}

/* What a write that was killed has left: tokens that may be good still. */
static void remove_leftovers(const char *state_dir)
{
    cleanup_dir DIR *directory = opendir(state_dir);
    const struct dirent *entry;
    while (directory && (entry = readdir(directory))) {
        if (strncmp(entry->d_name, TOKEN_FILE ".", sizeof(TOKEN_FILE)) == 0)
            (void)unlinkat(dirfd(directory), entry->d_name, 0);
    }
}

int tokens_remove(const char *state_dir, struct err *err)
{
    remove_leftovers(state_dir);
    cleanup_free char *path = file_path(state_dir, TOKEN_FILE);
    if (unlink(path) < 0 && errno != ENOENT)
        return err_set_errno(err, errno, "%s", path);
    return 0;
}

bool tokens_changed(const char *state_dir, const struct tokens_stamp *stamp)
{
    cleanup_free char *path = file_path(state_dir, TOKEN_FILE);
    struct stat status;
    if (stat(path, &status) < 0)
        return stamp->inode != 0;
    struct tokens_stamp now = stamp_of(&status);
    return now.inode != stamp->inode || now.changed.tv_sec != stamp->changed.tv_sec ||
           now.changed.tv_nsec != stamp->changed.tv_nsec;
}

int tokens_lock(const char *state_dir, struct err *err)
{
    int ret = mkdir_p(state_dir, 0700);
    if (ret < 0)
        return err_set_errno(err, ret, "%s", state_dir);
    cleanup_free char *path = file_path(state_dir, LOCK_FILE);
    cleanup_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set_errno(err, errno, "%s", path);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return err_set_errno(err, errno, "%s", path);
    return steal_fd(&fd);
}
