/* Incoming: objects on their way into the content's store, from a remote or out of the image. */
#ifndef APPS_CANOPY_INCOMING_H
#define APPS_CANOPY_INCOMING_H

#include "apps/canopy/content.h"

/* Starts to fetch; content_build or content_finish follows. On an error c->line says why. */
enum err incoming_fetch(struct content *c);

/* Reads a git bundle into c->incoming and names its commit. On an error c->line says why. */
enum err incoming_baked(struct content *c, struct slice bundle);

/* The two ways on from here; both are content.c's. */
enum err content_build(struct content *c);
void content_finish(struct content *c, enum err why);

#endif
