/* See button.h. The registers are looked at when the button's interrupt has come, not before. */
#include "platform/pvh/button.h"

#include "platform/pvh/acpi.h"
#include "platform/pvh/aml.h"
#include "platform/pvh/cpu.h"
#include "platform/pvh/interrupt.h"
#include "platform/pvh/poll.h"
#include "platform/pvh/stop.h"
#include "platform/pvh/trap.h"

#define EVENT_BUTTON 0x100u /* in status and in enable */
#define CONTROL_ACPI 1u
#define ENABLE_TRIES 1000000u

static struct acpi_io status[2];  /* of fixed events; nowhere: there are none */
static struct acpi_io event;      /* of a generic event device: reading it takes them */
static struct aml_event event_is; /* how it is read */

static bool pressed_fixed(void)
{
    bool pressed = false;
    for (size_t i = 0; i < 2; i++)
        if (acpi_read(&status[i], 2) & EVENT_BUTTON) {
            acpi_write(&status[i], 2, EVENT_BUTTON); /* written, it is cleared */
            pressed = true;
        }
    return pressed;
}

static bool pressed_event(void)
{
    return acpi_read(&event, event_is.size) & event_is.button;
}

static bool run(struct poll *p)
{
    (void)p;
    if (!trap_take(INTERRUPT_POWER))
        return false;
    bool fixed = pressed_fixed();
    if (!pressed_event() && !fixed)
        return false;
    stop_ask();
    return true;
}

static bool await(struct poll *p)
{
    (void)p;
    return false;
}

/* The firmware may have left the machine in another mode than ACPI's (4.8.2.5). */
static bool enter_acpi(const struct acpi_fixed *f)
{
    struct acpi_io control = acpi_map_register(f->controls[0], 0);
    if (!f->command_port || (acpi_read(&control, 2) & CONTROL_ACPI))
        return true;
    port_write8(f->command_port, f->enable);
    for (unsigned i = 0; i < ENABLE_TRIES; i++) {
        if (acpi_read(&control, 2) & CONTROL_ACPI)
            return true;
        cpu_pause();
    }
    return false;
}

static bool open_fixed(void)
{
    const struct acpi_fixed *f = acpi_fixed();
    uint32_t half = f->event_size / 2u;
    if (!f->button || half < 2 || f->events[0].space == ACPI_NOWHERE || !enter_acpi(f))
        return false;
    for (size_t i = 0; i < 2; i++) {
        status[i] = acpi_map_register(f->events[i], 0);
        struct acpi_io enable = acpi_map_register(f->events[i], half);
        acpi_write(&status[i], 2, EVENT_BUTTON);
        acpi_write(&enable, 2, EVENT_BUTTON);
    }
    return interrupt_route_old((uint8_t)f->interrupt, INTERRUPT_POWER, true);
}

static bool open_event_device(void)
{
    struct aml_device d;
    struct slice code;
    for (size_t n = 0; (code = acpi_code(n)).len; n++)
        while (aml_next_device(&code, SLICE("ACPI0013"), &d)) {
            if (!d.interrupts || !aml_button_event(&d, &event_is))
                continue;
            event = acpi_map_register((struct acpi_register){ACPI_MEMORY, event_is.address}, 0);
            return event.memory && interrupt_route(d.interrupt, INTERRUPT_POWER, INTERRUPT_EDGE);
        }
    return false;
}

void button_open(void)
{
    static struct poll poll = {.run = run, .await = await};
    if (open_fixed() || open_event_device())
        poll_add(&poll);
}
