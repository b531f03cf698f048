/* Packs that no honest writer makes, and limits that honest ones reach. */
#include "lib/git/pack.h"
#include "lib/store/internal.h"
#include "platform/sim/sim.h"
#include "signatures/memory.h"
#include "tests/support/blocks.h"
#include "tests/support/pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct store *s;
static struct buf pack;
static struct buf delta;
static struct buf line;

static int before(void **state)
{
    blocks_before(state);
    s = store_open(OID_SHA1, NULL);
    buf_init(&pack, 64 << 20);
    buf_init(&delta, 64 << 20);
    buf_init(&line, 512);
    return 0;
}

static int after(void **state)
{
    store_close(s);
    buf_deinit(&pack);
    buf_deinit(&delta);
    buf_deinit(&line);
    return blocks_after(state);
}

static struct oid blob_id(struct slice content)
{
    struct oid id;
    assert_true(git_object_id(OID_SHA1, GIT_BLOB, content, &id));
    return id;
}

/* Ends the pack and feeds it whole and byte by byte: it must be refused, with this in the line. */
static void refused(enum err why, const char *words)
{
    uint64_t refused_before = store_stats(s).refused;
    pack_finish(&pack, OID_SHA1);
    for (size_t most = 0; most < 2; most++) {
        buf_clear(&line);
        assert_int_equal(pack_feed(s, buf_slice(&pack), most, &line), why);
        if (slice_search(buf_slice(&line), slice_text(words)) == line.len)
            fail_msg("%.*s", SLICE_ARG(buf_slice(&line)));
        assert_int_equal(store_stats(s).objects, 0);
        assert_int_equal(store_stats(s).pack_bytes, 0);
    }
    assert_int_equal(store_stats(s).refused, refused_before + 2);
}

static void accepted(void)
{
    pack_finish(&pack, OID_SHA1);
    buf_clear(&line);
    if (pack_feed(s, buf_slice(&pack), 3, &line) != OK)
        fail_msg("%.*s", SLICE_ARG(buf_slice(&line)));
}

static void reopen(struct store_limits limits)
{
    store_close(s);
    s = store_open(OID_SHA1, &limits);
}

/* --- frame ------------------------------------------------------------------------------------- */

static void no_pack(void **state)
{
    (void)state;
    buf_text(&pack, "PUCK\0\0\0\2\0\0\0\0");
    buf_put(&pack, SLICE("\0\0\0\2\0\0\0\0"));
    refused(ERR_MALFORMED, "does not begin");
}

static void another_version(void **state)
{
    (void)state;
    buf_put(&pack, SLICE("PACK\0\0\0\4\0\0\0\0"));
    refused(ERR_UNSUPPORTED, "version 2 or 3");
}

static void an_empty_pack(void **state)
{
    (void)state;
    pack_start(&pack, 0);
    accepted();
    assert_int_equal(store_stats(s).objects, 0);
}

static void a_wrong_checksum(void **state)
{
    (void)state;
    pack_start(&pack, 1);
    pack_object(&pack, GIT_BLOB, SLICE("x"));
    buf_put(&pack, SLICE("01234567890123456789"));
    assert_int_equal(pack_feed(s, buf_slice(&pack), 0, &line), ERR_MISMATCH);
    assert_int_equal(store_stats(s).objects, 0);
}

static void more_objects_announced_than_there_are(void **state)
{
    (void)state;
    pack_start(&pack, 2);
    pack_object(&pack, GIT_BLOB, SLICE("x"));
    refused(ERR_MALFORMED, "object 2 of 2");
}

static void fewer_objects_announced_than_there_are(void **state)
{
    (void)state;
    pack_start(&pack, 1);
    pack_object(&pack, GIT_BLOB, SLICE("x"));
    pack_object(&pack, GIT_BLOB, SLICE("y"));
    refused(ERR_MISMATCH, "checksum");
}

static void types_that_do_not_exist(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 6; type += 5) {
        pack_start(&pack, 1);
        pack_object(&pack, type, SLICE("x"));
        pack_finish(&pack, OID_SHA1);
        assert_int_equal(pack_feed(s, buf_slice(&pack), 0, &line), ERR_MALFORMED);
        buf_clear(&pack);
    }
}

static void a_size_without_end(void **state)
{
    (void)state;
    pack_start(&pack, 1);
    for (unsigned i = 0; i < 20; i++)
        buf_byte(&pack, 0xbf);
    refused(ERR_MALFORMED, "object 1 of 1");
}

/* --- sizes ------------------------------------------------------------------------------------- */

