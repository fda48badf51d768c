/* SPDX-License-Identifier: MIT */
/*
 * See kill_point.h. While nothing is armed a pass costs a look at a flag.
 */
#include "config.h"

#include "base/kill_point.h"

#ifdef GRAPHFS_TEST_HOOKS

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/lock.h"

enum { POINTS_MAX = 64, NAME_MAX_BYTES = 32 };

static struct {
    pthread_once_t once;
    atomic_bool is_armed;
    pthread_mutex_t lock; /* all below */
    char name[NAME_MAX_BYTES];
    unsigned number;

    struct passed {
        const char *name;
        unsigned count;
    } passed[POINTS_MAX];
} points = { .once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER };

/* "NAME NUMBER". */
static int parse(const char *text, char name[NAME_MAX_BYTES], unsigned *ret)
{
    size_t length = strcspn(text, " ");
    unsigned long number;
    char *end;

    if (length == 0 || length >= NAME_MAX_BYTES || text[length] != ' ')
        return -EINVAL;
    errno = 0;
    number = strtoul(text + length, &end, 10);
    if (errno != 0 || *end != '\0' || number == 0 || number > UINT_MAX)
        return -EINVAL;
    memcpy(name, text, length);
    *ret = (unsigned)number;
    return 0;
}

static int arm(const char *text)
{
    char name[NAME_MAX_BYTES] = "";
    unsigned number = 0;

    if (text && parse(text, name, &number) < 0)
        return -EINVAL;
    LOCKED(&points.lock);
    memset(points.passed, 0, sizeof points.passed);
    memcpy(points.name, name, sizeof name);
    points.number = number;
    atomic_store(&points.is_armed, true);
    return 0;
}

static void arm_by_environment(void)
{
    const char *text = getenv("GRAPHFS_KILL_AT");

    if (text && arm(text) < 0)
        abort();
}

/* Returns the number of this pass. */
static unsigned count(const char *name)
{
    struct passed *passed = points.passed;

    while (passed->name && strcmp(passed->name, name) != 0)
        if (++passed == points.passed + POINTS_MAX)
            abort();
    passed->name = name;
    return ++passed->count;
}

void kill_point_pass(const char *name)
{
    (void)pthread_once(&points.once, arm_by_environment);
    if (!atomic_load(&points.is_armed))
        return;
    LOCKED(&points.lock);
    if (count(name) == points.number && strcmp(name, points.name) == 0)
        (void)kill(getpid(), SIGKILL);
}

int kill_arm(const char *text)
{
    (void)pthread_once(&points.once, arm_by_environment);
    return arm(text);
}

void kill_tell(struct strbuf *out)
{
    LOCKED(&points.lock);
    (void)strbuf_addstr(out, "{");
    for (unsigned i = 0; i < POINTS_MAX && points.passed[i].name; i++) {
        (void)strbuf_addstr(out, i > 0 ? "," : "");
        json_add_string(out, points.passed[i].name);
        (void)strbuf_addf(out, ":%u", points.passed[i].count);
    }
    (void)strbuf_addstr(out, "}");
}

#endif
