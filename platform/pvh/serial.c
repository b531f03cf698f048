/* The console on the first serial port (16550A). Bytes are written as they come: it is buffered by
 * whoever plays the machine. A port that never gets ready is given up. Without any console, what is said
 * goes to the port that hypervisors have for it (Xen: its log of guests, a line at a time). */
#include "platform/pvh/cpu.h"
#include "platform/pvh/driver.h"
#include "signatures/console.h"

#define PORT         0x3f8
#define DEBUG_PORT   0xe9
#define LINE_CONTROL (PORT + 3)
#define LINE_STATUS  (PORT + 5)
#define SCRATCH      (PORT + 7)
#define EMPTY        0x20
#define FIFO         16
#define TRIES        100000

static enum { UNKNOWN, THERE, MISSING } state;

static void look(void)
{
    port_write8(SCRATCH, 0x5a);
    state = port_read8(SCRATCH) == 0x5a ? THERE : MISSING;
    if (state == THERE)
        port_write8(LINE_CONTROL, 3); /* 8 bits, no parity */
}

static bool ready(void)
{
    for (int i = 0; i < TRIES; i++) {
        if (port_read8(LINE_STATUS) & EMPTY)
            return true;
        cpu_pause();
    }
    state = MISSING;
    return false;
}

static void write_port(struct slice bytes)
{
    if (state == UNKNOWN)
        look();
    for (size_t i = 0; i < bytes.len && state == THERE; i++) {
        if (i % FIFO == 0 && !ready())
            return;
        port_write8(PORT, bytes.ptr[i]);
    }
}

static bool write_drivers(struct slice bytes)
{
    bool any = false;
    for (const struct driver *const *d = image_drivers; d < image_drivers_end; d++)
        if ((*d)->write)
            any |= (*d)->write(bytes);
    return any;
}

/* --- the signature --- */

void console_write(struct slice bytes)
{
    write_port(bytes);
    bool heard = write_drivers(bytes) || state == THERE;
    for (size_t i = 0; i < bytes.len && !heard; i++)
        port_write8(DEBUG_PORT, bytes.ptr[i]);
}

void console_flush(void)
{
    if (state == THERE)
        ready();
    for (const struct driver *const *d = image_drivers; d < image_drivers_end; d++)
        if ((*d)->flush)
            (*d)->flush();
}

void console_status(struct buf *into)
{
    for (const struct driver *const *d = image_drivers; d < image_drivers_end; d++)
        if ((*d)->status)
            (*d)->status(into);
}
