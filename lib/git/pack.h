/*
 * A pack's frame: its header and the headers of its entries (gitformat-pack).
 *
 *     "PACK" version objects | entry entry ... | hash of all before it
 *     entry = type and size, where a delta's base is, a zlib stream
 */
#ifndef LIB_GIT_PACK_H
#define LIB_GIT_PACK_H

#include "lib/git/object.h"

#define GIT_PACK_HEADER_BYTES 12

/* The two ways in which an entry is a delta; the other types are those of enum git_type. */
enum { GIT_OFS_DELTA = 6, GIT_REF_DELTA = 7 };

struct git_pack_entry {
    unsigned type;     /* enum git_type, GIT_OFS_DELTA or GIT_REF_DELTA */
    uint64_t size;     /* of the object or delta, inflated */
    uint64_t back;     /* GIT_OFS_DELTA: the base begins so many bytes before this entry; never 0 */
    struct slice base; /* GIT_REF_DELTA: the base's id, raw */
    size_t header;     /* bytes of all this; the zlib stream follows */
};

/* From GIT_PACK_HEADER_BYTES bytes. ERR_MALFORMED, ERR_UNSUPPORTED for a version not 2 or 3. */
enum err git_pack_header(struct slice bytes, uint32_t *objects);

/* The header at the start of bytes. ERR_AGAIN where it goes on beyond them, ERR_MALFORMED. */
enum err git_pack_entry(enum oid_kind kind, struct slice bytes, struct git_pack_entry *into);

#endif
