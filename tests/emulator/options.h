/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_OPTIONS_H
#define EMULATOR_OPTIONS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum profile { PROFILE_BUSINESS, PROFILE_CONSUMER, PROFILE_CONSUMER_LEGACY };

/* What the command line says. Strings are borrowed from argv. */
struct options {
    struct sockaddr_storage api_address;
    struct sockaddr_storage content_address;
    const char *content_url; /* where clients find contents, NULL: at the content port */
    const char *port_file;
    const char *tls_cert;
    const char *tls_key;
    const char *log_file;
    const char *import_dir;
    const char *state_dir;
    const char *client_id; /* the only one accepted, NULL for any */
    enum profile profile;
    uint64_t seed;
    int64_t start_number; /* 0: by chance */
    int64_t lag_ms;
    int64_t latency_ms;
    int64_t bandwidth; /* bytes per second of a content connection, 0 for no limit */
    int64_t token_ttl_ms;
    int64_t url_ttl_ms;
    int64_t session_ttl_ms; /* 0: as the profile has it */
    int64_t generate_files;
    int64_t generate_folders;
    int64_t generate_size;
    int64_t generate_seed;
    int64_t page_size;         /* no page is longer, 0 for the limits of the service */
    int64_t put_limit;         /* of a content in one request, 0 for that of the service */
    int64_t throttle_requests; /* 0: no limit */
    int64_t throttle_window_ms;
    int64_t copy_ms;       /* how long a copy takes */
    int64_t late_tags_ms;  /* 0: none move late */
    int64_t hash_delay_ms; /* of a content before its hashes are told */
    bool auto_approve;
    bool is_plain;
    bool forgives_bearer;
    bool forgives_annotations;
    bool forgives_dot_paths;
    bool tells_delta_paths;
    bool tells_delta_facets;
    bool rewrites_office;
    bool strict_fragments;
    bool session_moves_tag;
    bool sessions_replace;
    bool requires_checkout;
};

/* Reads the command line. Returns 0; -1 after a message on stderr; 1 when --help or --version was
 * asked for and answered. */
int options_parse(struct options *options, int argc, char **argv);

#endif
