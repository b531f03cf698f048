/* Reassembly: tables, random segments beside a map of bytes, and the limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/tcp/assembly.h"
#include "signatures/memory.h"

static uint64_t blocks;
static struct pool pool;

static int setup(void **state)
{
    (void)state;
    blocks = memory_stats().blocks;
    pool_init(&pool, "chunks", ASSEMBLY_CHUNK, 600);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (pool.used != 0)
        return -1;
    pool_deinit(&pool);
    return memory_stats().blocks == blocks ? 0 : -1;
}

static enum err put(struct assembly *a, seq_t start, const char *text)
{
    struct slice part = slice_text(text);
    return assembly_put(a, start, &part, 1);
}

/* Takes all that is ready, as text. */
static const char *ready(struct assembly *a)
{
    static char text[100];
    size_t n = 0;
    for (struct slice s; (s = assembly_ready(a)).len > 0; n += s.len) {
        assert_true(n + s.len < sizeof text);
        memcpy(text + n, s.ptr, s.len);
        assembly_take(a, (uint32_t)s.len);
    }
    text[n] = '\0';
    return text;
}

/* The blocks to send, relative to a number. */
static const char *told(struct assembly *a, seq_t base, size_t max)
{
    static char text[200];
    struct seq_range r[8];
    size_t n = assembly_blocks(a, r, max), used = 0;
    text[0] = '\0';
    assert_true(n <= max);
    for (size_t i = 0; i < n; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%u-%u ", r[i].start - base,
                                 r[i].end - base);
    return text;
}

static void gaps_are_filled(void **state)
{
    struct assembly a;
    seq_t f = 0xfffffffcu; /* wraps around within */
    (void)state;
    assembly_init(&a, f, &pool);
    assert_int_equal(put(&a, f + 4, "ef"), OK);
    assert_int_equal(put(&a, f + 8, "ij"), OK);
    assert_string_equal(told(&a, f, 4), "8-10 4-6 ");
    assert_string_equal(ready(&a), "");
    assert_int_equal(put(&a, f, "abc"), OK);
    assert_string_equal(ready(&a), "abc");
    assert_int_equal(put(&a, f + 2, "XdXXghX"), OK); /* what is there stays */
    assert_string_equal(told(&a, f, 4), "2-3 ");
    assert_string_equal(ready(&a), "defghij");
    assert_int_equal(a.held, 0);
    assert_false(assembly_gaps(&a));
    assembly_deinit(&a);
}

static void the_owner_may_take_it_straight(void **state)
{
    struct assembly a;
    (void)state;
    assembly_init(&a, 5000, &pool);
    put(&a, 5003, "def");
    assembly_pass(&a, 3);
    assert_int_equal(a.next, 5006);
    assert_string_equal(ready(&a), "def");
    put(&a, 20000, "far");
    assembly_pass(&a, 14994);
    assert_int_equal(a.next, 20003);
    assert_string_equal(ready(&a), "far");
    assert_int_equal(a.held, 0);
    assembly_deinit(&a);
}

static void blocks_come_in_their_order(void **state)
{
    struct assembly a;
    (void)state;
    assembly_init(&a, 0, &pool);
    put(&a, 10, "x");
    put(&a, 20, "x");
    put(&a, 30, "x");
    put(&a, 40, "x");
    put(&a, 50, "x");
    assert_string_equal(told(&a, 0, 3), "50-51 40-41 30-31 ");
    put(&a, 21, "x"); /* an older one grows: it comes first */
    assert_string_equal(told(&a, 0, 4), "20-22 50-51 40-41 30-31 ");
    put(&a, 20, "xx"); /* twice: D-SACK, then the block that holds it (RFC 2883, 4.1) */
    assert_string_equal(told(&a, 0, 3), "20-22 20-22 50-51 ");
    assert_string_equal(told(&a, 0, 3), "20-22 50-51 40-41 ");
    put(&a, 0, "0123456789");
    assert_string_equal(told(&a, 0, 4), "20-22 50-51 40-41 30-31 ");
    assembly_duplicate(&a, (struct seq_range){3, 5});
    assert_string_equal(told(&a, 0, 1), "3-5 ");
    assembly_deinit(&a);
}

static void parts_are_taken_together(void **state)
{
    struct slice parts[] = {SLICE_INIT("ab"), SLICE_INIT(""), SLICE_INIT("cde"), SLICE_INIT("f")};
    struct assembly a;
    (void)state;
    assembly_init(&a, 0, &pool);
    put(&a, 3, "D");
    assert_int_equal(assembly_put(&a, 0, parts, 4), OK);
    assert_string_equal(ready(&a), "abcDef");
    assert_int_equal(assembly_put(&a, 0, parts, 4), OK); /* old */
    assert_string_equal(told(&a, 0, 4), "0-6 ");
    assert_int_equal(a.held, 0);
    assembly_deinit(&a);
}

