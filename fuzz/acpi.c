/* ACPI's tables, as a host may have written them: whatever they say, nothing is read beyond their end. */
#include <stdlib.h>
#include <string.h>

#include "platform/pvh/acpi_tables.h"
#include "platform/pvh/aml.h"
#include "platform/pvh/generation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_code(struct slice code)
{
    struct aml_device d;
    struct aml_event e;
    uint8_t types[2];
    uint64_t address;
    if (aml_power_off(code, types) && (types[0] > 7 || types[1] > 7))
        abort();
    aml_generation(code, &address);
    for (struct slice rest = code; aml_next_device(&rest, SLICE("LNRO0005"), &d);)
        ;
    for (struct slice rest = code; aml_next_device(&rest, SLICE("ACPI0013"), &d);)
        if (aml_button_event(&d, &e) && !e.button)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice table = slice_of(data, size);
    struct acpi_interrupts interrupts;
    struct acpi_segment segments[ACPI_SEGMENTS_MAX];
    struct acpi_fixed fixed;
    uint8_t page[VMCLOCK_SIZE] = {0};
    uint64_t said[2];
    size_t width;
    acpi_valid(table);
    acpi_root(table, &width);
    acpi_read_fixed(table, &fixed);
    acpi_read_interrupts(table, &interrupts);
    if (interrupts.ioapic_count > ACPI_IOAPICS_MAX ||
        interrupts.override_count > ACPI_OVERRIDES_MAX ||
        acpi_read_segments(table, segments) > ACPI_SEGMENTS_MAX)
        abort();
    read_code(table);
    if (size)
        memcpy(page, data, size < sizeof page ? size : sizeof page);
    generation_of_vmclock(page, said);
    return 0;
}
