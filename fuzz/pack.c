/*
 * Packs. The first byte chooses: the rest is fed as it is, with a right checksum after it; or it
 * tells of entries, which are packed in stored blocks, so that what lies behind the compression is
 * reached, too: checks, histories, compaction.
 *
 *     entry = type (low 3 bits), back (1 byte), length (2 bytes), content
 */
#include "lib/git/hash.h"
#include "lib/git/pack.h"
#include "lib/store/history.h"
#include "lib/store/store.h"
#include "signatures/memory.h"

#include <stdlib.h>

#define ENTRIES_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct store_limits limits = {
    .pack_bytes = 1 << 20,
    .chain_bytes = 16 << 20,
    .work_bytes = 16 << 20,
    .walk_bytes = 16 << 20,
    .objects = 1000,
    .object_bytes = 1 << 20,
    .delta_depth = 20,
    .cache_bytes = 1000,
};

/* --- building ---------------------------------------------------------------------------------- */

static void put_be32(struct buf *b, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_byte(b, (uint8_t)(value >> shift));
}

static void put_stream(struct buf *b, struct slice content)
{
    uint32_t low = 1;
    uint32_t high = 0;
    for (size_t i = 0; i < content.len; i++) {
        low = (low + content.ptr[i]) % 65521;
        high = (high + low) % 65521;
    }
    buf_put(b, SLICE("\x78\x01\x01"));
    buf_byte(b, (uint8_t)content.len);
    buf_byte(b, (uint8_t)(content.len >> 8));
    buf_byte(b, (uint8_t)~content.len);
    buf_byte(b, (uint8_t)(~content.len >> 8));
    buf_put(b, content);
    put_be32(b, high << 16 | low);
}

/* At most 16 bits of size, in three bytes. */
static void put_header(struct buf *b, unsigned type, size_t size)
{
    buf_byte(b, (uint8_t)(0x80 | type << 4 | (size & 15)));
    buf_byte(b, (uint8_t)(0x80 | (size >> 4 & 0x7f)));
    buf_byte(b, (uint8_t)(size >> 11));
}

struct built {
    struct buf pack;
    struct oid commits[ENTRIES_MAX];
    struct oid ids[ENTRIES_MAX];
    size_t starts[ENTRIES_MAX];
    unsigned commit_count;
    unsigned count;
};

static void put_entry(struct built *b, enum oid_kind kind, unsigned type, unsigned back,
                      struct slice content)
{
    b->starts[b->count] = b->pack.len;
    put_header(&b->pack, type, content.len);
    unsigned base = b->count > back ? b->count - 1 - back : 0;
    if (type == GIT_OFS_DELTA) {
        size_t distance = b->pack.len - 3 - b->starts[base];
        if (distance > 127) {
            distance -= 128;
            buf_byte(&b->pack, (uint8_t)(0x80 | (distance >> 7 & 0x7f)));
        }
        buf_byte(&b->pack, distance & 0x7f);
    }
    if (type == GIT_REF_DELTA)
        buf_put(&b->pack, slice_of(b->ids[base].bytes, oid_bytes(kind)));
    put_stream(&b->pack, content);
    if (type >= GIT_COMMIT && type <= GIT_TAG)
        git_object_id(kind, (enum git_type)type, content, &b->ids[b->count]);
    if (type == GIT_COMMIT)
        b->commits[b->commit_count++] = b->ids[b->count];
    b->count++;
}

static void put_entries(struct built *b, enum oid_kind kind, struct reader *r)
{
    size_t count_at = b->pack.len;
    put_be32(&b->pack, 0);
    while (r->rest.len > 4 && b->count < ENTRIES_MAX) {
        unsigned type = read_u8(r) & 7u;
        unsigned back = read_u8(r);
        size_t length = read_le16(r);
        put_entry(b, kind, type, back, read_bytes(r, length < r->rest.len ? length : r->rest.len));
    }
    if (b->pack.err == OK)
        b->pack.ptr[count_at + 3] = (uint8_t)b->count;
}

static void put_trailer(struct buf *b, enum oid_kind kind)
{
    struct git_hash h;
    struct oid id;
    git_hash_init(&h, kind);
    git_hash_update(&h, buf_slice(b));
    git_hash_final(&h, &id);
    buf_put(b, slice_of(id.bytes, oid_bytes(kind)));
}

/* --- using ------------------------------------------------------------------------------------- */

static void use(struct store *s, const struct built *b)
{
    struct store_object o;
    struct oid missing;
    for (unsigned i = 0; i < b->count; i++) {
        if (store_read(s, &b->ids[i], &o) == OK)
            store_release(&o);
    }
    for (unsigned i = 0; i < b->commit_count; i++) {
        struct history h;
        enum err whole, e;
        while ((whole = store_check(s, &b->commits[i], NULL, &missing)) == ERR_AGAIN)
            ;
        while ((e = history_walk(s, &b->commits[i], NULL, &h)) == ERR_AGAIN)
            ;
        if (e == OK)
            history_release(&h);
        while (store_compact(s, &b->commits[i]) == ERR_AGAIN)
            ;
        while ((e = store_check(s, &b->commits[i], NULL, &missing)) == ERR_AGAIN)
            ;
        if (whole == OK && e != OK)
            abort();
    }
}

static void feed(enum oid_kind kind, const struct built *b, size_t piece, uint32_t turn)
{
    struct store_limits in_turns = limits;
    in_turns.turn_bytes = turn;
    struct store *s = store_open(kind, &in_turns);
    struct store_pack *p;
    struct slice rest = buf_slice(&b->pack);
    if (s == NULL || store_pack_begin(s, &p) != OK)
        abort();
    enum err e = OK;
    for (; rest.len > 0 && (e == OK || e == ERR_AGAIN); rest = slice_drop(rest, piece))
        e = store_pack_feed(p, slice_take(rest, piece));
    while ((e = store_pack_end(p, NULL)) == ERR_AGAIN)
        ;
    if (e == OK)
        use(s, b);
    else if (store_stats(s).objects != 0 || store_stats(s).pack_bytes != 0)
        abort();
    store_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(slice_of(data, size));
    unsigned how = read_u8(&r);
    enum oid_kind kind = how & 1 ? OID_SHA256 : OID_SHA1;
    static struct built b;
    b = (struct built){.count = 0};
    buf_init(&b.pack, 4 << 20);
    if (how & 2) {
        buf_put(&b.pack, SLICE("PACK\0\0\0\2"));
        put_entries(&b, kind, &r);
    } else {
        buf_put(&b.pack, r.rest);
    }
    put_trailer(&b.pack, kind);
    uint64_t blocks = memory_stats().blocks;
    feed(kind, &b, how & 4 ? 1 : how & 8 ? 100 : SIZE_MAX, how & 16 ? 1 : 0);
    if (memory_stats().blocks != blocks)
        abort();
    buf_deinit(&b.pack);
    return 0;
}
