/* See vault.h. */
#include "platform/process/vault.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/panic.h"

#define CLASSES     16u /* of 16 bytes, 32, 64 ... 512 KiB */
#define CLASS_BYTES ((size_t)16)

/* In front of each block. */
struct head {
    struct head *next; /* of the same class, while the block is free */
    uint32_t class;
    uint32_t used;
};

_Static_assert(sizeof(struct head) == 16, "blocks are aligned to 16 bytes");

static uint8_t *region;
static size_t taken; /* bytes of the region that were ever blocks */
static struct head *free_blocks[CLASSES];

bool vault_open(void)
{
    void *at = mmap(NULL, VAULT_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return false;
    if (mlock(at, VAULT_SIZE) < 0 || madvise(at, VAULT_SIZE, MADV_DONTDUMP) < 0) {
        munmap(at, VAULT_SIZE);
        return false;
    }
    region = at;
    return true;
}

bool vault_is_open(void)
{
    return region != NULL;
}

static struct head *head_of(const void *ptr)
{
    return (struct head *)(uintptr_t)ptr - 1;
}

static struct head *cut(uint32_t class)
{
    size_t whole = sizeof(struct head) + (CLASS_BYTES << class);
    if (whole > VAULT_SIZE - taken)
        return NULL;
    struct head *h = (struct head *)(void *)(region + taken);
    taken += whole;
    h->class = class;
    return h;
}

void *vault_alloc(size_t size)
{
    uint32_t class = 0;
    while (class < CLASSES && CLASS_BYTES << class < size)
        class ++;
    if (class == CLASSES)
        return NULL;
    struct head *h = free_blocks[class];
    if (h)
        free_blocks[class] = h->next;
    else
        h = cut(class);
    if (!h)
        return NULL;
    h->used = 1;
    return h + 1;
}

size_t vault_size(const void *ptr)
{
    uintptr_t at = (uintptr_t)ptr, start = (uintptr_t)region;
    return region && at > start && at < start + VAULT_SIZE ? CLASS_BYTES << head_of(ptr)->class : 0;
}

void vault_free(void *ptr)
{
    size_t size = vault_size(ptr);
    if (size == 0)
        return;
    struct head *h = head_of(ptr);
    assert_always(h->used == 1);
    explicit_bzero(ptr, size);
    h->used = 0;
    h->next = free_blocks[h->class];
    free_blocks[h->class] = h;
}
