/* See keyboard.h. */
#include "platform/pvh/keyboard.h"

#include "platform/pvh/cpu.h"
#include "platform/pvh/interrupt.h"
#include "platform/pvh/poll.h"
#include "platform/pvh/stop.h"
#include "platform/pvh/trap.h"

#define DATA          0x60
#define CONTROL       0x64
#define NUMBER        1     /* of its interrupt */
#define NOBODY        0xffu /* what is read where nothing is */
#define STATUS_OUTPUT 1u    /* a byte is there */
#define STATUS_INPUT  2u    /* it is busy with ours */
#define READ_CONFIG   0x20
#define WRITE_CONFIG  0x60
#define CONFIG_TELLS  0x01u
#define CONFIG_SILENT 0x10u
#define TRIES         1000
#define BYTES_ONCE    64

static void put(uint16_t port, uint8_t value)
{
    for (int i = 0; i < TRIES && (port_read8(CONTROL) & STATUS_INPUT); i++)
        cpu_pause();
    port_write8(port, value);
}

static bool get(uint8_t *value)
{
    if (!(port_read8(CONTROL) & STATUS_OUTPUT))
        return false;
    *value = port_read8(DATA);
    return true;
}

static bool run(struct poll *p)
{
    static uint32_t last;
    uint8_t code;
    bool any = false;
    (void)p;
    if (!trap_take(INTERRUPT_KEYBOARD))
        return false;
    for (int i = 0; i < BYTES_ONCE && get(&code); i++)
        if (keyboard_ends_chord(&last, code)) {
            stop_ask();
            any = true;
        }
    return any;
}

static bool await(struct poll *p)
{
    (void)p;
    return false;
}

void keyboard_open(void)
{
    static struct poll poll = {.run = run, .await = await};
    uint8_t config = 0;
    if (port_read8(CONTROL) == NOBODY)
        return;
    for (int i = 0; i < BYTES_ONCE && get(&config); i++) /* what was typed before */
        ;
    put(CONTROL, READ_CONFIG);
    for (int i = 0; i < TRIES && !get(&config); i++)
        cpu_pause();
    put(CONTROL, WRITE_CONFIG);
    put(DATA, (uint8_t)((config | CONFIG_TELLS) & ~CONFIG_SILENT));
    if (interrupt_route_old(NUMBER, INTERRUPT_KEYBOARD, false))
        poll_add(&poll);
}
