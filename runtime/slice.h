/*
 * A slice: bytes and their number, together. Data from outside is always handed around as one.
 *
 * A slice does not own its bytes: the header of whoever hands it out says how long they stay. The
 * empty slice may have a NULL pointer. All functions clamp: none reads outside of the slice.
 */
#ifndef RUNTIME_SLICE_H
#define RUNTIME_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const uint8_t *ptr;
    size_t len;
};

/* The slice of a string literal, without its NUL; usable in static initialisers. */
#define SLICE_INIT(literal)                                \
    {                                                      \
        (const uint8_t *)("" literal), sizeof(literal) - 1 \
    }
#define SLICE(literal) ((struct slice)SLICE_INIT(literal))

/* For formats: buf_printf(b, "%.*s", SLICE_ARG(s)). Longer than 2 GiB is cut. */
#define SLICE_ARG(s) (int)((s).len > INT32_MAX ? INT32_MAX : (s).len), (const char *)(s).ptr

static inline struct slice slice_of(const void *ptr, size_t len)
{
    return (struct slice){ptr, len};
}

static inline struct slice slice_text(const char *text)
{
    return (struct slice){(const uint8_t *)text, text ? strlen(text) : 0};
}

/* The first n bytes, or all of them where there are fewer. */
static inline struct slice slice_take(struct slice s, size_t n)
{
    return (struct slice){s.ptr, n < s.len ? n : s.len};
}

/* What follows the first n bytes; empty where there are no more. */
static inline struct slice slice_drop(struct slice s, size_t n)
{
    if (n > s.len)
        n = s.len;
    return (struct slice){s.ptr ? s.ptr + n : NULL, s.len - n};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool slice_is(struct slice a, const char *text)
{
    return slice_equal(a, slice_text(text));
}

static inline bool slice_starts(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && slice_equal(slice_take(s, prefix.len), prefix);
}

static inline bool slice_ends(struct slice s, struct slice suffix)
{
    return s.len >= suffix.len && slice_equal(slice_drop(s, s.len - suffix.len), suffix);
}

/* Bytewise order, the shorter first where one is a prefix of the other: <0, 0, >0. */
int slice_compare(struct slice a, struct slice b);

/* Equal but for the case of ASCII letters. */
bool slice_equal_nocase(struct slice a, struct slice b);

/* Equal, in time that depends on the lengths only: for secrets. */
bool slice_equal_secret(struct slice a, struct slice b);

/* Index of the first such byte, or s.len. */
size_t slice_find(struct slice s, uint8_t byte);

/* Index of the first occurrence of what, or s.len. */
size_t slice_search(struct slice s, struct slice what);

/* Splits at the first `byte`: *before and *after exclude it. False (*before = s, *after empty)
 * where it does not occur. s may be read through either pointer's target. */
bool slice_cut(struct slice s, uint8_t byte, struct slice *before, struct slice *after);

/* Without ASCII white space (SP, HT, CR, LF) at both ends. */
struct slice slice_trim(struct slice s);

/* Takes the next line off *rest, without its LF or CRLF. False when *rest is empty. */
bool slice_line(struct slice *rest, struct slice *line);

/* The whole slice as a decimal number without sign, at most max. False for anything else. */
bool slice_decimal(struct slice s, uint64_t max, uint64_t *value);

/* The whole slice as hexadecimal digits, at most max. False for anything else. */
bool slice_hex(struct slice s, uint64_t max, uint64_t *value);

#endif
