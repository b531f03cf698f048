/*
 * A buffer: bytes that grow at the end, up to a limit that its owner names.
 *
 * The first failure (ERR_LIMIT beyond max, ERR_MEMORY) is kept in `err`; from then on every put is
 * without effect, so that a writer may put many pieces and ask once.
 */
#ifndef RUNTIME_BUF_H
#define RUNTIME_BUF_H

#include <stdarg.h>

#include "runtime/err.h"
#include "runtime/slice.h"

struct buf {
    uint8_t *ptr; /* owned; NULL until the first byte */
    size_t len;
    size_t cap;
    size_t max;
    enum err err;
};

/* An empty buffer of at most max bytes; allocates nothing yet. */
void buf_init(struct buf *b, size_t max);

/* Gives the memory back; the buffer may be used again as after buf_init. */
void buf_deinit(struct buf *b);

/* Forgets content and error, keeps the memory. */
void buf_clear(struct buf *b);

void buf_put(struct buf *b, struct slice bytes);
void buf_byte(struct buf *b, uint8_t byte);
void buf_text(struct buf *b, const char *text);

/* Decimal digits: as many as it takes, and zeros before them until there are `least` (at most 20). For
 * lines of which there are many; others are buf_printf's. */
void buf_decimal(struct buf *b, uint64_t value, size_t least);

/* Formatted text: see runtime/format.h for the conversions. */
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Room for n more bytes at the end, to be written by the caller, or NULL (err is set). The bytes
 * count only after buf_commit(b, m) with m <= n. */
uint8_t *buf_reserve(struct buf *b, size_t n);
void buf_commit(struct buf *b, size_t n);

/* Drops the first n bytes (all, where there are fewer) and moves the rest to the front. */
void buf_consume(struct buf *b, size_t n);

/* Hands the bytes over: the caller frees .ptr with memory_free; the buffer is as after buf_init. */
struct slice buf_release(struct buf *b);

/* The same, without the room that was left behind them. */
struct slice buf_release_trimmed(struct buf *b);

static inline struct slice buf_slice(const struct buf *b)
{
    return slice_of(b->ptr, b->len);
}

#endif
