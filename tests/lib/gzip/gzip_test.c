/* gzip: what is put unpacks to what it was; nothing is put where nothing is saved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/gzip/gzip.h"
#include "platform/sim/sim.h"
#include "signatures/memory.h"
#include "tests/support/blocks.h"
#include "tests/support/pack.h"
#include "tests/support/shell.h"

static void write_file(const char *name, struct slice bytes)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", scratch(), name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, f), bytes.len);
    fclose(f);
}

static void unpacks_again(void **state)
{
    static uint8_t plain[200000];
    struct gzip *z = gzip_open(GZIP_TIGHT);
    struct buf packed, whole;
    (void)state;
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = (uint8_t)("the quick brown fox "[i * i % 20]);
    buf_init(&packed, sizeof plain);
    for (size_t len = 100; len <= sizeof plain; len = len * 2 - 7) {
        buf_clear(&packed);
        assert_int_equal(gzip_pack(z, slice_of(plain, len), 0, &packed), OK);
        if (packed.len == 0)
            continue; /* short */
        write_file("a.gz", buf_slice(&packed));
        shell("gzip -dc <a.gz >a");
        struct slice again = file_read("a");
        assert_true(slice_equal(again, slice_of(plain, len)));
        file_free(again);
        buf_init(&whole, sizeof plain);
        assert_int_equal(gzip_unpack(buf_slice(&packed), len, &whole), OK);
        assert_true(slice_equal(buf_slice(&whole), slice_of(plain, len)));
        buf_clear(&whole);
        assert_int_equal(gzip_unpack(buf_slice(&packed), len + 1, &whole), ERR_MALFORMED);
        assert_int_equal(gzip_unpack(buf_slice(&packed), len - 1, &whole), ERR_MALFORMED);
        assert_int_equal(whole.len, 0);
        buf_deinit(&whole);
    }
    buf_deinit(&packed);
    gzip_close(z);
}

static void puts_nothing_where_nothing_is_saved(void **state)
{
    struct gzip *z = gzip_open(GZIP_TIGHT);
    struct buf packed;
    uint8_t zeros[1000] = {0};
    (void)state;
    buf_init(&packed, 2000);
    assert_int_equal(gzip_pack(z, SLICE("abcdefgh"), 0, &packed), OK);
    assert_int_equal(packed.len, 0);
    assert_int_equal(gzip_pack(z, SLICE(""), 0, &packed), OK);
    assert_int_equal(packed.len, 0);
    assert_int_equal(gzip_pack(z, slice_of(zeros, sizeof zeros), 990, &packed), OK);
    assert_int_equal(packed.len, 0);
    assert_int_equal(gzip_pack(z, slice_of(zeros, sizeof zeros), 900, &packed), OK);
    assert_true(packed.len > 0 && packed.len <= 100);
    buf_deinit(&packed);
    gzip_close(z);
}

static void memory_may_be_short(void **state)
{
    struct buf packed;
    uint8_t zeros[1000] = {0};
    (void)state;
    sim_memory_fail_nth(1);
    assert_null(gzip_open(GZIP_TIGHT));
    sim_memory_fail_nth(0);
    struct gzip *z = gzip_open(GZIP_TIGHT);
    buf_init(&packed, 2000);
    sim_memory_fail_nth(1);
    assert_int_equal(gzip_pack(z, slice_of(zeros, sizeof zeros), 0, &packed), ERR_MEMORY);
    sim_memory_fail_nth(0);
    buf_deinit(&packed);
    buf_init(&packed, 100);
    assert_int_equal(gzip_pack(z, slice_of(zeros, sizeof zeros), 0, &packed), ERR_LIMIT);
    buf_deinit(&packed);
    gzip_close(z);
    gzip_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(unpacks_again, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(puts_nothing_where_nothing_is_saved, blocks_before,
                                        blocks_after),
        cmocka_unit_test_setup_teardown(memory_may_be_short, blocks_before, blocks_after),
    };
    return cmocka_run_group_tests_name("gzip", tests, NULL, NULL);
}
