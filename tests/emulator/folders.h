/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_FOLDERS_H
#define EMULATOR_FOLDERS_H

struct request;
struct response;

/* POST of a new folder to a folder's children. */
void folders_post(struct request *request, struct response *response);

#endif
