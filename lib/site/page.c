/* See page.h. */
#include "lib/site/page.h"

#include "lib/hash/sha256.h"
#include "lib/site/media.h"
#include "lib/site/page_lines.h"
#include "runtime/list.h"
#include "runtime/panic.h"
#include "signatures/memory.h"

struct page {
    struct site_page public;
    struct page_spec spec;
    bool owns_body, owns_gzip;
    bool may_shrink; /* whether gzip makes it smaller was not tried yet */
    bool has_digest;
    uint8_t digest[SHA256_BYTES]; /* of the body */
    struct site_page *source; /* whose body and gzip form these are; NULL: its own, or built in */
    uint8_t *lines;           /* NULL: they are not made yet */
    uint8_t location[];       /* of spec */
};

static struct page *page_of(const struct site_page *p)
{
    return CONTAINER((struct site_page *)(uintptr_t)p, struct page, public);
}

void site_page_hold(struct site_page *p)
{
    assert_always(p->refs > 0 && p->refs < UINT32_MAX);
    p->refs++;
}

void site_page_drop(struct site_page *p)
{
    assert_always(p->refs > 0);
    if (--p->refs > 0)
        return;
    struct page *page = page_of(p);
    if (page->owns_body)
        memory_free((void *)(uintptr_t)p->body.ptr);
    if (page->source)
        site_page_drop(page->source);
    if (page->owns_gzip)
        memory_free((void *)(uintptr_t)p->gzip.ptr);
    memory_free(page->lines);
    memory_free(page);
}

uint64_t page_bytes(const struct site_page *p)
{
    return page_of(p)->source ? 0 : p->body.len + p->gzip.len;
}

/* --- field lines --- */

static const uint8_t *digest_of(struct page *p)
{
    if (p->source)
        return digest_of(page_of(p->source));
    if (!p->has_digest)
        sha256_of(p->public.body, p->digest);
    p->has_digest = true;
    return p->digest;
}

const uint8_t *page_digest(const struct site_page *p)
{
    return digest_of(page_of(p));
}

static void set_lines(struct page *p, const struct page_lines *lines)
{
    p->lines = (uint8_t *)(uintptr_t)lines->all.ptr;
    p->public.etag = lines->etag;
    p->public.gzip_etag = lines->gzip_etag;
    p->public.fields = lines->fields;
    p->public.gzip_fields = lines->gzip_fields;
    p->public.cached_fields = lines->cached_fields;
    p->public.gzip_cached_fields = lines->gzip_cached_fields;
}

/* What may have a gzip form one day varies from the start: a cache must not take this form for the only one. */
enum err site_page_ready(struct site_page *page)
{
    struct page *p = page_of(page);
    struct page_lines lines;
    if (p->lines)
        return OK;
    const uint8_t *digest = p->spec.status == 200 ? digest_of(p) : NULL;
    enum err e = page_lines_make(&p->spec, digest, p->may_shrink || page->gzip.len > 0, &lines);
    if (e == OK)
        set_lines(p, &lines);
    return e;
}

/* --- the gzip form --- */

bool packer_open(struct packer *p)
{
    if (!p->tight)
        p->tight = gzip_open(GZIP_TIGHT);
    if (!p->fast)
        p->fast = gzip_open(GZIP_FAST);
    return p->tight && p->fast;
}

void packer_close(struct packer *p)
{
    gzip_close(p->tight);
    gzip_close(p->fast);
    *p = (struct packer){NULL, NULL};
}

static size_t saving_for(struct slice body)
{
    return PAGE_GZIP_SAVING + body.len / 16;
}

static bool may_shrink(const struct page *p)
{
    struct slice body = p->public.body;
    return p->spec.status == 200 && media_compressible(p->spec.type) && body.len > saving_for(body);
}

static enum err pack(const struct packer *packer, struct page *p)
{
    struct slice body = p->public.body;
    struct buf packed;
    buf_init(&packed, body.len);
    struct gzip *z = body.len >= PAGE_LARGE ? packer->fast : packer->tight;
    enum err e = gzip_pack(z, body, saving_for(body), &packed);
    if (e == OK && packed.len > 0) {
        p->public.gzip = buf_release_trimmed(&packed);
        p->owns_gzip = true;
    }
    buf_deinit(&packed);
    return e;
}

/* Lines that said that it varies are of no use for what turned out to have one form only. */
static void end_packing(struct page *p)
{
    p->may_shrink = false;
    if (!p->lines || p->public.gzip.len > 0)
        return;
    memory_free(p->lines);
    set_lines(p, &(struct page_lines){.all = {NULL, 0}});
}

