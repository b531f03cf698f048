/*
 * A port: one interface, of which every frame that arrives is taken, and into which frames are put
 * (packet(7)). Frames arrive in memory shared with the kernel, stamped with the time of their arrival;
 * they are sent many at a time, without a queue on the way.
 */
#ifndef TESTS_SYSTEM_WIRE_PORT_H
#define TESTS_SYSTEM_WIRE_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define PORT_FRAME_MAX ((size_t)1900) /* what is longer was not cut by who sent it: see lab.py */
#define PORT_SEND_MAX  64u            /* frames at once */

struct port {
    int fd;
    uint8_t *ring;
    unsigned next;
};

struct arrived {
    const uint8_t *bytes;
    size_t len;
    uint64_t at;   /* CLOCK_REALTIME, ns */
    bool cut;      /* longer than PORT_FRAME_MAX */
    bool unsummed; /* its checksum was left to a card that is not there */
};

/* False: errno tells. */
bool port_open(struct port *p, const char *interface);

/* The next frame, until port_taken. */
bool port_peek(const struct port *p, struct arrived *into);
void port_taken(struct port *p);

/* Returns how many of them, up to PORT_SEND_MAX, were sent. */
unsigned port_send(const struct port *p, struct iovec *frames, unsigned count);

/* Frames that found no room because we were slow, since this was last asked. */
unsigned port_overruns(const struct port *p);

#endif
