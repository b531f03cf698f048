/* Virtqueues: event indexes, tables of descriptors, and what a device may not say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/platform/virtio/puppet.h"

#define SIZE  16u
#define PARTS 5u

struct world {
    struct queue queue;
    struct puppet_ring *available;
    struct puppet_used *used;
    struct puppet_descriptor *descriptors, *tables;
    uint8_t *memory;
};

static int setup(void **state)
{
    struct queue_layout l = queue_layout(SIZE);
    struct world *w = test_calloc(1, sizeof *w);
    w->memory = test_calloc(1, l.bytes + sizeof *w->used); /* the puppet's structures are longer */
    w->tables = test_calloc(1, queue_tables_bytes(SIZE, PARTS));
    w->descriptors = (void *)(w->memory + l.descriptors);
    w->available = (void *)(w->memory + l.available);
    w->used = (void *)(w->memory + l.used);
    queue_init(&w->queue, w->memory, SIZE, true);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    test_free(w->memory);
    test_free(w->tables);
    test_free(w);
    return 0;
}

static const struct queue_part some[SIZE + 1] = {{0x1000, 10}, {0x2000, 20}, {0x3000, 30}};

static uint16_t add(struct world *w, size_t readable, size_t writable)
{
    uint16_t number = UINT16_MAX;
    assert_true(queue_add(&w->queue, some, readable, writable, &number));
    return number;
}

static void use(struct world *w, uint32_t number, uint32_t written)
{
    w->used->entries[w->used->index % SIZE].number = number;
    w->used->entries[w->used->index % SIZE].written = written;
    w->used->index++;
}

static uint16_t *wish(struct world *w) /* avail_event, behind the used ring */
{
    return (uint16_t *)(void *)&w->used->entries[SIZE];
}

static void test_chain(void **state)
{
    struct world *w = *state;
    uint16_t first = add(w, 1, 2), second = w->descriptors[first].next;
    uint16_t third = w->descriptors[second].next, number;
    uint32_t written;
    assert_int_equal(w->descriptors[first].flags, 1);
    assert_int_equal(w->descriptors[second].flags, 3);
    assert_int_equal(w->descriptors[third].flags, 2);
    assert_int_equal(w->descriptors[third].address, 0x3000);
    assert_false(queue_take(&w->queue, &number, &written));
    use(w, first, 50);
    assert_true(queue_take(&w->queue, &number, &written));
    assert_int_equal(number, first);
    assert_int_equal(written, 50);
    assert_int_equal(w->queue.free_count, SIZE);
}

/* It is told only when the index that it waits for was passed, also where the count begins anew. */
static void test_event_index(void **state)
{
    struct world *w = *state;
    uint32_t written;
    uint16_t number;
    for (uint32_t i = 0; i < 140000; i++) {
        uint16_t far = (uint16_t)(w->queue.next_available + 3);
        *wish(w) = i % 2 ? w->queue.next_available : far;
        uint16_t n = add(w, 1, 0);
        assert_int_equal(queue_tell(&w->queue), i % 2);
        assert_false(queue_tell(&w->queue)); /* nothing new */
        use(w, n, 0);
        assert_true(queue_await(&w->queue));
        assert_int_equal(w->available->entries[SIZE], w->queue.next_used);
        assert_true(queue_take(&w->queue, &number, &written));
        assert_false(queue_await(&w->queue));
    }
}

/* Several were added: the one that it waits for is among them. */
static void test_event_among_many(void **state)
{
    struct world *w = *state;
    for (uint16_t event = 0; event < 4; event++) {
        queue_again(&w->queue);
        *wish(w) = event;
        for (int i = 0; i < 3; i++)
            add(w, 1, 0);
        assert_int_equal(queue_tell(&w->queue), event < 3);
    }
}

static void test_without_event_index(void **state)
{
    struct world *w = *state;
    queue_init(&w->queue, w->memory, SIZE, false);
    w->used->flags = 1; /* it does not want to hear */
    add(w, 1, 0);
    assert_false(queue_tell(&w->queue));
    w->used->flags = 0;
    add(w, 1, 0);
    assert_true(queue_tell(&w->queue));
}

static void test_full(void **state)
{
    struct world *w = *state;
    uint16_t number;
    for (unsigned i = 0; i < SIZE; i++)
        add(w, 1, 0);
    assert_false(queue_fits(&w->queue, 1));
    assert_false(queue_add(&w->queue, some, 1, 0, &number));
    assert_false(queue_add(&w->queue, some, 0, 0, &number));
}

