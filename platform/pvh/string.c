/*
 * The functions of <string.h> that compilers and libraries call. Memory moves in steps of 16 bytes
 * (SSE2, which every 64-bit processor has): faster than string instructions where the processor is
 * emulated, and close to the best where it is not.
 */
#include <emmintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define STEP  16u
#define BLOCK 64u /* in one turn of a loop */

static __m128i load(const void *from)
{
    return _mm_loadu_si128(from);
}

static void store(void *into, __m128i value)
{
    _mm_storeu_si128(into, value);
}

/* Up to 16 bytes, all of which are read before any is written. */
static void move_small(uint8_t *into, const uint8_t *from, size_t n)
{
    if (n >= 8) {
        uint64_t head, tail;
        __builtin_memcpy(&head, from, 8);
        __builtin_memcpy(&tail, from + n - 8, 8);
        __builtin_memcpy(into, &head, 8);
        __builtin_memcpy(into + n - 8, &tail, 8);
    } else if (n >= 4) {
        uint32_t head, tail;
        __builtin_memcpy(&head, from, 4);
        __builtin_memcpy(&tail, from + n - 4, 4);
        __builtin_memcpy(into, &head, 4);
        __builtin_memcpy(into + n - 4, &tail, 4);
    } else if (n) {
        uint8_t first = from[0], middle = from[n / 2], last = from[n - 1];
        into[0] = first;
        into[n / 2] = middle;
        into[n - 1] = last;
    }
}

/* 16 bytes and more, upwards; the end is read before it can be overwritten. */
static void move_up(uint8_t *into, const uint8_t *from, size_t n)
{
    __m128i tail = load(from + n - STEP);
    uint8_t *end = into + n - STEP;
    for (; n > BLOCK; n -= BLOCK, from += BLOCK, into += BLOCK) {
        __m128i a = load(from), b = load(from + STEP), c = load(from + 2 * STEP),
                d = load(from + 3 * STEP);
        store(into, a);
        store(into + STEP, b);
        store(into + 2 * STEP, c);
        store(into + 3 * STEP, d);
    }
    for (; n > STEP; n -= STEP, from += STEP, into += STEP)
        store(into, load(from));
    store(end, tail);
}

/* The same, downwards. */
static void move_down(uint8_t *into, const uint8_t *from, size_t n)
{
    __m128i head = load(from);
    for (; n > BLOCK; n -= BLOCK) {
        const uint8_t *at = from + n - BLOCK;
        uint8_t *to = into + n - BLOCK;
        __m128i a = load(at), b = load(at + STEP), c = load(at + 2 * STEP), d = load(at + 3 * STEP);
        store(to + 3 * STEP, d);
        store(to + 2 * STEP, c);
        store(to + STEP, b);
        store(to, a);
    }
    for (; n > STEP; n -= STEP)
        store(into + n - STEP, load(from + n - STEP));
    store(into, head);
}

void *memmove(void *into, const void *from, size_t n)
{
    if (n <= STEP)
        move_small(into, from, n);
    else if ((uintptr_t)into - (uintptr_t)from >= n)
        move_up(into, from, n);
    else
        move_down(into, from, n);
    return into;
}

void *memcpy(void *restrict into, const void *restrict from, size_t n)
{
    if (n <= STEP)
        move_small(into, from, n);
    else
        move_up(into, from, n);
    return into;
}

static void set_small(uint8_t *at, uint64_t value, size_t n)
{
    if (n >= 8) {
        __builtin_memcpy(at, &value, 8);
        __builtin_memcpy(at + n - 8, &value, 8);
    } else if (n >= 4) {
        __builtin_memcpy(at, &value, 4);
        __builtin_memcpy(at + n - 4, &value, 4);
    } else if (n) {
        at[0] = at[n / 2] = at[n - 1] = (uint8_t)value;
    }
}

void *memset(void *into, int byte, size_t n)
{
    uint8_t *at = into;
    if (n < STEP) {
        set_small(at, UINT64_C(0x0101010101010101) * (uint8_t)byte, n);
        return into;
    }
    __m128i value = _mm_set1_epi8((char)byte);
    uint8_t *end = at + n - STEP;
    for (; n > BLOCK; n -= BLOCK, at += BLOCK) {
        store(at, value);
        store(at + STEP, value);
        store(at + 2 * STEP, value);
        store(at + 3 * STEP, value);
    }
    for (; at < end; at += STEP)
        store(at, value);
    store(end, value);
    return into;
}

