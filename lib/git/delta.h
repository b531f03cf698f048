/*
 * Deltas: an object said as pieces of another (gitformat-pack, "Deltified representation").
 */
#ifndef LIB_GIT_DELTA_H
#define LIB_GIT_DELTA_H

#include "runtime/err.h"
#include "runtime/slice.h"

/* How large the base must be, and how large the result will be, as the delta's first bytes say. */
enum err git_delta_sizes(struct slice delta, uint64_t *base, uint64_t *result);

/* Writes the result, which must have exactly this size, or gives ERR_MALFORMED: a base of another
 * size than announced, pieces from beyond the base, a result that is not filled exactly, an
 * instruction that is reserved. */
enum err git_delta_apply(struct slice base, struct slice delta, uint8_t *into, size_t size);

#endif
