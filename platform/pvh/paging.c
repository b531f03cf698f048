/* See paging.h. */
#include "platform/pvh/paging.h"

#include "platform/pvh/cpu.h"
#include "platform/pvh/machine.h"
#include "platform/pvh/memory.h"
#include "platform/pvh/page.h"
#include "runtime/panic.h"

#define CPUID_EXTENDED   0x80000000u
#define CPUID_ADDRESSES  0x80000008u
#define ADDRESS_BITS     36u /* where the processor does not tell */
#define ADDRESS_BITS_MAX 52u
#define MAPPED_MAX       ((size_t)1 << 28) /* bytes at a time: the configuration of 256 buses */

/* What is mapped to itself, as at the start, is all there is below the first entry. */
void paging_open(void)
{
    uint64_t *root = machine_virtual(cpu_read_cr3() & PAGE_ADDRESS);
    root[0] = 0;
    cpu_write_cr3(cpu_read_cr3());
}

static uint64_t *table_below(uint64_t *entry)
{
    if (!*entry) {
        uint64_t *table = memory_pages(1);
        if (!table)
            panic("no memory for a page table");
        *entry = machine_physical(table) | PAGE_PRESENT | PAGE_WRITE;
    }
    return machine_virtual(*entry & PAGE_ADDRESS);
}

static void map_page(uint64_t virtual, uint64_t physical, uint64_t rights)
{
    uint64_t *table = machine_virtual(cpu_read_cr3() & PAGE_ADDRESS);
    for (int level = PAGE_LEVELS - 1; level > 0; level--)
        table = table_below(&table[page_index(virtual, level)]);
    table[page_index(virtual, 0)] = physical | PAGE_PRESENT | PAGE_NX | rights;
}

static bool reachable(uint64_t physical, size_t size)
{
    uint32_t bits = cpu_id(CPUID_EXTENDED, 0).a >= CPUID_ADDRESSES
                        ? cpu_id(CPUID_ADDRESSES, 0).a & 0xff
                        : ADDRESS_BITS;
    uint64_t end = UINT64_C(1) << (bits < ADDRESS_BITS_MAX ? bits : ADDRESS_BITS_MAX);
    return size <= MAPPED_MAX && physical < end && size <= end - physical;
}

static bool is_ours(uint64_t physical, size_t size)
{
    uint64_t image_end = machine.image + machine.image_size;
    if (physical < image_end && physical + size > machine.image)
        return true;
    for (size_t i = 0; i < machine.memory_count; i++)
        if (physical < machine.memory[i].end && physical + size > machine.memory[i].start)
            return true;
    return false;
}

static uint64_t map(uint64_t physical, size_t size, uint64_t rights)
{
    static uint64_t next; /* from machine.devices on */
    uint64_t offset = physical % PAGE_SIZE, at = machine.devices + next;
    uint64_t pages = (offset + size + PAGE_SIZE - 1) / PAGE_SIZE;
    for (uint64_t i = 0; i < pages; i++)
        map_page(at + i * PAGE_SIZE, physical - offset + i * PAGE_SIZE, rights);
    next += (pages + 1) * PAGE_SIZE; /* and one that stays empty */
    return at + offset;
}

volatile void *paging_map_device(uint64_t physical, size_t size)
{
    if (!reachable(physical, size) || is_ours(physical, size))
        return NULL;
    return (volatile void *)map(physical, size, PAGE_WRITE | PAGE_UNCACHED);
}

void *paging_map_shared(uint64_t physical, size_t size)
{
    if (!reachable(physical, size) || is_ours(physical, size))
        return NULL;
    return (void *)map(physical, size, PAGE_WRITE);
}

const void *paging_map_table(uint64_t physical, size_t size)
{
    return reachable(physical, size) ? (const void *)map(physical, size, 0) : NULL;
}
