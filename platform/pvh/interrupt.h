/* Interrupts of devices: all wake the processor by one vector; who it was is found by asking all. */
#ifndef PLATFORM_PVH_INTERRUPT_H
#define PLATFORM_PVH_INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

#define INTERRUPT_VECTOR 33

/* The line of an I/O APIC (its global number), edge-triggered. False: there is no such line. */
bool interrupt_route(uint32_t line);

/* What a device writes where, to interrupt by message (PCI: MSI-X). */
uint64_t interrupt_message_address(void);
uint32_t interrupt_message_data(void);

#endif
