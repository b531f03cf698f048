/* One function per state, each takes a byte; only the data itself is taken by runs. */
#include "lib/http/chunked.h"

#include "lib/http/scan.h"

enum state {
    SIZE,      /* in the digits */
    EXTENSION, /* behind the ';' */
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER, /* at the start of a line */
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    LAST_LF,
    DONE,
    BAD
};

void http_chunked_init(struct http_chunked *c)
{
    *c = (struct http_chunked){.state = SIZE};
}

static enum state size(struct http_chunked *c, uint8_t byte)
{
    uint8_t digit = (uint8_t)(byte - '0');
    if (digit >= 10) {
        uint8_t letter = (uint8_t)((byte | 0x20) - 'a');
        digit = letter < 6 ? (uint8_t)(letter + 10) : 16;
    }
    if (digit < 16) {
        c->left = c->left << 4 | digit;
        return ++c->digits <= HTTP_CHUNK_DIGITS_MAX ? SIZE : BAD;
    }
    if (c->digits == 0)
        return BAD;
    return byte == ';' ? EXTENSION : byte == '\r' ? SIZE_LF : BAD;
}

/* Counts a byte that we read only to drop it. */
static enum state extra(struct http_chunked *c, enum state next)
{
    return ++c->extra <= HTTP_CHUNK_EXTRA_MAX ? next : BAD;
}

static enum state size_ended(struct http_chunked *c, uint8_t byte)
{
    if (byte != '\n')
        return BAD;
    c->digits = 0;
    return c->left > 0 ? DATA : TRAILER;
}

static enum state text(struct http_chunked *c, uint8_t byte, enum state here, enum state end)
{
    if (byte == '\r')
        return end;
    return is_field_byte(byte) ? extra(c, here) : BAD;
}

static enum state trailer_name(struct http_chunked *c, uint8_t byte)
{
    if (byte == ':')
        return extra(c, TRAILER_VALUE);
    return is_token_byte(byte) ? extra(c, TRAILER_NAME) : BAD;
}

static enum state trailer(struct http_chunked *c, uint8_t byte)
{
    if (byte == '\r')
        return LAST_LF;
    return is_token_byte(byte) ? extra(c, TRAILER_NAME) : BAD;
}

static enum state step(struct http_chunked *c, uint8_t byte)
{
    switch ((enum state)c->state) {
    case SIZE:
        return size(c, byte);
    case EXTENSION:
        return text(c, byte, EXTENSION, SIZE_LF);
    case SIZE_LF:
        return size_ended(c, byte);
    case DATA_CR:
        return byte == '\r' ? DATA_LF : BAD;
    case DATA_LF:
        return byte == '\n' ? SIZE : BAD;
    case TRAILER:
        return trailer(c, byte);
    case TRAILER_NAME:
        return trailer_name(c, byte);
    case TRAILER_VALUE:
        return text(c, byte, TRAILER_VALUE, TRAILER_LF);
    case TRAILER_LF:
        return byte == '\n' ? TRAILER : BAD;
    case LAST_LF:
        return byte == '\n' ? DONE : BAD;
    case DATA:
    case DONE:
    case BAD:
        break;
    }
    return BAD;
}

enum http_chunked_step http_chunked_feed(struct http_chunked *c, struct slice *in,
                                         struct slice *data)
{
    while (in->len > 0 && c->state < DONE) {
        if (c->state == DATA) {
            *data = slice_take(*in, c->left);
            *in = slice_drop(*in, data->len);
            c->left -= data->len;
            if (c->left == 0)
                c->state = DATA_CR;
            return HTTP_CHUNKED_DATA;
        }
        c->state = (uint8_t)step(c, in->ptr[0]);
        *in = slice_drop(*in, 1);
    }
    return c->state == DONE  ? HTTP_CHUNKED_DONE
           : c->state == BAD ? HTTP_CHUNKED_BAD
                             : HTTP_CHUNKED_NEED;
}
