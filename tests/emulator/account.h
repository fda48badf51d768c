/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_ACCOUNT_H
#define EMULATOR_ACCOUNT_H

struct request;
struct response;

/* GET of the service document, the user, the user's drives, one drive, and a site. */
void account_get_service(struct request *request, struct response *response);
void account_get_user(struct request *request, struct response *response);
void account_get_drives(struct request *request, struct response *response);
void account_get_drive(struct request *request, struct response *response);
void account_get_site(struct request *request, struct response *response);

#endif
