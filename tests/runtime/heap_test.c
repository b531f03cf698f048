/* The heap: blocks do not overlap, all pages come back, and misuse is noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/wait.h>
#include <unistd.h>

#include "platform/sim/sim.h"
#include "runtime/heap.h"

#define SIZE ((size_t)8 << 20)

struct world {
    struct heap heap;
    uint8_t *memory;
    size_t unused; /* at the start */
};

static int setup(void **state)
{
    struct world *w = test_calloc(1, sizeof *w);
    w->memory = aligned_alloc(HEAP_PAGE, SIZE);
    memset(w->memory, 0xa5, SIZE);
    struct heap_range range = {(uintptr_t)w->memory, SIZE};
    assert_true(heap_init(&w->heap, &range, 1, 0x123456789abcdef));
    w->unused = heap_unused(&w->heap);
    assert_int_equal(heap_stats(&w->heap).total, w->unused);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    heap_check(&w->heap);
    assert_int_equal(heap_stats(&w->heap).blocks, 0);
    assert_int_equal(heap_stats(&w->heap).bytes, 0);
    assert_int_equal(heap_unused(&w->heap), w->unused);
    free(w->memory);
    test_free(w);
    return 0;
}

static void test_every_size(void **state)
{
    struct heap *h = &((struct world *)*state)->heap;
    for (size_t size = 0; size < 40000; size += size < 600 ? 1 : 97) {
        uint8_t *a = heap_alloc(h, size), *b = heap_alloc(h, size);
        assert_non_null(a);
        assert_non_null(b);
        assert_int_equal((uintptr_t)a % 16, 0);
        size_t have = heap_size(h, a);
        assert_true(have >= size);
        assert_true(have <= size + size / 3 + HEAP_PAGE / (size < 3000 ? 128 : 1));
        assert_true(a + have <= b || b + have <= a);
        memset(a, 1, have);
        memset(b, 2, have);
        heap_check(h);
        heap_free(h, a);
        heap_free(h, b);
    }
}

/* Blocks are filled with their own number; a naive table tells what each must hold. */
struct item {
    uint8_t *block;
    size_t size;
    uint8_t fill;
};

static void check_item(const struct item *i, size_t upto)
{
    if (upto == 0)
        return;
    assert_int_equal(i->block[0], i->fill);
    assert_memory_equal(i->block, i->block + 1, upto - 1); /* each is as the one before it */
}

static size_t random_size(struct sim_random *r)
{
    return sim_random_range(r, 0, (uint64_t)1 << sim_random_range(r, 0, 19));
}

static void step(struct heap *h, struct item *i, struct sim_random *r)
{
    size_t size = random_size(r), before = i->size;
    if (i->block)
        check_item(i, before);
    if (i->block && sim_random_chance(r, 50)) {
        heap_free(h, i->block);
        i->block = NULL;
        return;
    }
    uint8_t *block = heap_resize(h, i->block, size);
    if (!block)
        return;
    bool grown = i->block != NULL;
    i->block = block;
    if (grown)
        check_item(i, size < before ? size : before);
    i->size = size;
    i->fill = (uint8_t)sim_random_next(r);
    memset(block, i->fill, heap_size(h, block));
}

static void test_random(void **state)
{
    struct heap *h = &((struct world *)*state)->heap;
    struct item items[400] = {0};
    struct sim_random r;
    sim_random_seed(&r, 20);
    for (size_t n = 0; n < 60000; n++) {
        step(h, &items[sim_random_range(&r, 0, 399)], &r);
        if (n % 1000 == 0)
            heap_check(h);
    }
    assert_true(heap_stats(h).refused > 0); /* it was full at times */
    for (size_t i = 0; i < 400; i++)
        heap_free(h, items[i].block);
}

static void test_all_of_it(void **state)
{
    struct world *w = *state;
    void *all = heap_alloc(&w->heap, w->unused);
    assert_non_null(all);
    assert_null(heap_alloc(&w->heap, 1));
    assert_int_equal(heap_stats(&w->heap).refused, 1);
    assert_ptr_equal(heap_resize(&w->heap, all, w->unused / 2), all);
    assert_ptr_equal(heap_resize(&w->heap, all, w->unused), all);
    assert_null(heap_resize(&w->heap, all, w->unused + 1));
    assert_null(heap_alloc(&w->heap, (size_t)INT64_MAX));
    heap_free(&w->heap, all);
    assert_int_equal(heap_stats(&w->heap).peak, w->unused);
}

static void test_aligned_pages(void **state)
{
    struct heap *h = &((struct world *)*state)->heap;
    void *blocks[64];
    for (size_t i = 0; i < 64; i++) {
        size_t alignment = (size_t)1 << i % 6;
        blocks[i] = heap_pages(h, 1 + i % 5, alignment);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % (alignment * HEAP_PAGE), 0);
        assert_int_equal(heap_size(h, blocks[i]), (1 + i % 5) * HEAP_PAGE);
        heap_check(h);
    }
    for (size_t i = 0; i < 64; i++)
        heap_free(h, blocks[i]);
    assert_null(heap_pages(h, SIZE / HEAP_PAGE, 1));
    assert_null(heap_pages(h, 0, 1));
}

