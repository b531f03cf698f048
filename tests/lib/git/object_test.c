/* Ids, trees, commits and tags. */
#include "lib/git/object.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define HEX1 "0123456789abcdef0123456789abcdef01234567"
#define HEX2 "ffffffffffffffffffffffffffffffffffffffff"

/* --- ids --------------------------------------------------------------------------------------- */

static void ids_to_text_and_back(void **state)
{
    (void)state;
    struct oid id;
    char hex[OID_HEX_MAX];
    assert_true(oid_from_hex(OID_SHA1, SLICE(HEX1), &id));
    assert_int_equal(id.bytes[1], 0x23);
    assert_int_equal(id.bytes[20], 0);
    oid_to_hex(OID_SHA1, &id, hex);
    assert_string_equal(hex, HEX1);
    assert_true(oid_from_hex(OID_SHA1, SLICE("FFfffFffffffffffffffffffffffffffffffffff"), &id));
    oid_to_hex(OID_SHA1, &id, hex);
    assert_string_equal(hex, HEX2);
    assert_true(oid_from_hex(OID_SHA256, SLICE(HEX1 "0123456789abcdef01234567"), &id));
    oid_to_hex(OID_SHA256, &id, hex);
    assert_string_equal(hex, HEX1 "0123456789abcdef01234567");
}

static void text_that_is_no_id(void **state)
{
    (void)state;
    struct oid id;
    assert_false(oid_from_hex(OID_SHA1, SLICE(""), &id));
    assert_false(oid_from_hex(OID_SHA256, SLICE(HEX1), &id));
    assert_false(oid_from_hex(OID_SHA1, SLICE(HEX1 "00"), &id));
    for (size_t i = 0; i < 40; i++) {
        static const char bad[] = "/:@G`g \n\xff";
        for (size_t j = 0; j < sizeof(bad); j++) {
            char text[] = HEX1;
            text[i] = bad[j];
            assert_false(oid_from_hex(OID_SHA1, slice_of(text, 40), &id));
        }
    }
    assert_false(oid_from_raw(OID_SHA1, slice_of(&id, 19), &id));
    assert_false(oid_from_raw(OID_SHA1, slice_of(&id, 32), &id));
}

static void zero(void **state)
{
    (void)state;
    struct oid id = {{0}};
    assert_true(oid_is_zero(&id));
    id.bytes[19] = 1;
    assert_false(oid_is_zero(&id));
}

