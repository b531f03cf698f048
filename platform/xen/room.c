/* Xen, among a machine's drivers: see platform/pvh/driver.h. */
#include "platform/pvh/driver.h"

#include "platform/pvh/power.h"
#include "platform/xen/bus.h"
#include "platform/xen/console.h"
#include "platform/xen/control.h"
#include "platform/xen/event.h"
#include "platform/xen/guest.h"

static void begin(void)
{
    guest_begin();
    if (guest_of_xen())
        console_begin();
}

static void find(void)
{
    if (!guest_of_xen())
        return;
    event_begin();
    if (bus_begin())
        control_begin();
}

static void leave(unsigned code)
{
    if (guest_of_xen())
        guest_shutdown(code == POWER_CRASHED ? SHUTDOWN_crash
                       : control_reboots()   ? SHUTDOWN_reboot
                                             : SHUTDOWN_poweroff);
}

static const struct driver host = {
    .name = "Xen",
    .begin = begin,
    .find = find,
    .sleep = event_sleep,
    .write = xen_console_write,
    .flush = xen_console_flush,
    .status = xen_console_status,
    .leave = leave,
};
DRIVER(host);
