/* The limits of the server core: met, and passed by one; and that nothing is gathered beyond them. */
#include "tests/lib/http/server_run.h"

static void fill(struct buf *b, char byte, size_t n)
{
    memset(buf_reserve(b, n), byte, n);
    buf_commit(b, n);
}

static uint16_t status_of(struct slice in, size_t step)
{
    struct run r;
    run_init(&r);
    uint64_t before = memory_stats().bytes;
    for (; in.len > 0 && !r.bad; in = slice_drop(in, step)) {
        feed(&r, slice_take(in, step));
        assert_true(memory_stats().bytes <= before + 4 * HTTP_HEAD_MAX);
    }
    uint16_t status = r.bad ? http_server_status(&r.core) : r.trace.len ? 200 : 100;
    run_deinit(&r);
    return status;
}

static void check_status(const struct buf *b, uint16_t status)
{
    static const size_t steps[] = {1, 7, 1000, SIZE_MAX};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(status_of(buf_slice(b), steps[i]), status);
}

static void test_target_limit(void **state)
{
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        struct buf b;
        buf_init(&b, SIZE_MAX);
        buf_text(&b, "GET /");
        fill(&b, 'a', HTTP_TARGET_MAX - 1 + more);
        assert_int_equal(status_of(buf_slice(&b), SIZE_MAX), more ? 414 : 100);
        buf_text(&b, " HTTP/1.1\r\n" H "\r\n");
        check_status(&b, more ? 414 : 200);
        buf_deinit(&b);
    }
}

static void test_head_limit(void **state)
{
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        struct buf b;
        buf_init(&b, SIZE_MAX);
        buf_text(&b, GET H "X: ");
        fill(&b, 'a', HTTP_HEAD_MAX - b.len - 4 + more);
        check_status(&b, 100);
        buf_text(&b, "\r\n\r\n");
        check_status(&b, more ? 431 : 200);
        buf_deinit(&b);
    }
}

static void test_endless_name(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, SIZE_MAX);
    buf_text(&b, GET H);
    fill(&b, 'X', HTTP_HEAD_MAX);
    check_status(&b, 431);
    buf_deinit(&b);
}

static void test_fields_limit(void **state)
{
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        struct buf b;
        buf_init(&b, SIZE_MAX);
        buf_text(&b, GET H);
        for (size_t i = 1; i < HTTP_FIELDS_MAX + more; i++)
            buf_text(&b, "X: a\r\n");
        buf_text(&b, "\r\n");
        check_status(&b, more ? 431 : 200);
        buf_deinit(&b);
    }
}

static void test_chunk_extra_limit(void **state)
{
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        struct buf b;
        buf_init(&b, SIZE_MAX);
        buf_text(&b, CODED "1;");
        fill(&b, 'a', HTTP_CHUNK_EXTRA_MAX - 2);
        buf_text(&b, "\r\na\r\n0\r\n");
        buf_text(&b, more ? "XY:" : "X:");
        buf_text(&b, "\r\n\r\n");
        check_status(&b, more ? 400 : 200);
        buf_deinit(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_target_limit),      cmocka_unit_test(test_head_limit),
        cmocka_unit_test(test_endless_name),      cmocka_unit_test(test_fields_limit),
        cmocka_unit_test(test_chunk_extra_limit),
    };
    return cmocka_run_group_tests_name("http server limits", tests, NULL, NULL);
}
