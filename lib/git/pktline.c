/* pkt-line: see pktline.h. */
#include "lib/git/pktline.h"

void pkt_reader_init(struct pkt_reader *r)
{
    *r = (struct pkt_reader){0};
    buf_init(&r->line, PKT_PAYLOAD_MAX);
}

void pkt_reader_deinit(struct pkt_reader *r)
{
    buf_deinit(&r->line);
}

/* What a complete head says. 0003 is reserved; 0004 is a line without bytes. */
static enum err decode_head(struct pkt_reader *r, enum pkt_kind *kind)
{
    uint64_t bytes;
    if (!slice_hex(slice_of(r->head, PKT_HEAD_BYTES), PKT_BYTES_MAX, &bytes) || bytes == 3)
        return r->err = ERR_MALFORMED;
    r->head_len = 0;
    r->left = bytes < PKT_HEAD_BYTES ? 0 : (uint32_t)bytes - PKT_HEAD_BYTES;
    *kind = bytes < PKT_HEAD_BYTES ? (enum pkt_kind)bytes : PKT_DATA;
    return OK;
}

enum err pkt_head(struct pkt_reader *r, struct slice *in, enum pkt_kind *kind)
{
    if (r->err)
        return r->err;
    struct slice part = slice_take(*in, (size_t)(PKT_HEAD_BYTES - r->head_len));
    if (part.len > 0)
        memcpy(r->head + r->head_len, part.ptr, part.len);
    r->head_len = (uint8_t)(r->head_len + part.len);
    *in = slice_drop(*in, part.len);
    return r->head_len < PKT_HEAD_BYTES ? ERR_AGAIN : decode_head(r, kind);
}

struct slice pkt_piece(struct pkt_reader *r, struct slice *in, size_t max)
{
    struct slice piece = slice_take(slice_take(*in, r->left), max);
    r->left -= (uint32_t)piece.len;
    *in = slice_drop(*in, piece.len);
    return piece;
}

static struct slice without_lf(struct slice line)
{
    return slice_ends(line, SLICE("\n")) ? slice_take(line, line.len - 1) : line;
}

static enum err line_bytes(struct pkt_reader *r, struct slice *in, struct pkt *into)
{
    bool whole = r->line.len == 0 && in->len >= r->left;
    struct slice piece = pkt_piece(r, in, SIZE_MAX);
    if (!whole) {
        buf_put(&r->line, piece);
        if (r->line.err)
            return r->err = r->line.err;
        if (r->left > 0)
            return ERR_AGAIN;
        piece = buf_slice(&r->line);
        r->line_out = true;
    }
    into->kind = PKT_DATA;
    into->payload = without_lf(piece);
    return OK;
}

enum err pkt_line(struct pkt_reader *r, struct slice *in, struct pkt *into)
{
    if (r->line_out)
        buf_clear(&r->line);
    r->line_out = false;
    if (r->err)
        return r->err;
    if (r->left == 0) {
        *into = (struct pkt){PKT_DATA, {NULL, 0}};
        enum err e = pkt_head(r, in, &into->kind);
        if (e || r->left == 0)
            return e;
    }
    return line_bytes(r, in, into);
}

/* --- Writing -------------------------------------------------------------------------------- */

static void put_head(struct buf *b, size_t bytes)
{
    buf_printf(b, "%04x", (unsigned int)bytes);
}

void pkt_put_bytes(struct buf *b, struct slice payload)
{
    if (payload.len > PKT_PAYLOAD_MAX) {
        b->err = b->err ? b->err : ERR_LIMIT;
        return;
    }
    put_head(b, payload.len + PKT_HEAD_BYTES);
    buf_put(b, payload);
}

/* The length is known only after formatting: it is written over its four places afterwards. */
void pkt_put(struct buf *b, const char *format, ...)
{
    static const char digits[] = "0123456789abcdef";
    size_t start = b->len;
    va_list args;
    put_head(b, 0);
    va_start(args, format);
    buf_vprintf(b, format, args);
    va_end(args);
    buf_byte(b, '\n');
    size_t bytes = b->len - start;
    if (!b->err && bytes > PKT_BYTES_MAX)
        b->err = ERR_LIMIT;
    if (b->err)
        return;
    for (size_t i = 0; i < PKT_HEAD_BYTES; i++)
        b->ptr[start + i] = (uint8_t)digits[bytes >> (12 - 4 * i) & 15];
}

void pkt_put_flush(struct buf *b)
{
    put_head(b, 0);
}

void pkt_put_delim(struct buf *b)
{
    put_head(b, 1);
}
