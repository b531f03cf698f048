/* UUIDs, and feeds that are well-formed whatever texts they hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/atom/atom.h"
#include "signatures/memory.h"

static void uuids_are_read_and_written(void **state)
{
    static const char *const bad[] = {"",
                                      "981361ca-e71d-4997-a52c-baeee78e415",
                                      "981361ca-e71d-4997-a52c-baeee78e41567",
                                      "981361ca+e71d-4997-a52c-baeee78e4156",
                                      "981361cae71d4997a52cbaeee78e41560000",
                                      "981361ca-e71d-4997-a52c-baeee78e415g",
                                      "urn:uuid:",
                                      "uuid:981361ca-e71d-4997-a52c-baeee78e4156"};
    struct uuid id;
    char text[UUID_TEXT_LEN + 1];
    (void)state;
    assert_true(uuid_parse(SLICE("981361ca-e71d-4997-a52c-baeee78e4156"), &id));
    uuid_format(&id, text);
    assert_string_equal(text, "981361ca-e71d-4997-a52c-baeee78e4156");
    assert_true(uuid_parse(SLICE("URN:UUID:981361CA-E71D-4997-A52C-BAEEE78E4156"), &id));
    uuid_format(&id, text);
    assert_string_equal(text, "981361ca-e71d-4997-a52c-baeee78e4156");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(uuid_parse(slice_text(bad[i]), &id));
}

/* RFC 9562, appendix B.2: the DNS space, "www.example.com", SHA-256. */
static void a_named_uuid(void **state)
{
    struct uuid space;
    char text[UUID_TEXT_LEN + 1];
    (void)state;
    assert_true(uuid_parse(SLICE("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), &space));
    struct uuid id = uuid_named(&space, SLICE("www.example.com"));
    uuid_format(&id, text);
    assert_string_equal(text, "5c146b14-3c52-8afd-938a-375d0df1fbf6");
}

static const char evil[] = "<a> & \"b\" 'c' ]]> \x01\x0B \xFF";

static void make_feed(struct buf *b)
{
    struct slice tags[] = {SLICE("one"), slice_of(evil, sizeof evil - 1)};
    struct slice text = slice_of(evil, sizeof evil - 1);
    struct atom_feed feed = {.title = text,
                             .author = text,
                             .self = SLICE("https://a.example/atom?x&y"),
                             .site = SLICE("https://a.example/"),
                             .language = SLICE("en"),
                             .updated = 1700000000};
    struct atom_entry entry = {.title = text,
                               .link = SLICE("https://a.example/P/%3C&"),
                               .author = text,
                               .author_url = text,
                               .summary = text,
                               .content = SLICE("<p>Hello &amp; <b>x</b></p>"),
                               .tags = tags,
                               .tag_count = 2,
                               .published = 1700000000,
                               .updated = 1700086400};
    atom_begin(b, &feed);
    atom_entry(b, &entry);
    atom_end(b);
}

static void everything_is_escaped(void **state)
{
    struct buf b;
    uint64_t blocks = memory_stats().blocks;
    (void)state;
    buf_init(&b, 1 << 16);
    make_feed(&b);
    assert_int_equal(b.err, OK);
    buf_byte(&b, 0);
    const char *xml = (const char *)b.ptr;
    assert_null(strstr(xml, "<a>"));
    assert_null(strchr(xml, 1));
    assert_null(strchr(xml, 0x0B));
    assert_null(strchr(xml, '\xFF'));
    assert_null(strstr(xml, "]]>"));
    assert_null(strstr(xml, "x&y"));
    assert_non_null(strstr(xml, "<published>2023-11-14T22:13:20Z</published>"));
    assert_non_null(strstr(xml, "<updated>2023-11-15T22:13:20Z</updated>"));
    assert_non_null(
        strstr(xml, "&lt;p&gt;Hello &amp;amp; &lt;b&gt;x&lt;/b&gt;&lt;/p&gt;</content>"));
    assert_non_null(strstr(xml, "<category term=\"one\"/>"));
    /* Every element is closed: as many ends as begins. */
    int depth = 0;
    for (const char *at = xml; (at = strchr(at, '<')); at++) {
        const char *end = strchr(at, '>');
        depth += at[1] == '/' ? -1 : at[1] == '?' || end[-1] == '/' ? 0 : 1;
        assert_true(depth >= 0);
    }
    assert_int_equal(depth, 0);
    buf_deinit(&b);
    assert_int_equal(memory_stats().blocks, blocks);
}

static void an_error_stays_in_the_buffer(void **state)
{
    struct buf b;
    (void)state;
    buf_init(&b, 200);
    make_feed(&b);
    assert_int_equal(b.err, ERR_LIMIT);
    buf_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uuids_are_read_and_written),
        cmocka_unit_test(a_named_uuid),
        cmocka_unit_test(everything_is_escaped),
        cmocka_unit_test(an_error_stays_in_the_buffer),
    };
    return cmocka_run_group_tests_name("atom", tests, NULL, NULL);
}
