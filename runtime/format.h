/*
 * Text from values, without a C library.
 *
 * Conversions: %s %.*s %c %d %i %u %x %X %p %%, with the lengths h hh l ll z j t, a width, the flags
 * '0' '-' ' ' '+' '#', and a precision for strings and integers. No floating point. Anything else
 * is copied as it stands. A NULL for %s prints "(null)".
 */
#ifndef RUNTIME_FORMAT_H
#define RUNTIME_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/* Hands the text to put, piece by piece, in order. */
void format_to(void (*put)(void *arg, const char *piece, size_t len), void *arg, const char *format,
               va_list args) __attribute__((format(printf, 3, 0)));

/* Like C's snprintf: writes at most size bytes with the closing NUL, returns the full length. */
size_t format_text(char *into, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
