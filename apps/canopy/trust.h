/* Trust: who may vouch for a remote at https://. */
#ifndef APPS_CANOPY_TRUST_H
#define APPS_CANOPY_TRUST_H

#include "apps/canopy/settings.h"
#include "lib/tls/tls.h"

/* Opens a client side that trusts the pins of the settings, or, without pins, the image's anchors
 * (certificates, DER). *into is NULL without a remote, and where there are neither, which is an error only for a
 * remote at https://: the reason is logged. */
enum err trust_open(const struct canopy_settings *settings, struct slice anchors,
                    struct tls_client **into);

#endif
