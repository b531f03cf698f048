/* Where the command line says that a virtio device is: in a word virtio_mmio.device=SIZE@ADDRESS:LINE[:ID]
 * (Linux, "kernel parameters"; Firecracker and QEMU's microvm write it). Pure. */
#ifndef PLATFORM_VIRTIO_MMIO_WORD_H
#define PLATFORM_VIRTIO_MMIO_WORD_H

#include "runtime/slice.h"

struct mmio_place {
    uint64_t address, size;
    uint32_t line; /* of an I/O APIC, its global number */
};

/* The next of them in *rest, which goes on behind it; words that are none, or not of this form, are passed
 * over. False: there are no more. */
bool mmio_next_word(struct slice *rest, struct mmio_place *into);

#endif