static void an_object_larger_than_announced(void **state)
{
    (void)state;
    pack_start(&pack, 1);
    pack_entry(&pack, GIT_BLOB, 3, SLICE("four"));
    refused(ERR_MALFORMED, "object 1 of 1 (at byte 12 of the pack)");
}

static void an_object_smaller_than_announced(void **state)
{
    (void)state;
    pack_start(&pack, 1);
    pack_entry(&pack, GIT_BLOB, 5, SLICE("four"));
    refused(ERR_MALFORMED, "object 1 of 1");
}

/* A few bytes that announce very much are not given it. */
static void memory_for_a_lie(void **state)
{
    (void)state;
    pack_start(&pack, 1);
    pack_entry(&pack, GIT_BLOB, STORE_OBJECT_BYTES_MAX, SLICE("four"));
    sim_memory_limit(memory_stats().bytes + (1 << 20));
    refused(ERR_MALFORMED, "object 1 of 1");
    sim_memory_limit(0);
}

/* 4 Mi objects announced, none sent. */
static void memory_for_a_count(void **state)
{
    (void)state;
    pack_start(&pack, STORE_OBJECTS_MAX);
    sim_memory_limit(memory_stats().bytes + (1 << 20));
    refused(ERR_MALFORMED, "object 1 of 4194304");
    sim_memory_limit(0);
}

static void an_object_beyond_the_limit(void **state)
{
    (void)state;
    pack_start(&pack, 1);
    pack_entry(&pack, GIT_BLOB, STORE_OBJECT_BYTES_MAX + 1, SLICE("x"));
    refused(ERR_LIMIT, "larger than is permitted");
}

/* A delta of a few bytes whose result is beyond the limit, and one that promises it. */
static void a_delta_beyond_the_limit(void **state)
{
    (void)state;
    struct oid base = blob_id(SLICE("base"));
    delta_start(&delta, 4, UINT64_C(1) << 40);
    delta_copy(&delta, 0, 4);
    pack_start(&pack, 2);
    pack_object(&pack, GIT_BLOB, SLICE("base"));
    pack_ref_delta(&pack, OID_SHA1, &base, buf_slice(&delta));
    refused(ERR_LIMIT, "object 2 of 2");
}

static void more_objects_than_permitted(void **state)
{
    (void)state;
    struct store_limits limits = STORE_LIMITS_DEFAULT;
    limits.objects = 1;
    reopen(limits);
    pack_start(&pack, 2);
    refused(ERR_LIMIT, "more objects");
}

static void more_bytes_than_permitted(void **state)
{
    (void)state;
    struct store_limits limits = STORE_LIMITS_DEFAULT;
    limits.pack_bytes = 40;
    reopen(limits);
    pack_start(&pack, 1);
    pack_object(&pack, GIT_BLOB, SLICE("0123456789"));
    refused(ERR_LIMIT, "more bytes");
}

/* What is large is not kept at hand once it was of use. */
static void one_large_object(void **state)
{
    (void)state;
    struct buf large;
    buf_init(&large, 16 << 20);
    uint8_t *bytes = buf_reserve(&large, STORE_CACHE_BYTES + 1);
    assert_non_null(bytes);
    memset(bytes, 'x', STORE_CACHE_BYTES + 1);
    buf_commit(&large, STORE_CACHE_BYTES + 1);
    struct oid id = blob_id(buf_slice(&large));
    pack_start(&pack, 1);
    pack_object(&pack, GIT_BLOB, buf_slice(&large));
    pack_finish(&pack, OID_SHA1);
    assert_int_equal(pack_feed(s, buf_slice(&pack), 100000, NULL), OK);
    assert_int_equal(store_stats(s).cached_bytes, 0);
    struct store_object o;
    assert_int_equal(store_read(s, &id, &o), OK);
    assert_true(slice_equal(o.content, buf_slice(&large)));
    store_release(&o);
    assert_int_equal(store_stats(s).cached_bytes, 0);
    buf_deinit(&large);
}

/* Stored blocks of nothing, one after the other: a stream that never comes to its end. */
static void a_stream_without_end(void **state)
{
    (void)state;
    pack_start(&pack, 1);
    buf_put(&pack, SLICE("\x31\x78\x01"));
    for (unsigned i = 0; i < 200000; i++)
        buf_put(&pack, SLICE("\x00\x00\x00\xff\xff"));
    assert_int_equal(pack_feed(s, buf_slice(&pack), 1000, &line), ERR_MALFORMED);
    assert_true(store_stats(s).inflated < 50);
}

