/* SPDX-License-Identifier: MIT */
/*
 * What happens to every request, in this order: its route is found, it is counted, it is late as
 * --latency says, it meets the faults, the throttle, the check of its token, and its handler; then
 * the faults that spoil an answer, the headers that every answer has, and the log.
 */
#include "dispatch.h"

#include <string.h>

#include "auth.h"
#include "content.h"
#include "fault.h"
#include "request.h"
#include "request_log.h"
#include "route.h"
#include "throttle.h"

static void add_common_headers(struct request *request, struct response *response)
{
    const char *client_id = pairs_get(&request->headers, "client-request-id");
    bool is_legacy = request->emulator->options->profile == PROFILE_CONSUMER_LEGACY;
    char date[TIME_TEXT_SIZE];

    time_format_http(clock_now_ms(&request->emulator->clock), date);
    response_header(response, "Date", "%s", date);
    response_header(response, "Strict-Transport-Security", "max-age=31536000%s",
                    is_legacy && request->origin == ORIGIN_CONTENT ? "; includeSubDomains" : "");
    if (request->origin == ORIGIN_CONTENT)
        return;
    if (response->is_batch)
        pairs_remove(&response->headers, "OData-Version");
    else if (!pairs_get(&response->headers, "Cache-Control"))
        response_header(response, "Cache-Control", "private");
    response_header(response, "request-id", "%s", request->request_id);
    response_header(response, "client-request-id", "%s",
                    client_id ? client_id : request->request_id);
    response_header(response, "x-ms-ags-diagnostic",
                    "{\"ServerInfo\":{\"DataCenter\":\"Emulated\",\"Slice\":\"E\",\"Ring\":\"1\","
                    "\"ScaleUnit\":\"001\",\"RoleInstance\":\"EMULATOR\"}}");
}

/* True after a 429. */
static bool is_throttled(struct request *request, struct response *response,
                         const struct route *route)
{
    struct emulator *emulator = request->emulator;
    const struct options *options = emulator->options;
    int64_t wait_ms;

    if (!options->throttle_requests || route->flags & ROUTE_CONTROL)
        return false;
    wait_ms = throttle_count(&emulator->throttle, options->throttle_requests,
                             options->throttle_window_ms, clock_now_ms(&emulator->clock));
    if (!wait_ms)
        return false;
    if (request_is_login(request))
        auth_answer_unavailable(request, response, 429, NULL);
    else
        response_error(request, response, 429, "activityLimitReached",
                       "The request has been throttled", "throttledRequest");
    response_header(response, "Retry-After", "%lld", (long long)(wait_ms + 999) / 1000);
    return true;
}

static void serve(struct request *request, struct response *response, const struct route *route,
                  bool is_known)
{
    if (request->origin == ORIGIN_CONTENT)
        content_serve(request, response);
    else if (!route && is_known)
        response_error(request, response, 405, "notAllowed",
                       "The method is not supported by the emulator.", NULL);
    else if (!route)
        response_error(request, response, 400, "BadRequest", "Resource not found for the segment.",
                       NULL);
    else if (is_throttled(request, response, route))
        return;
    else if (!(route->flags & ROUTE_BEARER) || auth_check_bearer(request, response, route->flags))
        route->handle(request, response);
}

/* Serves with the faults of the rule, if there is one. */
static void serve_with_fault(struct request *request, struct response *response,
                             const struct route *route, bool is_known, const struct fault *fault)
{
    if (fault && fault_before(fault, request, response))
        return;
    serve(request, response, route, is_known);
    if (fault)
        fault_after(fault, request, response);
}

static const struct route *find_route(struct request *request, bool *ret_is_known)
{
    *ret_is_known = false;
    if (request->origin == ORIGIN_API)
        return route_find(request, ret_is_known);
    content_find(request);
    return NULL;
}

void dispatch(struct request *request, struct response *response, int socket)
{
    struct emulator *emulator = request->emulator;
    bool is_known, is_served = true;
    const struct route *route = find_route(request, &is_known);
    bool is_control = route && route->flags & ROUTE_CONTROL;

    pthread_mutex_lock(&emulator->lock);
    random_uuid(&emulator->random, request->request_id);
    if (!is_control)
        request_log_arrival(request);
    pthread_mutex_unlock(&emulator->lock);
    if (!is_control && emulator->options->latency_ms)
        (void)emulator_sleep(emulator, emulator->options->latency_ms);
    pthread_mutex_lock(&emulator->lock);

    later_run(emulator);
    copies_run(emulator);

    struct fault *fault = is_control ? NULL : faults_match(request);

    if (fault && fault_is_stall(fault)) {
        /* The wait ends when the rules are gone, and this one with them. */
        is_served = fault_wait(request, emulator->faults.generation, socket);
        fault = NULL;
    }
    if (is_served)
        serve_with_fault(request, response, route, is_known, fault);
    else
        response->is_closed = true;
    add_common_headers(request, response);
    if (!is_control)
        request_log_answer(request, response);
    pthread_mutex_unlock(&emulator->lock);
}

void dispatch_inner(struct request *request, struct response *response)
{
    bool is_known;
    const struct route *route = find_route(request, &is_known);
    struct fault *fault = faults_match(request);

    request_log_arrival(request);
    serve_with_fault(request, response, route, is_known, fault);
    /* In a batch nothing can be left unanswered. */
    if (response->is_closed)
        response_error(request, response, 503, "serviceNotAvailable", "An error has occurred.",
                       NULL);
}
