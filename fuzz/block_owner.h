/*
 * Who asks a block device, in the fuzz targets of both drivers: requests of any kind, as bytes say. No request
 * completes twice, and the device counts those that are under way as we do.
 */
#ifndef FUZZ_BLOCK_OWNER_H
#define FUZZ_BLOCK_OWNER_H

#include <stdlib.h>

#include "runtime/reader.h"
#include "signatures/block.h"

static struct block_request requests[BLOCK_REQUESTS_MAX];
static bool under_way[BLOCK_REQUESTS_MAX];

static void on_done(struct block_request *q, enum err why)
{
    (void)why;
    if (!under_way[q - requests])
        abort();
    under_way[q - requests] = false;
}

static void ask_block(struct block *b, struct reader *r)
{
    static uint8_t bytes[BLOCK_BYTES_MAX];
    unsigned i = read_u8(r) % BLOCK_REQUESTS_MAX;
    if (under_way[i])
        return;
    requests[i] = (struct block_request){.operation = (enum block_operation)(read_u8(r) % 3),
                                         .sector = read_u8(r),
                                         .bytes = bytes,
                                         .len = read_u8(r) * (size_t)BLOCK_SECTOR,
                                         .done = on_done};
    under_way[i] = block_submit(b, &requests[i]) == OK;
}

static void check_block(const struct block *b)
{
    uint32_t count = 0;
    for (unsigned i = 0; i < BLOCK_REQUESTS_MAX; i++)
        count += under_way[i];
    if (count != b->under_way)
        abort();
}

#endif