/* 200 objects of 1 MB out of deltas of a few bytes. */
static void more_work_than_permitted(void **state)
{
    (void)state;
    struct store_limits limits = STORE_LIMITS_DEFAULT;
    limits.work_bytes = 20 << 20;
    reopen(limits);
    uint8_t zeros[1000] = {0};
    pack_start(&pack, 200);
    pack_object(&pack, GIT_BLOB, slice_of(zeros, sizeof(zeros)));
    struct oid base = blob_id(slice_of(zeros, sizeof(zeros)));
    for (unsigned i = 1; i < 200; i++) {
        buf_clear(&delta);
        delta_start(&delta, 1000, 1000 * 1000 + i);
        for (unsigned n = 0; n < 1000; n++)
            delta_copy(&delta, 0, 1000);
        delta_copy(&delta, 0, i);
        pack_ref_delta(&pack, OID_SHA1, &base, buf_slice(&delta));
    }
    refused(ERR_LIMIT, "inflates to more");
}

/* --- deltas ------------------------------------------------------------------------------------ */

static void put_delta_on(struct slice base, void (*instructions)(void), uint64_t from, uint64_t to)
{
    struct oid id = blob_id(base);
    buf_clear(&delta);
    delta_start(&delta, from, to);
    instructions();
    buf_clear(&pack);
    pack_start(&pack, 2);
    pack_object(&pack, GIT_BLOB, base);
    pack_ref_delta(&pack, OID_SHA1, &id, buf_slice(&delta));
}

static void copy_beyond(void)
{
    delta_copy(&delta, 3, 2);
}
static void copy_far_beyond(void)
{
    delta_copy(&delta, 0xffffffff, 0xffffff);
}
static void copy_all(void)
{
    delta_copy(&delta, 0, 4);
}
static void reserved(void)
{
    buf_byte(&delta, 0);
}
static void insert_beyond(void)
{
    buf_put(&delta, SLICE("\x05xx"));
}
static void cut_copy(void)
{
    buf_byte(&delta, 0xff);
}

static void deltas_that_do_not_fit(void **state)
{
    (void)state;
    static void (*const wrong[])(void) = {copy_beyond, copy_far_beyond, reserved, insert_beyond,
                                          cut_copy};
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        put_delta_on(SLICE("base"), wrong[i], 4, 2);
        pack_finish(&pack, OID_SHA1);
        assert_int_equal(pack_feed(s, buf_slice(&pack), 0, &line), ERR_MALFORMED);
    }
    put_delta_on(SLICE("base"), copy_all, 5, 4); /* another base's size */
    pack_finish(&pack, OID_SHA1);
    assert_int_equal(pack_feed(s, buf_slice(&pack), 0, &line), ERR_MALFORMED);
    put_delta_on(SLICE("base"), copy_all, 4, 5); /* too little */
    pack_finish(&pack, OID_SHA1);
    assert_int_equal(pack_feed(s, buf_slice(&pack), 0, &line), ERR_MALFORMED);
    put_delta_on(SLICE("base"), copy_all, 4, 3); /* too much */
    refused(ERR_MALFORMED, "does not fit its base");
}

static void a_delta_without_sizes(void **state)
{
    (void)state;
    struct oid base = blob_id(SLICE("base"));
    pack_start(&pack, 1);
    pack_ref_delta(&pack, OID_SHA1, &base, SLICE("\x84"));
    refused(ERR_MALFORMED, "without its sizes");
}

static void a_base_where_no_object_begins(void **state)
{
    (void)state;
    delta_start(&delta, 4, 4);
    delta_copy(&delta, 0, 4);
    pack_start(&pack, 2);
    pack_object(&pack, GIT_BLOB, SLICE("base"));
    pack_ofs_delta(&pack, 3, buf_slice(&delta));
    refused(ERR_MALFORMED, "no object begins");
}

static void a_base_before_the_pack(void **state)
{
    (void)state;
    delta_start(&delta, 4, 4);
    delta_copy(&delta, 0, 4);
    pack_start(&pack, 2);
    pack_object(&pack, GIT_BLOB, SLICE("base"));
    pack_ofs_delta(&pack, 1 << 20, buf_slice(&delta));
    refused(ERR_MALFORMED, "no object begins");
}