/* A million tiny segments with gaps between them: bounded, and what is missing still gets in. */
static void tiny_segments_are_bounded(void **state)
{
    struct assembly a;
    uint32_t refused = 0;
    (void)state;
    assembly_init(&a, 0, &pool);
    for (uint32_t i = 0; i < 1000000; i++)
        refused += put(&a, 1 + (i * 7919 % 500000) * 2, "x") != OK;
    assert_int_equal(a.count, ASSEMBLY_ISLANDS_MAX);
    assert_true(refused > 990000);
    assert_true(assembly_bytes(&a) <= 1000000 + 2 * ASSEMBLY_CHUNK);
    static uint8_t zeros[1000];
    struct slice part = slice_of(zeros, sizeof zeros);
    for (seq_t at = 0; at < 1000000; at = a.next) {
        assert_int_equal(assembly_put(&a, at, &part, 1), OK);
        for (struct slice s; (s = assembly_ready(&a)).len > 0;)
            assembly_take(&a, (uint32_t)s.len);
    }
    assert_int_equal(a.count, 0);
    assembly_deinit(&a);
}

static void memory_runs_out(void **state)
{
    struct assembly a;
    (void)state;
    pool.limit = 2;
    assembly_init(&a, 0, &pool);
    assert_int_equal(put(&a, 5000, "x"), OK);
    assert_int_equal(put(&a, 9000, "x"), OK);
    assert_int_equal(put(&a, 13000, "x"), ERR_MEMORY);
    assert_string_equal(told(&a, 0, 4), "9000-9001 5000-5001 ");
    assembly_pass(&a, 5000); /* straight to the owner: needs no chunk */
    assert_string_equal(ready(&a), "x");
    assert_int_equal(put(&a, 13000, "x"), ERR_MEMORY);
    assembly_pass(&a, 3500);
    assert_int_equal(put(&a, 13000, "x"), OK);
    assembly_deinit(&a);
}

/* --- the model --- */

#define SPAN 60000u

static uint8_t bytes[SPAN]; /* what arrived first for each number */
static bool there[SPAN];
static uint64_t random_state;

static uint32_t dice(uint32_t n)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % n;
}

static void check_islands(const struct assembly *a, seq_t base)
{
    uint32_t n = 0;
    for (uint32_t at = a->next - base; at < SPAN; at++) {
        if (!there[at] || (at > 0 && there[at - 1] && at != a->next - base))
            continue;
        uint32_t end = at;
        while (end < SPAN && there[end])
            end++;
        assert_true(n < a->count);
        assert_int_equal(a->islands[n].start - base, at);
        assert_int_equal(a->islands[n].end - base, end);
        n++;
    }
    assert_int_equal(a->count, n);
}

static void take_some(struct assembly *a, seq_t base, uint32_t *taken)
{
    for (uint32_t left = dice(20000); left > 0;) {
        struct slice s = slice_take(assembly_ready(a), left);
        if (s.len == 0)
            return;
        assert_memory_equal(s.ptr, bytes + *taken, s.len);
        assembly_take(a, (uint32_t)s.len);
        *taken += (uint32_t)s.len;
        left -= (uint32_t)s.len;
        assert_int_equal(a->front - base, *taken);
    }
}

static void random_segment(struct assembly *a, seq_t base, uint32_t *taken)
{
    static uint8_t segment[9000];
    uint32_t length = dice(4) ? 1 + dice(60) : dice(9000), next = a->next - base;
    uint32_t low = next > 3000 ? next - 3000 : 0, at = low + dice(dice(3) ? 8000 : SPAN - low);
    if (dice(5) == 0)
        at = next;
    if (at >= SPAN)
        return;
    if (length > SPAN - at)
        length = SPAN - at;
    for (uint32_t i = 0; i < length; i++)
        segment[i] = (uint8_t)dice(256);
    if (at == next && a->front == a->next && length > 0 && dice(2)) { /* taken straight */
        uint32_t fresh = 0;
        while (fresh < length && !there[at + fresh])
            there[at + fresh++] = true;
        assembly_pass(a, fresh);
        *taken += fresh;
        return;
    }
    uint32_t cut = dice(length + 1);
    struct slice parts[] = {slice_of(segment, cut), slice_of(segment + cut, length - cut)};
    assert_int_equal(assembly_put(a, base + at, parts, 2), OK);
    for (uint32_t i = 0; i < length; i++)
        if (!there[at + i]) {
            there[at + i] = true;
            bytes[at + i] = segment[i];
        }
}

static void random_segments_agree_with_a_map(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 150; seed++) {
        struct assembly a;
        uint32_t taken = 0;
        random_state = seed;
        memset(there, 0, sizeof there);
        seq_t base = dice(2) ? 0u - dice(SPAN) : dice(UINT32_MAX);
        assembly_init(&a, base, &pool);
        for (int step = 0; step < 600; step++) {
            random_segment(&a, base, &taken);
            uint32_t next = taken;
            while (next < SPAN && there[next])
                next++;
            assert_int_equal(a.next - base, next);
            if (dice(3) == 0)
                take_some(&a, base, &taken);
            if (step % 16 == 0)
                check_islands(&a, base);
            struct seq_range r[4];
            size_t n = assembly_blocks(&a, r, 4);
            for (size_t i = 0; i < n; i++)
                assert_true(seq_before(r[i].start, r[i].end));
        }
        assembly_deinit(&a);
        assert_int_equal(pool.used, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(gaps_are_filled, setup, teardown),
        cmocka_unit_test_setup_teardown(the_owner_may_take_it_straight, setup, teardown),
        cmocka_unit_test_setup_teardown(blocks_come_in_their_order, setup, teardown),
        cmocka_unit_test_setup_teardown(parts_are_taken_together, setup, teardown),
        cmocka_unit_test_setup_teardown(tiny_segments_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_runs_out, setup, teardown),
        cmocka_unit_test_setup_teardown(random_segments_agree_with_a_map, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
