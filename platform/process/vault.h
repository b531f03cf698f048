/*
 * The vault: all the memory that a process will ever get from now on, in one region that is locked
 * (never swapped), left out of core dumps, and cut into blocks without asking the kernel for
 * anything. For the signer, which holds keys and may not make system calls. Private to this platform.
 *
 * Blocks have sizes of powers of two; what is given back serves its own size again.
 */
#ifndef PLATFORM_PROCESS_VAULT_H
#define PLATFORM_PROCESS_VAULT_H

#include <stdbool.h>
#include <stddef.h>

#define VAULT_SIZE ((size_t)1 << 20)

/* From now on memory_alloc and its kin give blocks of the vault only; blocks of before are not given
 * back any more. False where the host does not lock so much memory (RLIMIT_MEMLOCK). */
bool vault_open(void);

/* Whether it is open. */
bool vault_is_open(void);

void *vault_alloc(size_t size);     /* NULL: it is full */
size_t vault_size(const void *ptr); /* of a block; 0 for one that is not of the vault */
void vault_free(void *ptr);

#endif
