/* pkt-lines: whole, in pieces, malformed; and what is written reads back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/git/pktline.h"
#include "tests/support/blocks.h"

/* Reads all lines of a text cut into pieces of n bytes; writes a transcript. */
static void read_all(struct slice text, size_t n, char *into, size_t size, enum err *last)
{
    struct pkt_reader r;
    struct pkt p;
    size_t used = 0;
    enum err e = OK;
    pkt_reader_init(&r);
    into[0] = '\0';
    while (text.len > 0 && (e == OK || e == ERR_AGAIN)) {
        struct slice piece = slice_take(text, n);
        text = slice_drop(text, piece.len);
        while ((e = pkt_line(&r, &piece, &p)) == OK)
            used += (size_t)snprintf(into + used, size - used, "%d:%.*s;", p.kind,
                                     SLICE_ARG(p.payload));
    }
    *last = e;
    pkt_reader_deinit(&r);
}

static void lines_in_any_pieces(void **state)
{
    struct slice text = SLICE("0009done\n0008flat00000001000400020006a\n001fprefix refs/heads/main-"
                              "1234");
    char got[512];
    enum err last;
    (void)state;
    for (size_t n = 1; n <= text.len; n++) {
        read_all(text, n, got, sizeof(got), &last);
        assert_string_equal(got, "3:done;3:flat;0:;1:;3:;2:;3:a;3:prefix refs/heads/main-1234;");
        assert_int_equal(last, ERR_AGAIN);
    }
}

static void malformed_heads(void **state)
{
    static const char *const bad[] = {"0003", "fff1", "ffff", "xyz1", "+001", "-001",
                                      " 001", "00 4", "0x04", "PACK", "GET ", "HTTP"};
    char got[64];
    enum err last;
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        for (size_t n = 1; n <= 4; n++) {
            read_all(slice_text(bad[i]), n, got, sizeof(got), &last);
            assert_int_equal(last, ERR_MALFORMED);
            assert_string_equal(got, "");
        }
}

static void an_error_stays(void **state)
{
    struct pkt_reader r;
    struct pkt p;
    struct slice bad = SLICE("0003"), good = SLICE("0000");
    (void)state;
    pkt_reader_init(&r);
    assert_int_equal(pkt_line(&r, &bad, &p), ERR_MALFORMED);
    assert_int_equal(pkt_line(&r, &good, &p), ERR_MALFORMED);
    assert_int_equal(good.len, 4);
    pkt_reader_deinit(&r);
}

static void the_longest_line(void **state)
{
    static uint8_t text[PKT_BYTES_MAX];
    struct pkt_reader r;
    struct pkt p;
    (void)state;
    memset(text, 'x', sizeof(text));
    memcpy(text, "fff0", 4);
    for (size_t cut = 1; cut < sizeof(text); cut += 4093) {
        struct slice first = slice_of(text, cut), second = slice_of(text + cut, sizeof(text) - cut);
        pkt_reader_init(&r);
        assert_int_equal(pkt_line(&r, &first, &p), ERR_AGAIN);
        assert_int_equal(pkt_line(&r, &second, &p), OK);
        assert_int_equal(p.payload.len, PKT_PAYLOAD_MAX);
        pkt_reader_deinit(&r);
    }
}

/* A whole line in the input is not copied; a long payload is handed out from the input. */
static void nothing_is_copied(void **state)
{
    struct slice text = SLICE("0009done\n"), in = text;
    struct pkt_reader r;
    struct pkt p;
    enum pkt_kind kind;
    (void)state;
    pkt_reader_init(&r);
    assert_int_equal(pkt_line(&r, &in, &p), OK);
    assert_ptr_equal(p.payload.ptr, text.ptr + 4);
    in = text;
    assert_int_equal(pkt_head(&r, &in, &kind), OK);
    assert_int_equal(kind, PKT_DATA);
    struct slice piece = pkt_piece(&r, &in, 2);
    assert_ptr_equal(piece.ptr, text.ptr + 4);
    assert_int_equal(piece.len, 2);
    assert_int_equal(r.left, 3);
    piece = pkt_piece(&r, &in, SIZE_MAX);
    assert_int_equal(piece.len, 3);
    assert_int_equal(pkt_piece(&r, &in, SIZE_MAX).len, 0);
    pkt_reader_deinit(&r);
}

static void writing(void **state)
{
    struct buf b;
    (void)state;
    buf_init(&b, 1024);
    pkt_put(&b, "want %d", 7);
    pkt_put_delim(&b);
    pkt_put_bytes(&b, slice_of("a\0b", 3));
    pkt_put_flush(&b);
    assert_true(slice_equal(buf_slice(&b), slice_of("000bwant 7\n00010007a\0b0000", 26)));
    buf_deinit(&b);
}

static void writing_too_much(void **state)
{
    static char text[PKT_BYTES_MAX + 1];
    struct buf b;
    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    buf_init(&b, 1 << 20);
    pkt_put(&b, "%s", text);
    assert_int_equal(b.err, ERR_LIMIT);
    buf_clear(&b);
    pkt_put_bytes(&b, slice_text(text));
    assert_int_equal(b.err, ERR_LIMIT);
    buf_clear(&b);
    pkt_put_bytes(&b, slice_of(text, PKT_PAYLOAD_MAX));
    assert_int_equal(b.err, OK);
    buf_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_in_any_pieces, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(malformed_heads, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(an_error_stays, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(the_longest_line, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(nothing_is_copied, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(writing, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(writing_too_much, blocks_before, blocks_after),
    };
    return cmocka_run_group_tests_name("git/pktline", tests, NULL, NULL);
}
