/* See pci.h: how configuration is reached. The buses that are in memory are mapped when they are asked for. */
#include "platform/pvh/pci.h"

#include "platform/pvh/acpi.h"
#include "platform/pvh/cpu.h"
#include "platform/pvh/paging.h"

#define ADDRESS_PORT  0xcf8
#define DATA_PORT     0xcfc
#define ADDRESS_VALID 0x80000000u
#define BUS_BYTES     (UINT64_C(1) << 20)
#define MAPPED_MAX    32u /* buses */

struct mapped {
    uint16_t segment;
    uint8_t bus;
    volatile uint8_t *at; /* NULL: cannot be reached */
};

static struct acpi_segment segments[ACPI_SEGMENTS_MAX];
static size_t segment_count; /* 0: by ports, if at all */
static bool ports;
static struct mapped mapped[MAPPED_MAX];
static size_t mapped_count;

void pci_open(void)
{
    segment_count = acpi_read_segments(acpi_table("MCFG", 0), segments);
    if (segment_count)
        return;
    port_write32(ADDRESS_PORT, ADDRESS_VALID);
    ports = port_read32(ADDRESS_PORT) == ADDRESS_VALID;
}

bool pci_segment(uint16_t index, uint8_t *first, uint8_t *last)
{
    bool is_there = index < segment_count || (ports && index == 0);
    *first = is_there && segment_count ? segments[index].first : 0;
    *last = is_there && segment_count ? segments[index].last : 255;
    return is_there;
}

/* A segment's address is that of its bus 0, whether that one is there or not. */
static volatile uint8_t *bus_at(uint16_t segment, uint8_t bus)
{
    for (size_t i = 0; i < mapped_count; i++)
        if (mapped[i].segment == segment && mapped[i].bus == bus)
            return mapped[i].at;
    if (mapped_count == MAPPED_MAX)
        return NULL;
    struct mapped *m = &mapped[mapped_count++];
    *m = (struct mapped){segment, bus,
                         paging_map_device(segments[segment].address + bus * BUS_BYTES, BUS_BYTES)};
    return m->at;
}

static volatile uint32_t *word(struct pci_function f, uint32_t at)
{
    volatile uint8_t *bus = bus_at(f.segment, f.bus);
    uint32_t place = (uint32_t)f.slot << 15 | (uint32_t)f.function << 12 | (at & 0xfc);
    return bus ? (volatile uint32_t *)(volatile void *)(bus + place) : NULL;
}

static void aim(struct pci_function f, uint32_t at)
{
    port_write32(ADDRESS_PORT, ADDRESS_VALID | (uint32_t)f.bus << 16 | (uint32_t)f.slot << 11 |
                                   (uint32_t)f.function << 8 | (at & 0xfc));
}

uint32_t pci_read(struct pci_function f, uint32_t at)
{
    if (segment_count) {
        volatile uint32_t *w = word(f, at);
        return w ? *w : UINT32_MAX;
    }
    aim(f, at);
    return port_read32(DATA_PORT);
}

void pci_write(struct pci_function f, uint32_t at, uint32_t value)
{
    if (segment_count) {
        volatile uint32_t *w = word(f, at);
        if (w)
            *w = value;
        return;
    }
    aim(f, at);
    port_write32(DATA_PORT, value);
}
