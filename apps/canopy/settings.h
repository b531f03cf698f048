/* Settings: what an operator may choose for a canopy. Filled in before the program starts. */
#ifndef APPS_CANOPY_SETTINGS_H
#define APPS_CANOPY_SETTINGS_H

#include "lib/tls/tls.h"
#include "runtime/address.h"
#include "runtime/slice.h"

struct canopy_settings {
    struct slice remote;
    struct slice remote_user;
    struct slice remote_token;
    struct slice authenticator; /* see canopy_pins */
    struct slice index;
    struct slice name;
    uint16_t port;
    uint16_t tls; /* port of HTTPS; 0: none */
    struct slice hook;
    struct slice hook_secret;
    uint32_t poll; /* seconds; 0: only pushes */
    bool no_html;
};

extern struct canopy_settings canopy_settings;

/* Reads digests of the certificates or keys that are trusted, "sha256:HEX,sha256:HEX"; the empty text
 * is a list of none. False for what is no such list, or one that is too long. */
bool canopy_pins(struct slice text, struct tls_pin pins[TLS_PINS_MAX], size_t *count);

#endif
