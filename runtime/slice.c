/* Comparing, searching and splitting bytes; see slice.h. */
#include "runtime/slice.h"

int slice_compare(struct slice a, struct slice b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common ? memcmp(a.ptr, b.ptr, common) : 0;
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

bool slice_equal_nocase(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    return true;
}

bool slice_equal_secret(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    /* volatile: the compiler must not leave the loop early. */
    volatile uint8_t differ = 0;
    for (size_t i = 0; i < a.len; i++)
        differ = (uint8_t)(differ | (a.ptr[i] ^ b.ptr[i]));
    return differ == 0;
}

size_t slice_find(struct slice s, uint8_t byte)
{
    const uint8_t *at = s.len ? memchr(s.ptr, byte, s.len) : NULL;
    return at ? (size_t)(at - s.ptr) : s.len;
}

size_t slice_search(struct slice s, struct slice what)
{
    if (what.len == 0)
        return 0;
    for (size_t from = 0; s.len - from >= what.len; from++) {
        from += slice_find(slice_drop(s, from), what.ptr[0]);
        if (s.len - from < what.len)
            break;
        if (memcmp(s.ptr + from, what.ptr, what.len) == 0)
            return from;
    }
    return s.len;
}

bool slice_cut(struct slice s, uint8_t byte, struct slice *before, struct slice *after)
{
    size_t at = slice_find(s, byte);
    *before = slice_take(s, at);
    *after = slice_drop(s, at + 1);
    return at < s.len;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice slice_trim(struct slice s)
{
    while (s.len && is_space(s.ptr[0]))
        s = slice_drop(s, 1);
    while (s.len && is_space(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

bool slice_line(struct slice *rest, struct slice *line)
{
    if (rest->len == 0) {
        *line = *rest;
        return false;
    }
    bool ended = slice_cut(*rest, '\n', line, rest);
    if (ended && line->len && line->ptr[line->len - 1] == '\r')
        line->len--;
    return true;
}

/* The value of one digit in any base up to 16; 255 for what is none. */
static unsigned digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - (unsigned)'0';
    if (c >= 'a' && c <= 'f')
        return c - (unsigned)'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - (unsigned)'A' + 10;
    return 255;
}

static bool number(struct slice s, unsigned base, uint64_t max, uint64_t *value)
{
    uint64_t sum = 0;
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned d = digit(s.ptr[i]);
        if (d >= base || d > max || sum > (max - d) / base)
            return false;
        sum = sum * base + d;
    }
    *value = sum;
    return true;
}

bool slice_decimal(struct slice s, uint64_t max, uint64_t *value)
{
    return number(s, 10, max, value);
}

bool slice_hex(struct slice s, uint64_t max, uint64_t *value)
{
    return number(s, 16, max, value);
}
