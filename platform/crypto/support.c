/*
 * What AWS-LC asks of the place where it runs: memory and randomness, from our signatures. What it
 * gives back is overwritten first: it may have been a secret.
 */
#include <openssl/mem.h>
#include <string.h>

#include "signatures/entropy.h"
#include "signatures/memory.h"

/* Names that the library calls; its headers do not declare all of them. */
void *OPENSSL_memory_alloc(size_t size);
void OPENSSL_memory_free(void *ptr);
void *OPENSSL_memory_realloc(void *ptr, size_t size);
size_t OPENSSL_memory_get_size(void *ptr);
void CRYPTO_sysrand(uint8_t *into, size_t len);

void *OPENSSL_memory_alloc(size_t size)
{
    return memory_alloc(size);
}

void OPENSSL_memory_free(void *ptr)
{
    if (ptr)
        OPENSSL_cleanse(ptr, memory_size(ptr));
    memory_free(ptr);
}

/* Not by memory_resize, which would leave the old bytes where they were. */
void *OPENSSL_memory_realloc(void *ptr, size_t size)
{
    size_t before = memory_size(ptr);
    if (size <= before && size > before / 2)
        return ptr;
    void *moved = memory_alloc(size);
    if (!moved)
        return NULL;
    memcpy(moved, ptr, size < before ? size : before);
    OPENSSL_memory_free(ptr);
    return moved;
}

size_t OPENSSL_memory_get_size(void *ptr)
{
    return memory_size(ptr);
}

void CRYPTO_sysrand(uint8_t *into, size_t len)
{
    entropy_fill(into, len);
}
