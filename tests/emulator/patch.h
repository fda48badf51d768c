/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_PATCH_H
#define EMULATOR_PATCH_H

struct request;
struct response;

/* PATCH of an item: its name, its folder, its times. */
void patch_item(struct request *request, struct response *response);

#endif
