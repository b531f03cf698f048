/*
 * TAP: a network card of this process, whose other end is a network device of the host (Linux,
 * Documentation/networking/tuntap). An implementation of signatures/net.h.
 *
 * Frames carry a virtio header (IFF_VNET_HDR), so that checksums need not be made, and TCP crosses
 * in pieces of up to 64 KiB, both ways. The kernel copies what is sent at once: nothing stays lent.
 * The link is up while the device is.
 */
#ifndef PLATFORM_PROCESS_TAP_H
#define PLATFORM_PROCESS_TAP_H

#include "runtime/buf.h"
#include "signatures/net.h"

#define TAP_FRAMES_ONCE 128u /* received, before others have their turn */

struct tap_counters {
    uint64_t received, sent; /* frames */
    uint64_t received_bytes, sent_bytes;
    uint64_t dropped_unowned;   /* arrived before anybody wanted them */
    uint64_t dropped_malformed; /* shorter than their headers */
    uint64_t refused_full;      /* the host had no room: told by ERR_AGAIN */
    uint64_t refused_host;      /* the host would not have them: ERR_IO */
};

/* Opens the device of that name, which the host has made (ip tuntap add NAME mode tap). The card's
 * own address is derived from the device's. Otherwise a line in `error` that says what to do. */
enum err tap_open(struct slice name, struct net **into, struct buf *error);
void tap_close(struct net *n);

struct tap_counters tap_counters(const struct net *n);

#endif
