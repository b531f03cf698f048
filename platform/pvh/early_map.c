/*
 * The mapping that machine.h describes, built once. Tables are taken from the end of the highest
 * memory below MEMORY_MAP_REACH, which is all that is mapped meanwhile; no range goes beyond it and before.
 */
#include "platform/pvh/cpu.h"
#include "platform/pvh/early.h"
#include "platform/pvh/memory_map.h"
#include "platform/pvh/page.h"
#include "platform/pvh/stacks.h"

#define CPUID_EXTENDED   0x80000001u
#define CPUID_GIGABYTE   (1u << 26)
#define LARGEST_OF(huge) ((huge) ? 2 : 1)

static struct machine_range *table_source(void)
{
    struct machine_range *found = NULL;
    for (size_t i = 0; i < machine.memory_count; i++) {
        struct machine_range *r = &machine.memory[i];
        if (r->start < MEMORY_MAP_REACH && r->end - r->start > PAGE_SIZE &&
            (!found || r->start > found->start))
            found = r;
    }
    if (!found)
        early_stop("too little memory for the page tables");
    return found;
}

static uint64_t *new_table(void)
{
    struct machine_range *from = table_source();
    from->end -= PAGE_SIZE;
    uint64_t *table = (uint64_t *)from->end;
    for (int i = 0; i < 512; i++)
        table[i] = 0;
    return table;
}

static void map_one(uint64_t *table, uint64_t virtual, uint64_t physical, int level,
                    uint64_t rights)
{
    for (int l = PAGE_LEVELS - 1; l > level; l--) {
        uint64_t *entry = &table[page_index(virtual, l)];
        if (!*entry)
            *entry = (uint64_t)new_table() | PAGE_PRESENT | PAGE_WRITE;
        table = (uint64_t *)(*entry & PAGE_ADDRESS);
    }
    table[page_index(virtual, level)] = physical | rights | PAGE_PRESENT | (level ? PAGE_LARGE : 0);
}

static void map(uint64_t *root, uint64_t virtual, struct machine_range r, int largest,
                uint64_t rights)
{
    for (uint64_t at = r.start; at < r.end;) {
        uint64_t to = virtual + (at - r.start);
        int level = largest;
        while (level && ((at | to) % page_span(level) || r.end - at < page_span(level)))
            level--;
        map_one(root, to, at, level, rights);
        at += page_span(level);
    }
}

/* --- the image --- */

static void map_image(uint64_t *root, const uint8_t *from, const uint8_t *to, uint64_t rights)
{
    struct machine_range r = {(uint64_t)from, (uint64_t)to};
    map(root, machine.image_at + ((uint64_t)from - machine.image), r, 0, rights);
}

/* Data, but for the pages below the stacks. */
static void map_image_data(uint64_t *root)
{
    map_image(root, image_relocated, stacks.guard, PAGE_WRITE | PAGE_NX);
    map_image(root, stacks.program, stacks.fault_guard, PAGE_WRITE | PAGE_NX);
    map_image(root, stacks.fault, image_end, PAGE_WRITE | PAGE_NX);
}

uint64_t early_map(void)
{
    bool huge = cpu_id(CPUID_EXTENDED, 0).d & CPUID_GIGABYTE;
    /* All of it is mapped, with what the tables take meanwhile. */
    struct machine_range whole[MACHINE_RANGES_MAX];
    size_t count = machine.memory_count;
    for (size_t i = 0; i < count; i++)
        whole[i] = machine.memory[i];
    uint64_t *root = new_table();
    map_image(root, image_start, image_constants, 0);
    map_image(root, image_constants, image_relocated, PAGE_NX);
    map_image_data(root);
    /* Where it runs while the tables are changed: until paging_open. */
    map(root, (uint64_t)image_start,
        (struct machine_range){(uint64_t)image_start, (uint64_t)image_constants}, 0, 0);
    for (size_t i = 0; i < count; i++)
        map(root, machine.direct + whole[i].start, whole[i], LARGEST_OF(huge),
            PAGE_WRITE | PAGE_NX);
    return (uint64_t)root;
}