/* Ids that no bytes have: each delta's base is the other one's result. */
static void deltas_in_a_circle(void **state)
{
    (void)state;
    struct oid first = {{1}};
    struct oid second = {{2}};
    delta_start(&delta, 4, 4);
    delta_copy(&delta, 0, 4);
    pack_start(&pack, 3);
    pack_ref_delta(&pack, OID_SHA1, &first, buf_slice(&delta));
    pack_ref_delta(&pack, OID_SHA1, &second, buf_slice(&delta));
    pack_ref_delta(&pack, OID_SHA1, &first, buf_slice(&delta));
    refused(ERR_NOT_FOUND, "object 1 of 3 (at byte 12 of the pack): a delta whose base");
}

/* A delta whose result is its own base: it would be the base of itself. */
static void a_delta_on_itself(void **state)
{
    (void)state;
    struct oid self = blob_id(SLICE("base"));
    delta_start(&delta, 4, 4);
    delta_copy(&delta, 0, 4);
    pack_start(&pack, 1);
    pack_ref_delta(&pack, OID_SHA1, &self, buf_slice(&delta));
    refused(ERR_NOT_FOUND, "object 1 of 1");
}

/* A chain, each link an ofs-delta that makes its object one byte longer. */
static void chain(unsigned length)
{
    size_t at = pack.len;
    pack_start(&pack, length + 1);
    at = pack.len;
    pack_object(&pack, GIT_BLOB, SLICE("x"));
    for (unsigned i = 1; i <= length; i++) {
        size_t next = pack.len;
        buf_clear(&delta);
        delta_start(&delta, i, i + 1);
        delta_copy(&delta, 0, i);
        delta_insert(&delta, SLICE("x"));
        pack_ofs_delta(&pack, next - at, buf_slice(&delta));
        at = next;
    }
}

static void too_many_deltas_on_each_other(void **state)
{
    (void)state;
    chain(STORE_DELTA_DEPTH_MAX + 1);
    refused(ERR_LIMIT, "object 4098 of 4098");
}

/* As many as are permitted: read right, in the order of the chain and against it. */
static void as_many_deltas_as_permitted(void **state)
{
    (void)state;
    uint8_t text[STORE_DELTA_DEPTH_MAX + 1];
    memset(text, 'x', sizeof(text));
    struct store_limits limits = STORE_LIMITS_DEFAULT;
    for (unsigned round = 0; round < 2; round++) {
        reopen(limits);
        buf_clear(&pack);
        chain(STORE_DELTA_DEPTH_MAX);
        accepted();
        for (size_t n = sizeof(text); n > 0; n -= 512) {
            struct store_object o;
            struct oid id = blob_id(slice_of(text, n));
            assert_int_equal(store_read(s, &id, &o), OK);
            assert_true(slice_equal(o.content, slice_of(text, n)));
            store_release(&o);
            if (n < 512)
                break;
        }
        /* Kept, nothing lies deep: a read costs no more than so many objects. */
        uint64_t inflated = store_stats(s).inflated;
        struct store_object o;
        struct oid id = blob_id(slice_of(text, sizeof(text)));
        assert_int_equal(store_read(s, &id, &o), OK);
        store_release(&o);
        assert_true(store_stats(s).inflated - inflated <= STORE_DELTA_DEPTH_KEPT + 1);
        limits.cache_bytes = 0;
    }
}

static void bases_too_large_together(void **state)
{
    (void)state;
    struct store_limits limits = STORE_LIMITS_DEFAULT;
    limits.chain_bytes = 10 * 65536;
    reopen(limits);
    chain(20);
    refused(ERR_LIMIT, "too large together");
}

/* The base comes after its deltas, which come again as wholes. */
static void bases_in_any_order(void **state)
{
    (void)state;
    struct oid base = blob_id(SLICE("base"));
    struct oid middle = blob_id(SLICE("base!"));
    struct oid top = blob_id(SLICE("base!?"));
    pack_start(&pack, 4);
    delta_start(&delta, 5, 6);
    delta_copy(&delta, 0, 5);
    delta_insert(&delta, SLICE("?"));
    pack_ref_delta(&pack, OID_SHA1, &middle, buf_slice(&delta));
    buf_clear(&delta);
    delta_start(&delta, 4, 5);
    delta_copy(&delta, 0, 4);
    delta_insert(&delta, SLICE("!"));
    pack_ref_delta(&pack, OID_SHA1, &base, buf_slice(&delta));
    pack_object(&pack, GIT_BLOB, SLICE("base!?"));
    pack_object(&pack, GIT_BLOB, SLICE("base"));
    accepted();
    struct store_object o;
    assert_int_equal(store_read(s, &top, &o), OK);
    assert_true(slice_is(o.content, "base!?"));
    store_release(&o);
    assert_true(store_has(s, &base) && store_has(s, &middle));
}

