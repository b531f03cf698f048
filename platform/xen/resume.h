/* Being suspended, and going on: in the same domain or another, here or on another host. */
#ifndef PLATFORM_XEN_RESUME_H
#define PLATFORM_XEN_RESUME_H

/* Suspends at the end of this turn of the loop. Connections of the program live on, as far as their
 * peers have patience: devices are connected anew. */
void resume_suspend(void);

#endif
