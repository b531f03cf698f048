/* Whether a source of random words may be believed (after NIST SP 800-90B, 4.4). Pure. */
#ifndef PLATFORM_PVH_HEALTH_H
#define PLATFORM_PVH_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* False: a word comes twice. Of a good source that happens once in 2^50 times for 64 words; one that stands
 * still, as some did after sleeping, or goes in a small circle, is found out. */
bool health_of_words(const uint64_t *words, size_t count);

#endif
