/* See acpi.h. */
#include "platform/pvh/acpi.h"

#include "platform/pvh/cpu.h"
#include "platform/pvh/machine.h"
#include "platform/pvh/paging.h"
#include "runtime/log.h"

#define SOURCE     "acpi"
#define TABLES_MAX 32u

static struct slice tables[TABLES_MAX];
static size_t count;
static struct acpi_fixed fixed;

/* --- finding --- */

static struct slice mapped(uint64_t physical, size_t size)
{
    const void *at = physical ? paging_map_table(physical, size) : NULL;
    return slice_of(at, at ? size : 0);
}

static struct slice table_at(uint64_t physical)
{
    struct slice head = mapped(physical, ACPI_HEADER);
    uint64_t length = acpi_number(head, 4, 4);
    struct slice table = length >= ACPI_HEADER && length <= ACPI_TABLE_MAX
                             ? mapped(physical, length)
                             : (struct slice){0};
    if (acpi_valid(table))
        return table;
    log_warning(SOURCE, "the table at %llx is damaged: it is not used",
                (unsigned long long)physical);
    return (struct slice){0};
}

static void add(uint64_t physical)
{
    struct slice t = table_at(physical);
    if (t.len && count < TABLES_MAX)
        tables[count++] = t;
}

void acpi_open(void)
{
    size_t width = 4;
    uint64_t root = machine.rsdp ? acpi_root(mapped(machine.rsdp, ACPI_RSDP_SIZE), &width) : 0;
    struct slice list = root ? table_at(root) : (struct slice){0};
    for (size_t at = ACPI_HEADER; at + width <= list.len && count < TABLES_MAX; at += width)
        add(acpi_number(list, at, width));
    struct slice facp = acpi_table("FACP", 0);
    if (!facp.len)
        return;
    acpi_read_fixed(facp, &fixed);
    add(fixed.dsdt);
}

struct slice acpi_table(const char *signature, size_t n)
{
    for (size_t i = 0; i < count; i++)
        if (slice_is(slice_take(tables[i], 4), signature) && n-- == 0)
            return tables[i];
    return (struct slice){0};
}

struct slice acpi_code(size_t n)
{
    struct slice t = n ? acpi_table("SSDT", n - 1) : acpi_table("DSDT", 0);
    return slice_drop(t, ACPI_HEADER);
}

const struct acpi_fixed *acpi_fixed(void)
{
    return &fixed;
}

/* --- registers --- */

struct acpi_io acpi_map_register(struct acpi_register r, uint64_t offset)
{
    struct acpi_io io = {.where = {r.space, r.address + offset}};
    if (r.space == ACPI_MEMORY)
        io.memory = paging_map_device(io.where.address, 4);
    if ((r.space == ACPI_MEMORY && !io.memory) ||
        (r.space == ACPI_PORT && io.where.address > UINT16_MAX))
        io.where.space = ACPI_NOWHERE;
    return io;
}

#define MEMORY(type, io) (*(volatile type *)(volatile void *)(io)->memory)

void acpi_write(const struct acpi_io *io, size_t size, uint16_t value)
{
    uint16_t port = (uint16_t)io->where.address;
    if (io->where.space == ACPI_PORT && size == 2)
        port_write16(port, value);
    else if (io->where.space == ACPI_PORT)
        port_write8(port, (uint8_t)value);
    else if (io->where.space == ACPI_MEMORY && size == 2)
        MEMORY(uint16_t, io) = value;
    else if (io->where.space == ACPI_MEMORY)
        MEMORY(uint8_t, io) = (uint8_t)value;
}

uint32_t acpi_read(const struct acpi_io *io, size_t size)
{
    uint16_t port = (uint16_t)io->where.address;
    if (io->where.space == ACPI_PORT)
        return size == 4 ? port_read32(port) : size == 2 ? port_read16(port) : port_read8(port);
    if (io->where.space == ACPI_MEMORY)
        return size == 4   ? MEMORY(uint32_t, io)
               : size == 2 ? MEMORY(uint16_t, io)
                           : MEMORY(uint8_t, io);
    return 0;
}
