/* Sections of a file: found by name, and nothing is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/elf.h"
#include "signatures/memory.h"

#define TABLE 96
#define SIZE  (TABLE + 3 * 64)

static void put(uint8_t *at, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static void put_section(uint8_t *file, size_t index, uint32_t name, uint32_t type, uint64_t offset,
                        uint64_t size)
{
    uint8_t *at = file + TABLE + index * 64;
    put(at, name, 4);
    put(at + 4, type, 4);
    put(at + 24, offset, 8);
    put(at + 32, size, 8);
}

/* A header, the names ("\0.a\0.names\0") at 64, the bytes "hello" at 80, a table of three. */
static void make(uint8_t file[SIZE])
{
    memset(file, 0, SIZE);
    memcpy(file,
           "\x7f"
           "ELF\2\1",
           6);
    put(file + 40, TABLE, 8);
    put(file + 60, 3, 2);
    put(file + 62, 2, 2);
    memcpy(file + 64, "\0.a\0.names", 11);
    memcpy(file + 80, "hello", 5);
    put_section(file, 1, 1, 1, 80, 5);
    put_section(file, 2, 4, 3, 64, 11);
}

static void test_found(void **state)
{
    (void)state;
    uint8_t file[SIZE];
    struct slice s;
    make(file);
    assert_true(elf_is(slice_of(file, SIZE)));
    assert_true(elf_section(slice_of(file, SIZE), ".a", &s));
    assert_true(slice_is(s, "hello"));
    assert_ptr_equal(s.ptr, file + 80);
    assert_true(elf_section(slice_of(file, SIZE), ".names", &s));
    assert_false(elf_section(slice_of(file, SIZE), ".b", &s));
    put_section(file, 1, 1, 8, 80, 5); /* takes no place in the file */
    assert_true(elf_section(slice_of(file, SIZE), ".a", &s) && s.len == 0);
}

static void test_lies(void **state)
{
    (void)state;
    static const uint64_t values[] = {0, 1, 63, SIZE - 1, SIZE, UINT32_MAX, UINT64_MAX, INT64_MAX};
    struct slice s;
    for (size_t at = 40; at < SIZE - 8; at++)
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            uint8_t *file = memory_alloc(SIZE);
            make(file);
            put(file + at, values[i], 8);
            if (elf_section(slice_of(file, SIZE), ".a", &s) && s.len > 0)
                assert_true(s.ptr >= file && s.ptr + s.len <= file + SIZE);
            memory_free(file);
        }
    for (size_t n = 0; n < SIZE; n++) {
        uint8_t *file = memory_alloc(n + 1), whole[SIZE];
        make(whole);
        memcpy(file, whole, n);
        elf_section(slice_of(file, n), ".a", &s);
        memory_free(file);
    }
}

/* --- piece by piece --- */

struct source {
    struct slice file;
    unsigned reads, fail_at; /* 0: never */
};

static bool read_piece(void *arg, uint64_t offset, void *into, size_t len)
{
    struct source *s = arg;
    if (++s->reads == s->fail_at || offset > s->file.len || len > s->file.len - offset)
        return false;
    memcpy(into, s->file.ptr + offset, len);
    return true;
}

static void test_pieces(void **state)
{
    (void)state;
    uint8_t file[SIZE];
    make(file);
    struct source s = {.file = slice_of(file, SIZE)};
    struct elf_place place;
    assert_true(elf_find(read_piece, &s, ".a", &place));
    assert_int_equal(place.offset, 80);
    assert_int_equal(place.size, 5);
    assert_false(elf_find(read_piece, &s, "", &place) && place.size > 0);
    assert_false(elf_find(read_piece, &s, ".a.name.that.is.longer.than.any.section.has", &place));
    s.reads = 0;
    assert_true(elf_find(read_piece, &s, ".names", &place));
    unsigned reads = s.reads;
    for (unsigned n = 1; n <= reads; n++) { /* a file that cannot be read any more */
        s = (struct source){.file = s.file, .fail_at = n};
        bool found = elf_find(read_piece, &s, ".names", &place);
        assert_true(!found || place.offset == 64);
    }
}

/* A section that the file does not have whole is not one. */
static void test_cut(void **state)
{
    (void)state;
    uint8_t file[SIZE];
    struct slice s;
    make(file);
    put_section(file, 1, 1, 1, SIZE - 4, 5);
    assert_false(elf_section(slice_of(file, SIZE), ".a", &s));
    put_section(file, 1, 1, 1, UINT64_MAX, 5);
    assert_false(elf_section(slice_of(file, SIZE), ".a", &s));
    put_section(file, 1, 1, 1, 80, UINT64_MAX);
    assert_false(elf_section(slice_of(file, SIZE), ".a", &s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_lies),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_cut),
    };
    return cmocka_run_group_tests_name("runtime/elf", tests, NULL, NULL);
}