/* Deltas that all give the same object, and as many on that: each is looked at once, not once for each twin. */
static void many_twins_with_many_children(void **state)
{
    const uint32_t many = 3000;
    struct oid base = blob_id(SLICE("base")), twin = blob_id(SLICE("base!"));
    (void)state;
    pack_start(&pack, 2 * many + 1);
    for (uint32_t i = 0; i < many; i++) {
        buf_clear(&delta);
        delta_start(&delta, 5, 4);
        delta_insert(&delta, slice_of(&i, sizeof(i)));
        pack_ref_delta(&pack, OID_SHA1, &twin, buf_slice(&delta));
        buf_clear(&delta);
        delta_start(&delta, 4, 5);
        delta_copy(&delta, 0, 4);
        delta_insert(&delta, SLICE("!"));
        pack_ref_delta(&pack, OID_SHA1, &base, buf_slice(&delta));
    }
    pack_object(&pack, GIT_BLOB, SLICE("base"));
    accepted();
    assert_int_equal(store_stats(s).objects, 2 * many + 1);
    assert_in_range(s->effort, many, many * 10000);
}

/* --- chosen ids --------------------------------------------------------------------------------- */

#define CHOSEN    500u
#define CHOSEN_ON 1024u /* ids alike modulo this: about as many trials for each */

/* The most used slots side by side: how long a search can take. */
static uint32_t longest_run(void)
{
    uint32_t longest = 0, run = 0;
    for (uint32_t i = 0; i < 2 * s->slot_count; i++) {
        run = s->slots[i % s->slot_count] != 0 ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

/* Contents can be tried until their ids begin alike: that must not put them side by side. */
static void ids_that_begin_alike(void **state)
{
    (void)state;
    pack_start(&pack, CHOSEN);
    for (uint32_t i = 0, found = 0; found < CHOSEN; i++) {
        struct slice content = slice_of(&i, sizeof(i));
        struct oid id = blob_id(content);
        uint32_t begin;
        memcpy(&begin, id.bytes, sizeof(begin));
        if (begin % CHOSEN_ON != 0)
            continue;
        pack_object(&pack, GIT_BLOB, content);
        found++;
    }
    accepted();
    assert_int_equal(store_stats(s).objects, CHOSEN);
    assert_in_range(longest_run(), 2, CHOSEN / 5);
}

/* However small objects are, the cache keeps no more of them than it finds quickly. */
static void many_small_objects(void **state)
{
    uint32_t kept = 0;
    (void)state;
    pack_start(&pack, 40000);
    for (uint32_t i = 0; i < 40000; i++)
        pack_object(&pack, GIT_BLOB, slice_of(&i, sizeof(i)));
    accepted();
    for (uint32_t i = 0; i < CACHE_BUCKETS; i++)
        for (const struct content *c = s->cache.buckets[i]; c != NULL; c = c->next)
            kept++;
    assert_in_range(kept, CACHE_BUCKETS, 4 * CACHE_BUCKETS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, before, after)
    const struct CMUnitTest tests[] = {
        TEST(no_pack),
        TEST(another_version),
        TEST(an_empty_pack),
        TEST(a_wrong_checksum),
        TEST(more_objects_announced_than_there_are),
        TEST(fewer_objects_announced_than_there_are),
        TEST(types_that_do_not_exist),
        TEST(a_size_without_end),
        TEST(an_object_larger_than_announced),
        TEST(an_object_smaller_than_announced),
        TEST(memory_for_a_lie),
        TEST(memory_for_a_count),
        TEST(an_object_beyond_the_limit),
        TEST(a_delta_beyond_the_limit),
        TEST(more_objects_than_permitted),
        TEST(more_bytes_than_permitted),
        TEST(one_large_object),
        TEST(a_stream_without_end),
        TEST(more_work_than_permitted),
        TEST(deltas_that_do_not_fit),
        TEST(a_delta_without_sizes),
        TEST(a_base_where_no_object_begins),
        TEST(a_base_before_the_pack),
        TEST(deltas_in_a_circle),
        TEST(a_delta_on_itself),
        TEST(too_many_deltas_on_each_other),
        TEST(as_many_deltas_as_permitted),
        TEST(bases_too_large_together),
        TEST(bases_in_any_order),
        TEST(many_twins_with_many_children),
        TEST(ids_that_begin_alike),
        TEST(many_small_objects),
    };
    return cmocka_run_group_tests_name("store: hostile packs", tests, NULL, NULL);
}
