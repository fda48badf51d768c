/* SPDX-License-Identifier: MIT */
/*
 * The configuration as a flat list of (section, key, value): it has some dozens of entries, so they
 * are searched one by one. inih does the parsing; it doesn't tell its handler which line it is at,
 * and cuts long lines silently, so the lines are counted and measured on their way into it.
 */
#include "config.h"

#include "base/ini.h"

#include <errno.h>
#include <ini.h>
#include <string.h>

#include "base/vec.h"

struct entry {
    char *section, *key, *value;
    int line;
};

DEFINE_VEC(entries, struct entry);

struct config {
    struct entries entries;
};

/* One parse. The first thing wrong is kept; the rest of the file is then not looked at. */
struct parse {
    const char *path;
    FILE *file;
    int line;
    struct config *config;
    int result; /* 0 or -errno, with *err set */
    struct err *err;
};

static const struct entry *find_entry(const struct config *config, const char *section,
                                      const char *key)
{
    for (size_t i = 0; i < config->entries.len; i++) {
        const struct entry *entry = &config->entries.items[i];

        if (strcmp(entry->section, section) == 0 && strcmp(entry->key, key) == 0)
            return entry;
    }
    return NULL;
}

/* inih's reader: as fgets. */
static char *read_line(char *buf, int size, void *arg)
{
    struct parse *parse = arg;

    if (parse->result < 0 || !fgets(buf, size, parse->file))
        return NULL;
    parse->line++;
    if (!strchr(buf, '\n') && strlen(buf) == (size_t)size - 1) {
        parse->result = err_set(parse->err, -EINVAL, "%s:%d: line longer than %d bytes",
                                parse->path, parse->line, size - 2);
        return NULL;
    }
    return buf;
}

/* inih's handler: 0 is failure. */
static int add_entry(void *arg, const char *section, const char *key, const char *value)
{
    struct parse *parse = arg;
    const struct entry *before = find_entry(parse->config, section, key);

    if (parse->result < 0)
        return 0;
    if (before)
        parse->result = err_set(parse->err, -EINVAL, "%s:%d: %s was given in line %d", parse->path,
                                parse->line, key, before->line);
    else if (section[0] == '\0')
        parse->result = err_set(parse->err, -EINVAL,
                                "%s:%d: %s stands outside of any section (put it below "
                                "[defaults])",
                                parse->path, parse->line, key);
    else
        (void)entries_push(&parse->config->entries, (struct entry){ .section = x_strdup(section),
                                                                    .key = x_strdup(key),
                                                                    .value = x_strdup(value),
                                                                    .line = parse->line });
    return parse->result == 0;
}

static int parse_file(struct parse *parse)
{
    int wrong_line = ini_parse_stream(read_line, parse, add_entry, parse);

    if (parse->result < 0)
        return parse->result;
    if (ferror(parse->file))
        return err_set_errno(parse->err, errno, "%s", parse->path);
    if (wrong_line != 0)
        return err_set(parse->err, -EINVAL, "%s:%d: neither `key = value` nor a [section]",
                       parse->path, wrong_line);
    return 0;
}

int config_load(const char *path, struct config **ret_config, struct err *err)
{
    cleanup_config struct config *config = x_calloc(1, sizeof *config);
    cleanup_file FILE *file = fopen(path, "re");
    struct parse parse = { .path = path, .file = file, .config = config, .err = err };
    int r;

    if (!file && errno != ENOENT)
        return err_set_errno(err, errno, "%s", path);
    r = file ? parse_file(&parse) : 0;
    if (r < 0)
        return r;
    *ret_config = steal_ptr(&config);
    return 0;
}

void config_free(struct config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < config->entries.len; i++) {
        free(config->entries.items[i].section);
        free(config->entries.items[i].key);
        free(config->entries.items[i].value);
    }
    entries_clear(&config->entries);
    free(config);
}

const char *config_get(const struct config *config, const char *section, const char *key)
{
    const struct entry *entry = find_entry(config, section, key);

    if (!entry)
        entry = find_entry(config, "defaults", key);
    return entry ? entry->value : NULL;
}

int config_each(const struct config *config, const char *section,
                int (*fn)(void *arg, const char *key, const char *value, int line), void *arg)
{
    for (size_t i = 0; i < config->entries.len; i++) {
        const struct entry *entry = &config->entries.items[i];
        int r = strcmp(entry->section, section) == 0
                    ? fn(arg, entry->key, entry->value, entry->line)
                    : 0;

        if (r != 0)
            return r;
    }
    return 0;
}
