/* See pci.h: what configuration says. Nothing here knows how it is reached. */
#include "platform/pvh/pci.h"

#define SLOTS          32u
#define FUNCTIONS      8u
#define R_ID           0x00u
#define R_COMMAND      0x04u
#define R_HEADER       0x0cu
#define R_BARS         0x10u
#define R_BUSES        0x18u /* of a bridge: primary, secondary, subordinate */
#define R_CAPABILITIES 0x34u
#define NOBODY         0xffffu
#define COMMAND_IO     1u
#define COMMAND_MEMORY 2u
#define COMMAND_MASTER 4u
#define COMMAND_NO_INT 0x400u
#define STATUS_LIST    (UINT32_C(1) << 20) /* of the word that begins with the command */
#define HEADER_BRIDGE  1u
#define HEADER_MANY    0x80u
#define BAR_PORTS      1u
#define BAR_TYPE       6u
#define BAR_WIDE       4u
#define BAR_FLAGS      15u

/* --- who is there --- */

struct search {
    void (*found)(struct pci_function f, uint32_t id);
    bool wanted[256]; /* buses */
};

static void look_at_function(struct search *s, struct pci_function f)
{
    uint32_t id = pci_read(f, R_ID);
    if ((id & NOBODY) == NOBODY)
        return;
    if ((pci_read8(f, R_HEADER + 2) & ~HEADER_MANY) == HEADER_BRIDGE)
        s->wanted[pci_read8(f, R_BUSES + 1)] = true;
    else
        s->found(f, id);
}

static void look_at_bus(struct search *s, struct pci_function f)
{
    for (f.slot = 0; f.slot < SLOTS; f.slot++) {
        f.function = 0;
        if ((pci_read(f, R_ID) & NOBODY) == NOBODY)
            continue;
        unsigned functions = pci_read8(f, R_HEADER + 2) & HEADER_MANY ? FUNCTIONS : 1;
        for (; f.function < functions; f.function++)
            look_at_function(s, f);
    }
}

/* Behind a bridge numbers are higher: one way through all of them finds each once. */
void pci_find(void (*found)(struct pci_function f, uint32_t id))
{
    uint8_t first, last;
    for (uint16_t segment = 0; pci_segment(segment, &first, &last); segment++) {
        struct search s = {.found = found};
        s.wanted[first] = true;
        for (unsigned bus = first; bus <= last; bus++)
            if (s.wanted[bus])
                look_at_bus(&s, (struct pci_function){segment, (uint8_t)bus, 0, 0});
    }
}

/* --- one of them --- */

uint8_t pci_read8(struct pci_function f, uint32_t at)
{
    return (uint8_t)(pci_read(f, at & ~3u) >> (at % 4 * 8));
}

/* What stands in the upper half is cleared by writing ones. */
static uint32_t command(struct pci_function f)
{
    return pci_read(f, R_COMMAND) & 0xffff;
}

void pci_enable(struct pci_function f)
{
    pci_write(f, R_COMMAND, command(f) | COMMAND_MEMORY | COMMAND_MASTER | COMMAND_NO_INT);
}

uint32_t pci_next_capability(struct pci_function f, uint32_t at)
{
    if (!at && !(pci_read(f, R_COMMAND) & STATUS_LIST))
        return 0;
    uint32_t next = pci_read8(f, at ? at + 1 : R_CAPABILITIES) & ~3u;
    return next < 0x40 ? 0 : next;
}

/* --- what it decodes --- */

/* The bits that hold when all are set tell how large it is. */
static uint32_t held(struct pci_function f, uint32_t at)
{
    uint32_t was = pci_read(f, at);
    pci_write(f, at, UINT32_MAX);
    uint32_t bits = pci_read(f, at);
    pci_write(f, at, was);
    return bits;
}

static struct pci_bar read_bar(struct pci_function f, uint32_t at, bool wide)
{
    uint64_t address = pci_read(f, at) & ~BAR_FLAGS, bits = held(f, at) & ~BAR_FLAGS;
    address |= wide ? (uint64_t)pci_read(f, at + 4) << 32 : 0;
    bits |= (uint64_t)(wide ? held(f, at + 4) : UINT32_MAX) << 32;
    uint64_t size = ~bits + 1; /* 0: no bit held */
    if (!address || !size || (size & (size - 1)) || address % size)
        return (struct pci_bar){0, 0};
    return (struct pci_bar){address, size};
}

void pci_read_bars(struct pci_function f, struct pci_bar into[PCI_BARS])
{
    uint32_t was = command(f);
    pci_write(f, R_COMMAND, was & ~(COMMAND_MEMORY | COMMAND_IO));
    for (uint32_t n = 0; n < PCI_BARS; n++) {
        uint32_t at = R_BARS + n * 4, flags = pci_read(f, at) & BAR_FLAGS;
        bool wide = !(flags & BAR_PORTS) && (flags & BAR_TYPE) == BAR_WIDE;
        into[n] = (struct pci_bar){0, 0};
        if (flags & BAR_PORTS || (wide && n + 1 == PCI_BARS))
            continue;
        into[n] = read_bar(f, at, wide);
        if (wide)
            into[++n] = (struct pci_bar){0, 0};
    }
    pci_write(f, R_COMMAND, was);
}

uint64_t pci_bar_part(const struct pci_bar *bar, uint64_t offset, uint64_t size)
{
    return size && size <= bar->size && offset <= bar->size - size ? bar->address + offset : 0;
}
