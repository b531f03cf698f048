/* The store's ring in a shared page, and the devices that the store tells of: what drives store.h and
 * front.h, from the loop and, before it runs, by bus_wait. */
#ifndef PLATFORM_XEN_BUS_H
#define PLATFORM_XEN_BUS_H

#include "platform/xen/front.h"

#define BUS_FRONTS_MAX 8u

/* Opens the connection. False: the toolstack left none (said so). */
bool bus_begin(void);
/* The same in a restored domain: all devices begin again. */
void bus_resume(void);

/* NULL: there is no connection. */
struct store *bus_store(void);

/* A device whose deadlines are to be kept. False: there are too many. */
bool bus_add(struct front *f);
/* And closes it. */
void bus_remove(struct front *f);

/* Turns until `ready`, at most until that monotonic time. False: it is not. */
bool bus_wait(bool (*ready)(void *arg), void *arg, uint64_t deadline);

#endif
