/* The memory and string functions of a ring-0 image, byte for byte beside simple ones: every length up
 * to a few blocks, every place within a step. They are linked under names that begin with "ours_". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define LONGEST 300u
#define PLACES  17u
#define PAGE    4096u

void *ours_memcpy(void *into, const void *from, size_t n);
void *ours_memmove(void *into, const void *from, size_t n);
void *ours_memset(void *into, int byte, size_t n);
int ours_memcmp(const void *a, const void *b, size_t n);
void *ours_memchr(const void *s, int byte, size_t n);
size_t ours_strlen(const char *s);

static uint8_t from[1024], into[1024], expected[1024];

static void fill(void)
{
    for (size_t i = 0; i < sizeof from; i++) {
        from[i] = (uint8_t)(i * 7 + 1);
        into[i] = expected[i] = (uint8_t)(i * 3);
    }
}

static void copies(void **state)
{
    (void)state;
    for (size_t n = 0; n <= LONGEST; n++)
        for (size_t at = 0; at < PLACES; at++) {
            fill();
            for (size_t i = 0; i < n; i++)
                expected[at + i] = from[5 + i];
            assert_ptr_equal(ours_memcpy(into + at, from + 5, n), into + at);
            assert_memory_equal(into, expected, sizeof into);
        }
}

/* Up and down, by all distances at which the two lie across each other within a block. */
static void moves(void **state)
{
    (void)state;
    for (size_t n = 0; n <= LONGEST; n++)
        for (size_t to = 100; to <= 300; to += 1 + n % 7) {
            fill();
            for (size_t i = 0; i < n; i++)
                expected[to + i] = into[200 + i];
            assert_ptr_equal(ours_memmove(into + to, into + 200, n), into + to);
            assert_memory_equal(into, expected, sizeof into);
        }
}

static void sets(void **state)
{
    (void)state;
    for (size_t n = 0; n <= LONGEST; n++)
        for (size_t at = 0; at < PLACES; at++) {
            fill();
            for (size_t i = 0; i < n; i++)
                expected[at + i] = 0xa5;
            assert_ptr_equal(ours_memset(into + at, 0x1a5, n), into + at);
            assert_memory_equal(into, expected, sizeof into);
        }
}

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

static void compares(void **state)
{
    (void)state;
    for (size_t n = 0; n <= LONGEST; n++) {
        memset(from, 0x80, sizeof from);
        memset(into, 0x80, sizeof into);
        assert_int_equal(ours_memcmp(from + 3, into + 9, n), 0);
        from[3 + n] = 1; /* beyond */
        assert_int_equal(ours_memcmp(from + 3, into + 9, n), 0);
        for (size_t other = 0; other < n; other++) {
            from[3 + other] = 0x7f; /* and smaller, though not if it had a sign */
            assert_int_equal(sign(ours_memcmp(from + 3, into + 9, n)), -1);
            assert_int_equal(sign(ours_memcmp(into + 9, from + 3, n)), 1);
            from[3 + other] = 0x80;
        }
    }
}

static void finds(void **state)
{
    (void)state;
    memset(from, 'x', sizeof from);
    for (size_t n = 0; n <= LONGEST; n++) {
        from[7 + n] = 'y'; /* beyond */
        assert_null(ours_memchr(from + 7, 'y', n));
        for (size_t at = 0; at < n; at++) {
            from[7 + at] = 'y'; /* the first of two */
            assert_ptr_equal(ours_memchr(from + 7, 'y', n + 1), from + 7 + at);
            from[7 + at] = 'x';
        }
        from[7 + n] = 'x';
    }
}

/* A text may end where the page does, and behind that nothing is. */
static void measures(void **state)
{
    (void)state;
    char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(pages, MAP_FAILED);
    assert_int_equal(mprotect(pages + PAGE, PAGE, PROT_NONE), 0);
    for (size_t space = 0; space < 70; space++)
        for (size_t n = 0; n <= LONGEST; n++) {
            char *end = pages + PAGE - 1 - space;
            memset(pages, 0, PAGE);
            memset(end - n, 'x', n);
            assert_int_equal(ours_strlen(end - n), n);
        }
    munmap(pages, 2 * PAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies),   cmocka_unit_test(moves), cmocka_unit_test(sets),
        cmocka_unit_test(compares), cmocka_unit_test(finds), cmocka_unit_test(measures),
    };
    return cmocka_run_group_tests_name("memory and strings of ring 0", tests, NULL, NULL);
}
