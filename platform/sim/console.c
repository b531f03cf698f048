/* The console of a test: text is kept to be read back. */
#include "signatures/console.h"

#include <stdio.h>
#include <unistd.h>
#include <stdlib.h>

#include "platform/sim/sim.h"
#include "runtime/panic.h"

static struct {
    uint8_t *ptr;
    size_t len, cap;
    bool echo;
} text;

static void make_room(size_t more)
{
    if (text.len + more > SIM_CONSOLE_MAX)
        text.len = 0;
    if (text.len + more <= text.cap)
        return;
    text.cap = (text.len + more) * 2;
    text.ptr = realloc(text.ptr, text.cap); /* not counted: it is not the program's memory */
    assert_always(text.ptr != NULL);
}

void console_write(struct slice bytes)
{
    if (text.echo)
        dprintf(STDERR_FILENO, "%.*s", SLICE_ARG(bytes));
    bytes = slice_take(bytes, SIM_CONSOLE_MAX);
    make_room(bytes.len);
    if (bytes.len)
        memcpy(text.ptr + text.len, bytes.ptr, bytes.len);
    text.len += bytes.len;
}

void console_flush(void)
{
}

/* Nothing is dropped that a test would read. */
void console_status(struct buf *into)
{
    (void)into;
}

struct slice sim_console(void)
{
    return slice_of(text.ptr, text.len);
}

void sim_console_clear(void)
{
    free(text.ptr);
    text.ptr = NULL;
    text.len = text.cap = 0;
}

void sim_console_echo(bool on)
{
    text.echo = on;
}
