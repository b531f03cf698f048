/*
 * PCI: functions, and what their configuration says (PCI Local Bus Specification 3.0, 6; PCI Express Base
 * Specification, 7). Configuration is reached by memory where ACPI's table MCFG tells how, else by ports.
 *
 * A function's own words are not believed: a BAR is as large as it can decode, and what is asked of it lies
 * within.
 */
#ifndef PLATFORM_PVH_PCI_H
#define PLATFORM_PVH_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCI_BARS             6u
#define PCI_CAPABILITIES_MAX 48u /* of one function: more do not fit into its configuration */

#define PCI_CAP_VENDOR 0x09u
#define PCI_CAP_MSIX   0x11u

struct pci_function {
    uint16_t segment; /* its index in pci_segment */
    uint8_t bus, slot, function;
};

/* --- access (pci_access.c) --- */

void pci_open(void);

/* The buses of the segment of that index. False: there is none. */
bool pci_segment(uint16_t index, uint8_t *first, uint8_t *last);

/* A word of the configuration; at: a multiple of 4 below 256. Ones: nothing is there. */
uint32_t pci_read(struct pci_function f, uint32_t at);
void pci_write(struct pci_function f, uint32_t at, uint32_t value);

/* --- what is there (pci.c) --- */

/* Calls found for each function, on all buses that bridges lead to. id: vendor below, device above. */
void pci_find(void (*found)(struct pci_function f, uint32_t id));

uint8_t pci_read8(struct pci_function f, uint32_t at);

/* Lets it decode memory and write to ours; it interrupts by messages only. */
void pci_enable(struct pci_function f);

/* Where the next capability is, from 0 on; 0: there are no more. */
uint32_t pci_next_capability(struct pci_function f, uint32_t at);

/* Memory that a function decodes: physical. size 0: there is none, or it is not set up. */
struct pci_bar {
    uint64_t address, size;
};

/* To be called before pci_enable: meanwhile the function decodes nothing. */
void pci_read_bars(struct pci_function f, struct pci_bar into[PCI_BARS]);

/* Where the bytes offset..offset+size of a BAR are. 0: it is not so large. */
uint64_t pci_bar_part(const struct pci_bar *bar, uint64_t offset, uint64_t size);

#endif
