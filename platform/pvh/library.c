/*
 * What third-party libraries call of a C library, and nothing of ours does: memory, sorting, text, time.
 * There are no files, no environment and no locale.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/format.h"
#include "runtime/panic.h"
#include "signatures/clock.h"
#include "signatures/memory.h"

struct timeval {
    int64_t seconds, microseconds;
};

struct text {
    char *at;
    size_t room, length;
};

extern int errno;
extern void *stderr;
int fprintf(void *file, const char *format, ...);
int snprintf(char *into, size_t size, const char *format, ...);
int vsnprintf(char *into, size_t size, const char *format, va_list arguments);
int sscanf(const char *text, const char *format, ...);
int gettimeofday(struct timeval *into, void *zone);
int64_t time(int64_t *into);
size_t strcspn(const char *text, const char *stop);

int errno;
void *stderr;

void abort(void)
{
    panic("a library called abort");
}

/* --- memory --- */

void *malloc(size_t size)
{
    return memory_alloc(size);
}

void *calloc(size_t count, size_t size)
{
    size_t bytes;
    return __builtin_mul_overflow(count, size, &bytes) ? NULL : memory_zalloc(bytes);
}

void *realloc(void *block, size_t size)
{
    return memory_resize(block, size);
}

void free(void *block)
{
    memory_free(block);
}

/* --- searching and sorting --- */

void *bsearch(const void *key, const void *items, size_t count, size_t size,
              int (*compare)(const void *, const void *))
{
    const char *first = items;
    while (count) {
        const char *middle = first + count / 2 * size;
        int order = compare(key, middle);
        if (order == 0)
            return (void *)(uintptr_t)middle;
        if (order > 0) {
            first = middle + size;
            count -= count / 2 + 1;
        } else {
            count /= 2;
        }
    }
    return NULL;
}

static void swap(char *a, char *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = a[i];
        a[i] = b[i];
        b[i] = c;
    }
}

static void sift_down(char *items, size_t at, size_t count, size_t size,
                      int (*compare)(const void *, const void *))
{
    for (size_t child; (child = at * 2 + 1) < count; at = child) {
        if (child + 1 < count && compare(items + child * size, items + (child + 1) * size) < 0)
            child++;
        if (compare(items + at * size, items + child * size) >= 0)
            return;
        swap(items + at * size, items + child * size, size);
    }
}

/* By a heap: in place, and never slow. */
void qsort(void *items, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    for (size_t i = count / 2; i-- > 0;)
        sift_down(items, i, count, size, compare);
    for (size_t end = count; end > 1; end--) {
        swap(items, (char *)items + (end - 1) * size, size);
        sift_down(items, 0, end - 1, size, compare);
    }
}

/* --- text --- */

static void put(void *arg, const char *piece, size_t len)
{
    struct text *t = arg;
    for (size_t i = 0; i < len; i++, t->length++)
        if (t->length + 1 < t->room)
            t->at[t->length] = piece[i];
}

int vsnprintf(char *into, size_t size, const char *format, va_list arguments)
{
    struct text t = {into, size, 0};
    format_to(put, &t, format, arguments);
    if (size)
        into[t.length < size ? t.length : size - 1] = '\0';
    return (int)t.length;
}

int snprintf(char *into, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(into, size, format, arguments);
    va_end(arguments);
    return length;
}

/* Libraries complain to nobody: what goes wrong is told by their answers. */
int fprintf(void *file, const char *format, ...)
{
    (void)file;
    (void)format;
    return 0;
}

int sscanf(const char *text, const char *format, ...)
{
    (void)text;
    (void)format;
    return 0; /* nothing of it matched */
}

long strtol(const char *text, char **end, int base)
{
    long value = 0;
    const char *at = text + (*text == '-');
    for (; base == 10 && *at >= '0' && *at <= '9' && value < INT32_MAX; at++)
        value = value * 10 + (*at - '0');
    if (end)
        *end = (char *)(uintptr_t)at;
    return *text == '-' ? -value : value;
}

char *getenv(const char *name)
{
    (void)name;
    return NULL;
}

/* --- time --- */

int gettimeofday(struct timeval *into, void *zone)
{
    int64_t now = clock_wall();
    (void)zone;
    *into =
        (struct timeval){now / (int64_t)CLOCK_SEC, now % (int64_t)CLOCK_SEC / (int64_t)CLOCK_US};
    return 0;
}

int64_t time(int64_t *into)
{
    int64_t now = clock_wall() / (int64_t)CLOCK_SEC;
    if (into)
        *into = now;
    return now;
}

size_t strcspn(const char *text, const char *stop)
{
    size_t n = 0;
    while (text[n] && !strchr(stop, text[n]))
        n++;
    return n;
}
