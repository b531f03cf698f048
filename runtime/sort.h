/* Sorting in place, stable, O(n log n) in the worst case, with n/2 items of scratch memory. */
#ifndef RUNTIME_SORT_H
#define RUNTIME_SORT_H

#include "runtime/err.h"

#include <stddef.h>

/* compare gives <0, 0, >0 and receives arg. ERR_MEMORY leaves the items as they were. */
enum err sort(void *items, size_t count, size_t size,
              int (*compare)(const void *a, const void *b, void *arg), void *arg);

#endif