enum err page_finish(struct site_page *page, struct packer *packer, size_t *cost)
{
    struct page *p = page_of(page);
    enum err e = OK;
    if (p->source)
        e = page_finish(p->source, packer, cost);
    if (p->lines && !p->may_shrink)
        return e;
    if (p->may_shrink && !p->source) {
        *cost += page->body.len;
        e = packer_open(packer) ? pack(packer, p) : ERR_MEMORY;
    }
    if (e != OK)
        return e;
    if (p->source)
        page->gzip = p->source->gzip;
    end_packing(p);
    return site_page_ready(page);
}

enum err site_page_unpack(struct site_page *page)
{
    struct page *p = page_of(page);
    struct buf body;
    enum err e = OK;
    if (page->body.ptr || page->body.len == 0)
        return OK;
    if (p->source) {
        e = site_page_unpack(p->source);
        page->body = p->source->body;
        return e;
    }
    buf_init(&body, page->body.len);
    e = gzip_unpack(page->gzip, page->body.len, &body);
    if (e == OK) {
        page->body = buf_release(&body);
        p->owns_body = true;
    }
    buf_deinit(&body);
    return e;
}

/* --- making them --- */

static struct page *new_page(const struct page_spec *spec, struct slice body)
{
    struct page *p = memory_zalloc(sizeof *p + spec->location.len);
    if (!p)
        return NULL;
    p->spec = *spec;
    if (spec->location.len)
        memcpy(p->location, spec->location.ptr, spec->location.len);
    p->spec.location = slice_of(p->location, spec->location.len);
    p->public = (struct site_page){.refs = 1,
                                   .status = spec->status,
                                   .ranges = spec->ranges,
                                   .modified = spec->modified,
                                   .body = body};
    p->may_shrink = may_shrink(p);
    return p;
}

enum err page_of_buf(const struct page_spec *spec, struct buf *body, struct site_page **into)
{
    enum err e = body->err;
    struct slice bytes = buf_release_trimmed(body);
    struct page *p = e == OK ? new_page(spec, bytes) : NULL;
    if (!p) {
        memory_free((void *)(uintptr_t)bytes.ptr);
        return e == OK ? ERR_MEMORY : e;
    }
    p->owns_body = true;
    *into = &p->public;
    return OK;
}

enum err page_of_asset(const struct page_spec *spec, const struct site_asset *asset,
                       struct site_page **into)
{
    bool packed = asset->held != asset->len;
    struct page *p = new_page(spec, slice_of(packed ? NULL : asset->ptr, asset->len));
    if (!p)
        return ERR_MEMORY;
    memcpy(p->digest, asset->sha256, SHA256_BYTES);
    p->has_digest = true;
    if (packed) {
        p->public.gzip = slice_of(asset->ptr, asset->held);
        p->may_shrink = false;
    }
    *into = &p->public;
    return OK;
}

enum err page_of_page(const struct page_spec *spec, struct site_page *source,
                      struct site_page **into)
{
    struct page *p = new_page(spec, source->body);
    if (!p)
        return ERR_MEMORY;
    site_page_hold(source);
    p->source = source;
    p->public.gzip = source->gzip;
    p->may_shrink = page_of(source)->may_shrink;
    *into = &p->public;
    return OK;
}

enum err page_again(struct site_page *source, int64_t modified, struct site_page **into)
{
    struct page_spec spec = page_of(source)->spec;
    spec.modified = modified;
    return page_of_page(&spec, source, into);
}

static bool same_specs(const struct page_spec *a, const struct page_spec *b)
{
    return a->status == b->status && strcmp(a->type, b->type) == 0 && a->utf8 == b->utf8 &&
           a->ranges == b->ranges && a->cache == b->cache && a->policy == b->policy &&
           slice_equal(a->location, b->location);
}

/* Of their own bytes only: those that are held packed, or are another page's, are not looked at. */
bool page_is_same(const struct site_page *one, const struct site_page *other)
{
    const struct page *p = page_of(one), *q = page_of(other);
    return p->owns_body && q->owns_body && same_specs(&p->spec, &q->spec) &&
           slice_equal(one->body, other->body);
}

bool page_is_again(const struct site_page *page, const struct site_page *source)
{
    return page_of(page)->source == source;
}

void page_tell(struct site_page *page, struct page_spec *spec, struct site_asset *held,
               struct site_page **source)
{
    struct page *p = page_of(page);
    bool packed = page->gzip.len > 0;
    *spec = p->spec;
    *source = p->source;
    *held = (struct site_asset){
        .ptr = packed ? page->gzip.ptr : page->body.ptr,
        .held = packed ? page->gzip.len : page->body.len,
        .len = page->body.len,
        .sha256 = digest_of(p),
    };
}

enum err page_of_print(const struct page_spec *spec, const struct site_asset *held,
                       struct site_page **into)
{
    enum err e = page_of_asset(spec, held, into);
    if (e == OK)
        page_of(*into)->may_shrink = false;
    return e;
}
