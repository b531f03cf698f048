/* Trust: who may vouch for a remote at https://. */
#ifndef APPS_CANOPY_TRUST_H
#define APPS_CANOPY_TRUST_H

#include "apps/canopy/settings.h"
#include "lib/tls/tls.h"

struct trust {
    const struct canopy_settings *settings;
    struct slice anchors;      /* the image's: certificates, DER */
    struct tls_client *client; /* NULL: nobody has asked for it yet */
};

/* All of it lives as long as the trust. ERR_ARGUMENT: there are neither pins nor anchors for a remote at https://;
 * the reason is logged. */
enum err trust_open(struct trust *t, const struct canopy_settings *settings, struct slice anchors);
void trust_close(struct trust *t);

/* A client side that trusts the pins of the settings or, without pins, the anchors. They are read now, when it is
 * first asked for: that takes its time, and a site is served meanwhile. *into is NULL where nobody is trusted, and
 * nobody has to be. An error is logged. */
enum err trust_client(struct trust *t, struct tls_client **into);

#endif
