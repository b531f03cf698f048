/*
 * See power.h. What there is to end a machine differs: ACPI's sleep register where the tables name
 * one, QEMU's debug exit for a status, a reset by the keyboard controller (Firecracker ends by it),
 * and at last a triple fault. All are tried in turn.
 */
#include "platform/pvh/power.h"

#include "platform/pvh/cpu.h"
#include "platform/pvh/start.h"
#include "signatures/halt.h"

#define DEBUG_EXIT      0xf4
#define KEYBOARD        0x64
#define KEYBOARD_RESET  0xfe
#define ACPI_CONTROL_PC 0x604 /* PM1a control of QEMU's pc and q35 */
#define ACPI_SLEEP      0x2000

struct nothing {
    uint16_t size;
    uint64_t base;
} __attribute__((packed));

static void __attribute__((noreturn)) triple_fault(void)
{
    static const struct nothing none;
    __asm__ volatile("lidt %0\n\tint3" ::"m"(none));
    cpu_stop();
}

static void __attribute__((noreturn)) leave(uint8_t code)
{
    cpu_interrupts_off();
    if (code)
        port_write8(DEBUG_EXIT, code);
    else
        port_write16(ACPI_CONTROL_PC, ACPI_SLEEP);
    port_write8(KEYBOARD, KEYBOARD_RESET);
    triple_fault();
}

void power_off(int status)
{
    leave(status ? POWER_FAILED : 0);
}

void power_crash(void)
{
    leave(POWER_CRASHED);
}

void start_failed(void)
{
    leave(POWER_FAILED);
}

void halt(void)
{
    power_crash();
}
