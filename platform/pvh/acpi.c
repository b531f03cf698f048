/* See acpi.h. Lengths are those that the tables claim, up to a limit: they are the firmware's, which is
 * not our enemy, but may be old. */
#include "platform/pvh/acpi.h"

#include "platform/pvh/machine.h"
#include "platform/pvh/paging.h"

#define HEADER        36u
#define TABLE_MAX     (1u << 20)
#define ENTRIES_MAX   64u
#define RSDP_SIZE     36u
#define RSDP_REVISION 15u
#define RSDP_RSDT     16u
#define RSDP_XSDT     24u
#define FADT_DSDT     40u
#define FADT_X_DSDT   140u

static uint64_t number(struct slice s, size_t at, size_t size)
{
    uint64_t value = 0;
    for (size_t i = size; i-- > 0;)
        value = value << 8 | (at + i < s.len ? s.ptr[at + i] : 0);
    return value;
}

static struct slice mapped(uint64_t physical, size_t size)
{
    return slice_of((const void *)(uintptr_t)paging_map_device(physical, size), size);
}

static struct slice table_at(uint64_t physical)
{
    if (!physical)
        return (struct slice){0};
    uint64_t length = number(mapped(physical, HEADER), 4, 4);
    return length < HEADER || length > TABLE_MAX ? (struct slice){0} : mapped(physical, length);
}

/* The list of all tables but the DSDT: of 64-bit addresses, or of 32-bit ones. */
static struct slice root(size_t *width)
{
    struct slice rsdp = machine.rsdp ? mapped(machine.rsdp, RSDP_SIZE) : (struct slice){0};
    uint64_t wide = number(rsdp, RSDP_REVISION, 1) >= 2 ? number(rsdp, RSDP_XSDT, 8) : 0;
    *width = wide ? 8 : 4;
    return table_at(wide ? wide : number(rsdp, RSDP_RSDT, 4));
}

static struct slice listed(const char *signature)
{
    size_t width;
    struct slice list = root(&width);
    for (size_t i = 0; i < ENTRIES_MAX && HEADER + (i + 1) * width <= list.len; i++) {
        struct slice t = table_at(number(list, HEADER + i * width, width));
        if (slice_is(slice_take(t, 4), signature))
            return t;
    }
    return (struct slice){0};
}

struct slice acpi_table(const char *signature)
{
    if (!slice_is(SLICE("DSDT"), signature))
        return listed(signature);
    struct slice fadt = listed("FACP");
    uint64_t wide = number(fadt, FADT_X_DSDT, 8);
    return table_at(wide ? wide : number(fadt, FADT_DSDT, 4));
}
