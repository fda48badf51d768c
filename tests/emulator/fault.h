/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_FAULT_H
#define EMULATOR_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;
struct json_writer;
struct request;
struct response;

enum fault_host { FAULT_ANY_HOST, FAULT_API, FAULT_CONTENT, FAULT_LOGIN };

struct fault_action;

/* One rule: which requests it hits, and what happens to them. */
struct fault {
    const struct fault_action *action;
    enum fault_host host;
    char *method;       /* NULL: any */
    char *path;         /* a glob over the path and its pattern; NULL: any */
    int64_t nth;        /* the first matching request that is hit, from 1 */
    int64_t count;      /* how many are hit, -1 for all */
    double probability; /* of a hit */
    int64_t seen;
    int64_t hits;
    unsigned status;
    char *code;
    char *body;          /* "html", "empty" or "json" */
    int64_t retry_after; /* seconds, -1: no header */
    bool has_retry_date; /* tells it as the date when it will be over */
    int64_t after_bytes; /* -1: not given */
    int64_t size;        /* of a huge body */
    int64_t rate;
    bool has_location;
};

/* The rules in force. Guarded by the world lock. */
struct faults {
    struct fault *list;
    size_t count;
    size_t capacity;
    uint64_t generation; /* moves when the list is emptied, which releases what stalls */
};

/* Adds rules from the JSON of a control request. Returns 0, or -1 with a reason in *ret_reason,
 * and then none was added. */
int faults_add(struct faults *faults, struct json_object *list, const char **ret_reason);
void faults_list(const struct faults *faults, struct json_writer *json);

/* Removes all rules. Whoever waits in a stall has to be woken by the caller. */
void faults_clear(struct faults *faults);

/* The rule that hits this request, NULL if none does; counts it. */
struct fault *faults_match(struct request *request);

/* Where a fault comes in: in place of the answer (returns true when it gave one), and over an
 * answer that was made. */
bool fault_before(const struct fault *fault, struct request *request, struct response *response);
void fault_after(const struct fault *fault, struct request *request, struct response *response);

/* True if the request must wait, before it is looked at, until the rules are removed. */
bool fault_is_stall(const struct fault *fault);

/* The same, with the world lock held: returns when the rules of this generation are gone, the
 * emulator stops or the client (`socket`) has left. False in the last case. */
bool fault_wait(struct request *request, uint64_t generation, int socket);

#endif
