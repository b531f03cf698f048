/* Incoming: objects on their way into the content's store, from a remote or out of the image. */
#ifndef APPS_CANOPY_INCOMING_H
#define APPS_CANOPY_INCOMING_H

#include "apps/canopy/content.h"

/* Starts to fetch; content_build or content_finish follows. On an error c->line says why. */
enum err incoming_fetch(struct content *c);

/* Starts to read a git bundle; goes on likewise. */
enum err incoming_baked(struct content *c, struct slice bundle);

/* The two ways on from here; both are content.c's. */
void content_build(struct content *c);
void content_finish(struct content *c, enum err why);

/* Goes on with this in the next turn. */
void content_go_on(struct content *c, void (*work)(struct content *c));

/* Whether it is time for another line about work that takes long. */
bool content_is_slow(struct content *c);

#endif
