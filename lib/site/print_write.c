/* Printing: see print.h. The same generation gives the same bytes. */
#include "lib/site/internal.h"
#include "lib/site/print.h"
#include "lib/site/print_parts.h"
#include "runtime/sort.h"
#include "signatures/memory.h"

struct numbered {
    const struct site_page *page; /* its own key */
    uint32_t number;
};

struct press {
    const struct site *site;
    const struct site_options *options;
    struct arena arena;
    struct map numbers; /* page to numbered */
    struct buf pages;   /* in the order of their numbers */
    enum err err;
};

static void put_number(struct buf *b, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        buf_byte(b, (uint8_t)(value >> (8 * i)));
}

static void put_text(struct buf *b, struct slice text)
{
    if (text.len > UINT32_MAX)
        b->err = ERR_LIMIT;
    put_number(b, text.len, 4);
    buf_put(b, text);
}

/* --- pages --- */

/* The built-in asset whose bytes these are; asset_count: they are no asset's. */
static size_t asset_of(const struct site_options *o, const struct site_asset *held)
{
    size_t i = 0;
    while (i < o->asset_count && o->assets[i].ptr != held->ptr)
        i++;
    return i;
}

static void put_body(struct press *p, const struct site_asset *held)
{
    struct buf *b = &p->pages;
    size_t asset = asset_of(p->options, held);
    if (asset < p->options->asset_count) {
        buf_byte(b, PRINT_ASSET);
        put_number(b, asset, 4);
    } else {
        buf_byte(b, PRINT_OWN);
        put_number(b, held->len, 4);
        buf_put(b, slice_of(held->sha256, SHA256_BYTES));
        put_text(b, slice_of(held->ptr, held->held));
    }
}

static void put_spec(struct press *p, const struct page_spec *spec)
{
    struct buf *b = &p->pages;
    put_number(b, spec->status, 2);
    put_text(b, slice_of(spec->type, strlen(spec->type) + 1));
    buf_byte(b, (uint8_t)((spec->utf8 ? PRINT_UTF8 : 0) | (spec->ranges ? PRINT_RANGES : 0) |
                          (spec->modified ? PRINT_DATED : 0)));
    buf_byte(b, (uint8_t)spec->cache);
    buf_byte(b, (uint8_t)spec->policy);
    put_text(b, spec->location);
}

/* Gives a page the next number. */
static struct numbered *enter(struct press *p, const struct site_page *page)
{
    struct numbered *n = arena_alloc(&p->arena, sizeof *n);
    if (!n)
        return NULL;
    *n = (struct numbered){page, (uint32_t)p->numbers.count};
    return map_put(&p->numbers, slice_of(&n->page, sizeof n->page), n) == OK ? n : NULL;
}

static uint32_t number_of(struct press *p, struct site_page *page);

static void put_page(struct press *p, struct site_page *page)
{
    struct page_spec spec;
    struct site_asset held;
    struct site_page *source;
    page_tell(page, &spec, &held, &source);
    uint32_t number = source ? number_of(p, source) : 0;
    if (!enter(p, page))
        p->err = ERR_MEMORY;
    put_spec(p, &spec);
    if (source) {
        buf_byte(&p->pages, PRINT_SAME);
        put_number(&p->pages, number, 4);
    } else {
        put_body(p, &held);
    }
}

/* A page's number; it is put when it has none yet, after its source, which has none of its own. */
static uint32_t number_of(struct press *p, struct site_page *page)
{
    struct slice key = slice_of(&page, sizeof page);
    if (!map_get(&p->numbers, key))
        put_page(p, page);
    const struct numbered *n = map_get(&p->numbers, key);
    return n ? n->number : 0;
}

/* --- names --- */

static int by_path(const void *a, const void *b, void *arg)
{
    (void)arg;
    return slice_compare(((const struct map_entry *)a)->key, ((const struct map_entry *)b)->key);
}

static void put_names(struct press *p, struct buf *into)
{
    const struct map *pages = &p->site->pages;
    struct map_entry *sorted = arena_alloc(&p->arena, pages->count * sizeof *sorted);
    size_t at = 0, count = 0;
    for (struct map_entry *e; sorted && (e = map_next(pages, &at));)
        sorted[count++] = *e;
    if (!sorted || sort(sorted, count, sizeof *sorted, by_path, NULL) != OK) {
        p->err = ERR_MEMORY;
        return;
    }
    put_number(into, count, 4);
    for (size_t i = 0; i < count; i++) {
        put_text(into, sorted[i].key);
        put_number(into, number_of(p, sorted[i].value), 4);
    }
    for (size_t i = 0; i < ERROR_PAGES; i++)
        put_number(into, number_of(p, p->site->errors[i]), 4);
}

/* --- the whole --- */

static void put_problems(struct buf *b, const struct site *s)
{
    put_number(b, s->stats.problems, 4);
    put_number(b, s->problem_count, 4);
    for (size_t i = 0; i < s->problem_count; i++) {
        put_text(b, s->problems[i].path);
        put_number(b, s->problems[i].line, 4);
        put_text(b, s->problems[i].reason);
    }
}

static void put_head(const struct press *p, struct buf *b)
{
    const struct site_options *o = p->options;
    buf_text(b, PRINT_MAGIC);
    put_text(b, o->name);
    put_text(b, o->index);
    put_text(b, o->root);
    buf_byte(b, o->raw_html);
    put_number(b, o->bytes_max, 8);
    put_text(b, slice_of(p->site->commit.bytes, oid_bytes(p->site->kind)));
    put_number(b, p->site->stats.articles, 4);
    put_problems(b, p->site);
}

enum err site_print(const struct site *s, const struct site_options *options, struct buf *into)
{
    static const struct press none;
    struct press p = none;
    struct buf names;
    if (!s->finished)
        return ERR_AGAIN;
    p.site = s;
    p.options = options;
    arena_init(&p.arena, SITE_ARENA_MAX);
    map_init(&p.numbers, options->secret);
    buf_init(&p.pages, SITE_PRINT_MAX);
    buf_init(&names, SITE_PRINT_MAX);
    put_names(&p, &names);
    put_head(&p, into);
    put_number(into, p.numbers.count, 4);
    buf_put(into, buf_slice(&p.pages));
    buf_put(into, buf_slice(&names));
    enum err e = p.err != OK ? p.err : p.pages.err != OK ? p.pages.err : names.err;
    buf_deinit(&names);
    buf_deinit(&p.pages);
    map_deinit(&p.numbers);
    arena_deinit(&p.arena);
    return e != OK ? e : into->err;
}
