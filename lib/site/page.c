/* See page.h. */
#include "lib/site/page.h"

#include "lib/date/http.h"
#include "lib/hash/sha256.h"
#include "lib/site/media.h"
#include "runtime/format.h"
#include "runtime/list.h"
#include "runtime/panic.h"
#include "signatures/memory.h"

#define FIELDS_MAX 16384
#define TAG_BYTES  16 /* of the digest that an entity tag shows */

struct page {
    struct site_page public;
    bool owns_body, owns_gzip;
    struct site_page *source; /* whose body and gzip form these are; NULL: its own, or built in */
    uint8_t digest[SHA256_BYTES]; /* of the body */
    uint8_t text[];               /* entity tags and field lines */
};

static const char *const cache_texts[] = {
    [PAGE_FRESH] = "no-cache",
    [PAGE_HOURLY] = "public, max-age=3600",
    [PAGE_ASSET] = "public, max-age=31536000, immutable",
};

/* Images and media may come from anywhere: linking them is the author's right in Markdown, too. */
static const char *const policy_texts[] = {
    [PAGE_NO_POLICY] = NULL,
    [PAGE_STRICT] = "default-src 'self'; img-src * data:; media-src *; base-uri 'none'; "
                    "frame-ancestors 'self'",
    [PAGE_AUTHORS] = "default-src * data: blob: 'unsafe-inline' 'unsafe-eval'; base-uri 'none'; "
                     "frame-ancestors 'self'",
};

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
    struct page *page = CONTAINER(p, struct page, public);
    if (page->owns_body)
        memory_free((void *)(uintptr_t)p->body.ptr);
    if (page->source)
        site_page_drop(page->source);
    if (page->owns_gzip)
        memory_free((void *)(uintptr_t)p->gzip.ptr);
    memory_free(page);
}

uint64_t page_bytes(const struct site_page *p)
{
    return CONTAINER(p, const struct page, public)->source ? 0 : p->body.len + p->gzip.len;
}

/* --- the gzip form --- */

bool packer_open(struct packer *p, int64_t now)
{
    p->now = now ? now : INT64_MAX;
    p->tight = gzip_open(GZIP_TIGHT);
    p->fast = gzip_open(GZIP_FAST);
    return p->tight && p->fast;
}

void packer_close(struct packer *p)
{
    gzip_close(p->tight);
    gzip_close(p->fast);
}

/* Hands over what was gathered, without the room that was left. */
static struct slice release_trimmed(struct buf *b)
{
    struct slice bytes = buf_release(b);
    uint8_t *trimmed = bytes.ptr ? memory_resize((void *)(uintptr_t)bytes.ptr, bytes.len) : NULL;
    return trimmed ? slice_of(trimmed, bytes.len) : bytes;
}

static enum err pack(const struct packer *packer, const struct page_spec *spec, struct slice body,
                     struct slice *into)
{
    *into = slice_of(NULL, 0);
    size_t saving = PAGE_GZIP_SAVING + body.len / 16;
    if (spec->status != 200 || !media_compressible(spec->type) || body.len <= saving)
        return OK;
    struct buf packed;
    buf_init(&packed, body.len);
    struct gzip *z = body.len >= PAGE_LARGE ? packer->fast : packer->tight;
    enum err e = gzip_pack(z, body, saving, &packed);
    if (e == OK && packed.len > 0)
        *into = release_trimmed(&packed);
    buf_deinit(&packed);
    return e;
}

/* --- field lines --- */

/* Where each text lies within the page's own bytes. */
struct texts {
    struct buf all;
    size_t tag_end, gzip_tag_end;
    size_t cached_end, fields_end;
    size_t gzip_cached_end;
};

static void put_cached(struct buf *b, const struct page_spec *spec, struct slice tag, bool varies)
{
    char date[DATE_HTTP_LEN + 1];
    if (spec->status == 200)
        buf_printf(b, "ETag: %.*s\r\n", SLICE_ARG(tag));
    if (spec->modified) {
        date_http_format(spec->modified, date);
        buf_printf(b, "Last-Modified: %s\r\n", date);
    }
    buf_printf(b, "Cache-Control: %s\r\n", cache_texts[spec->cache]);
    if (varies)
        buf_text(b, "Vary: Accept-Encoding\r\n");
}

static void put_described(struct buf *b, const struct page_spec *spec)
{
    const char *charset = spec->utf8 && media_has_charset(spec->type) ? "; charset=utf-8" : "";
    buf_printf(b, "Content-Type: %s%s\r\n", spec->type, charset);
    if (spec->location.len)
        buf_printf(b, "Location: %.*s\r\n", SLICE_ARG(spec->location));
    if (spec->ranges)
        buf_text(b, "Accept-Ranges: bytes\r\n");
    buf_text(b, "X-Content-Type-Options: nosniff\r\n");
    if (policy_texts[spec->policy])
        buf_printf(b, "Content-Security-Policy: %s\r\n", policy_texts[spec->policy]);
}

static void put_tags(struct texts *t, const uint8_t *digest)
{
    char hex[2 * TAG_BYTES + 1];
    for (size_t i = 0; i < TAG_BYTES; i++)
        format_text(hex + 2 * i, 3, "%02x", digest[i]);
    buf_printf(&t->all, "\"%s\"", hex);
    t->tag_end = t->all.len;
    buf_printf(&t->all, "\"%s-gzip\"", hex);
    t->gzip_tag_end = t->all.len;
}

