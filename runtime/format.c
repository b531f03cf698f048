/*
 * The formatter: a conversion is read into a struct spec, an integer becomes sign, prefix, zeros
 * and digits, and everything is padded in one place. Short pieces are gathered. See format.h.
 */
#include "runtime/format.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define DIGITS_MAX   24 /* of a 64-bit integer in base 8 or more */
#define GATHERED_MAX 128

enum length { LENGTH_INT, LENGTH_CHAR, LENGTH_SHORT, LENGTH_LONG, LENGTH_LLONG };

struct spec {
    bool left, zero, plus, space, prefix;
    size_t width;
    bool has_precision;
    size_t precision;
    enum length length;
    char conversion;
};

struct out {
    void (*put)(void *arg, const char *piece, size_t len);
    void *arg;
    size_t len;
    char gathered[GATHERED_MAX];
};

static void hand_over(struct out *o)
{
    if (o->len)
        o->put(o->arg, o->gathered, o->len);
    o->len = 0;
}

static void put(struct out *o, const char *piece, size_t len)
{
    if (len > sizeof o->gathered - o->len)
        hand_over(o);
    if (len > sizeof o->gathered) {
        o->put(o->arg, piece, len);
        return;
    }
    memcpy(o->gathered + o->len, piece, len);
    o->len += len;
}

static void pad(struct out *o, char with, size_t count)
{
    for (; count; count--)
        put(o, &with, 1);
}

static void put_padded(struct out *o, const struct spec *s, const char *text, size_t len)
{
    size_t missing = s->width > len ? s->width - len : 0;
    if (!s->left)
        pad(o, ' ', missing);
    put(o, text, len);
    if (s->left)
        pad(o, ' ', missing);
}

/* --- integers --- */

/* Writes the digits so that they end at `end`; returns where they start. */
static char *digits(char *end, uint64_t value, unsigned base, bool upper)
{
    const char *symbols = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    if (base == 16)
        for (; value; value >>= 4)
            *--end = symbols[value & 15];
    for (; value; value /= 10)
        *--end = (char)('0' + value % 10);
    return end;
}

/* sign: "", "-", "+", " ", "0x" or "0X". */
static void put_integer(struct out *o, const struct spec *s, const char *sign, uint64_t value,
                        unsigned base)
{
    char text[DIGITS_MAX];
    const char *start = digits(text + sizeof text, value, base, s->conversion == 'X');
    size_t count = (size_t)(text + sizeof text - start), signs = strlen(sign);
    size_t least = s->has_precision ? s->precision : 1;
    size_t zeros = least > count ? least - count : 0;
    if (s->zero && !s->left && !s->has_precision && s->width > signs + zeros + count)
        zeros = s->width - signs - count;
    size_t len = signs + zeros + count, missing = s->width > len ? s->width - len : 0;
    if (!s->left)
        pad(o, ' ', missing);
    put(o, sign, signs);
    pad(o, '0', zeros);
    put(o, start, count);
    if (s->left)
        pad(o, ' ', missing);
}

static void put_signed(struct out *o, const struct spec *s, int64_t value)
{
    const char *sign = value < 0 ? "-" : s->plus ? "+" : s->space ? " " : "";
    put_integer(o, s, sign, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10);
}

static void put_hexadecimal(struct out *o, const struct spec *s, uint64_t value)
{
    bool prefix = s->prefix && value;
    put_integer(o, s, !prefix ? "" : s->conversion == 'X' ? "0X" : "0x", value, 16);
}

static void put_pointer(struct out *o, const struct spec *s, const void *pointer)
{
    struct spec hex = *s;
    hex.prefix = true;
    hex.conversion = 'x';
    if (pointer)
        put_hexadecimal(o, &hex, (uintptr_t)pointer);
    else
        put_padded(o, s, "(nil)", 5);
}

/* --- reading a conversion --- */

static const char *read_flags(const char *f, struct spec *s)
{
    for (;; f++) {
        switch (*f) {
        case '-':
            s->left = true;
            break;
        case '0':
            s->zero = true;
            break;
        case '+':
            s->plus = true;
            break;
        case ' ':
            s->space = true;
            break;
        case '#':
            s->prefix = true;
            break;
        default:
            return f;
        }
    }
}

static const char *read_count(const char *f, size_t *count)
{
    *count = 0;
    for (; *f >= '0' && *f <= '9'; f++)
        if (*count < INT_MAX / 10)
            *count = *count * 10 + (size_t)(*f - '0');
    return f;
}

static const char *read_length(const char *f, struct spec *s)
{
    switch (*f) {
    case 'h':
        s->length = f[1] == 'h' ? LENGTH_CHAR : LENGTH_SHORT;
        return f[1] == 'h' ? f + 2 : f + 1;
    case 'l':
        s->length = f[1] == 'l' ? LENGTH_LLONG : LENGTH_LONG;
        return f[1] == 'l' ? f + 2 : f + 1;
    case 'z':
    case 'j':
    case 't': /* all as wide as long */
        s->length = LENGTH_LONG;
        return f + 1;
    default:
        return f;
    }
}

