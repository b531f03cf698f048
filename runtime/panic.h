/*
 * The end of the program for a broken invariant: says where and why on the console and stops.
 *
 * For our own mistakes only. What comes from outside is never a reason to panic.
 */
#ifndef RUNTIME_PANIC_H
#define RUNTIME_PANIC_H

void panic_at(const char *file, int line, const char *why) __attribute__((noreturn));

#define panic(why) panic_at(__FILE__, __LINE__, (why))
#define assert_always(condition)            \
    do {                                    \
        if (!(condition))                   \
            panic("not true: " #condition); \
    } while (0)

#endif