static void put_texts(struct texts *t, const struct page_spec *spec, const uint8_t *digest,
                      bool varies)
{
    /* Tags first and apart: the lines quote them, and a buffer's bytes may move. */
    struct buf lines;
    buf_init(&lines, FIELDS_MAX);
    put_tags(t, digest);
    size_t start = t->all.len;
    if (t->all.err == OK)
        put_cached(&lines, spec, slice_take(buf_slice(&t->all), t->tag_end), varies);
    t->cached_end = start + lines.len;
    put_described(&lines, spec);
    t->fields_end = start + lines.len;
    if (varies && t->all.err == OK)
        put_cached(&lines, spec, slice_drop(buf_slice(&t->all), t->tag_end), varies);
    t->gzip_cached_end = start + lines.len;
    if (varies) {
        buf_text(&lines, "Content-Encoding: gzip\r\n");
        put_described(&lines, spec);
    }
    buf_put(&t->all, buf_slice(&lines));
    if (t->all.err == OK)
        t->all.err = lines.err;
    buf_deinit(&lines);
}

static struct slice part(const struct page *p, size_t from, size_t to)
{
    return slice_of(p->text + from, to - from);
}

static struct page *assemble(const struct texts *t, const struct page_spec *spec)
{
    struct page *p = memory_zalloc(sizeof *p + t->all.len);
    if (!p)
        return NULL;
    memcpy(p->text, t->all.ptr, t->all.len);
    p->public = (struct site_page){
        .refs = 1, .status = spec->status, .ranges = spec->ranges, .modified = spec->modified};
    p->public.etag = part(p, 0, t->tag_end);
    p->public.cached_fields = part(p, t->gzip_tag_end, t->cached_end);
    p->public.fields = part(p, t->gzip_tag_end, t->fields_end);
    return p;
}

/* --- the whole --- */

/* No answer tells a change that is later than its own Date (RFC 9110, 8.8.2.1). */
static struct page_spec truthful(const struct packer *packer, const struct page_spec *spec)
{
    struct page_spec s = *spec;
    if (s.modified > packer->now)
        s.modified = 0;
    return s;
}

static void set_gzip(struct page *p, const struct texts *t, struct slice gzip)
{
    p->public.gzip = gzip;
    p->public.gzip_etag = part(p, t->tag_end, t->gzip_tag_end);
    p->public.gzip_cached_fields = part(p, t->fields_end, t->gzip_cached_end);
    p->public.gzip_fields = part(p, t->fields_end, t->all.len);
}

/* Finished bytes, whose digest is known, with their lines; on failure they stay whose they are. */
static enum err dress(const struct page_spec *spec, struct slice body, const uint8_t *digest,
                      struct slice gzip, struct page **into)
{
    struct texts t = {0};
    buf_init(&t.all, FIELDS_MAX * 2);
    put_texts(&t, spec, digest, gzip.len > 0);
    struct page *p = t.all.err == OK ? assemble(&t, spec) : NULL;
    enum err e = p ? OK : t.all.err != OK ? t.all.err : ERR_MEMORY;
    if (p) {
        p->public.body = body;
        memcpy(p->digest, digest, sizeof p->digest);
    }
    if (p && gzip.len > 0)
        set_gzip(p, &t, gzip);
    buf_deinit(&t.all);
    *into = p;
    return e;
}

/* Packs the body; what is packed is the page's own. */
static enum err make(const struct packer *packer, const struct page_spec *wanted, struct slice body,
                     const uint8_t *digest, struct page **into)
{
    const struct page_spec spec = truthful(packer, wanted);
    struct slice gzip;
    enum err e = pack(packer, &spec, body, &gzip);
    if (e == OK)
        e = dress(&spec, body, digest, gzip, into);
    if (e == OK)
        (*into)->owns_gzip = true;
    else
        memory_free((void *)(uintptr_t)gzip.ptr);
    return e;
}

enum err page_of_buf(const struct packer *packer, const struct page_spec *spec, struct buf *body,
                     struct site_page **into)
{
    struct page *p = NULL;
    uint8_t digest[SHA256_BYTES];
    enum err e = body->err;
    struct slice bytes = release_trimmed(body);
    if (e == OK) {
        sha256_of(bytes, digest);
        e = make(packer, spec, bytes, digest, &p);
    }
    if (e != OK) {
        memory_free((void *)(uintptr_t)bytes.ptr);
        return e;
    }
    p->owns_body = true;
    *into = &p->public;
    return OK;
}

/* Of what is held packed, which stays where it is. */
static enum err unpack(const struct page_spec *spec, const struct site_asset *asset,
                       struct page **into)
{
    struct slice gzip = slice_of(asset->ptr, asset->held);
    struct buf body;
    buf_init(&body, asset->len);
    enum err e = gzip_unpack(gzip, asset->len, &body);
    if (e == OK)
        e = dress(spec, buf_slice(&body), asset->sha256, gzip, into);
    if (e == OK) {
        (*into)->owns_body = true;
        buf_release(&body);
    }
    buf_deinit(&body);
    return e;
}

enum err page_of_asset(const struct packer *packer, const struct page_spec *spec,
                       const struct site_asset *asset, struct site_page **into)
{
    struct page *p = NULL;
    struct slice held = slice_of(asset->ptr, asset->held);
    enum err e = asset->held != asset->len ? unpack(spec, asset, &p)
                                           : make(packer, spec, held, asset->sha256, &p);
    if (e == OK)
        *into = &p->public;
    return e;
}

enum err page_of_page(const struct page_spec *spec, struct site_page *source,
                      struct site_page **into)
{
    struct page *p, *of = CONTAINER(source, struct page, public);
    enum err e = dress(spec, source->body, of->digest, source->gzip, &p);
    if (e != OK)
        return e;
    site_page_hold(source);
    p->source = source;
    *into = &p->public;
    return OK;
}
