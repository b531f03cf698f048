/* See interrupt.h. The I/O APICs are where they are on all machines that we know (ACPI's table of them
 * is not read): the first at 0xfec00000, a second, on QEMU's microvm, 64 KiB further. */
#include "platform/pvh/interrupt.h"

#include "platform/pvh/apic.h"
#include "platform/pvh/paging.h"

#define IOAPIC_ADDRESS UINT64_C(0xfec00000)
#define IOAPIC_STEP    UINT64_C(0x10000)
#define IOAPICS        2u
#define IOAPIC_LINES   24u
#define IOAPIC_DATA    4 /* index of the data register, in words */
#define IOAPIC_TABLE   0x10u
#define MESSAGES       UINT64_C(0xfee00000)

bool interrupt_route(uint32_t line)
{
    static volatile uint32_t *controllers[IOAPICS];
    uint32_t which = line / IOAPIC_LINES, pin = line % IOAPIC_LINES;
    if (which >= IOAPICS)
        return false;
    if (!controllers[which])
        controllers[which] = paging_map_device(IOAPIC_ADDRESS + which * IOAPIC_STEP, 32);
    volatile uint32_t *io = controllers[which];
    io[0] = IOAPIC_TABLE + pin * 2 + 1;
    io[IOAPIC_DATA] = apic_id() << 24;
    io[0] = IOAPIC_TABLE + pin * 2;
    io[IOAPIC_DATA] = INTERRUPT_VECTOR;
    return true;
}

uint64_t interrupt_message_address(void)
{
    return MESSAGES | (uint64_t)apic_id() << 12;
}

uint32_t interrupt_message_data(void)
{
    return INTERRUPT_VECTOR;
}
