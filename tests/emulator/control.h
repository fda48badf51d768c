/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_CONTROL_H
#define EMULATOR_CONTROL_H

struct request;
struct response;

/* The routes under /_emulator/, by which a test looks into the emulator and changes its world. See
 * graph-emulator(1). */
void control_get_requests(struct request *request, struct response *response);
void control_get_log(struct request *request, struct response *response);
void control_post_reset_counts(struct request *request, struct response *response);
void control_get_faults(struct request *request, struct response *response);
void control_post_faults(struct request *request, struct response *response);
void control_delete_faults(struct request *request, struct response *response);
void control_post_edit(struct request *request, struct response *response);
void control_get_tree(struct request *request, struct response *response);
void control_post_approve(struct request *request, struct response *response);
void control_post_tokens(struct request *request, struct response *response);
void control_post_clock(struct request *request, struct response *response);
void control_post_settle(struct request *request, struct response *response);
void control_post_delta(struct request *request, struct response *response);
void control_post_quota(struct request *request, struct response *response);

#endif
