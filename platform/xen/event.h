/*
 * Event channels (xen/event_channel.h; xen/xen.h: two levels of bits): how the other side wakes us, and
 * we it. All are bound to one interrupt, which only wakes; who it was is found by asking all (poll.h).
 */
#ifndef PLATFORM_XEN_EVENT_H
#define PLATFORM_XEN_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#define EVENT_NONE 0u /* no channel has this number */

/* The interrupt of all channels, and the door that forgets what has fired. */
void event_begin(void);
/* Only the interrupt: in a restored domain. */
void event_resume(void);

/* A channel to which that domain may bind. EVENT_NONE: Xen refuses (counted). */
uint32_t event_open(uint16_t domain);
void event_close(uint32_t channel);

/* A channel that Xen has opened for us. */
void event_know(uint32_t channel);

void event_notify(uint32_t channel);

/* What has fired is forgotten: to be called before looking for what it was about. */
void event_forget(void);

/* Sleeps for an event until a monotonic deadline. False: it cannot, outside of Xen for example. */
bool event_sleep(uint64_t deadline);

#endif
