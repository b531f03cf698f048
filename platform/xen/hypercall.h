/* Calls of the hypervisor (xen/arch-x86/xen-x86_64.h: "Hypercall interface"). */
#ifndef PLATFORM_XEN_HYPERCALL_H
#define PLATFORM_XEN_HYPERCALL_H

#include "platform/xen/interface.h"

#define HYPERCALL_SIZE 32u /* of an entry of the page */

extern const uint8_t hypercall_page[] __attribute__((visibility("hidden")));

/* Below 0: an error of Xen's (xen/errno.h). Arguments that are addresses are virtual ones. */
static inline long hypercall(unsigned number, uint64_t a, uint64_t b, uint64_t c)
{
    long result;
    const uint8_t *entry = hypercall_page + number * HYPERCALL_SIZE;
    __asm__ volatile("call *%4"
                     : "=a"(result), "+D"(a), "+S"(b), "+d"(c)
                     : "r"(entry)
                     : "rcx", "r8", "r9", "r10", "r11", "memory");
    return result;
}

static inline long hypercall_on(unsigned number, unsigned command, const void *argument)
{
    return hypercall(number, command, (uint64_t)argument, 0);
}

#endif
