/* See acpi_tables.h. */
#include "platform/pvh/acpi_tables.h"

#include "runtime/reader.h"

#define RSDP_OLD_SIZE 20u

enum { /* offsets in the fixed table */
       F_DSDT = 40,
       F_INTERRUPT = 46,
       F_COMMAND = 48,
       F_ENABLE = 52,
       F_EVENTS = 56,
       F_CONTROLS = 64,
       F_EVENT_SIZE = 88,
       F_FLAGS = 112,
       F_RESET = 116,
       F_RESET_VALUE = 128,
       F_X_DSDT = 140,
       F_X_EVENTS = 148,
       F_X_CONTROLS = 172,
       F_SLEEP = 244
};
#define REGISTER_SIZE     12u
#define FLAG_NO_BUTTON    (1u << 4) /* it is a device of its own, if there is one */
#define FLAG_RESET        (1u << 10)
#define FLAG_REDUCED      (1u << 20)
#define SPACE_MEMORY      0u
#define SPACE_PORT        1u
#define INTERRUPTS_HEADER 44u
#define KIND_IOAPIC       1u
#define KIND_OVERRIDE     2u
#define SEGMENTS_HEADER   44u

uint64_t acpi_number(struct slice s, size_t at, size_t size)
{
    struct slice field = slice_take(slice_drop(s, at), size);
    uint64_t value = 0;
    for (size_t i = field.len; i-- > 0;)
        value = value << 8 | field.ptr[i];
    return value;
}

static uint8_t sum(struct slice s)
{
    uint8_t total = 0;
    for (size_t i = 0; i < s.len; i++)
        total = (uint8_t)(total + s.ptr[i]);
    return total;
}

bool acpi_valid(struct slice table)
{
    return table.len >= ACPI_HEADER && acpi_number(table, 4, 4) == table.len && sum(table) == 0;
}

uint64_t acpi_root(struct slice rsdp, size_t *width)
{
    bool extended = acpi_number(rsdp, 15, 1) >= 2;
    uint64_t wide = extended ? acpi_number(rsdp, 24, 8) : 0;
    if (rsdp.len < ACPI_RSDP_SIZE || !slice_starts(rsdp, SLICE("RSD PTR ")) ||
        sum(slice_take(rsdp, RSDP_OLD_SIZE)) != 0 ||
        (extended && sum(slice_take(rsdp, ACPI_RSDP_SIZE)) != 0))
        return 0;
    *width = wide ? 8 : 4;
    return wide ? wide : acpi_number(rsdp, 16, 4);
}

/* --- FACP --- */

static struct acpi_register general(struct slice t, size_t at)
{
    uint64_t space = acpi_number(t, at, 1), address = acpi_number(t, at + 4, 8);
    if (!address || (space == SPACE_PORT && address > UINT16_MAX) || space > SPACE_PORT)
        return (struct acpi_register){ACPI_NOWHERE, 0};
    return (struct acpi_register){space == SPACE_MEMORY ? ACPI_MEMORY : ACPI_PORT, address};
}

/* The general form of an address goes before the old one, which is a port. */
static struct acpi_register either(struct slice t, size_t at, size_t old)
{
    struct acpi_register r = general(t, at);
    uint64_t port = acpi_number(t, old, 4);
    if (r.space != ACPI_NOWHERE || !port || port > UINT16_MAX)
        return r;
    return (struct acpi_register){ACPI_PORT, port};
}

void acpi_read_fixed(struct slice t, struct acpi_fixed *into)
{
    uint64_t flags = acpi_number(t, F_FLAGS, 4), wide = acpi_number(t, F_X_DSDT, 8);
    *into = (struct acpi_fixed){
        .dsdt = wide ? wide : acpi_number(t, F_DSDT, 4),
        .interrupt = (uint16_t)acpi_number(t, F_INTERRUPT, 2),
        .command_port = (uint16_t)acpi_number(t, F_COMMAND, 4),
        .enable = (uint8_t)acpi_number(t, F_ENABLE, 1),
        .reduced = flags & FLAG_REDUCED,
        .event_size = (uint8_t)acpi_number(t, F_EVENT_SIZE, 1),
        .reset_value = (uint8_t)acpi_number(t, F_RESET_VALUE, 1),
    };
    if (flags & FLAG_RESET)
        into->reset = general(t, F_RESET);
    if (into->reduced) {
        into->sleep = general(t, F_SLEEP);
        return;
    }
    into->button = !(flags & FLAG_NO_BUTTON);
    for (size_t i = 0; i < 2; i++) {
        into->events[i] = either(t, F_X_EVENTS + i * REGISTER_SIZE, F_EVENTS + i * 4);
        into->controls[i] = either(t, F_X_CONTROLS + i * REGISTER_SIZE, F_CONTROLS + i * 4);
    }
}

/* --- APIC --- */

static void add_ioapic(struct slice entry, struct acpi_interrupts *into)
{
    if (entry.len >= 12 && into->ioapic_count < ACPI_IOAPICS_MAX)
        into->ioapics[into->ioapic_count++] = (struct acpi_ioapic){
            acpi_number(entry, 4, 4),
            (uint32_t)acpi_number(entry, 8, 4),
        };
}

/* Polarity and trigger are two bits each; other values than those that are asked for here mean what is
 * usual for the bus: high and edge. */
static void add_override(struct slice entry, struct acpi_interrupts *into)
{
    uint64_t flags = acpi_number(entry, 8, 2);
    if (entry.len >= 10 && into->override_count < ACPI_OVERRIDES_MAX)
        into->overrides[into->override_count++] = (struct acpi_override){
            .source = (uint8_t)acpi_number(entry, 3, 1),
            .line = (uint32_t)acpi_number(entry, 4, 4),
            .low = (flags & 3) == 3,
            .level = (flags >> 2 & 3) == 3,
        };
}

void acpi_read_interrupts(struct slice table, struct acpi_interrupts *into)
{
    struct slice rest = slice_drop(table, INTERRUPTS_HEADER);
    *into = (struct acpi_interrupts){0};
    while (rest.len >= 2) {
        size_t length = rest.ptr[1];
        struct slice entry = slice_take(rest, length);
        if (length < 2 || entry.len < length)
            return;
        if (entry.ptr[0] == KIND_IOAPIC)
            add_ioapic(entry, into);
        else if (entry.ptr[0] == KIND_OVERRIDE)
            add_override(entry, into);
        rest = slice_drop(rest, length);
    }
}

/* --- MCFG --- */

size_t acpi_read_segments(struct slice table, struct acpi_segment into[ACPI_SEGMENTS_MAX])
{
    struct reader r = reader_of(slice_drop(table, SEGMENTS_HEADER));
    size_t count = 0;
    while (count < ACPI_SEGMENTS_MAX) {
        struct acpi_segment s = {.address = read_little_endian(&r, 8), .number = read_le16(&r)};
        s.first = read_u8(&r);
        s.last = read_u8(&r);
        read_bytes(&r, 4);
        if (r.bad)
            break;
        if (s.address && s.address % 4096 == 0 && s.first <= s.last)
            into[count++] = s;
    }
    return count;
}
