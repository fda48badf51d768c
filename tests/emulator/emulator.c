/* SPDX-License-Identifier: MIT */
/* The account: who the user is, which drives there are, what is in them at the start. */
#include "emulator.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "fill.h"
#include "ids.h"
#include "memory.h"
#include "oddity.h"
#include "state.h"

enum { GIB_SHIFT = 30, BUSINESS_QUOTA_GIB = 1024, PERSONAL_QUOTA_GIB = 5 };

struct drive_plan {
    enum drive_role role;
    const char *name;
    const char *drive_type;
    const char *web_url;
};

static const struct drive_plan business_drives[] = {
    { DRIVE_DEFAULT, "OneDrive", "business",
      "https://contoso-my.sharepoint.com/personal/alex_contoso_com/Documents" },
    { DRIVE_LIBRARY, "Documents", "documentLibrary",
      "https://contoso.sharepoint.com/sites/team/Shared%20Documents" },
    { DRIVE_SHARED, "OneDrive", "business",
      "https://contoso-my.sharepoint.com/personal/robin_contoso_com/Documents" },
};

static const struct drive_plan personal_drives[] = {
    { DRIVE_DEFAULT, "OneDrive", "personal", "https://my.microsoftpersonalcontent.com/personal" },
    { DRIVE_PHANTOM, "AEEE102E-CFF8-4E2A-89C6-03841FF83500", "personal",
      "https://my.microsoftpersonalcontent.com/personal" },
    { DRIVE_SHARED, "OneDrive", "personal", "https://my.microsoftpersonalcontent.com/personal" },
};

static void add_drive(struct emulator *emulator, const struct drive_plan *plan)
{
    struct drive *drive = &emulator->drives[emulator->drive_count++];
    bool is_business = emulator->options->profile == PROFILE_BUSINESS;

    drive->role = plan->role;
    drive->profile = emulator->options->profile;
    drive->name = plan->name;
    drive->drive_type = plan->drive_type;
    drive->web_url = plan->web_url;
    drive->seed = random_mix(emulator->options->seed * 8 + (uint64_t)plan->role + 1);
    drive->quota_total = (int64_t)(is_business ? BUSINESS_QUOTA_GIB : PERSONAL_QUOTA_GIB)
                         << GIB_SHIFT;
    ids_init_drive(drive);
    drive_init(drive, emulator->started_ms / 1000 * 1000);
}

static void make_user(struct emulator *emulator)
{
    if (emulator->options->profile == PROFILE_BUSINESS)
        random_uuid(&emulator->random, emulator->user_id);
    else
        (void)snprintf(emulator->user_id, sizeof emulator->user_id, "%.16s",
                       emulator->drives[0].id);
}

/* Not from the seed: what a process says of its feed is void in the next one, whatever its seed. */
static uint32_t choose_start_number(const struct options *options)
{
    uint32_t number = (uint32_t)options->start_number;

    if (!number && getrandom(&number, sizeof number, 0) != sizeof number)
        number = (uint32_t)time(NULL);
    return number;
}

int emulator_init(struct emulator *emulator, const struct options *options)
{
    pthread_condattr_t attributes;
    char *spool_path;
    int result;

    *emulator = (struct emulator){ .options = options };
    pthread_mutex_init(&emulator->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&emulator->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    emulator->random.state = options->seed;
    (void)snprintf(emulator->gone_code, sizeof emulator->gone_code, "resyncRequired");
    emulator->started_ms = clock_now_ms(&emulator->clock);
    emulator->start_number = choose_start_number(options);
    emulator->url_key = random_next(&emulator->random);
    for (int i = 0; i < 3; i++)
        add_drive(emulator,
                  options->profile == PROFILE_BUSINESS ? &business_drives[i] : &personal_drives[i]);
    make_user(emulator);
    if (request_log_open(&emulator->log, options->log_file) < 0)
        return -1;
    spool_path = state_spool_path(emulator);
    result = spool_open(&emulator->spool, spool_path);
    free(spool_path);
    if (result == 0)
        result = state_load(emulator);
    return result ? result : fill_drives(emulator);
}

void emulator_clear(struct emulator *emulator)
{
    for (int i = 0; i < emulator->drive_count; i++)
        drive_clear(&emulator->drives[i]);
    auth_clear(&emulator->auth);
    faults_clear(&emulator->faults);
    throttle_clear(&emulator->throttle);
    request_log_close(&emulator->log);
    sessions_clear(&emulator->sessions);
    later_clear(&emulator->later);
    copies_clear(&emulator->copies);
    spool_close(&emulator->spool);
    free(emulator->dead_urls);
    pthread_cond_destroy(&emulator->wake);
    pthread_mutex_destroy(&emulator->lock);
}

struct drive *emulator_drive(struct emulator *emulator, enum drive_role role)
{
    for (int i = 0; i < emulator->drive_count; i++)
        if (emulator->drives[i].role == role)
            return &emulator->drives[i];
    return NULL;
}

bool emulator_whim(struct emulator *emulator, uint64_t n)
{
    return !emulator->options->is_plain && random_one_in(&emulator->random, n);
}

bool emulator_sleep(struct emulator *emulator, int64_t ms)
{
    struct timespec end;

    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += ms / 1000;
    end.tv_nsec += ms % 1000 * 1000000;
    if (end.tv_nsec >= 1000000000) {
        end.tv_sec++;
        end.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&emulator->lock);
    while (!emulator->is_stopping &&
           pthread_cond_timedwait(&emulator->wake, &emulator->lock, &end) == 0)
        continue;

    bool goes_on = !emulator->is_stopping;

    pthread_mutex_unlock(&emulator->lock);
    return goes_on;
}
