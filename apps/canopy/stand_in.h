/* Standing in: the pages that the image has of its content are served until others have been made. */
#ifndef APPS_CANOPY_STAND_IN_H
#define APPS_CANOPY_STAND_IN_H

#include "apps/canopy/content.h"

/* Serves a print (lib/site/print.h; empty: none). False: it is not there, or not as the settings want it, which is
 * logged. */
bool stand_in_serve(struct content *c, struct slice printed);

#endif
