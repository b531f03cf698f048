/* The power button (ACPI 6.5, 4.8.3.1): of the fixed events (pc, q35), or of a generic event device (QEMU's
 * microvm, cloud-hypervisor). Asks the program to end (stop.h). */
#ifndef PLATFORM_PVH_BUTTON_H
#define PLATFORM_PVH_BUTTON_H

/* Watches it from now on, where there is one. */
void button_open(void);

#endif
