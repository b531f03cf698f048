/*
 * What the ACPI tables say that is read as plain numbers (ACPI 6.5, 5.2): pure, from bytes to structures.
 * The bytes are the host's, and may be of any length and content: what lies beyond the end of a table is
 * zero, what is not understood is left out.
 */
#ifndef PLATFORM_PVH_ACPI_TABLES_H
#define PLATFORM_PVH_ACPI_TABLES_H

#include "runtime/slice.h"

#define ACPI_HEADER        36u
#define ACPI_TABLE_MAX     (1u << 20) /* bytes of one table */
#define ACPI_RSDP_SIZE     36u
#define ACPI_IOAPICS_MAX   8u
#define ACPI_OVERRIDES_MAX 16u
#define ACPI_SEGMENTS_MAX  8u

/* An integer of `size` bytes, at most 8, the least significant first; what is not there is zero. */
uint64_t acpi_number(struct slice s, size_t at, size_t size);

/* Whether a table is as long as it claims, and its bytes sum up to zero (5.2.6). */
bool acpi_valid(struct slice table);

/* Where the list of tables is, out of the root pointer (5.2.5), and whether its addresses have 8 bytes,
 * or 4. 0: the pointer is damaged. */
uint64_t acpi_root(struct slice rsdp, size_t *width);

/* A register, wherever it is (5.2.3.2). */
struct acpi_register {
    enum { ACPI_NOWHERE, ACPI_PORT, ACPI_MEMORY } space;
    uint64_t address;
};

/* "FACP": the fixed parts of the machine (5.2.9). */
struct acpi_fixed {
    uint64_t dsdt;
    uint16_t interrupt;    /* SCI: a number of the old pair of controllers */
    uint16_t command_port; /* SMI_CMD; 0: there is no other mode than ACPI's */
    uint8_t enable;        /* what is written there */
    bool reduced;          /* there are none of: interrupt, events, controls */
    bool button;           /* a power button is among the fixed events */
    uint8_t event_size;    /* bytes of one of the two: status, and behind it enable */
    struct acpi_register events[2], controls[2]; /* PM1a, PM1b */
    struct acpi_register sleep, reset;
    uint8_t reset_value;
};
void acpi_read_fixed(struct slice table, struct acpi_fixed *into);

/* "APIC": interrupt controllers (5.2.12). */
struct acpi_ioapic {
    uint64_t address;
    uint32_t base; /* the global number of its first line */
};

struct acpi_override {
    uint8_t source; /* a number of the old pair of controllers */
    uint32_t line;  /* a global number */
    bool low, level;
};

struct acpi_interrupts {
    struct acpi_ioapic ioapics[ACPI_IOAPICS_MAX];
    size_t ioapic_count;
    struct acpi_override overrides[ACPI_OVERRIDES_MAX];
    size_t override_count;
};
void acpi_read_interrupts(struct slice table, struct acpi_interrupts *into);

/* "MCFG": where the configuration of PCI functions lies in memory (PCI firmware specification, 4.1.2). */
struct acpi_segment {
    uint64_t address; /* of the configuration of bus 0 */
    uint16_t number;
    uint8_t first, last; /* bus */
};
size_t acpi_read_segments(struct slice table, struct acpi_segment into[ACPI_SEGMENTS_MAX]);

#endif
