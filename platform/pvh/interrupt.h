/* Interrupts of devices: what they may ask for. All that one does is to wake the processor, and to be
 * remembered under its vector (trap.h). */
#ifndef PLATFORM_PVH_INTERRUPT_H
#define PLATFORM_PVH_INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

#define INTERRUPT_VECTOR   33u /* queues of devices: who it was is found by asking all */
#define INTERRUPT_CONFIG   34u /* something else of a device has changed */
#define INTERRUPT_POWER    35u /* the power button */
#define INTERRUPT_KEYBOARD 36u

/* Finds the controllers. */
void interrupt_open(void);

/* A line of an I/O APIC, by its global number. False: there is no such line. */
enum interrupt_kind { INTERRUPT_EDGE = 0, INTERRUPT_LEVEL = 1, INTERRUPT_LOW = 2 };
bool interrupt_route(uint32_t line, uint32_t vector, unsigned kind);

/* The same by its number at the old pair of controllers (ISA), wherever that leads; level: unless the
 * machine says otherwise. */
bool interrupt_route_old(uint8_t number, uint32_t vector, bool level);

/* What a device writes where, to interrupt by message (PCI: MSI-X). */
uint64_t interrupt_message_address(void);

#endif
