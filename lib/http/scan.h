/*
 * Scanning: how far a run of permitted bytes goes. Private to lib/http.
 *
 * Eight bytes at a time, in a word: `x - 0x01..` borrows into the high bit of a byte that is zero,
 * and `& ~x` forgets bytes whose high bit was set before. A borrow can make the next higher byte
 * look like a hit too, but only behind a real one, and only the first is asked for.
 */
#ifndef LIB_HTTP_SCAN_H
#define LIB_HTTP_SCAN_H

#include "runtime/slice.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first byte is the lowest");

#define EVERY_BYTE(value) (UINT64_C(0x0101010101010101) * (value))
#define HIGH_BITS         EVERY_BYTE(0x80)

/* What a byte may stand in: */
enum {
    HTTP_IN_TOKEN = 1, /* RFC 9110, 5.6.2 */
    HTTP_IN_HOST = 2   /* a registered name or an IPv4 address (RFC 3986, 3.2.2) */
};
extern const uint8_t HTTP_BYTES[256];

static inline bool is_token_byte(uint8_t c)
{
    return HTTP_BYTES[c] & HTTP_IN_TOKEN;
}

/* The high bit of the first byte of the word that is below `limit` (at most 0x80). */
static inline uint64_t word_below(uint64_t word, uint8_t limit)
{
    return (word - EVERY_BYTE(limit)) & ~word & HIGH_BITS;
}

static inline uint64_t word_equal(uint64_t word, uint8_t byte)
{
    return word_below(word ^ EVERY_BYTE(byte), 1);
}

static inline uint64_t word_at(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

static inline size_t first_hit(uint64_t hits)
{
    return (size_t)__builtin_ctzll(hits) / 8;
}

/* The high bits of the bytes that are from `low` to `high`; all bytes are below 0x80. */
static inline uint64_t word_between(uint64_t word, uint8_t low, uint8_t high)
{
    return (word + EVERY_BYTE(0x80 - low)) & ~(word + EVERY_BYTE(0x7F - high));
}

/* Those of the bytes that are a letter, a digit or '-': of these most names consist. */
static inline uint64_t word_plain(uint64_t word)
{
    uint64_t ascii = word & ~HIGH_BITS, lower = ascii | EVERY_BYTE(0x20);
    return (word_between(lower, 'a', 'z') | word_between(ascii, '0', '9') |
            word_between(ascii, '-', '-')) &
           ~word & HIGH_BITS;
}

/* How many token bytes are in front. */
static inline size_t scan_token(struct slice s)
{
    size_t n = 0;
    while (s.len - n >= 8) {
        uint64_t others = word_plain(word_at(s.ptr + n)) ^ HIGH_BITS;
        if (!others) {
            n += 8;
            continue;
        }
        n += first_hit(others);
        if (!is_token_byte(s.ptr[n]))
            return n;
        n++;
    }
    while (n < s.len && is_token_byte(s.ptr[n]))
        n++;
    return n;
}

/* How many bytes that a target may hold: visible ASCII but '#' (RFC 9112, 3.2; what browsers leave
 * unencoded beyond RFC 3986 is let pass). */
static inline size_t scan_target(struct slice s)
{
    size_t n = 0;
    for (; s.len - n >= 8; n += 8) {
        uint64_t word = word_at(s.ptr + n);
        uint64_t hits = word_below(word, 0x21) | word_equal(word, '#') | word_equal(word, 0x7F) |
                        (word & HIGH_BITS);
        if (hits)
            return n + first_hit(hits);
    }
    while (n < s.len && s.ptr[n] > 0x20 && s.ptr[n] < 0x7F && s.ptr[n] != '#')
        n++;
    return n;
}

static inline bool is_field_byte(uint8_t c)
{
    return (c >= 0x20 && c != 0x7F) || c == '\t';
}

/* How many bytes that a field's value may hold: all but control bytes, tabs permitted (RFC 9110,
 * 5.5). */
static inline size_t scan_value(struct slice s)
{
    size_t n = 0;
    while (s.len - n >= 8) {
        uint64_t word = word_at(s.ptr + n);
        uint64_t hits = word_below(word, 0x20) | word_equal(word, 0x7F);
        if (!hits) {
            n += 8;
            continue;
        }
        n += first_hit(hits);
        if (s.ptr[n] != '\t')
            return n;
        n++;
    }
    while (n < s.len && is_field_byte(s.ptr[n]))
        n++;
    return n;
}

#endif
