/* See page_lines.h. */
#include "lib/site/page_lines.h"

#include "lib/date/http.h"
#include "lib/site/media.h"
#include "runtime/format.h"

#define FIELDS_MAX 16384
#define TAG_BYTES  16 /* of the digest that an entity tag shows */

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

/* Where each text ends within the whole. */
struct ends {
    size_t tag, gzip_tag;
    size_t cached, fields;
    size_t gzip_cached;
};

static void put_cached(struct buf *b, const struct page_spec *spec, struct slice tag, bool varies)
{
    char date[DATE_HTTP_LEN + 1];
    if (tag.len)
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

static void put_tags(struct buf *b, const uint8_t *digest, bool varies, struct ends *ends)
{
    char hex[2 * TAG_BYTES + 1];
    for (size_t i = 0; i < TAG_BYTES; i++)
        format_text(hex + 2 * i, 3, "%02x", digest[i]);
    buf_printf(b, "\"%s\"", hex);
    ends->tag = b->len;
    if (varies)
        buf_printf(b, "\"%s-gzip\"", hex);
    ends->gzip_tag = b->len;
}

/* Tags go before the lines, and are gathered apart from them: the lines quote them, and a buffer's bytes may
 * move. */
static void put_lines(struct buf *b, const struct page_spec *spec, struct slice tags, bool varies,
                      struct ends *ends)
{
    put_cached(b, spec, slice_take(tags, ends->tag), varies);
    ends->cached = tags.len + b->len;
    put_described(b, spec);
    ends->fields = tags.len + b->len;
    if (varies)
        put_cached(b, spec, slice_drop(tags, ends->tag), varies);
    ends->gzip_cached = tags.len + b->len;
    if (varies) {
        buf_text(b, "Content-Encoding: gzip\r\n");
        put_described(b, spec);
    }
}

static struct slice part(struct slice all, size_t from, size_t to)
{
    return slice_take(slice_drop(all, from), to - from);
}

static struct page_lines cut(struct slice all, const struct ends *ends)
{
    return (struct page_lines){
        .all = all,
        .etag = part(all, 0, ends->tag),
        .gzip_etag = part(all, ends->tag, ends->gzip_tag),
        .cached_fields = part(all, ends->gzip_tag, ends->cached),
        .fields = part(all, ends->gzip_tag, ends->fields),
        .gzip_cached_fields = part(all, ends->fields, ends->gzip_cached),
        .gzip_fields = part(all, ends->fields, all.len),
    };
}

enum err page_lines_make(const struct page_spec *spec, const uint8_t *digest, bool varies,
                         struct page_lines *into)
{
    struct buf tags, lines;
    struct ends ends = {0};
    buf_init(&tags, FIELDS_MAX * 2);
    buf_init(&lines, FIELDS_MAX);
    if (digest)
        put_tags(&tags, digest, varies, &ends);
    if (tags.err == OK)
        put_lines(&lines, spec, buf_slice(&tags), varies, &ends);
    buf_put(&tags, buf_slice(&lines));
    enum err e = lines.err != OK ? lines.err : tags.err;
    if (e == OK)
        *into = cut(buf_release_trimmed(&tags), &ends);
    buf_deinit(&tags);
    buf_deinit(&lines);
    return e;
}
