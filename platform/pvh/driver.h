/*
 * Drivers: which devices an image knows is decided when it is linked.
 *
 * A room of drivers (platform/virtio, platform/xen) joins by entries of one list, which the linker
 * gathers in the order in which the rooms are linked (DRIVERS_* in mk/ring0.mk): whoever needs a device
 * walks it, and nobody names a room. A field that an entry leaves out is NULL: it has none of that kind.
 *
 * A room's network cards are an entry of their own, in the room's file network.c: it is left out where
 * the program is given no stack. So are its block devices, in storage.c.
 */
#ifndef PLATFORM_PVH_DRIVER_H
#define PLATFORM_PVH_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "signatures/block.h"
#include "signatures/net.h"

struct driver {
    const char *name; /* what it drives, as an operator calls it: "virtio-net 1.0 (PCI, MMIO)" */
    /* Looks whether the host is its own kind: once, when memory works, before the clock does. */
    void (*begin)(void);
    /* Looks what is there: once, when memory, time and interrupts work, before anything is opened. */
    void (*find)(void);
    /* Sleeps until something of its devices has come, or until a monotonic time. What came since poll.h's
     * `run` counts. False: this is not its host; then the processor sleeps for an interrupt. */
    bool (*sleep)(uint64_t deadline);
    /* Opens the network card of that number, from 0 on. NULL: there is none, or it cannot be used (said
     * so in the log). */
    struct net *(*card)(uint32_t number);
    /* The same of block devices. */
    struct block *(*block)(uint32_t number);
    /* Draws random bytes: those that are there, or come within so many nanoseconds. How many: not all of
     * them where there is no such device, or it gives no more. */
    size_t (*random)(void *into, size_t len, uint64_t patience);
    /* Writes what is said on a console of its own, beside the serial port; flush: all of it is out. From
     * the start on, also while the program dies: what cannot be written is dropped. False: there is no
     * such console. */
    bool (*write)(struct slice bytes);
    void (*flush)(void);
    /* Appends what that console counts, as signatures/console.h. */
    void (*status)(struct buf *into);
    /* Ends the machine. code: 0, or as in power.h. Comes back where the host has no such way. */
    void (*leave)(unsigned code);
};

/* Joins an entry: DRIVER(name of a static const struct driver); */
#define DRIVER(entry)                                                                             \
    static const struct driver *const entry##_joined __attribute__((used, section(".drivers"))) = \
        &entry

/* The list, for (const struct driver *const *d = image_drivers; d < image_drivers_end; d++). */
extern const struct driver *const image_drivers[] __attribute__((visibility("hidden")));
extern const struct driver *const image_drivers_end[] __attribute__((visibility("hidden")));

void driver_begin_all(void);
void driver_find_all(void);

#endif
