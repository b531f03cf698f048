/* From the start information to the mapping that stays: see early.h. */
#include "platform/pvh/early.h"

#include "platform/pvh/cpu.h"
#include "platform/pvh/start.h"
#include "platform/pvh/stacks.h"

#define SERIAL        0x3f8
#define SERIAL_STATUS (SERIAL + 5)
#define SERIAL_EMPTY  0x20
#define SERIAL_TRIES  100000
#define DEBUG_PORT    0xe9                /* heard where there is no serial port: see serial.c */
#define SLOT          ((uint64_t)1 << 39) /* bytes under one entry of the topmost table */
#define LINKED_AT     UINT64_C(0x100000)

struct machine machine;
struct stacks stacks;

/* --- last words --- */

static void put(char c)
{
    for (int i = 0; i < SERIAL_TRIES && !(port_read8(SERIAL_STATUS) & SERIAL_EMPTY); i++)
        cpu_pause();
    port_write8(SERIAL, (uint8_t)c);
    port_write8(DEBUG_PORT, (uint8_t)c);
}

void early_stop(const char *why)
{
    for (const char *s = "ringlet: cannot start: "; *s; s++)
        put(*s);
    for (; *why; why++)
        put(*why);
    put('\n');
    start_failed();
}

/* --- what we were told --- */

static void add_memory(uint64_t start, uint64_t end)
{
    start = (start + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
    end &= ~(uint64_t)(PAGE_SIZE - 1);
    if (start == 0)
        start = PAGE_SIZE;
    if (end <= start || machine.memory_count == MACHINE_RANGES_MAX)
        return;
    machine.memory[machine.memory_count++] = (struct machine_range){start, end};
    if (end > machine.memory_end)
        machine.memory_end = end;
}

/* What is left of a range of the map without the image itself. */
static void add_around_image(uint64_t start, uint64_t end)
{
    uint64_t image_end_at = machine.image + machine.image_size;
    if (end <= machine.image || start >= image_end_at) {
        add_memory(start, end);
        return;
    }
    if (start < machine.image)
        add_memory(start, machine.image);
    if (end > image_end_at)
        add_memory(image_end_at, end);
}

static void read_memory_map(const struct start_info *info)
{
    const struct start_memory *map = (const struct start_memory *)info->memory_map;
    for (uint32_t i = 0; i < info->memory_map_entries; i++)
        if (map[i].type == START_MEMORY_RAM && map[i].address + map[i].size > map[i].address)
            add_around_image(map[i].address, map[i].address + map[i].size);
}

static void read_command_line(const char *from)
{
    size_t i = 0;
    for (; from && from[i] && i < MACHINE_COMMAND_MAX - 1; i++)
        machine.command_line[i] = from[i];
    machine.command_line[i] = '\0';
    machine.command_line_cut = from && from[i];
}

static void read_start_info(const struct start_info *info)
{
    if (info->magic != START_INFO_MAGIC)
        early_stop("no PVH start information: was this started as a PVH kernel?");
    if (info->version < 1 || !info->memory_map || !info->memory_map_entries)
        early_stop("the start information has no map of the memory (version 1 is needed)");
    machine.rsdp = info->rsdp;
    read_command_line((const char *)info->command_line);
    read_memory_map(info);
    if (!machine.memory_count)
        early_stop("no usable memory");
}

/* --- where everything will be --- */

static void choose_places(uint64_t slide)
{
    machine.image_at = LINKED_AT + slide;
    machine.direct = (1 + early_random() % 120) * SLOT;
    machine.devices = (128 + early_random() % 120) * SLOT;
}

static void __attribute__((noreturn)) switch_over(uint64_t tables, uint64_t slide)
{
    uint64_t stack = (uint64_t)stacks.program + MACHINE_STACK + slide;
    uint64_t entry = (uint64_t)&start + slide;
    __asm__ volatile("mov %0, %%cr3\n\t"
                     "mov %1, %%rsp\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "push $0\n\t" /* as if called, by nobody */
                     "jmp *%2" ::"r"(tables),
                     "r"(stack), "r"(entry)
                     : "memory");
    __builtin_unreachable();
}

void early_main(const struct start_info *info, uint64_t slide)
{
    machine.image = LINKED_AT;
    machine.image_size = (uint64_t)(image_end - image_start);
    read_start_info(info);
    choose_places(slide);
    switch_over(early_map(), slide);
}