static __m128i same(const uint8_t *x, const uint8_t *y)
{
    return _mm_cmpeq_epi8(load(x), load(y));
}

static bool block_is_same(const uint8_t *x, const uint8_t *y)
{
    __m128i low = _mm_and_si128(same(x, y), same(x + STEP, y + STEP));
    __m128i high =
        _mm_and_si128(same(x + 2 * STEP, y + 2 * STEP), same(x + 3 * STEP, y + 3 * STEP));
    return _mm_movemask_epi8(_mm_and_si128(low, high)) == 0xffff;
}

/* Of 16 bytes: as memcmp. */
static int compare_step(const uint8_t *x, const uint8_t *y)
{
    unsigned other = 0xffffu & ~(unsigned)_mm_movemask_epi8(same(x, y));
    int i = other ? __builtin_ctz(other) : 0;
    return x[i] - y[i];
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;
    int order = 0;
    if (n < STEP) {
        for (; n && !order; n--)
            order = *x++ - *y++;
        return order;
    }
    for (; n > BLOCK && block_is_same(x, y); n -= BLOCK, x += BLOCK, y += BLOCK)
        ;
    for (; n > STEP && !order; n -= STEP, x += STEP, y += STEP)
        order = compare_step(x, y);
    return order ? order
                 : compare_step(x + n - STEP, y + n - STEP); /* some of it for the second time */
}

static unsigned found_in_step(const uint8_t *at, __m128i value)
{
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(load(at), value));
}

static bool is_in_block(const uint8_t *at, __m128i value)
{
    __m128i low =
        _mm_or_si128(_mm_cmpeq_epi8(load(at), value), _mm_cmpeq_epi8(load(at + STEP), value));
    __m128i high = _mm_or_si128(_mm_cmpeq_epi8(load(at + 2 * STEP), value),
                                _mm_cmpeq_epi8(load(at + 3 * STEP), value));
    return _mm_movemask_epi8(_mm_or_si128(low, high));
}

void *memchr(const void *s, int byte, size_t n)
{
    const uint8_t *at = s;
    __m128i value = _mm_set1_epi8((char)byte);
    for (; n >= BLOCK && !is_in_block(at, value); n -= BLOCK, at += BLOCK)
        ;
    for (; n >= STEP; n -= STEP, at += STEP) {
        unsigned found = found_in_step(at, value);
        if (found)
            return (void *)(uintptr_t)(at + __builtin_ctz(found));
    }
    for (; n; n--, at++)
        if (*at == (uint8_t)byte)
            return (void *)(uintptr_t)at;
    return NULL;
}

/* Whole steps and blocks where they lie, so that none reaches into a page of which the text has no byte. */
size_t strlen(const char *s)
{
    const __m128i zero = _mm_setzero_si128();
    uintptr_t before = (uintptr_t)s % STEP;
    const uint8_t *at = (const uint8_t *)s - before;
    unsigned found = found_in_step(at, zero) >> before;
    if (found)
        return (size_t)__builtin_ctz(found);
    for (at += STEP; (uintptr_t)at % BLOCK; at += STEP)
        if ((found = found_in_step(at, zero)) != 0)
            return (size_t)(at - (const uint8_t *)s) + (size_t)__builtin_ctz(found);
    while (!is_in_block(at, zero))
        at += BLOCK;
    while ((found = found_in_step(at, zero)) == 0)
        at += STEP;
    return (size_t)(at - (const uint8_t *)s) + (size_t)__builtin_ctz(found);
}

int strcmp(const char *a, const char *b)
{
    for (; *a && *a == *b; a++)
        b++;
    return (uint8_t)*a - (uint8_t)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n && *a && *a == *b; n--, a++)
        b++;
    return n ? (uint8_t)*a - (uint8_t)*b : 0;
}

char *strchr(const char *s, int c)
{
    for (; *s != (char)c; s++)
        if (!*s)
            return NULL;
    return (char *)(uintptr_t)s;
}
