/* Names of functions, for backtraces: a table that mk/symbols lays into the image after a first link. */
#ifndef PLATFORM_PVH_SYMBOLS_H
#define PLATFORM_PVH_SYMBOLS_H

#include <stdint.h>

/* The function that holds the address, and how far in; NULL: none does. */
const char *symbols_find(uint64_t address, uint64_t *offset);

#endif
