/* A generation of printed bytes: see print.h. Nothing in it is made, and only tables take memory. */
#include "lib/site/internal.h"
#include "lib/site/print.h"
#include "lib/site/print_parts.h"
#include "runtime/reader.h"
#include "signatures/memory.h"

#define PAGE_LEAST 19 /* bytes of a printed page */

struct print_reader {
    struct reader r;
    const struct site_options *options;
    struct site *site;
    struct site_page **pages; /* by number, held */
    size_t count;
};

static struct slice read_text(struct reader *r)
{
    return read_bytes(r, read_le32(r));
}

/* --- the head --- */

/* Whether it was made with these options. */
static bool fits(struct reader *r, const struct site_options *o)
{
    bool same = slice_equal(read_text(r), o->name);
    same &= slice_equal(read_text(r), o->index);
    same &= slice_equal(read_text(r), o->root);
    same &= read_u8(r) == o->raw_html;
    same &= read_le64(r) == o->bytes_max;
    return same;
}

static void read_problems(struct reader *r, struct site *s)
{
    s->stats.problems = read_le32(r);
    size_t count = read_le32(r);
    r->bad |= count > SITE_PROBLEMS_MAX;
    for (size_t i = 0; i < count && !r->bad; i++) {
        struct site_problem *p = &s->problems[s->problem_count++];
        p->path = read_text(r);
        p->line = read_le32(r);
        p->reason = read_text(r);
    }
}

static enum err read_head(struct print_reader *p)
{
    struct reader *r = &p->r;
    r->bad |= !slice_equal(read_bytes(r, sizeof PRINT_MAGIC - 1), SLICE(PRINT_MAGIC));
    bool fit = fits(r, p->options);
    struct slice commit = read_text(r);
    p->site->kind = commit.len == oid_bytes(OID_SHA1) ? OID_SHA1 : OID_SHA256;
    if (r->bad || !oid_from_raw(p->site->kind, commit, &p->site->commit))
        return ERR_MALFORMED;
    p->site->stats.articles = read_le32(r);
    read_problems(r, p->site);
    return r->bad ? ERR_MALFORMED : fit ? OK : ERR_MISMATCH;
}

/* --- pages --- */

static void read_spec(struct reader *r, int64_t now, struct page_spec *spec)
{
    spec->status = read_le16(r);
    struct slice type = read_text(r);
    uint8_t flags = read_u8(r), cache = read_u8(r), policy = read_u8(r);
    spec->location = read_text(r);
    r->bad |= type.len == 0 || slice_find(type, 0) != type.len - 1 || cache > PAGE_ASSET ||
              policy > PAGE_AUTHORS;
    spec->type = (const char *)type.ptr;
    spec->utf8 = flags & PRINT_UTF8;
    spec->ranges = flags & PRINT_RANGES;
    spec->modified = flags & PRINT_DATED ? now : 0;
    spec->cache = (enum page_cache)cache;
    spec->policy = (enum page_policy)policy;
}

static enum err read_own(struct reader *r, const struct page_spec *spec, struct site_page **into)
{
    struct site_asset held = {.len = read_le32(r)};
    held.sha256 = read_bytes(r, SHA256_BYTES).ptr;
    struct slice bytes = read_text(r);
    held.ptr = bytes.ptr;
    held.held = bytes.len;
    return r->bad ? ERR_MALFORMED : page_of_print(spec, &held, into);
}

static enum err read_page(struct print_reader *p, struct site_page **into)
{
    struct page_spec spec = {0};
    read_spec(&p->r, p->options->now, &spec);
    uint8_t kind = read_u8(&p->r);
    if (kind == PRINT_OWN)
        return read_own(&p->r, &spec, into);
    size_t number = read_le32(&p->r);
    if (p->r.bad)
        return ERR_MALFORMED;
    if (kind == PRINT_ASSET && number < p->options->asset_count)
        return page_of_print(&spec, &p->options->assets[number], into);
    if (kind == PRINT_SAME && number < p->count)
        return page_of_page(&spec, p->pages[number], into);
    return ERR_MALFORMED;
}

static enum err read_pages(struct print_reader *p)
{
    size_t count = read_le32(&p->r);
    if (count > p->r.rest.len / PAGE_LEAST)
        return ERR_MALFORMED;
    p->pages = memory_alloc(count * sizeof *p->pages);
    enum err e = p->pages ? OK : ERR_MEMORY;
    while (e == OK && p->count < count) {
        e = read_page(p, &p->pages[p->count]);
        p->count += e == OK;
    }
    return e;
}

/* --- names --- */

/* Held for whoever asked; NULL: there is no page of such a number. */
static struct site_page *read_number(struct print_reader *p)
{
    size_t number = read_le32(&p->r);
    if (p->r.bad || number >= p->count)
        return NULL;
    site_page_hold(p->pages[number]);
    return p->pages[number];
}

static enum err read_names(struct print_reader *p)
{
    size_t count = read_le32(&p->r);
    enum err e = OK;
    for (size_t i = 0; i < count && e == OK; i++) {
        struct slice path = read_text(&p->r);
        struct site_page *page = read_number(p);
        e = page ? site_put(p->site, path, page) : ERR_MALFORMED;
    }
    for (size_t i = 0; i < ERROR_PAGES && e == OK; i++) {
        p->site->errors[i] = read_number(p);
        e = p->site->errors[i] ? OK : ERR_MALFORMED;
    }
    return e == OK && p->r.rest.len > 0 ? ERR_MALFORMED : e;
}

/* --- the whole --- */

enum err site_of_print(struct slice printed, const struct site_options *options, struct site **into)
{
    struct print_reader p = {
        .r = reader_of(printed),
        .options = options,
        .site = site_empty(options),
    };
    enum err e = p.site ? read_head(&p) : ERR_MEMORY;
    if (e == OK)
        e = read_pages(&p);
    if (e == OK)
        e = read_names(&p);
    while (p.count > 0)
        site_page_drop(p.pages[--p.count]);
    memory_free(p.pages);
    if (e != OK) {
        site_free(p.site);
        return e;
    }
    p.site->finished = true;
    site_count_bytes(p.site);
    *into = p.site;
    return OK;
}
