/* A store that is fed packs which no honest writer makes: what each is refused with, and that nothing stays. */
#ifndef TESTS_LIB_STORE_HOSTILE_H
#define TESTS_LIB_STORE_HOSTILE_H

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

static inline int before(void **state)
{
    blocks_before(state);
    s = store_open(OID_SHA1, NULL);
    buf_init(&pack, 64 << 20);
    buf_init(&delta, 64 << 20);
    buf_init(&line, 512);
    return 0;
}

static inline int after(void **state)
{
    store_close(s);
    buf_deinit(&pack);
    buf_deinit(&delta);
    buf_deinit(&line);
    return blocks_after(state);
}

static inline struct oid blob_id(struct slice content)
{
    struct oid id;
    assert_true(git_object_id(OID_SHA1, GIT_BLOB, content, &id));
    return id;
}

/* Ends the pack and feeds it whole and byte by byte: it must be refused, with this in the line. */
static inline void refused(enum err why, const char *words)
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

static inline void accepted(void)
{
    pack_finish(&pack, OID_SHA1);
    buf_clear(&line);
    if (pack_feed(s, buf_slice(&pack), 3, &line) != OK)
        fail_msg("%.*s", SLICE_ARG(buf_slice(&line)));
}

static inline void reopen(struct store_limits limits)
{
    store_close(s);
    s = store_open(OID_SHA1, &limits);
}

#endif
