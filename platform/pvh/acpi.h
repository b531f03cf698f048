/* The tables in which the host describes the machine (ACPI 6.5, 5.2), found and mapped once. What they say
 * is read by acpi_tables.h and aml.h; none of their code is run. */
#ifndef PLATFORM_PVH_ACPI_H
#define PLATFORM_PVH_ACPI_H

#include "platform/pvh/acpi_tables.h"

/* Looks for them; one that is damaged is left out, and said so. */
void acpi_open(void);

/* The n-th table of that signature ("APIC", "SSDT"), with its header; empty: there is none. */
struct slice acpi_table(const char *signature, size_t n);

/* The n-th table that holds code, without its header: the DSDT, then others; empty: there is none. */
struct slice acpi_code(size_t n);

/* The fixed part of the machine; all zero where there is no ACPI. */
const struct acpi_fixed *acpi_fixed(void);

/* A register, mapped if it lies in memory. `size`: bytes of an access (1, 2; 4 for reading). One that is
 * nowhere reads as zero, and is not written. */
struct acpi_io {
    struct acpi_register where;
    volatile uint8_t *memory;
};
struct acpi_io acpi_map_register(struct acpi_register r, uint64_t offset);
void acpi_write(const struct acpi_io *io, size_t size, uint16_t value);
uint32_t acpi_read(const struct acpi_io *io, size_t size);

#endif
