/*
 * Which of its lives a virtual machine is in: one that was copied, or taken back to what it was before, must
 * not draw the same random bytes again. Told by VMGENID (aml.h), and by VMClock (Linux, uapi
 * vmclock-abi.h: the marker of disruptions, and the generation, which are constant in between).
 */
#ifndef PLATFORM_PVH_GENERATION_H
#define PLATFORM_PVH_GENERATION_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/slice.h"

#define VMCLOCK_SIZE 112u /* bytes of it that are looked at */

/* What VMClock's page says of it; false: it is none, or of another version, or too short. Pure. */
bool generation_of_vmclock(const uint8_t page[VMCLOCK_SIZE], uint64_t into[2]);

/* Looks where it is told, after acpi_open. */
void generation_open(void);

/* Whether it has changed since the last question. */
bool generation_changed(void);

/* What it is now: no secret, but another one each time. */
struct slice generation_now(void);

#endif
