/* Packs that no honest writer makes, and limits that honest ones reach. */
#include "tests/lib/store/hostile.h"

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
        TEST(ids_that_begin_alike),
        TEST(many_small_objects),
    };
    return cmocka_run_group_tests_name("store: hostile packs", tests, NULL, NULL);
}
