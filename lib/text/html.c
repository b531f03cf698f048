/* Escaping: runs of plain bytes are copied whole, the others are replaced one by one. */
#include "lib/text/html.h"

#include "lib/text/utf8.h"

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

/* XML 1.0, 2.2: of the characters above ASCII only these two non-characters are excluded (UTF-8
 * itself excludes the surrogates). */
static bool is_noncharacter(struct slice character)
{
    return slice_is(character, "\xEF\xBF\xBE") || slice_is(character, "\xEF\xBF\xBF");
}

/* How an ASCII byte is written, or NULL: as it is. */
static const char *escape_of(uint8_t byte, bool attribute)
{
    switch (byte) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return attribute ? "&quot;" : NULL;
    case '\'':
        return attribute ? "&#39;" : NULL;
    case '\t':
        return attribute ? "&#9;" : NULL;
    case '\n':
        return attribute ? "&#10;" : NULL;
    case '\r':
        return "&#13;"; /* bare, a parser would read it as a line feed */
    default:
        return byte < 0x20 || byte == 0x7F ? REPLACEMENT : NULL;
    }
}

static void escape(struct buf *b, struct slice text, bool attribute)
{
    size_t plain = 0, at = 0; /* text[plain, at) waits to be copied */
    while (at < text.len) {
        uint8_t byte = text.ptr[at];
        size_t width = byte < 0x80 ? 1 : utf8_width(slice_drop(text, at));
        const char *instead = NULL;
        if (byte < 0x80)
            instead = escape_of(byte, attribute);
        else if (width == 0 || is_noncharacter(slice_take(slice_drop(text, at), width)))
            instead = REPLACEMENT;
        if (instead != NULL) {
            buf_put(b, slice_of(text.ptr + plain, at - plain));
            buf_text(b, instead);
        }
        at += width > 0 ? width : 1;
        if (instead != NULL)
            plain = at;
    }
    buf_put(b, slice_drop(text, plain));
}

void html_escape(struct buf *b, struct slice text)
{
    escape(b, text, false);
}

void html_escape_attribute(struct buf *b, struct slice text)
{
    escape(b, text, true);
}
