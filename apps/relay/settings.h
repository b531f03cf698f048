/* The values of settings.c. */
#ifndef APPS_RELAY_SETTINGS_H
#define APPS_RELAY_SETTINGS_H

#include "signatures/program.h"

extern uint16_t relay_port, relay_to_port;
extern struct slice relay_to;

#endif
