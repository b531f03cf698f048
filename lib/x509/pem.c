/* PEM (RFC 7468); see x509.h. What was decoded may be a secret: it goes to the caller's buffer only. */
#include "lib/x509/x509.h"

#define BEGIN SLICE("-----BEGIN ")
#define END   SLICE("-----END ")
#define DASH  SLICE("-----")

/* The value of a base64 digit (RFC 4648, 4), or 64. */
static uint8_t digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint8_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint8_t)(c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return (uint8_t)(c - '0' + 52);
    if (c == '+')
        return 62;
    return c == '/' ? 63 : 64;
}

/* Groups of four digits, which may be broken over lines; the last may be padded. */
struct decoder {
    uint32_t bits;
    unsigned digits;  /* in bits, of the present group */
    unsigned padding; /* '=' seen */
    struct buf *into;
};

static void put_group(struct decoder *d)
{
    for (unsigned i = 0; i + d->padding < 3; i++)
        buf_byte(d->into, (uint8_t)(d->bits >> (16 - 8 * i)));
    d->bits = 0;
    d->digits = 0;
}

static bool decode_line(struct decoder *d, struct slice line)
{
    line = slice_trim(line);
    for (size_t i = 0; i < line.len; i++) {
        uint8_t value = digit(line.ptr[i]);
        bool pad = line.ptr[i] == '=' && d->digits >= 2;
        if (pad)
            d->padding++;
        if ((value == 64 && !pad) || (d->padding && !pad) || d->padding > 2)
            return false;
        d->bits = d->bits << 6 | (pad ? 0 : value);
        if (++d->digits == 4)
            put_group(d);
    }
    return true;
}

/* The label between the prefix and five dashes at the line's end; false for another line. */
static bool boundary(struct slice line, struct slice prefix, struct slice *label)
{
    line = slice_trim(line);
    if (!slice_starts(line, prefix) || !slice_ends(line, DASH) || line.len < prefix.len + DASH.len)
        return false;
    *label = slice_take(slice_drop(line, prefix.len), line.len - prefix.len - DASH.len);
    return true;
}

/* Lines "Name: value" and the empty one after them. */
static struct slice take_headers(struct slice *text)
{
    struct slice start = *text, rest = *text, line;
    while (slice_line(&rest, &line) && slice_find(line, ':') < line.len)
        *text = rest;
    return slice_take(start, start.len - text->len);
}

static enum err decode_body(struct slice *text, struct slice label, struct buf *der)
{
    struct decoder d = {.into = der};
    struct slice line, end;
    size_t before = der->len;
    while (slice_line(text, &line)) {
        if (boundary(line, END, &end)) {
            bool whole = slice_equal(end, label) && d.digits == 0 && der->len > before;
            return der->err ? der->err : whole ? OK : ERR_MALFORMED;
        }
        if (!decode_line(&d, line))
            return ERR_MALFORMED;
        if (der->len - before > PEM_BLOCK_MAX)
            return ERR_LIMIT;
    }
    return ERR_MALFORMED;
}

enum err pem_next(struct slice *text, struct pem_block *block, struct buf *der)
{
    struct slice line;
    while (slice_line(text, &line)) {
        if (!boundary(line, BEGIN, &block->label))
            continue;
        block->headers = take_headers(text);
        return decode_body(text, block->label, der);
    }
    return ERR_NOT_FOUND;
}

enum err pem_certificates(struct slice text, struct buf *der, size_t *count)
{
    struct pem_block block;
    enum err e;
    *count = 0;
    while ((e = pem_next(&text, &block, der)) == OK) {
        if (!slice_is(block.label, "CERTIFICATE"))
            return ERR_ARGUMENT;
        ++*count;
    }
    if (e == ERR_NOT_FOUND && *count)
        return OK;
    return e;
}

void pem_write(struct buf *into, const char *label, struct slice der)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    buf_printf(into, "-----BEGIN %s-----\n", label);
    for (size_t at = 0; at < der.len; at += 3) {
        struct slice group = slice_take(slice_drop(der, at), 3);
        uint32_t bits = 0;
        for (size_t i = 0; i < 3; i++)
            bits = bits << 8 | (i < group.len ? group.ptr[i] : 0u);
        for (unsigned i = 0; i < 4; i++)
            buf_byte(into, i <= group.len ? (uint8_t)digits[bits >> (18 - 6 * i) & 63] : '=');
        if (at % 48 == 45 || at + 3 >= der.len)
            buf_byte(into, '\n');
    }
    buf_printf(into, "-----END %s-----\n", label);
}
