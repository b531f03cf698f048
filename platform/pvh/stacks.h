/* The stacks, each with a page below it that is not mapped (early_map.c). */
#ifndef PLATFORM_PVH_STACKS_H
#define PLATFORM_PVH_STACKS_H

#include "platform/pvh/machine.h"

struct stacks {
    uint8_t guard[PAGE_SIZE];
    uint8_t program[MACHINE_STACK];
    uint8_t fault_guard[PAGE_SIZE];
    uint8_t fault[MACHINE_FAULT_STACK]; /* of faults that a broken stack may have caused */
} __attribute__((aligned(PAGE_SIZE)));

extern struct stacks stacks __attribute__((visibility("hidden")));

#endif
