/* see pack.h */
#include "lib/git/pack.h"

enum err git_pack_header(struct slice bytes, uint32_t *objects)
{
    struct reader r = reader_of(bytes);
    struct slice magic = read_bytes(&r, 4);
    uint32_t version = read_be32(&r);
    *objects = read_be32(&r);
    if (r.bad || !slice_is(magic, "PACK"))
        return ERR_MALFORMED;
    return version == 2 || version == 3 ? OK : ERR_UNSUPPORTED;
}

/* Three bits of type and four of size, then seven bits of size a byte, the lowest first. */
static enum err type_and_size(struct reader *r, struct git_pack_entry *into)
{
    uint8_t byte = read_u8(r);
    into->type = byte >> 4 & 7;
    into->size = byte & 15;
    for (unsigned shift = 4; byte & 0x80; shift += 7) {
        byte = read_u8(r);
        uint64_t bits = byte & 0x7f;
        if (shift >= 64 || bits << shift >> shift != bits)
            return ERR_MALFORMED;
        into->size |= bits << shift;
    }
    return r->bad ? ERR_AGAIN : OK;
}

/* Seven bits a byte, the highest first; each further byte adds one, so that no number has two
 * spellings. */
static enum err distance(struct reader *r, uint64_t *back)
{
    uint8_t byte = read_u8(r);
    uint64_t value = byte & 0x7f;
    while (byte & 0x80) {
        byte = read_u8(r);
        if (value >= UINT64_MAX >> 8)
            return ERR_MALFORMED;
        value = (value + 1) << 7 | (byte & 0x7f);
    }
    *back = value;
    if (r->bad)
        return ERR_AGAIN;
    return value == 0 ? ERR_MALFORMED : OK;
}

enum err git_pack_entry(enum oid_kind kind, struct slice bytes, struct git_pack_entry *into)
{
    struct reader r = reader_of(bytes);
    enum err e = type_and_size(&r, into);
    if (e != OK)
        return e;
    switch (into->type) {
    case GIT_COMMIT:
    case GIT_TREE:
    case GIT_BLOB:
    case GIT_TAG:
        break;
    case GIT_OFS_DELTA:
        e = distance(&r, &into->back);
        break;
    case GIT_REF_DELTA:
        into->base = read_bytes(&r, oid_bytes(kind));
        e = r.bad ? ERR_AGAIN : OK;
        break;
    default:
        return ERR_MALFORMED;
    }
    into->header = bytes.len - r.rest.len;
    return e;
}
