/* Virtio's source of random bytes (Virtio 1.2, 5.4): the first one that is found. One that says that it needs a reset
 * gets one the next time that somebody draws, VIRTIO_RESTARTS_MAX times. */
#ifndef PLATFORM_VIRTIO_RNG_H
#define PLATFORM_VIRTIO_RNG_H

#include <stddef.h>
#include <stdint.h>

#define RNG_MOST 512u /* bytes at a time */

/* Asks it for the first bytes, if it is there. */
void virtio_rng_open(void);

/* As struct driver's random (platform/pvh/driver.h). */
size_t virtio_rng_draw(void *into, size_t len, uint64_t patience);

#endif
