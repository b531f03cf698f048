/*
 * See power.h. What there is to end a machine differs: a driver's way (driver.h); ACPI's sleep registers,
 * where the tables tell them (7.4.2.6, 4.8.3.2, 4.8.3.7), or where they are on QEMU's pc; QEMU's debug exit
 * for a status; a reset by ACPI's register, or by the keyboard controller (Firecracker ends by it); and at
 * last a triple fault. All are tried in turn.
 */
#include "platform/pvh/power.h"

#include "platform/pvh/acpi.h"
#include "platform/pvh/aml.h"
#include "platform/pvh/cpu.h"
#include "platform/pvh/driver.h"
#include "platform/pvh/start.h"
#include "platform/pvh/time.h"
#include "signatures/halt.h"

#define DEBUG_EXIT      0xf4
#define KEYBOARD        0x64
#define KEYBOARD_RESET  0xfe
#define CONTROL_PC      0x604 /* PM1a control of QEMU's pc and q35 */
#define CONTROL_SLEEP   0x2000u
#define CONTROL_TYPE    0x1c00u
#define CONTROL_TYPE_AT 10
#define REDUCED_SLEEP   0x20u
#define REDUCED_TYPE_AT 2

struct nothing {
    uint16_t size;
    uint64_t base;
} __attribute__((packed));

static uint8_t types[2];                  /* of the state S5 */
static struct acpi_io sleep, controls[2]; /* nowhere: not told */
static struct acpi_io reset;

void power_open(void)
{
    const struct acpi_fixed *f = acpi_fixed();
    struct slice code;
    reset = acpi_map_register(f->reset, 0);
    for (size_t n = 0; (code = acpi_code(n)).len; n++)
        if (aml_power_off(code, types))
            break;
    if (!code.len)
        return;
    sleep = acpi_map_register(f->sleep, 0);
    for (size_t i = 0; i < 2; i++)
        controls[i] = acpi_map_register(f->controls[i], 0);
}

static bool is_somewhere(const struct acpi_io *io)
{
    return io->where.space != ACPI_NOWHERE;
}

/* The hypervisor follows in a moment: what is asked meanwhile, it would do as well. */
static void wait_for_sleep(void)
{
    uint64_t from = cpu_ticks();
    while (cpu_ticks() - from < time_ticks_per_second())
        cpu_pause();
}

static void sleep_for_good(void)
{
    acpi_write(&sleep, 1, (uint16_t)(REDUCED_SLEEP | (unsigned)types[0] << REDUCED_TYPE_AT));
    for (size_t i = 0; i < 2; i++) {
        unsigned was = acpi_read(&controls[i], 2) & ~(CONTROL_TYPE | CONTROL_SLEEP);
        acpi_write(&controls[i], 2,
                   (uint16_t)(was | (unsigned)types[i] << CONTROL_TYPE_AT | CONTROL_SLEEP));
    }
    if (is_somewhere(&sleep) || is_somewhere(&controls[0]))
        wait_for_sleep();
    port_write16(CONTROL_PC, CONTROL_SLEEP);
}

static void __attribute__((noreturn)) triple_fault(void)
{
    static const struct nothing none;
    __asm__ volatile("lidt %0\n\tint3" ::"m"(none));
    cpu_stop();
}

/* What every machine has. */
static void __attribute__((noreturn)) leave_alone(uint8_t code)
{
    cpu_interrupts_off();
    if (code)
        port_write8(DEBUG_EXIT, code);
    if (code != POWER_CRASHED)
        sleep_for_good();
    acpi_write(&reset, 1, acpi_fixed()->reset_value);
    port_write8(KEYBOARD, KEYBOARD_RESET);
    triple_fault();
}

static void __attribute__((noreturn)) leave(uint8_t code)
{
    cpu_interrupts_off();
    for (const struct driver *const *d = image_drivers; d < image_drivers_end; d++)
        if ((*d)->leave)
            (*d)->leave(code);
    leave_alone(code);
}

void power_off(int status)
{
    leave(status ? POWER_FAILED : 0);
}

void power_crash(void)
{
    leave(POWER_CRASHED);
}

/* The drivers' addresses lead nowhere yet: see relocate.c. */
void start_failed(void)
{
    leave_alone(POWER_FAILED);
}

void halt(void)
{
    power_crash();
}
