/* The last words; see panic.h. How a target stops is signatures/halt.h. */
#include "runtime/panic.h"

#include "runtime/format.h"
#include "signatures/console.h"
#include "signatures/halt.h"

void panic_at(const char *file, int line, const char *why)
{
    char text[256];
    size_t len = format_text(text, sizeof text, "\npanic: %s:%d: %s\n", file, line, why);
    console_write(slice_of(text, len < sizeof text ? len : sizeof text - 1));
    console_flush();
    halt();
}
