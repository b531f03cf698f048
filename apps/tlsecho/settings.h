/* The values of settings.c. */
#ifndef APPS_TLSECHO_SETTINGS_H
#define APPS_TLSECHO_SETTINGS_H

#include "signatures/program.h"

extern uint16_t echo_port;
extern bool echo_client_auth;

#endif
