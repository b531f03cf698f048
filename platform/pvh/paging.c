/* See paging.h. */
#include "platform/pvh/paging.h"

#include "platform/pvh/cpu.h"
#include "platform/pvh/machine.h"
#include "platform/pvh/memory.h"
#include "platform/pvh/page.h"
#include "runtime/panic.h"

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

static void map_page(uint64_t virtual, uint64_t physical)
{
    uint64_t *table = machine_virtual(cpu_read_cr3() & PAGE_ADDRESS);
    for (int level = PAGE_LEVELS - 1; level > 0; level--)
        table = table_below(&table[page_index(virtual, level)]);
    table[page_index(virtual, 0)] = physical | PAGE_PRESENT | PAGE_WRITE | PAGE_UNCACHED | PAGE_NX;
}

volatile void *paging_map_device(uint64_t physical, size_t size)
{
    static uint64_t next; /* from machine.devices on */
    uint64_t offset = physical % PAGE_SIZE, at = machine.devices + next;
    uint64_t pages = (offset + size + PAGE_SIZE - 1) / PAGE_SIZE;
    for (uint64_t i = 0; i < pages; i++)
        map_page(at + i * PAGE_SIZE, physical - offset + i * PAGE_SIZE);
    next += (pages + 1) * PAGE_SIZE; /* and one that stays empty */
    return (volatile void *)(at + offset);
}
