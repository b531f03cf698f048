/* The values of settings.c. */
#ifndef APPS_TLSCLIENT_SETTINGS_H
#define APPS_TLSCLIENT_SETTINGS_H

#include "signatures/program.h"

extern struct slice client_host;
extern uint16_t client_port;
extern struct slice client_send;
extern struct slice client_pin;

#endif
