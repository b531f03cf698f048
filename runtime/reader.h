/*
 * A reader: takes integers and runs of bytes off a slice, in order, and latches the first error.
 *
 * A parser reads what its format says and asks `bad` once, at the end: after an error every read
 * gives zero or the empty slice, and the position no longer moves.
 */
#ifndef RUNTIME_READER_H
#define RUNTIME_READER_H

#include "runtime/slice.h"

struct reader {
    struct slice rest;
    bool bad;
};

static inline struct reader reader_of(struct slice s)
{
    return (struct reader){s, false};
}

/* The next n bytes, within the slice that the reader was made of. */
static inline struct slice read_bytes(struct reader *r, size_t n)
{
    if (r->bad || n > r->rest.len) {
        r->bad = true;
        return (struct slice){NULL, 0};
    }
    struct slice taken = slice_take(r->rest, n);
    r->rest = slice_drop(r->rest, n);
    return taken;
}

static inline uint8_t read_u8(struct reader *r)
{
    struct slice s = read_bytes(r, 1);
    return r->bad ? 0 : s.ptr[0];
}

/* An integer of n bytes (at most 8), the most significant first. */
static inline uint64_t read_big_endian(struct reader *r, size_t n)
{
    struct slice s = read_bytes(r, n);
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++)
        value = value << 8 | s.ptr[i];
    return value;
}

/* The same, the least significant first. */
static inline uint64_t read_little_endian(struct reader *r, size_t n)
{
    struct slice s = read_bytes(r, n);
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++)
        value |= (uint64_t)s.ptr[i] << (8 * i);
    return value;
}

/* Those that packets are made of: written so that a compiler makes one load of each. */
static inline uint16_t read_be16(struct reader *r)
{
    struct slice s = read_bytes(r, 2);
    if (r->bad)
        return 0;
    return (uint16_t)((unsigned)s.ptr[0] << 8 | s.ptr[1]);
}

static inline uint32_t read_be32(struct reader *r)
{
    struct slice s = read_bytes(r, 4);
    if (r->bad)
        return 0;
    return (uint32_t)s.ptr[0] << 24 | (uint32_t)s.ptr[1] << 16 | (uint32_t)s.ptr[2] << 8 | s.ptr[3];
}

static inline uint16_t read_le16(struct reader *r)
{
    return (uint16_t)read_little_endian(r, 2);
}

static inline uint32_t read_le32(struct reader *r)
{
    return (uint32_t)read_little_endian(r, 4);
}

static inline uint64_t read_le64(struct reader *r)
{
    return read_little_endian(r, 8);
}

#endif
