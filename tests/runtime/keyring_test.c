/* The sections of keys and chains: what is written is read, and what is damaged is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/keyring.h"
#include "signatures/memory.h"

static struct buf written(enum keyring_kind kind, const struct keyring_entry *entries, size_t count)
{
    struct buf b;
    buf_init(&b, KEYRING_CERTS_SIZE);
    assert_int_equal(keyring_write(&b, kind, entries, count), OK);
    return b;
}

static const struct keyring_entry two[] = {
    {SLICE_INIT("server"), SLICE_INIT("one")},
    {SLICE_INIT("example.org"), SLICE_INIT("")},
};

static void test_round_trip(void **state)
{
    (void)state;
    struct buf b = written(KEYRING_KEYS, two, 2);
    struct keyring k;
    struct keyring_entry e;
    for (int i = 0; i < 100; i++)
        buf_byte(&b, 0);
    assert_int_equal(keyring_open(&k, KEYRING_KEYS, buf_slice(&b)), OK);
    for (size_t i = 0; i < 2; i++) {
        assert_true(keyring_next(&k, &e));
        assert_true(slice_equal(e.name, two[i].name));
        assert_true(slice_equal(e.bytes, two[i].bytes));
    }
    assert_false(keyring_next(&k, &e));
    assert_false(keyring_bad(&k));
    assert_int_equal(keyring_open(&k, KEYRING_CERTS, buf_slice(&b)), ERR_MALFORMED);
    assert_true(keyring_bad(&k));
    buf_deinit(&b);
}

static void test_nothing(void **state)
{
    (void)state;
    struct keyring k;
    struct keyring_entry e;
    const uint8_t zeros[16] = {0};
    assert_int_equal(keyring_open(&k, KEYRING_CERTS, slice_of(NULL, 0)), OK);
    assert_false(keyring_next(&k, &e) || keyring_bad(&k));
    assert_int_equal(keyring_open(&k, KEYRING_CERTS, slice_of(zeros, sizeof zeros)), OK);
    assert_false(keyring_next(&k, &e) || keyring_bad(&k));
}

/* Cut at every byte: never a false end, never a read outside (under the sanitizers). */
static void test_cut(void **state)
{
    (void)state;
    struct buf b = written(KEYRING_CERTS, two, 2);
    for (size_t n = 1; n < b.len; n++) {
        uint8_t *copy = memory_alloc(n);
        struct keyring k;
        struct keyring_entry e;
        memcpy(copy, b.ptr, n);
        enum err why = keyring_open(&k, KEYRING_CERTS, slice_of(copy, n));
        while (why == OK && keyring_next(&k, &e))
            continue;
        assert_true(why == ERR_MALFORMED || keyring_bad(&k));
        memory_free(copy);
    }
    buf_deinit(&b);
}

static void test_too_much(void **state)
{
    (void)state;
    static uint8_t large[KEYRING_CERTS_SIZE];
    static char name[KEYRING_NAME_MAX + 1];
    struct keyring_entry many[KEYRING_ENTRIES_MAX + 1];
    struct buf b;
    buf_init(&b, KEYRING_CERTS_SIZE * 2);
    for (size_t i = 0; i <= KEYRING_ENTRIES_MAX; i++)
        many[i] = two[0];
    assert_int_equal(keyring_write(&b, KEYRING_CERTS, many, KEYRING_ENTRIES_MAX + 1), ERR_LIMIT);
    assert_int_equal(keyring_write(&b, KEYRING_CERTS, many, KEYRING_ENTRIES_MAX), OK);
    buf_clear(&b);
    size_t head = 8 + 4 + 2 + 1 + 4;
    struct keyring_entry one = {SLICE("n"), slice_of(large, KEYRING_KEYS_SIZE - head)};
    assert_int_equal(keyring_write(&b, KEYRING_KEYS, &one, 1), OK);
    assert_int_equal(b.len, KEYRING_KEYS_SIZE);
    one.bytes.len++;
    buf_clear(&b);
    assert_int_equal(keyring_write(&b, KEYRING_KEYS, &one, 1), ERR_LIMIT);
    assert_int_equal(keyring_write(&b, KEYRING_CERTS, &one, 1), OK);
    one = (struct keyring_entry){slice_of(name, sizeof name), SLICE("x")};
    buf_clear(&b);
    assert_int_equal(keyring_write(&b, KEYRING_CERTS, &one, 1), ERR_LIMIT);
    buf_deinit(&b);
}

static void check_der(const char *bytes, size_t len, size_t taken)
{
    struct slice rest = slice_of(bytes, len), value;
    bool found = keyring_der(&rest, &value);
    assert_int_equal(found, taken > 0);
    assert_int_equal(rest.len, len - taken);
    if (found)
        assert_int_equal(value.len, taken);
}

static void test_der(void **state)
{
    (void)state;
    static char long_one[4 + 0x100];
    memcpy(long_one, "\x30\x82\x01\x00", 4);
    check_der("\x30\x02xy\x30", 5, 4);
    check_der("\x05\x00", 2, 2);
    check_der(long_one, sizeof long_one, sizeof long_one);
    check_der(long_one, sizeof long_one - 1, 0);
    check_der("", 0, 0);
    check_der("\x30", 1, 0);
    check_der("\x30\x03xy", 4, 0);                   /* cut */
    check_der("\x30\x80xy", 4, 0);                   /* without a length */
    check_der("\x30\x81\x02xy", 5, 0);               /* longer than need be */
    check_der("\x30\x82\x00\x80", 4, 0);             /* the same */
    check_der("\x30\x85\x01\x00\x00\x00\x00", 7, 0); /* more than 4 GiB */
    check_der("\x30\x84\xff\xff\xff\xff", 6, 0);
    check_der("\x1f\x01\x00", 3, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_cut),        cmocka_unit_test(test_too_much),
        cmocka_unit_test(test_der),
    };
    return cmocka_run_group_tests_name("runtime/keyring", tests, NULL, NULL);
}
