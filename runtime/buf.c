/* Growing by half again and never beyond the owner's limit; see buf.h. */
#include "runtime/buf.h"

#include "runtime/format.h"
#include "signatures/memory.h"

#define FIRST_CAP   64
#define DECIMAL_MAX ((size_t)20) /* digits of 2^64 - 1 */

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_deinit(struct buf *b)
{
    memory_free(b->ptr);
    buf_init(b, b->max);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->err = OK;
}

/* The capacity to ask for when need bytes must fit: need <= max. */
static size_t next_cap(const struct buf *b, size_t need)
{
    size_t cap = b->cap > b->max - b->cap / 2 ? b->max : b->cap + b->cap / 2;
    if (cap < FIRST_CAP)
        cap = FIRST_CAP;
    if (cap < need)
        cap = need;
    return cap > b->max ? b->max : cap;
}

static void grow(struct buf *b, size_t need)
{
    size_t cap = next_cap(b, need);
    uint8_t *ptr = memory_resize(b->ptr, cap);
    if (!ptr) {
        b->err = ERR_MEMORY;
        return;
    }
    b->ptr = ptr;
    b->cap = cap;
}

uint8_t *buf_reserve(struct buf *b, size_t n)
{
    if (b->err)
        return NULL;
    if (b->len > b->max || n > b->max - b->len) {
        b->err = ERR_LIMIT;
        return NULL;
    }
    if (!b->ptr || n > b->cap - b->len)
        grow(b, b->len + n);
    return b->err ? NULL : b->ptr + b->len;
}

void buf_commit(struct buf *b, size_t n)
{
    if (b->err)
        return;
    b->len += n <= b->cap - b->len ? n : b->cap - b->len;
}

void buf_put(struct buf *b, struct slice bytes)
{
    if (bytes.len == 0)
        return;
    bool fits = !b->err && bytes.len <= b->cap - b->len;
    uint8_t *room = fits ? b->ptr + b->len : buf_reserve(b, bytes.len);
    if (!room)
        return;
    memcpy(room, bytes.ptr, bytes.len);
    b->len += bytes.len;
}

void buf_byte(struct buf *b, uint8_t byte)
{
    if (b->len < b->cap && !b->err)
        b->ptr[b->len++] = byte;
    else
        buf_put(b, slice_of(&byte, 1));
}

void buf_text(struct buf *b, const char *text)
{
    buf_put(b, slice_text(text));
}

void buf_decimal(struct buf *b, uint64_t value, size_t least)
{
    uint8_t digits[DECIMAL_MAX], *end = digits + DECIMAL_MAX, *at = end;
    const uint8_t *zeros = end - (least < DECIMAL_MAX ? least : DECIMAL_MAX);
    for (; value || at > zeros; value /= 10)
        *--at = (uint8_t)('0' + value % 10);
    buf_put(b, slice_of(at, (size_t)(end - at)));
}

static void put_piece(void *arg, const char *piece, size_t len)
{
    buf_put(arg, slice_of(piece, len));
}

void buf_vprintf(struct buf *b, const char *format, va_list args)
{
    format_to(put_piece, b, format, args);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vprintf(b, format, args);
    va_end(args);
}

void buf_consume(struct buf *b, size_t n)
{
    if (n >= b->len) {
        b->len = 0;
        return;
    }
    if (n == 0)
        return;
    memmove(b->ptr, b->ptr + n, b->len - n);
    b->len -= n;
}

struct slice buf_release(struct buf *b)
{
    struct slice bytes = buf_slice(b);
    buf_init(b, b->max);
    return bytes;
}

struct slice buf_release_trimmed(struct buf *b)
{
    struct slice bytes = buf_release(b);
    uint8_t *trimmed = bytes.ptr ? memory_resize((void *)(uintptr_t)bytes.ptr, bytes.len) : NULL;
    return trimmed ? slice_of(trimmed, bytes.len) : bytes;
}
