/* Escaping, percent-encoding and UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/text/html.h"
#include "lib/text/percent.h"
#include "lib/text/url.h"
#include "lib/text/utf8.h"
#include "tests/support/blocks.h"

#define BAD "\xEF\xBF\xBD"

static void check_slice(struct slice got, const char *expected)
{
    if (!slice_is(got, expected))
        print_error("%.*s", SLICE_ARG(got));
    assert_true(slice_is(got, expected));
}

/* A copy of exactly its size, so that a sanitizer sees who reads beyond. */
static struct slice exact(const char *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    memcpy(copy, bytes, len);
    return slice_of(copy, len);
}

static void check_escape(const char *in, size_t len, const char *text, const char *attribute)
{
    struct slice s = exact(in, len);
    struct buf b;
    buf_init(&b, SIZE_MAX);
    html_escape(&b, s);
    check_slice(buf_slice(&b), text);
    buf_clear(&b);
    html_escape_attribute(&b, s);
    check_slice(buf_slice(&b), attribute);
    buf_deinit(&b);
    free((void *)(uintptr_t)s.ptr);
}

static void check_text(const char *in, const char *text, const char *attribute)
{
    check_escape(in, strlen(in), text, attribute);
}

static void test_escape(void **state)
{
    (void)state;
    check_text("", "", "");
    check_text("plain text", "plain text", "plain text");
    check_text("<a href=\"x\">&'</a>", "&lt;a href=\"x\"&gt;&amp;'&lt;/a&gt;",
               "&lt;a href=&quot;x&quot;&gt;&amp;&#39;&lt;/a&gt;");
    check_text("&amp;", "&amp;amp;", "&amp;amp;");
    check_text("a\tb\nc\rd", "a\tb\nc&#13;d", "a&#9;b&#10;c&#13;d");
    check_text("\x01\x1F\x7F", BAD BAD BAD, BAD BAD BAD);
    check_escape("a\0b", 3, "a" BAD "b", "a" BAD "b");
    check_text("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x90\xAB", "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x90\xAB",
               "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x90\xAB");
    check_text("\xC3", BAD, BAD);
    check_text("\xC3<", BAD "&lt;", BAD "&lt;");
    check_text("\xE2\x82", BAD BAD, BAD BAD);
    check_text("\xED\xA0\x80", BAD BAD BAD, BAD BAD BAD); /* a surrogate */
    check_text("\xEF\xBF\xBE\xEF\xBF\xBF\xEF\xBF\xBD", BAD BAD BAD, BAD BAD BAD);
    check_text("\xC0\xBCscript>", BAD BAD "script&gt;", BAD BAD "script&gt;");
}

/* What comes out of any bytes is UTF-8 without a byte that means something to a parser. */
static void test_escape_any(void **state)
{
    (void)state;
    unsigned seed = 1;
    for (int round = 0; round < 2000; round++) {
        char bytes[40];
        for (size_t i = 0; i < sizeof bytes; i++) {
            seed = seed * 1103515245u + 12345u;
            bytes[i] = (char)(seed >> 16 & (round % 2 ? 0xFF : 0xBF));
        }
        struct buf b;
        buf_init(&b, SIZE_MAX);
        html_escape_attribute(&b, slice_of(bytes, sizeof bytes));
        struct slice out = buf_slice(&b);
        assert_true(utf8_valid(out));
        for (size_t i = 0; i < out.len; i++)
            assert_true(out.ptr[i] >= 0x20 && out.ptr[i] != 0x7F && !strchr("<>\"'", out.ptr[i]));
        buf_deinit(&b);
    }
}

static void test_escape_full(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 6);
    html_escape(&b, SLICE("a<b<c<d"));
    assert_int_equal(b.err, ERR_LIMIT);
    buf_deinit(&b);
}

static void test_utf8(void **state)
{
    (void)state;
    static const struct {
        size_t width;
        const char *text;
    } cases[] = {
        {1, "a"},
        {1, "\x7F"},
        {2, "\xC2\x80"},
        {2, "\xDF\xBF"},
        {3, "\xE0\xA0\x80"},
        {3, "\xED\x9F\xBF"},
        {3, "\xEE\x80\x80"},
        {3, "\xEF\xBF\xBF"},
        {4, "\xF0\x90\x80\x80"},
        {4, "\xF4\x8F\xBF\xBF"},
        {0, ""},
        {0, "\x80"},
        {0, "\xBF"},
        {0, "\xC0\x80"},
        {0, "\xC1\xBF"},
        {0, "\xC2"},
        {0, "\xC2\x41"},
        {0, "\xC2\xC2"},
        {0, "\xE0\x9F\xBF"},
        {0, "\xED\xA0\x80"},
        {0, "\xED\xBF\xBF"},
        {0, "\xE2\x82"},
        {0, "\xE2\x82\x41"},
        {0, "\xF0\x8F\xBF\xBF"},
        {0, "\xF4\x90\x80\x80"},
        {0, "\xF5\x80\x80\x80"},
        {0, "\xF0\x9F\x90"},
        {0, "\xFF"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t len = strlen(cases[i].text);
        struct slice s = exact(cases[i].text, len);
        assert_int_equal(utf8_width(s), cases[i].width);
        assert_int_equal(utf8_valid(s), len == 0 || cases[i].width > 0);
        free((void *)(uintptr_t)s.ptr);
    }
}

/* At every place of a longer text. */
static void test_utf8_long(void **state)
{
    (void)state;
    for (size_t len = 0; len < 40; len++) {
        for (size_t at = 0; at <= len; at++) {
            char text[48];
            memset(text, 'a', sizeof text);
            struct slice plain = exact(text, len);
            assert_true(utf8_valid(plain));
            free((void *)(uintptr_t)plain.ptr);
            memcpy(text + at, "\xE2\x82\xAC", 3);
            struct slice good = exact(text, len + 3), cut = exact(text, at + 2);
            assert_true(utf8_valid(good));
            assert_false(utf8_valid(cut));
            free((void *)(uintptr_t)good.ptr);
            free((void *)(uintptr_t)cut.ptr);
        }
    }
}

static void test_encode(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"", ""},
        {"/Posts/About-1.0_x~", "/Posts/About-1.0_x~"},
        {"/a b?c#d%e", "/a%20b%3Fc%23d%25e"},
        {"/\xC3\xA4", "/%C3%A4"},
        {"/<&>\"'\\", "/%3C%26%3E%22%27%5C"},
        {"/a:b@c!$()*+,;=", "/a:b@c!$()*+,;="},
        {"/[]{}|^`", "/%5B%5D%7B%7D%7C%5E%60"},
        {"\x01\x7F\xFF", "%01%7F%FF"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b;
        buf_init(&b, SIZE_MAX);
        percent_encode_path(&b, slice_text(cases[i].in));
        check_slice(buf_slice(&b), cases[i].out);
        buf_deinit(&b);
    }
}

