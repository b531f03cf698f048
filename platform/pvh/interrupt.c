/* See interrupt.h. Where the I/O APICs are is told by ACPI's table of them; without it there is one, where
 * it is on all machines that we know, and on QEMU's microvm a second. */
#include "platform/pvh/interrupt.h"

#include "platform/pvh/acpi.h"
#include "platform/pvh/apic.h"
#include "platform/pvh/paging.h"

#define IOAPIC_DATA    4 /* index of the data register, in words */
#define IOAPIC_VERSION 1u
#define IOAPIC_TABLE   0x10u
#define ENTRY_LOW      (1u << 13)
#define ENTRY_LEVEL    (1u << 15)
#define MESSAGES       UINT64_C(0xfee00000)

static struct acpi_interrupts told = {
    .ioapics = {{0xfec00000, 0}, {0xfec10000, 24}},
    .ioapic_count = 2,
};
static volatile uint32_t *controllers[ACPI_IOAPICS_MAX];

void interrupt_open(void)
{
    struct acpi_interrupts from_acpi;
    acpi_read_interrupts(acpi_table("APIC", 0), &from_acpi);
    if (from_acpi.ioapic_count)
        told = from_acpi;
}

static uint32_t read(volatile uint32_t *io, uint32_t which)
{
    io[0] = which;
    return io[IOAPIC_DATA];
}

static void write(volatile uint32_t *io, uint32_t which, uint32_t value)
{
    io[0] = which;
    io[IOAPIC_DATA] = value;
}

/* The controller of a line; *pin: which of its own that is. What is not there reads as ones. */
static volatile uint32_t *find(uint32_t line, uint32_t *pin)
{
    for (size_t i = 0; i < told.ioapic_count; i++) {
        if (line < told.ioapics[i].base)
            continue;
        if (!controllers[i])
            controllers[i] = paging_map_device(told.ioapics[i].address, 32);
        uint32_t version = controllers[i] ? read(controllers[i], IOAPIC_VERSION) : UINT32_MAX;
        *pin = line - told.ioapics[i].base;
        if (version != UINT32_MAX && *pin <= (version >> 16 & 0xff))
            return controllers[i];
    }
    return NULL;
}

bool interrupt_route(uint32_t line, uint32_t vector, unsigned kind)
{
    uint32_t pin, entry = vector;
    volatile uint32_t *io = find(line, &pin);
    if (!io)
        return false;
    entry |= kind & INTERRUPT_LEVEL ? ENTRY_LEVEL : 0;
    entry |= kind & INTERRUPT_LOW ? ENTRY_LOW : 0;
    write(io, IOAPIC_TABLE + pin * 2 + 1, apic_id() << 24);
    write(io, IOAPIC_TABLE + pin * 2, entry);
    return true;
}

bool interrupt_route_old(uint8_t number, uint32_t vector, bool level)
{
    for (size_t i = 0; i < told.override_count; i++) {
        const struct acpi_override *o = &told.overrides[i];
        if (o->source == number)
            return interrupt_route(o->line, vector,
                                   (o->level ? INTERRUPT_LEVEL : 0) | (o->low ? INTERRUPT_LOW : 0));
    }
    return interrupt_route(number, vector, level ? INTERRUPT_LEVEL | INTERRUPT_LOW : 0);
}

uint64_t interrupt_message_address(void)
{
    return MESSAGES | (uint64_t)apic_id() << 12;
}
