/*
 * Being a guest of Xen: found by CPUID, once, at the start. All of platform/xen stays silent where
 * there is no Xen.
 */
#ifndef PLATFORM_XEN_GUEST_H
#define PLATFORM_XEN_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "platform/xen/grant.h"
#include "platform/xen/interface.h"

/* Looks, and sets up calls, shared page and grants: when memory works, before all else of this room. */
void guest_begin(void);

bool guest_of_xen(void);

/* Time, pending events: written by Xen at any time. NULL where there is no Xen. */
struct shared_info *guest_shared(void);

/* A number that the toolstack left for us (xen/hvm/params.h: HVM_PARAM_*). 0: it has not. */
uint64_t guest_parameter(uint32_t which);

/* The domain's grants. */
struct grants *guest_grants(void);

/* What the rest of the world calls a page of the heap. */
uint32_t guest_frame(const void *page);

/* Ends the domain (SHUTDOWN_*: xen/sched.h). Comes back where that was to suspend it: true, if it was
 * called off, and all is as before; else we are in another domain now. */
bool guest_shutdown(unsigned reason);

/* Sets up again what a restored domain starts without. Grants that were taken stay so, and are to be given again. */
void guest_resume(void);

#endif
