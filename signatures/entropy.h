/* Entropy: a singleton of the target. Fails closed: where there is no source, nothing starts. */
#ifndef SIGNATURES_ENTROPY_H
#define SIGNATURES_ENTROPY_H

#include <stddef.h>

/* Fills with unpredictable bytes, fit for keys. Never fails once the program has started. */
void entropy_fill(void *into, size_t len);

#endif