/* With tables there is room for as many chains as there are descriptors, from the half on. */
static void test_tables(void **state)
{
    struct world *w = *state;
    unsigned chains = 0, tables = 0;
    uint16_t numbers[SIZE], number;
    uint32_t written;
    queue_use_tables(&w->queue, w->tables, (uint64_t)w->tables, PARTS);
    assert_false(queue_fits(&w->queue, SIZE + 1));
    for (; queue_fits(&w->queue, 3); chains++) {
        uint16_t n = numbers[chains] = add(w, 2, 1);
        const struct puppet_descriptor *d = &w->descriptors[n], *t = (const void *)d->address;
        if (!(d->flags & 4))
            continue;
        tables++;
        assert_int_equal(d->size, 3 * sizeof *t);
        assert_ptr_equal(t, w->tables + n * PARTS);
        assert_int_equal(t[0].flags | t[1].flags << 4 | t[2].flags << 8, 0x211);
        assert_int_equal(t[1].next, 2);
        assert_int_equal(t[2].address, 0x3000);
    }
    assert_int_equal(w->queue.free_count, 0);
    assert_int_equal(chains, SIZE - 2 * (chains - tables));
    assert_true(tables > SIZE / 2 - 3);
    for (unsigned i = chains; i-- > 0;) {
        use(w, numbers[i], 30);
        assert_true(queue_take(&w->queue, &number, &written));
    }
    assert_int_equal(w->queue.free_count, SIZE);
    /* A chain that is longer than what is free goes through a table, also before the half. */
    for (int i = 0; i < 12; i++)
        add(w, 1, 0);
    assert_int_equal(w->queue.free_count, 4);
    add(w, 5, 0);
    assert_int_equal(w->queue.free_count, 3);
}

static void expect_broken(struct world *w)
{
    uint16_t number;
    uint32_t written;
    assert_false(queue_take(&w->queue, &number, &written));
    assert_true(w->queue.broken);
    assert_false(queue_fits(&w->queue, 1));
    assert_false(queue_add(&w->queue, some, 1, 0, &number));
    queue_again(&w->queue);
    w->used->index = 0;
    assert_true(queue_fits(&w->queue, SIZE));
}

static void test_lies(void **state)
{
    struct world *w = *state;
    uint16_t number, n;
    uint32_t written;
    use(w, 0, 0); /* nothing is outstanding */
    expect_broken(w);
    add(w, 1, 0);
    use(w, SIZE, 0);
    expect_broken(w);
    add(w, 1, 0);
    use(w, UINT32_MAX, 0);
    expect_broken(w);
    n = add(w, 3, 0); /* in the middle of a chain */
    use(w, w->descriptors[n].next, 0);
    expect_broken(w);
    n = add(w, 1, 1); /* more than may be written: 20 bytes */
    use(w, n, 21);
    expect_broken(w);
    n = add(w, 1, 0);
    w->used->index = SIZE + 1; /* runs ahead */
    expect_broken(w);
    n = add(w, 1, 0);
    w->used->index = UINT16_MAX; /* goes back */
    expect_broken(w);
    n = add(w, 1, 0); /* the same one twice */
    use(w, n, 0);
    use(w, n, 0);
    assert_true(queue_take(&w->queue, &number, &written));
    expect_broken(w);
}

/* What it does to descriptors does not matter: none of it is read back. */
static void test_overwritten(void **state)
{
    struct world *w = *state;
    uint16_t n = add(w, 2, 1), number;
    uint32_t written;
    struct queue_layout l = queue_layout(SIZE);
    memset(w->memory + l.descriptors, 0xff, l.used);
    use(w, n, 30);
    assert_true(queue_take(&w->queue, &number, &written));
    assert_int_equal(w->queue.free_count, SIZE);
    for (unsigned i = 0; i < SIZE; i++)
        add(w, 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_chain, setup, teardown),
        cmocka_unit_test_setup_teardown(test_event_index, setup, teardown),
        cmocka_unit_test_setup_teardown(test_event_among_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_event_index, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tables, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_overwritten, setup, teardown),
    };
    return cmocka_run_group_tests_name("platform/virtio/queue_test", tests, NULL, NULL);
}