/* Of ranges, whole pages are used, and nothing of what lies between. */
static void test_ranges(void **state)
{
    uint8_t *memory = aligned_alloc(HEAP_PAGE, SIZE);
    uintptr_t at = (uintptr_t)memory;
    struct heap_range ranges[] = {
        {at + 1000000, 300000}, {at + 100, 500000}, {at + 4000000, 100}, {at + 5000000, 16384}};
    uint8_t *chain = NULL;
    struct heap h;
    size_t taken = 0;
    (void)state;
    memset(memory, 0xcc, SIZE);
    assert_true(heap_init(&h, ranges, 4, 7));
    for (uint8_t *b; (b = heap_pages(&h, 3, 1)); chain = b, taken++) {
        uintptr_t from = (uintptr_t)b, end = from + 3 * HEAP_PAGE;
        assert_true((from >= at + 100 && end <= at + 500100) ||
                    (from >= at + 1000000 && end <= at + 1300000) ||
                    (from >= at + 5000000 && end <= at + 5016384));
        *(uint8_t **)(void *)b = chain;
    }
    assert_true(taken * 3 * HEAP_PAGE > 700000);
    heap_check(&h);
    for (size_t i = 500100; i < 1000000; i++)
        assert_int_equal(memory[i], 0xcc);
    while (chain) {
        uint8_t *next = *(uint8_t **)(void *)chain;
        heap_free(&h, chain);
        chain = next;
    }
    heap_check(&h);
    free(memory);
}

/* A range that lies so far away that its account would take more than it holds is left out; one that is worth it is
 * not. */
static void test_far_ranges(void **state)
{
    uint8_t *memory = aligned_alloc(HEAP_PAGE, SIZE);
    uintptr_t at = (uintptr_t)memory, half = SIZE / 2;
    struct heap_range far[] = {{at + ((uintptr_t)1 << 45), 4 * HEAP_PAGE},
                               {at, half},
                               {at - ((uintptr_t)1 << 40), half - HEAP_PAGE}};
    struct heap_range near[] = {{at, half}, {at + SIZE - 16 * HEAP_PAGE, 16 * HEAP_PAGE}};
    struct heap h;
    (void)state;
    assert_true(heap_init(&h, far, 3, 7));
    assert_int_equal(h.base, at);
    assert_int_equal(h.count, half / HEAP_PAGE);
    heap_check(&h);
    assert_true(heap_init(&h, near, 2, 7));
    assert_int_equal(h.count, SIZE / HEAP_PAGE);
    heap_check(&h);
    free(memory);
}

static void test_too_little(void **state)
{
    struct world *w = *state;
    struct heap_range page = {(uintptr_t)w->memory, HEAP_PAGE},
                      part = {(uintptr_t)w->memory + 1, 99};
    struct heap_range far[] = {page, {(uintptr_t)w->memory + ((uintptr_t)1 << 45), HEAP_PAGE}};
    struct heap h;
    assert_false(heap_init(&h, &page, 0, 7));
    assert_false(heap_init(&h, &page, 1, 7));
    assert_false(heap_init(&h, &part, 1, 7));
    assert_false(heap_init(&h, far, 2, 7));
    assert_false(heap_init(&h, &page, HEAP_RANGES_MAX + 1, 7));
}

/* --- misuse: each in a child, which has to die of a panic that says so. Pointers are volatile, so that
 * no sanitizer sees it first --- */

static void expect_panic(struct world *w, void (*misuse)(struct heap *), const char *why)
{
    int ends[2];
    char said[512] = {0};
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        sim_console_echo(true);
        misuse(&w->heap);
        _exit(0);
    }
    close(ends[1]);
    size_t have = 0;
    for (ssize_t n; (n = read(ends[0], said + have, sizeof said - 1 - have)) > 0;)
        have += (size_t)n;
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_non_null(strstr(said, why));
}

static void beyond(struct heap *h)
{
    uint8_t *volatile b = heap_alloc(h, 40);
    b[heap_size(h, b)] = 1;
    heap_free(h, b);
}

static void twice(struct heap *h)
{
    void *keep = heap_alloc(h, 40), *b = heap_alloc(h, 40);
    (void)keep;
    heap_free(h, b);
    heap_free(h, b);
}

static void twice_large(struct heap *h)
{
    void *b = heap_alloc(h, 100000);
    heap_free(h, b);
    heap_free(h, b);
}

static void after(struct heap *h)
{
    void *keep = heap_alloc(h, 40);
    uint8_t *volatile b = heap_alloc(h, 40);
    (void)keep;
    heap_free(h, b);
    memset(b, 0x41, 40);
    heap_alloc(h, 40);
}

static void middle(struct heap *h)
{
    uint8_t *volatile b = heap_alloc(h, 200);
    heap_free(h, b + 16);
}

static void elsewhere(struct heap *h)
{
    heap_free(h, (void *)0x1000);
}

static void test_misuse(void **state)
{
    expect_panic(*state, beyond, "beyond its end");
    expect_panic(*state, twice, "given back twice");
    expect_panic(*state, twice_large, "not a block of memory");
    expect_panic(*state, after, "after it was given back");
    expect_panic(*state, middle, "not a block of memory");
    expect_panic(*state, elsewhere, "not a block of memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_size, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_of_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_aligned_pages, setup, teardown),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_far_ranges),
        cmocka_unit_test_setup_teardown(test_too_little, setup, teardown),
        cmocka_unit_test_setup_teardown(test_misuse, setup, teardown),
    };
    return cmocka_run_group_tests_name("runtime/heap_test", tests, NULL, NULL);
}
