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

static inline uint16_t read_be16(struct reader *r)
{
    struct slice s = read_bytes(r, 2);
    return (uint16_t)(r->bad ? 0 : s.ptr[0] << 8 | s.ptr[1]);
}

static inline uint32_t read_be32(struct reader *r)
{
    uint32_t high = read_be16(r);
    return high << 16 | read_be16(r);
}

static inline uint64_t read_be64(struct reader *r)
{
    uint64_t high = read_be32(r);
    return high << 32 | read_be32(r);
}

static inline uint16_t read_le16(struct reader *r)
{
    struct slice s = read_bytes(r, 2);
    return (uint16_t)(r->bad ? 0 : s.ptr[1] << 8 | s.ptr[0]);
}

static inline uint32_t read_le32(struct reader *r)
{
    uint32_t low = read_le16(r);
    return low | (uint32_t)read_le16(r) << 16;
}

#endif
