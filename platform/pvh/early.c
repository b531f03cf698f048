/* From the start information to the mapping that stays: see early.h. */
#include "platform/pvh/early.h"

#include "platform/pvh/cpu.h"
#include "platform/pvh/memory_map.h"
#include "platform/pvh/start.h"
#include "platform/pvh/stacks.h"

#define SERIAL        0x3f8
#define SERIAL_STATUS (SERIAL + 5)
#define SERIAL_EMPTY  0x20
#define SERIAL_TRIES  100000
#define DEBUG_PORT    0xe9                /* heard where there is no serial port: see serial.c */
#define SLOT          ((uint64_t)1 << 39) /* bytes under one entry of the topmost table */
#define SLOTS         (MEMORY_MAP_MOST / SLOT)
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
    const struct machine_range image = {machine.image, machine.image + machine.image_size};
    const char *fault = memory_map_fault(info);
    if (fault)
        early_stop(fault);
    machine.rsdp = info->rsdp;
    read_command_line((const char *)info->command_line);
    machine.memory_count = memory_map_read((const struct start_memory *)info->memory_map,
                                           info->memory_map_entries, image, machine.memory);
    if (!machine.memory_count)
        early_stop("no usable memory");
}

/* --- where everything will be --- */

/* Nothing is in the first slot. */
static void choose_places(uint64_t slide)
{
    machine.image_at = LINKED_AT + slide;
    machine.direct = (1 + early_random() % (128 - SLOTS)) * SLOT;
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
