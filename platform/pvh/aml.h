/*
 * What is taken out of the tables that hold code (DSDT, SSDT; ACPI 6.5, chapter 20): pure, from bytes to
 * structures. No code is run: a few things that code declares always look the same, and are looked for.
 *
 * The bytes are the host's, and may be anything: what does not look as expected is not there.
 */
#ifndef PLATFORM_PVH_AML_H
#define PLATFORM_PVH_AML_H

#include "runtime/slice.h"

/* What is written to the sleep registers to power off (the package _S5_, 7.4.2.6). */
bool aml_power_off(struct slice code, uint8_t types[2]);

/* The resources of a device (6.4): its first range of memory, its first interrupt. */
struct aml_device {
    uint64_t address, size; /* size 0: it has no memory */
    uint32_t interrupt;     /* a global number */
    bool interrupts;        /* it has one */
    struct slice code;      /* what follows its id, within AML_DEVICE_MAX */
};

#define AML_DEVICE_MAX 1024u /* bytes behind its id in which all is that a device declares */

/* The next device in *rest with that hardware id; *rest goes on behind it. */
bool aml_next_device(struct slice *rest, struct slice id, struct aml_device *into);

/* The register that tells the events of a generic event device (ACPI0013, 5.6.9), of 1 byte or 4, and the
 * bits in it that are the power button. */
struct aml_event {
    uint64_t address;
    size_t size;
    uint8_t button;
};
bool aml_button_event(const struct aml_device *d, struct aml_event *into);

/* Where the generation of the virtual machine is told (16 bytes; "Virtual Machine Generation ID",
 * Microsoft 2012, as the device VM_Gen_Counter). */
bool aml_generation(struct slice code, uint64_t *address);

#endif
