/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_EMULATOR_H
#define EMULATOR_EMULATOR_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "auth.h"
#include "clock.h"
#include "copy.h"
#include "drive.h"
#include "fault.h"
#include "later.h"
#include "options.h"
#include "random.h"
#include "request_log.h"
#include "session.h"
#include "spool.h"
#include "throttle.h"

enum { DRIVE_SLOTS = 4 };

/* The whole emulated service. Each connection has a thread, and one lock, the world lock, guards
 * all that is not constant: a handler holds it from its first look to its last written byte, and
 * nothing waits while holding it. */
struct emulator {
    const struct options *options; /* const after init */
    pthread_mutex_t lock;          /* the world lock */
    pthread_cond_t wake;           /* with `lock`: a stall was released, or the end has come */
    bool is_stopping;
    int64_t started_ms;
    uint32_t start_number; /* of this process: others' delta tokens have expired */
    struct clock clock;
    struct random random;
    struct auth auth;
    struct faults faults;
    struct throttle throttle;
    struct request_log log;
    struct spool spool;
    struct sessions sessions;
    struct later later;
    struct copies copies;
    struct drive drives[DRIVE_SLOTS];
    int drive_count;
    uint64_t url_key; /* signs download URLs */
    uint64_t url_serial;
    uint64_t *dead_urls; /* serial numbers of URLs that were made to expire */
    size_t dead_url_count;
    size_t dead_url_capacity;
    char gone_code[48]; /* what expired delta tokens are answered with */
    bool gone_has_location;
    char user_id[37];
    uint16_t api_port; /* const once the servers answer */
    uint16_t content_port;
};

/* Makes the account with its drives and fills them as the options say. Returns 0, or -1 after a
 * message on stderr. */
int emulator_init(struct emulator *emulator, const struct options *options);
void emulator_clear(struct emulator *emulator);

/* The drive in this role, NULL if the profile has none. */
struct drive *emulator_drive(struct emulator *emulator, enum drive_role role);

/* What chance decides and --plain switches off; once in `n`. */
bool emulator_whim(struct emulator *emulator, uint64_t n);

/* Waits so long in real time, or until the emulator stops; false in that case. The world lock must
 * not be held. */
bool emulator_sleep(struct emulator *emulator, int64_t ms);

#endif
