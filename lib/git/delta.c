/* see delta.h */
#include "lib/git/delta.h"

#include "runtime/reader.h"

/* Seven bits a byte, the lowest first. */
static uint64_t varint(struct reader *r)
{
    uint64_t value = 0;
    uint8_t byte = 0x80;
    for (unsigned shift = 0; byte & 0x80; shift += 7) {
        byte = read_u8(r);
        uint64_t bits = byte & 0x7f;
        if (shift >= 64 || bits << shift >> shift != bits) {
            r->bad = true;
            return 0;
        }
        value |= bits << shift;
    }
    return value;
}

enum err git_delta_sizes(struct slice delta, uint64_t *base, uint64_t *result)
{
    struct reader r = reader_of(delta);
    *base = varint(&r);
    *result = varint(&r);
    return r.bad ? ERR_MALFORMED : OK;
}

/* A copy's offset and size: the instruction's low bits tell which of their bytes are there. */
static uint32_t sparse(struct reader *r, unsigned present, unsigned count)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < count; i++) {
        if (present >> i & 1)
            value |= (uint32_t)read_u8(r) << 8 * i;
    }
    return value;
}

/* The bytes that one instruction adds; empty for one that adds nothing, which none may. */
static struct slice piece(struct reader *r, struct slice base)
{
    uint8_t op = read_u8(r);
    if (!(op & 0x80))
        return read_bytes(r, op);
    uint32_t offset = sparse(r, op & 15u, 4);
    uint32_t size = sparse(r, op >> 4 & 7u, 3);
    struct reader source = reader_of(slice_drop(base, offset));
    struct slice bytes = read_bytes(&source, size == 0 ? 0x10000 : size);
    r->bad |= source.bad;
    return bytes;
}

enum err git_delta_apply(struct slice base, struct slice delta, uint8_t *into, size_t size)
{
    struct reader r = reader_of(delta);
    bool fits = varint(&r) == base.len;
    fits &= varint(&r) == size;
    if (r.bad || !fits)
        return ERR_MALFORMED;
    size_t filled = 0;
    while (r.rest.len > 0) {
        struct slice bytes = piece(&r, base);
        if (r.bad || bytes.len == 0 || bytes.len > size - filled)
            return ERR_MALFORMED;
        memcpy(into + filled, bytes.ptr, bytes.len);
        filled += bytes.len;
    }
    return filled == size ? OK : ERR_MALFORMED;
}
