/* See percent.h. */
#include "lib/text/percent.h"

#include "lib/text/utf8.h"

static bool is_alphanumeric(uint8_t c)
{
    return (uint8_t)((c | 0x20) - 'a') < 26 || (uint8_t)(c - '0') < 10;
}

static bool stays(uint8_t c)
{
    return is_alphanumeric(c) || (c != 0 && strchr("/-._~!$()*+,;=:@", c) != NULL);
}

void percent_encode_path(struct buf *b, struct slice path)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t plain = 0; /* path[plain, i) waits to be copied */
    for (size_t i = 0; i < path.len; i++) {
        uint8_t c = path.ptr[i];
        if (stays(c))
            continue;
        uint8_t code[3] = {'%', (uint8_t)digits[c >> 4], (uint8_t)digits[c & 15]};
        buf_put(b, slice_of(path.ptr + plain, i - plain));
        buf_put(b, slice_of(code, sizeof code));
        plain = i + 1;
    }
    buf_put(b, slice_drop(path, plain));
}

static int digit_value(uint8_t c)
{
    if ((uint8_t)(c - '0') < 10)
        return c - '0';
    uint8_t letter = (uint8_t)((c | 0x20) - 'a');
    return letter < 6 ? letter + 10 : -1;
}

/* Decodes all of path into scratch. */
static enum err decode(struct slice path, struct buf *scratch)
{
    while (path.len > 0) {
        size_t plain = slice_find(path, '%');
        buf_put(scratch, slice_take(path, plain));
        path = slice_drop(path, plain);
        if (path.len == 0)
            break;
        int high = path.len >= 3 ? digit_value(path.ptr[1]) : -1;
        int low = path.len >= 3 ? digit_value(path.ptr[2]) : -1;
        if (high < 0 || low < 0)
            return ERR_MALFORMED;
        uint8_t byte = (uint8_t)(high << 4 | low);
        if (byte == '/')
            return ERR_MALFORMED;
        buf_byte(scratch, byte);
        path = slice_drop(path, 3);
    }
    return scratch->err;
}

static bool has_control(struct slice path)
{
    for (size_t i = 0; i < path.len; i++)
        if (path.ptr[i] < 0x20 || path.ptr[i] == 0x7F)
            return true;
    return false;
}

static bool has_dot_segment(struct slice path)
{
    struct slice segment;
    bool more;
    do {
        struct slice rest;
        more = slice_cut(path, '/', &segment, &rest);
        if (slice_equal(segment, SLICE(".")) || slice_equal(segment, SLICE("..")))
            return true;
        path = rest;
    } while (more);
    return false;
}

enum err percent_decode_path(struct slice path, struct buf *scratch, struct slice *decoded)
{
    *decoded = path;
    if (slice_find(path, '%') < path.len) {
        buf_clear(scratch);
        enum err e = decode(path, scratch);
        if (e != OK)
            return e;
        *decoded = buf_slice(scratch);
    }
    if (has_control(*decoded) || has_dot_segment(*decoded) || !utf8_valid(*decoded))
        return ERR_MALFORMED;
    return OK;
}
