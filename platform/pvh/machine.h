/*
 * The machine that we were started on, as its start information told: memory, command line, and how
 * it is mapped. Filled in by early.c while nothing else runs; constant afterwards.
 *
 * Three parts of the address space are used, each at an address drawn at every start:
 *
 *   the image     where relocate.c moved it: code, constants, data, each with its own rights
 *   all memory    at `direct` + its physical address; never executable, without the image's own
 *   devices       at `devices` on, uncached, mapped on demand (paging.h)
 *
 * Nothing else is mapped, least of all the first 512 GiB (mk/fixed-offsets counts on it).
 */
#ifndef PLATFORM_PVH_MACHINE_H
#define PLATFORM_PVH_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SIZE           4096u
#define MACHINE_RANGES_MAX  32u
#define MACHINE_COMMAND_MAX 4096u
#define MACHINE_STACK       (512u * 1024) /* cryptography steps down by pages */
#define MACHINE_FAULT_STACK (16u * 1024)  /* of double faults and the like */

struct machine_range {
    uint64_t start, end; /* physical, whole pages */
};

struct machine {
    struct machine_range
        memory[MACHINE_RANGES_MAX]; /* usable, what we took for ourselves left out */
    size_t memory_count;
    uint64_t image, image_size; /* physical; virtual */
    uint64_t image_at;          /* virtual address of its first byte */
    uint64_t direct, devices;   /* virtual */
    uint64_t rsdp;              /* physical, of the ACPI tables; 0: none */
    char command_line[MACHINE_COMMAND_MAX];
    bool command_line_cut;
};

extern struct machine machine;

/* Where all memory is seen, the heap's too. */
static inline void *machine_virtual(uint64_t physical)
{
    return (void *)(machine.direct + physical);
}

/* Where memory lies that the heap has given out, or that is the image's own (what is baked in is sent from
 * there). */
static inline uint64_t machine_physical(const volatile void *at)
{
    uint64_t of_image = (uint64_t)at - machine.image_at;
    return of_image < machine.image_size ? machine.image + of_image : (uint64_t)at - machine.direct;
}

#endif