/* Whatever name a file may have, its link leads back to it. */
static void test_there_and_back(void **state)
{
    (void)state;
    struct buf link, scratch;
    buf_init(&link, SIZE_MAX);
    buf_init(&scratch, SIZE_MAX);
    for (unsigned byte = 0x20; byte < 0x7F; byte++) {
        char path[] = "/x?y";
        path[2] = (char)byte;
        struct slice decoded;
        buf_clear(&link);
        percent_encode_path(&link, slice_text(path));
        assert_int_equal(percent_decode_path(buf_slice(&link), &scratch, &decoded), OK);
        check_slice(decoded, path);
    }
    buf_deinit(&link);
    buf_deinit(&scratch);
}

static void test_decode(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out; /* NULL: malformed */
    } cases[] = {
        {"", ""},           {"/", "/"},           {"/a%20b", "/a b"}, {"/%c3%A4", "/\xC3\xA4"},
        {"/%25", "/%"},     {"/%2525", "/%25"}, /* once only */
        {"/a+b", "/a+b"},   {"//", "//"},         {"/...", "/..."},   {"/.a", "/.a"},
        {"/..a/", "/..a/"}, {"/%5C", "/\\"},      {"/%", NULL},       {"/%2", NULL},
        {"/%G0", NULL},     {"/%0G", NULL},       {"/%%20", NULL},    {"/% 20", NULL},
        {"/%+2", NULL},     {"/%2F", NULL},       {"/%2f..", NULL},   {"/%00", NULL},
        {"/%0A", NULL},     {"/%7F", NULL},       {"/a\x01", NULL},   {"/%C3", NULL},
        {"/%C0%AF", NULL},  {"/%ED%A0%80", NULL}, {"/\xC3", NULL},    {"/.", NULL},
        {"/..", NULL},      {"/a/../b", NULL},    {"/a/./b", NULL},   {"/%2e%2E/b", NULL},
        {"/.%2e", NULL},    {"/%2e", NULL},       {"..", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice in = exact(cases[i].in, strlen(cases[i].in)), decoded;
        struct buf scratch;
        buf_init(&scratch, SIZE_MAX);
        enum err e = percent_decode_path(in, &scratch, &decoded);
        if (e != (cases[i].out ? OK : ERR_MALFORMED))
            print_error("%s", cases[i].in);
        assert_int_equal(e, cases[i].out ? OK : ERR_MALFORMED);
        if (cases[i].out)
            check_slice(decoded, cases[i].out);
        if (strchr(cases[i].in, '%') == NULL)
            assert_ptr_equal(decoded.ptr, in.ptr); /* without a copy */
        buf_deinit(&scratch);
        free((void *)(uintptr_t)in.ptr);
    }
}

static void test_decode_limit(void **state)
{
    (void)state;
    struct buf scratch;
    struct slice decoded;
    buf_init(&scratch, 3);
    assert_int_equal(percent_decode_path(SLICE("/%20abcdef"), &scratch, &decoded), ERR_LIMIT);
    assert_int_equal(percent_decode_path(SLICE("/%20b"), &scratch, &decoded), OK);
    check_slice(decoded, "/ b");
    buf_deinit(&scratch);
}

static void test_url_hosts(void **state)
{
    static const char *const cases[][2] = {
        {"https://example.org", "example.org"},
        {"https://example.org:8443/a@b:c", "example.org"},
        {"http://u:p@h?x", "h"},
        {"http://[2001:db8::1]:80/", "2001:db8::1"},
        {"https://[2001:db8::1", "2001:db8::1"},
        {"https://", ""},
        {"https:///x", ""},
        {"example.org", ""},
        {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(slice_is(url_host(slice_text(cases[i][0])), cases[i][1]));
}

static void test_control(void **state)
{
    (void)state;
    assert_false(utf8_has_control(SLICE("")));
    assert_false(utf8_has_control(SLICE(" A \xc3\xa9~")));
    assert_true(utf8_has_control(SLICE("A\n")));
    assert_true(utf8_has_control(SLICE("\tA")));
    assert_true(utf8_has_control(slice_of("A\0", 2)));
    assert_true(utf8_has_control(SLICE("A\x7f")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_escape, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(test_escape_any, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(test_escape_full, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(test_utf8, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(test_utf8_long, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(test_control, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(test_encode, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(test_there_and_back, blocks_before, blocks_after),
        cmocka_unit_test(test_url_hosts),
        cmocka_unit_test_setup_teardown(test_decode, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(test_decode_limit, blocks_before, blocks_after),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
