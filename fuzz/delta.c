/* Deltas: the first byte tells how much of the rest is the base. */
#include "lib/git/delta.h"

#include <stdlib.h>

#define RESULT_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct slice rest = slice_of(data + 1, size - 1);
    struct slice base = slice_take(rest, data[0]);
    struct slice delta = slice_drop(rest, data[0]);
    uint64_t from;
    uint64_t to;
    if (git_delta_sizes(delta, &from, &to) != OK || to > RESULT_MAX)
        return 0;
    uint8_t *into = malloc((size_t)to + 1);
    if (into != NULL && git_delta_apply(base, delta, into, (size_t)to) == OK && from != base.len)
        abort();
    free(into);
    return 0;
}
