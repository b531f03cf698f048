/* The memory of a guest that is played: its frames are numbered from 0 on. */
#ifndef TESTS_PLATFORM_XEN_PAGES_H
#define TESTS_PLATFORM_XEN_PAGES_H

#include "platform/xen/ring.h"

#define PAGES_MAX 4096u

extern uint8_t pages[PAGES_MAX][RING_PAGE];

#endif
