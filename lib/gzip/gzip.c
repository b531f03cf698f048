/* See gzip.h. */
#include "lib/gzip/gzip.h"

#include <libdeflate.h>

#include "signatures/memory.h"

struct gzip *gzip_open(int level)
{
    struct libdeflate_options options = {
        .sizeof_options = sizeof options, .malloc_func = memory_alloc, .free_func = memory_free};
    return (struct gzip *)libdeflate_alloc_compressor_ex(level, &options);
}

void gzip_close(struct gzip *z)
{
    libdeflate_free_compressor((struct libdeflate_compressor *)z);
}

enum err gzip_pack(struct gzip *z, struct slice plain, size_t saving, struct buf *into)
{
    if (plain.len <= saving)
        return into->err;
    size_t room = plain.len - saving;
    uint8_t *to = buf_reserve(into, room);
    if (!to)
        return into->err;
    buf_commit(into, libdeflate_gzip_compress((struct libdeflate_compressor *)z, plain.ptr,
                                              plain.len, to, room));
    return OK;
}

enum err gzip_unpack(struct slice packed, size_t len, struct buf *into)
{
    struct libdeflate_options options = {
        .sizeof_options = sizeof options, .malloc_func = memory_alloc, .free_func = memory_free};
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor_ex(&options);
    uint8_t *to = d ? buf_reserve(into, len) : NULL;
    enum err e = !d ? ERR_MEMORY : !to ? into->err : OK;
    /* Without a place for the length, it has to be exactly that. */
    if (e == OK &&
        libdeflate_gzip_decompress(d, packed.ptr, packed.len, to, len, NULL) != LIBDEFLATE_SUCCESS)
        e = ERR_MALFORMED;
    if (e == OK)
        buf_commit(into, len);
    libdeflate_free_decompressor(d);
    return e;
}
