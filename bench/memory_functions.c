/* The memory and string functions of a ring-0 image (platform/pvh/string.c) beside glibc's: a line
 * "NAME SIZE OURS THEIRS" for each, nanoseconds of the best of several runs. Ours are linked under
 * names that begin with "ours_". */
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MOST  ((size_t)1 << 20)
#define BYTES ((size_t)16 << 20) /* that a run goes through */
#define RUNS  7

void *ours_memcpy(void *into, const void *from, size_t n);
void *ours_memmove(void *into, const void *from, size_t n);
void *ours_memset(void *into, int byte, size_t n);
int ours_memcmp(const void *a, const void *b, size_t n);
void *ours_memchr(const void *s, int byte, size_t n);
size_t ours_strlen(const char *s);

static char a[MOST + 64], b[MOST + 64];

/* The compiler is not to know what is called, nor that nobody looks at what it gives. */
static volatile size_t nothing;

#define RUN(name, call)                    \
    static void name(size_t n)             \
    {                                      \
        nothing = (size_t)(call);          \
        __asm__ volatile("" ::: "memory"); \
    }
RUN(copy_ours, ours_memcpy(a, b, n))
RUN(copy_theirs, memcpy(a, b, n))
RUN(down_ours, ours_memmove(a + 8, a, n))
RUN(down_theirs, memmove(a + 8, a, n))
RUN(set_ours, ours_memset(a, 'x', n))
RUN(set_theirs, memset(a, 'x', n))
RUN(compare_ours, ours_memcmp(a, b, n))
RUN(compare_theirs, memcmp(a, b, n))
RUN(find_ours, ours_memchr(a, 'y', n))
RUN(find_theirs, memchr(a, 'y', n))
RUN(length_ours, ours_strlen(a + MOST - n))
RUN(length_theirs, strlen(a + MOST - n))

static const struct function {
    const char *name;
    void (*ours)(size_t n), (*theirs)(size_t n);
} functions[] = {
    {"memcpy", copy_ours, copy_theirs}, {"memmove", down_ours, down_theirs},
    {"memset", set_ours, set_theirs},   {"memcmp", compare_ours, compare_theirs},
    {"memchr", find_ours, find_theirs}, {"strlen", length_ours, length_theirs},
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double best(void (*call)(size_t n), size_t n)
{
    size_t times = BYTES / n;
    double least = 1e18;
    for (int run = 0; run < RUNS; run++) {
        double began = now();
        for (size_t i = 0; i < times; i++)
            call(n);
        double taken = (now() - began) / (double)times;
        least = taken < least ? taken : least;
    }
    return least;
}

int main(void)
{
    for (size_t f = 0; f < sizeof functions / sizeof functions[0]; f++)
        for (size_t n = 64; n <= MOST; n *= 4) {
            memset(a, 'x', sizeof a);
            memset(b, 'x', sizeof b);
            a[MOST] = '\0';
            printf("%s %zu %.2f %.2f\n", functions[f].name, n, best(functions[f].ours, n),
                   best(functions[f].theirs, n));
        }
    return 0;
}
