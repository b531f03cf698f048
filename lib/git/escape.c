/* Text from outside, made fit for a line on a terminal: see escape.h. */
#include "lib/git/escape.h"

#include "lib/text/utf8.h"

/* U+0080 to U+009F are control characters too. */
static bool is_control(struct slice text, size_t width)
{
    uint8_t byte = text.ptr[0];
    return byte < 0x20 || byte == 0x7f || (width == 2 && byte == 0xc2 && text.ptr[1] < 0xa0);
}

void git_put_escaped(struct buf *b, struct slice text)
{
    while (text.len > 0) {
        size_t width = utf8_width(text);
        if (width > 0 && !is_control(text, width)) {
            buf_put(b, slice_take(text, width));
        } else {
            buf_printf(b, "\\x%02x", (unsigned int)text.ptr[0]);
            width = 1;
        }
        text = slice_drop(text, width);
    }
}
