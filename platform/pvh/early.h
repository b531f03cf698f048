/* The start, before the image is where it will stay: see relocate.c for what may not be done here. */
#ifndef PLATFORM_PVH_EARLY_H
#define PLATFORM_PVH_EARLY_H

#include "platform/pvh/machine.h"
#include "platform/pvh/start_info.h"

#pragma GCC visibility push(hidden)

/* Edges of the image as the linker laid them, page by page of one kind (image.ld). */
extern uint8_t image_start[], image_constants[], image_data[], image_relocated[], image_end[];

uint64_t early_random(void);
uint64_t relocate(void);
void early_main(const struct start_info *info, uint64_t slide) __attribute__((noreturn));

/* Says why it cannot start on the serial port, and stops. */
void early_stop(const char *why) __attribute__((noreturn));

/* Builds the tables of the mapping that machine.h describes; out of `memory`, which is made smaller
 * by what they took. Returns their physical address, for cr3. */
uint64_t early_map(void);

#pragma GCC visibility pop

#endif
