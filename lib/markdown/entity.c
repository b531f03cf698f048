/* Character references (CommonMark 2.5), decoded to UTF-8. */
#include "lib/markdown/internal.h"

#include <entity.h>

#define CODEPOINT_MAX 0x10FFFFu

static void put_codepoint(struct buf *into, uint32_t c)
{
    if (c == 0 || c > CODEPOINT_MAX || (c >= 0xD800 && c <= 0xDFFF))
        c = 0xFFFD;
    if (c < 0x80) {
        buf_byte(into, (uint8_t)c);
    } else if (c < 0x800) {
        buf_byte(into, (uint8_t)(0xC0 | c >> 6));
        buf_byte(into, (uint8_t)(0x80 | (c & 0x3F)));
    } else if (c < 0x10000) {
        buf_byte(into, (uint8_t)(0xE0 | c >> 12));
        buf_byte(into, (uint8_t)(0x80 | (c >> 6 & 0x3F)));
        buf_byte(into, (uint8_t)(0x80 | (c & 0x3F)));
    } else {
        buf_byte(into, (uint8_t)(0xF0 | c >> 18));
        buf_byte(into, (uint8_t)(0x80 | (c >> 12 & 0x3F)));
        buf_byte(into, (uint8_t)(0x80 | (c >> 6 & 0x3F)));
        buf_byte(into, (uint8_t)(0x80 | (c & 0x3F)));
    }
}

void entity_put(struct buf *into, struct slice entity)
{
    struct slice name = slice_drop(slice_take(entity, entity.len - 1), 1); /* without & and ; */
    uint64_t number;
    if (slice_starts(name, SLICE("#x")) || slice_starts(name, SLICE("#X"))) {
        bool known = slice_hex(slice_drop(name, 2), CODEPOINT_MAX, &number);
        put_codepoint(into, known ? (uint32_t)number : 0);
    } else if (slice_starts(name, SLICE("#"))) {
        bool known = slice_decimal(slice_drop(name, 1), CODEPOINT_MAX, &number);
        put_codepoint(into, known ? (uint32_t)number : 0);
    } else {
        const ENTITY *found = entity_lookup((const char *)entity.ptr, entity.len);
        if (!found) {
            buf_put(into, entity);
            return;
        }
        put_codepoint(into, found->codepoints[0]);
        if (found->codepoints[1])
            put_codepoint(into, found->codepoints[1]);
    }
}

void attribute_put(struct buf *into, const MD_ATTRIBUTE *attribute)
{
    for (size_t i = 0; attribute->size > 0 && attribute->substr_offsets[i] < attribute->size; i++) {
        MD_OFFSET from = attribute->substr_offsets[i];
        MD_OFFSET to = attribute->substr_offsets[i + 1];
        struct slice piece = md_slice(attribute->text + from, to - from);
        if (attribute->substr_types[i] == MD_TEXT_ENTITY)
            entity_put(into, piece);
        else if (attribute->substr_types[i] == MD_TEXT_NULLCHAR)
            put_codepoint(into, 0);
        else
            buf_put(into, piece);
    }
}
