/* Settings: what an operator may choose for a canopy. Filled in before the program starts. */
#ifndef APPS_CANOPY_SETTINGS_H
#define APPS_CANOPY_SETTINGS_H

#include "runtime/address.h"
#include "runtime/slice.h"

struct canopy_settings {
    struct slice remote;
    struct slice index;
    struct slice name;
    uint16_t port;
    struct slice hook;
    struct slice hook_secret;
    uint32_t poll; /* seconds; 0: only pushes */
    bool no_html;

    /* Where the image has its own network stack. */
    bool dhcp;
    uint32_t network;
    struct address ip;
    struct address netmask;
    struct slice gateways;
    struct address resolver;
};

extern struct canopy_settings canopy_settings;

#endif
