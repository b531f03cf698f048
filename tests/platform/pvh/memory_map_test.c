/* The memory map of the start information: what is made of maps that are odd, and of those that cannot be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "platform/pvh/memory_map.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define TIB (1024 * GIB)

static const struct machine_range image = {MIB, 9 * MIB};
static struct machine_range found[MACHINE_RANGES_MAX];

static size_t read(const struct start_memory *map, uint32_t entries)
{
    memset(found, 0, sizeof found);
    return memory_map_read(map, entries, image, found);
}

static void is(size_t which, uint64_t start, uint64_t end)
{
    assert_true(found[which].start == start);
    assert_true(found[which].end == end);
}

static void test_good(void **state)
{
    (void)state;
    const struct start_memory map[] = {{0, 639 * KIB, 1, 0},        {639 * KIB, KIB, 2, 0},
                                       {960 * KIB, 64 * KIB, 2, 0}, {MIB, 3 * GIB - MIB, 1, 0},
                                       {3 * GIB, 64 * KIB, 3, 0},   {4 * GIB, 2 * GIB, 1, 0}};
    assert_int_equal(read(map, 6), 3);
    is(0, 4 * KIB, 636 * KIB);
    is(1, 9 * MIB, 3 * GIB);
    is(2, 4 * GIB, 6 * GIB);
}

/* Cut where the start reaches, and nothing of a range that has no page. */
static void test_edges(void **state)
{
    (void)state;
    const struct start_memory map[] = {{MIB / 2 + 1, 8190, 1, 0},
                                       {MIB / 4, 4095, 1, 0},
                                       {8 * MIB, 8 * GIB, 1, 0},
                                       {12 * GIB, 0, 1, 0}};
    assert_int_equal(read(map, 4), 2);
    is(0, 9 * MIB, 4 * GIB);
    is(1, 4 * GIB, 8 * GIB + 8 * MIB);
}

/* Each byte is ours once, whatever order they come in, and what is something else is not. */
static void test_overlaps(void **state)
{
    (void)state;
    const struct start_memory map[] = {{16 * MIB, 16 * MIB, 1, 0}, {24 * MIB, 16 * MIB, 1, 0},
                                       {16 * MIB, 16 * MIB, 1, 0}, {12 * MIB, 32 * MIB, 1, 0},
                                       {20 * MIB + 1, 1, 2, 0},    {11 * MIB, 2 * MIB, 7, 0}};
    assert_int_equal(read(map, 6), 5);
    is(0, 16 * MIB, 20 * MIB);
    is(1, 20 * MIB + 4 * KIB, 32 * MIB);
    is(2, 32 * MIB, 40 * MIB);
    is(3, 13 * MIB, 16 * MIB);
    is(4, 40 * MIB, 44 * MIB);
}

/* Ends that are none, and what the address space has no place for. */
static void test_beyond(void **state)
{
    (void)state;
    const struct start_memory map[] = {{UINT64_MAX - 4095, 4096, 1, 0},
                                       {2 * GIB, UINT64_MAX, 1, 0},
                                       {TIB * 5, GIB, 1, 0},
                                       {TIB * 3, 2 * TIB, 1, 0},
                                       {TIB * 3 + GIB, UINT64_MAX - GIB, 2, 0}};
    assert_int_equal(read(map, 5), 1);
    is(0, 3 * TIB, 3 * TIB + GIB);
}

/* More than are kept: the last is below what the start reaches as a whole, though it was to be cut there. */
static void test_many(void **state)
{
    (void)state;
    struct start_memory map[MEMORY_MAP_MAX];
    for (uint32_t i = 0; i < MEMORY_MAP_MAX; i++)
        map[i] = (struct start_memory){(16 + 2 * i) * MIB, MIB, 1, 0};
    map[MACHINE_RANGES_MAX - 1] = (struct start_memory){3 * GIB, 3 * GIB, 1, 0};
    assert_int_equal(read(map, MEMORY_MAP_MAX), MACHINE_RANGES_MAX);
    is(MACHINE_RANGES_MAX - 2, (16 + 2 * (MACHINE_RANGES_MAX - 2)) * MIB,
       (17 + 2 * (MACHINE_RANGES_MAX - 2)) * MIB);
    is(MACHINE_RANGES_MAX - 1, 3 * GIB, 4 * GIB);
}

/* Whatever the map: whole pages, in order, within bounds, each once. */
static void test_any(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed < 2000; seed++) {
        struct start_memory map[24];
        srand(seed);
        for (size_t i = 0; i < 24; i++)
            map[i] = (struct start_memory){(uint64_t)(rand() % 4096) * 3001,
                                           (uint64_t)(rand() % 4096) * 1501,
                                           rand() % 4 ? START_MEMORY_RAM : 2, 0};
        size_t count = read(map, 24);
        for (size_t i = 0; i < count; i++) {
            assert_true(found[i].start < found[i].end && found[i].start >= PAGE_SIZE);
            assert_int_equal((found[i].start | found[i].end) % PAGE_SIZE, 0);
            assert_true(found[i].end <= image.start || found[i].start >= image.end);
            for (size_t k = 0; k < i; k++)
                assert_true(found[i].end <= found[k].start || found[i].start >= found[k].end);
            for (size_t k = 0; k < 24; k++)
                if (map[k].type != START_MEMORY_RAM && map[k].size)
                    assert_true(found[i].end <= map[k].address ||
                                found[i].start >= map[k].address + map[k].size);
        }
    }
}

static void test_start_information(void **state)
{
    (void)state;
    const struct start_info good = {.magic = START_INFO_MAGIC,
                                    .version = 1,
                                    .memory_map = 0x7000,
                                    .memory_map_entries = 5,
                                    .command_line = 0x20000};
    struct start_info bad[8];
    for (size_t i = 0; i < 8; i++)
        bad[i] = good;
    bad[0].magic++;
    bad[1].version = 0;
    bad[2].memory_map = 0;
    bad[3].memory_map_entries = 0;
    bad[4].memory_map_entries = MEMORY_MAP_MAX + 1;
    bad[5].memory_map = 4 * GIB - 64;
    bad[6].memory_map = UINT64_MAX;
    bad[7].command_line = 4 * GIB;
    assert_null(memory_map_fault(&good));
    for (size_t i = 0; i < 8; i++)
        assert_non_null(memory_map_fault(&bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_overlaps),
        cmocka_unit_test(test_beyond),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_any),
        cmocka_unit_test(test_start_information),
    };
    return cmocka_run_group_tests_name("platform/pvh/memory_map_test", tests, NULL, NULL);
}
