/* pkt-lines: the first byte says how the rest is cut; the lines must be the same however it is. */
#include "lib/git/pktline.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The lines, and how it ended, as bytes to compare. */
static void read_all(struct slice in, size_t piece_size, struct buf *into)
{
    struct pkt_reader r;
    struct pkt p;
    enum err e = ERR_AGAIN;
    pkt_reader_init(&r);
    while (in.len > 0 && e == ERR_AGAIN) {
        struct slice piece = slice_take(in, piece_size);
        in = slice_drop(in, piece.len);
        while ((e = pkt_line(&r, &piece, &p)) == OK) {
            if (p.payload.len > PKT_PAYLOAD_MAX)
                abort();
            buf_printf(into, "%d:%zu:", (int)p.kind, p.payload.len);
            buf_put(into, p.payload);
        }
        if (e == ERR_AGAIN && piece.len > 0)
            abort();
    }
    buf_printf(into, "%d", (int)e);
    pkt_reader_deinit(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole, pieces;
    if (size < 2)
        return 0;
    buf_init(&whole, SIZE_MAX);
    buf_init(&pieces, SIZE_MAX);
    read_all(slice_of(data + 1, size - 1), SIZE_MAX, &whole);
    read_all(slice_of(data + 1, size - 1), (size_t)data[0] + 1, &pieces);
    if (!slice_equal(buf_slice(&whole), buf_slice(&pieces)))
        abort();
    buf_deinit(&whole);
    buf_deinit(&pieces);
    return 0;
}