/* As `git hash-object` tells. */
static void ids_of_objects(void **state)
{
    (void)state;
    struct oid id;
    char hex[OID_HEX_MAX];
    assert_true(git_object_id(OID_SHA1, GIT_BLOB, slice_of(NULL, 0), &id));
    oid_to_hex(OID_SHA1, &id, hex);
    assert_string_equal(hex, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
    assert_true(git_object_id(OID_SHA1, GIT_TREE, slice_of(NULL, 0), &id));
    oid_to_hex(OID_SHA1, &id, hex);
    assert_string_equal(hex, "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    assert_true(git_object_id(OID_SHA256, GIT_BLOB, slice_of(NULL, 0), &id));
    oid_to_hex(OID_SHA256, &id, hex);
    assert_string_equal(hex, "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813");
}

/* --- trees -------------------------------------------------------------------------------------- */

#define RAW "01234567890123456789"

static void a_tree(void **state)
{
    (void)state;
    static const char bytes[] =
        "100644 a b\0" RAW "40000 dir\0" RAW "160000 module\0" RAW "120000 link\0" RAW
        "100755 run\0" RAW "100664 old\0" RAW "040000 padded\0" RAW;
    static const struct {
        const char *name;
        uint32_t mode;
    } want[] = {{"a b", GIT_MODE_FILE},   {"dir", GIT_MODE_TREE}, {"module", GIT_MODE_GITLINK},
                {"link", GIT_MODE_LINK},  {"run", GIT_MODE_EXEC}, {"old", GIT_MODE_FILE},
                {"padded", GIT_MODE_TREE}};
    struct reader r = reader_of(slice_of(bytes, sizeof(bytes) - 1));
    struct git_entry e;
    for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
        assert_true(git_tree_next(OID_SHA1, &r, &e));
        assert_true(slice_is(e.name, want[i].name));
        assert_int_equal(e.mode, want[i].mode);
        assert_memory_equal(e.oid.bytes, RAW, 20);
    }
    assert_false(git_tree_next(OID_SHA1, &r, &e));
    assert_false(r.bad);
}

static void trees_that_are_none(void **state)
{
    (void)state;
    static const struct slice bad[] = {
        SLICE_INIT("100644 a\0" RAW "x"),
        SLICE_INIT("100644 a\0"
                   "0123456789012345678"),
        SLICE_INIT("100644 a"),
        SLICE_INIT("100644"),
        SLICE_INIT(" a\0" RAW),
        SLICE_INIT("100844 a\0" RAW),
        SLICE_INIT("777777777 a\0" RAW),
        SLICE_INIT("0 a\0" RAW),
        SLICE_INIT("20000 a\0" RAW),
        SLICE_INIT("100644 \0" RAW),
        SLICE_INIT("100644 a/b\0" RAW),
        SLICE_INIT("100644 .\0" RAW),
        SLICE_INIT("100644 ..\0" RAW),
        SLICE_INIT("40000 .git\0" RAW),
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct reader r = reader_of(bad[i]);
        struct git_entry e;
        while (git_tree_next(OID_SHA1, &r, &e)) {}
        assert_true(r.bad);
        assert_false(git_tree_next(OID_SHA1, &r, &e));
    }
}

/* --- commits ------------------------------------------------------------------------------------ */

static const char commit_text[] =
    "tree " HEX1 "\nparent " HEX2 "\nparent " HEX1 "\n"
    "author A U Thor <author@example.org> 1234567890 +0530\n"
    "committer C <c@example.org> 1234567891 -0100\n"
    "gpgsig -----BEGIN-----\n \n tree x\n -----END-----\nencoding UTF-8\n\nSubject\n\nBody\n";

static void a_commit(void **state)
{
    (void)state;
    struct git_commit c;
    char hex[OID_HEX_MAX];
    assert_int_equal(git_commit_parse(OID_SHA1, slice_text(commit_text), &c), OK);
    oid_to_hex(OID_SHA1, &c.tree, hex);
    assert_string_equal(hex, HEX1);
    assert_int_equal(c.parent_count, 2);
    oid_to_hex(OID_SHA1, &c.parents[0], hex);
    assert_string_equal(hex, HEX2);
    assert_true(slice_is(c.author.name, "A U Thor"));
    assert_true(slice_is(c.author.mail, "author@example.org"));
    assert_int_equal(c.author.when, 1234567890);
    assert_int_equal(c.author.offset, 330);
    assert_int_equal(c.committer.when, 1234567891);
    assert_int_equal(c.committer.offset, -60);
    assert_true(slice_is(c.message, "Subject\n\nBody\n"));
}

static void a_commit_cut_off(void **state)
{
    (void)state;
    struct git_commit c;
    size_t headers = slice_search(slice_text(commit_text), SLICE("gpgsig"));
    for (size_t n = 0; n < sizeof(commit_text) - 1; n++) {
        enum err e = git_commit_parse(OID_SHA1, slice_of(commit_text, n), &c);
        assert_int_equal(e, n < headers ? ERR_MALFORMED : OK);
    }
    assert_int_equal(git_commit_parse(OID_SHA256, slice_text(commit_text), &c), ERR_MALFORMED);
}

static int64_t when_of(const char *line)
{
    char text[512];
    struct git_commit c;
    snprintf(text, sizeof(text), "tree " HEX1 "\nauthor %s\ncommitter C <c> 5 +0000\n\n", line);
    assert_int_equal(git_commit_parse(OID_SHA1, slice_text(text), &c), OK);
    return c.author.when;
}

/* Old tools wrote them; git reads on. */
static void odd_people(void **state)
{
    (void)state;
    assert_int_equal(when_of("A <a> 7 +0000"), 7);
    assert_int_equal(when_of("<> 8 +0000"), 8);
    assert_int_equal(when_of("A <a <b>> 9 +0000"), 9);
    assert_int_equal(when_of("A <a>  10  +0000"), 10);
    assert_int_equal(when_of("A <a> 11"), 11);
    assert_int_equal(when_of("A <a>"), 0);
    assert_int_equal(when_of("A <a> -12 +0000"), 0);
    assert_int_equal(when_of("A <a> 99999999999999999999 +0000"), 0);
    assert_int_equal(when_of("nobody"), 0);
    assert_int_equal(when_of(""), 0);
}

static void too_many_parents(void **state)
{
    (void)state;
    static char text[8192];
    struct git_commit c;
    for (unsigned count = GIT_PARENTS_MAX; count <= GIT_PARENTS_MAX + 1; count++) {
        size_t n = (size_t)snprintf(text, sizeof(text), "tree " HEX1 "\n");
        for (unsigned i = 0; i < count; i++)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "parent " HEX2 "\n");
        n += (size_t)snprintf(text + n, sizeof(text) - n,
                              "author A <a> 1 +0000\ncommitter C <c> 1 +0000\n\n");
        enum err e = git_commit_parse(OID_SHA1, slice_of(text, n), &c);
        assert_int_equal(e, count > GIT_PARENTS_MAX ? ERR_LIMIT : OK);
    }
}

static void a_tag(void **state)
{
    (void)state;
    struct oid target;
    enum git_type type;
    assert_int_equal(
        git_tag_parse(OID_SHA1, SLICE("object " HEX2 "\ntype tree\ntag v\n\nx"), &target, &type),
        OK);
    assert_int_equal(type, GIT_TREE);
    assert_int_equal(target.bytes[0], 0xff);
    assert_int_equal(
        git_tag_parse(OID_SHA1, SLICE("object " HEX2 "\ntype trees\ntag v\n"), &target, &type),
        ERR_MALFORMED);
    assert_int_equal(git_tag_parse(OID_SHA1, SLICE("object " HEX2 "\n"), &target, &type),
                     ERR_MALFORMED);
    assert_int_equal(git_tag_parse(OID_SHA1, SLICE("type tree\n"), &target, &type), ERR_MALFORMED);
}

static void names_of_types(void **state)
{
    (void)state;
    assert_string_equal(git_type_name(GIT_COMMIT), "commit");
    assert_string_equal(git_type_name(GIT_TAG), "tag");
    assert_string_equal(git_type_name(GIT_NONE), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_to_text_and_back),
        cmocka_unit_test(text_that_is_no_id),
        cmocka_unit_test(zero),
        cmocka_unit_test(ids_of_objects),
        cmocka_unit_test(a_tree),
        cmocka_unit_test(trees_that_are_none),
        cmocka_unit_test(a_commit),
        cmocka_unit_test(a_commit_cut_off),
        cmocka_unit_test(odd_people),
        cmocka_unit_test(too_many_parents),
        cmocka_unit_test(a_tag),
        cmocka_unit_test(names_of_types),
    };
    return cmocka_run_group_tests_name("git objects", tests, NULL, NULL);
}
