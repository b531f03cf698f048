/* The values of settings.c. */
#ifndef APPS_ECHO_SETTINGS_H
#define APPS_ECHO_SETTINGS_H

#include "signatures/program.h"

extern uint16_t echo_port, discard_port, chargen_port;

#endif