static const char *read_width(const char *f, struct spec *s, va_list *args)
{
    if (*f != '*')
        return read_count(f, &s->width);
    int width = va_arg(*args, int);
    s->left = s->left || width < 0;
    s->width = width < 0 ? 0 - (size_t)width : (size_t)width;
    return f + 1;
}

static const char *read_precision(const char *f, struct spec *s, va_list *args)
{
    if (*f != '.')
        return f;
    f++;
    s->has_precision = true;
    if (*f != '*')
        return read_count(f, &s->precision);
    int precision = va_arg(*args, int);
    s->has_precision = precision >= 0;
    s->precision = precision >= 0 ? (size_t)precision : 0;
    return f + 1;
}

/* --- arguments --- */

static int64_t take_signed(enum length length, va_list *args)
{
    switch (length) {
    case LENGTH_CHAR:
        return (signed char)va_arg(*args, int);
    case LENGTH_SHORT:
        return (short)va_arg(*args, int);
    case LENGTH_LONG:
        return va_arg(*args, long);
    case LENGTH_LLONG:
        return va_arg(*args, long long);
    case LENGTH_INT:
        break;
    }
    return va_arg(*args, int);
}

static uint64_t take_unsigned(enum length length, va_list *args)
{
    switch (length) {
    case LENGTH_CHAR:
        return (unsigned char)va_arg(*args, unsigned);
    case LENGTH_SHORT:
        return (unsigned short)va_arg(*args, unsigned);
    case LENGTH_LONG:
        return va_arg(*args, unsigned long);
    case LENGTH_LLONG:
        return va_arg(*args, unsigned long long);
    case LENGTH_INT:
        break;
    }
    return va_arg(*args, unsigned);
}

static void put_string(struct out *o, const struct spec *s, const char *text)
{
    if (!text) {
        text = "(null)";
        put_padded(o, s, text, s->has_precision && s->precision < 6 ? s->precision : 6);
        return;
    }
    if (!s->has_precision) {
        put_padded(o, s, text, strlen(text));
        return;
    }
    const char *end = s->precision ? memchr(text, 0, s->precision) : text;
    put_padded(o, s, text, end ? (size_t)(end - text) : s->precision);
}

/* False: no such conversion, no argument was taken. */
static bool convert(struct out *o, const struct spec *s, va_list *args)
{
    char c;
    switch (s->conversion) {
    case 'd':
    case 'i':
        put_signed(o, s, take_signed(s->length, args));
        return true;
    case 'u':
        put_integer(o, s, "", take_unsigned(s->length, args), 10);
        return true;
    case 'x':
    case 'X':
        put_hexadecimal(o, s, take_unsigned(s->length, args));
        return true;
    case 'p':
        put_pointer(o, s, va_arg(*args, const void *));
        return true;
    case 'c':
        c = (char)va_arg(*args, int);
        put_padded(o, s, &c, 1);
        return true;
    case 's':
        put_string(o, s, va_arg(*args, const char *));
        return true;
    case '%':
        put(o, "%", 1);
        return true;
    default:
        return false;
    }
}

void format_to(void (*put_piece)(void *arg, const char *piece, size_t len), void *arg,
               const char *format, va_list args)
{
    struct out o;
    o.put = put_piece;
    o.arg = arg;
    o.len = 0;
    va_list rest;
    va_copy(rest, args);
    for (const char *f = format; *f;) {
        const char *percent = f; /* what stands in between is short: no function is called for it */
        while (*percent && *percent != '%')
            percent++;
        put(&o, f, (size_t)(percent - f));
        if (!*percent)
            break;
        struct spec s = {0};
        f = read_flags(percent + 1, &s);
        f = read_width(f, &s, &rest);
        f = read_precision(f, &s, &rest);
        f = read_length(f, &s);
        s.conversion = *f;
        if (*f)
            f++;
        if (!convert(&o, &s, &rest))
            put(&o, percent, (size_t)(f - percent));
    }
    hand_over(&o);
    va_end(rest);
}

struct text {
    char *into;
    size_t size;
    size_t len; /* of the whole text, also beyond size */
};

static void put_text(void *arg, const char *piece, size_t len)
{
    struct text *t = arg;
    if (t->len < t->size) {
        size_t room = t->size - t->len;
        memcpy(t->into + t->len, piece, len < room ? len : room);
    }
    t->len += len;
}

size_t format_text(char *into, size_t size, const char *format, ...)
{
    struct text t = {into, size, 0};
    va_list args;
    va_start(args, format);
    format_to(put_text, &t, format, args);
    va_end(args);
    if (size)
        into[t.len < size ? t.len : size - 1] = 0;
    return t.len;
}
