/* The table of RFC 3629, section 4: the first byte tells the width and the range of the second. */
#include "lib/text/utf8.h"

static bool is_tail(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}

/* The permitted range of the byte after `lead` (lead >= 0xE0); ordinary leads take any tail. */
static bool second_fits(uint8_t lead, uint8_t second)
{
    switch (lead) {
    case 0xE0:
        return second >= 0xA0; /* below: longer than needed */
    case 0xED:
        return second <= 0x9F; /* above: surrogates */
    case 0xF0:
        return second >= 0x90;
    case 0xF4:
        return second <= 0x8F; /* above: beyond U+10FFFF */
    default:
        return true;
    }
}

size_t utf8_width(struct slice text)
{
    if (text.len == 0)
        return 0;
    uint8_t lead = text.ptr[0];
    if (lead < 0x80)
        return 1;
    size_t width = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
    if (width == 0 || text.len < width)
        return 0;
    for (size_t i = 1; i < width; i++)
        if (!is_tail(text.ptr[i]))
            return 0;
    return second_fits(lead, text.ptr[1]) ? width : 0;
}

/* The length of the ASCII text at the front, by words: a lower bound. */
static size_t ascii_words(struct slice text)
{
    size_t at = 0;
    while (text.len - at >= sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, text.ptr + at, sizeof word);
        if (word & UINT64_C(0x8080808080808080))
            break;
        at += sizeof word;
    }
    return at;
}

bool utf8_valid(struct slice text)
{
    while (text.len > 0) {
        size_t ascii = ascii_words(text);
        text = slice_drop(text, ascii);
        if (text.len == 0)
            break;
        size_t width = utf8_width(text);
        if (width == 0)
            return false;
        text = slice_drop(text, width);
    }
    return true;
}

bool utf8_has_control(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
            return true;
    return false;
}
