/*
 * Making a generation, in phases that each can be interrupted between two files or two pages.
 *
 * Entries and the previous generation's entries are both in the order of their paths, so that what
 * can be taken over is found by walking both side by side.
 */
#include "lib/site/internal.h"
#include "lib/site/media.h"
#include "lib/text/html.h"
#include "lib/text/utf8.h"
#include "runtime/panic.h"
#include "signatures/memory.h"

#define STEP_COST 512u /* what a file costs besides its bytes, in bytes of budget */

/* The same bytes under a date of their own. The reference is passed on, or taken over on failure. */
static enum err date_again(struct site_build *b, struct site_page **page)
{
    struct site_page *source = *page;
    enum err e = page_again(source, b->modified, page);
    site_page_drop(source);
    return e;
}

void build_keep_old(const struct site_build *b, struct slice path, struct site_page **page)
{
    struct site_page *old = b->previous ? site_find(b->previous, path) : NULL;
    if (!old || !page_is_same(old, *page))
        return;
    site_page_hold(old);
    site_page_drop(*page);
    *page = old;
}

/* A path may come to show what another one showed before: there those bytes are new. */
enum err build_put(struct site_build *b, struct slice path, struct site_page *page)
{
    struct site_page *old = b->previous ? site_find(b->previous, path) : NULL;
    enum err e = OK;
    if (old && page_is_again(old, page)) {
        site_page_hold(old);
        site_page_drop(page);
        page = old;
    } else if (b->previous && old != page && page->modified && page->modified != b->modified) {
        e = date_again(b, &page);
    }
    b->site->stats.changed += page != old;
    return e == OK ? site_put(b->site, path, page) : e;
}

enum err build_put_derived(struct site_build *b, struct slice path,
                           const uint8_t digest[SHA256_BYTES], struct site_page *page)
{
    struct site *s = b->site;
    s->stats.made++;
    if (!site_take_room(s, page)) {
        site_page_drop(page);
        site_add_problem(s, path, 0, "there is no room for one more page");
        return OK;
    }
    struct derived *d = arena_alloc(&s->arena, sizeof *d);
    if (!d) {
        site_page_drop(page);
        return ERR_MEMORY;
    }
    *d = (struct derived){.path = path, .page = page};
    memcpy(d->digest, digest, SHA256_BYTES);
    assert_always(!map_get(&s->derived, path));
    enum err e = map_put(&s->derived, path, d);
    if (e != OK) {
        site_page_drop(page);
        return e;
    }
    site_page_hold(page);
    return build_put(b, path, page);
}

/* --- reading --- */

static bool is_same(const struct item *i, const struct history_file *f)
{
    return slice_equal(slice_drop(i->url, 1), f->path) && oid_equal(&i->blob, &f->blob) &&
           i->created == f->created && i->changed == f->changed && i->mode == f->mode;
}

/* The previous generation's entry for this file, if the file is the same. */
static const struct entry *find_before(struct site_build *b, const struct history_file *file)
{
    const struct site *p = b->previous;
    if (!p)
        return NULL;
    while (b->previous_at < p->count &&
           slice_compare(slice_drop(p->entries[b->previous_at].item->url, 1), file->path) < 0)
        b->previous_at++;
    if (b->previous_at == p->count || !is_same(p->entries[b->previous_at].item, file))
        return NULL;
    return &p->entries[b->previous_at];
}

static enum err read_one(struct site_build *b, const struct history_file *file, size_t *cost)
{
    struct site *s = b->site;
    struct entry *e = &s->entries[s->count];
    const struct entry *before = find_before(b, file);
    enum err err = OK;
    if (before)
        item_hold(e->item = before->item);
    else
        err = item_read(b->store, file, cost, &e->item);
    if (err != OK)
        return err;
    if (e->item->kind == ITEM_PROBLEM)
        site_add_problem(s, slice_drop(e->item->url, 1), e->item->line, e->item->reason);
    b->before[s->count++] = before;
    return OK;
}

static enum err step_read(struct site_build *b, size_t *cost)
{
    if (b->at == b->history->count) {
        b->phase = PHASE_LAYOUT;
        return OK;
    }
    const struct history_file *file = &b->history->files[b->at++];
    *cost = STEP_COST;
    return path_is_hidden(file->path) ? OK : read_one(b, file, cost);
}

/* --- layout --- */

static enum err step_layout(struct site_build *b)
{
    enum err e = build_settings(b);
    if (e == OK)
        e = build_assets(b);
    if (e == OK)
        e = build_navigation(b);
    if (e != OK)
        return e;
    struct site *s = b->site;
    layout_digest(&b->layout, s->layout);
    b->same_layout = b->previous && memcmp(s->layout, b->previous->layout, SHA256_BYTES) == 0;
    b->phase = PHASE_RENDER;
    b->at = 0;
    return OK;
}

/* --- rendering --- */

/* What is around a text may be far more than the text. */
static enum err make_article(struct site_build *b, struct entry *e, struct slice text, size_t *cost)
{
    struct article a;
    struct article_fault fault;
    struct rendered rendered;
    struct buf body;
    if (article_parse(text, &a, &fault) != OK)
        return ERR_MALFORMED; /* it was read before */
    buf_init(&body, SITE_PAGE_MAX);
    enum err err = render_article(&body, &b->layout, e->item, &a, &rendered);
    *cost += body.len;
    if (err == OK) {
        struct page_spec spec = {.status = 200,
                                 .type = "text/html",
                                 .utf8 = true,
                                 .modified = b->modified,
                                 .policy = rendered.authors_html ? PAGE_AUTHORS : PAGE_STRICT};
        err = page_of_buf(&spec, &body, &e->page);
        e->content = rendered.content;
    }
    buf_deinit(&body);
    return err;
}

static enum err make_static(struct site_build *b, struct entry *e, struct slice bytes)
{
    struct buf body;
    if (bytes.len > SITE_STATIC_MAX)
        return ERR_LIMIT;
    buf_init(&body, bytes.len);
    buf_put(&body, bytes);
    const char *type = media_type(e->item->url);
    struct page_spec spec = {.status = 200,
                             .type = type,
                             .utf8 = utf8_valid(bytes),
                             .ranges = true,
                             .cache = media_compressible(type) ? PAGE_FRESH : PAGE_HOURLY,
                             .modified = b->modified};
    enum err err = page_of_buf(&spec, &body, &e->page);
    buf_deinit(&body);
    return err;
}

static enum err make_redirect(struct entry *e)
{
    struct buf body;
    buf_init(&body, SITE_PAGE_MAX);
    buf_text(&body, "<!DOCTYPE html>\n<html lang=\"en\">\n<title>Moved</title>\n<p>This page is at "
                    "<a href=\"");
    html_escape_attribute(&body, e->item->redirect);
    buf_text(&body, "\">");
    html_escape(&body, e->item->redirect);
    buf_text(&body, "</a>.</p>\n</html>\n");
    struct page_spec spec = {.status = 301,
                             .type = "text/html",
                             .utf8 = true,
                             .policy = PAGE_STRICT,
                             .location = e->item->redirect};
    enum err err = page_of_buf(&spec, &body, &e->page);
    buf_deinit(&body);
    return err;
}

static const char *why_no_page(const struct item *i, enum err err)
{
    if (err != ERR_LIMIT)
        return "the file cannot be read";
    return i->kind == ITEM_STATIC ? "the file is larger than 64 MiB"
                                  : "the article is too large, or too intricate";
}

/* A page from the file's bytes. */
static enum err make_from_blob(struct site_build *b, struct entry *e, size_t *cost)
{
    struct store_object object;
    enum err err = store_read_as(b->store, &e->item->blob, GIT_BLOB, &object);
    if (err != OK)
        return err;
    *cost += object.content.len;
    if (e->item->kind == ITEM_ARTICLE)
        err = make_article(b, e, object.content, cost);
    else
        err = make_static(b, e, object.content);
    store_release(&object);
    return err;
}

static enum err make_page(struct site_build *b, struct entry *e, size_t *cost)
{
    enum err err = e->item->kind == ITEM_REDIRECT ? make_redirect(e) : make_from_blob(b, e, cost);
    if (err == OK) {
        b->site->stats.made++;
        build_keep_old(b, e->item->url, &e->page);
    }
    if (err == OK || err == ERR_MEMORY)
        return err;
    site_add_problem(b->site, slice_drop(e->item->url, 1), 0, why_no_page(e->item, err));
    return OK;
}

static bool take_page(struct site_build *b, struct entry *e, const struct entry *before)
{
    if (!before || !before->page || (e->item->kind == ITEM_ARTICLE && !b->same_layout))
        return false;
    e->page = before->page;
    e->content = before->content;
    site_page_hold(e->page);
    b->site->stats.reused++;
    return true;
}

static enum err step_render(struct site_build *b, size_t *cost)
{
    struct site *s = b->site;
    if (b->at == s->count) {
        b->phase = PHASE_COLLECT;
        b->at = 0;
        return OK;
    }
    struct entry *e = &s->entries[b->at];
    const struct entry *before = b->before[b->at++];
    *cost = STEP_COST;
    enum err err = OK;
    if (e->item->kind != ITEM_PROBLEM && !take_page(b, e, before))
        err = make_page(b, e, cost);
    if (err != OK || !e->page)
        return err;
    if (!site_take_room(s, e->page)) {
        site_page_drop(e->page);
        e->page = NULL;
        site_add_problem(s, slice_drop(e->item->url, 1), 0, "there is no room for one more page");
        return OK;
    }
    s->stats.articles += e->item->kind == ITEM_ARTICLE;
    site_page_hold(e->page);
    return build_put(b, e->item->url, e->page);
}

/* --- what follows from the articles --- */

static enum err step_collect(struct site_build *b, size_t *cost)
{
    bool more;
    enum err e = build_collection(b, b->at++, &more, cost);
    if (!more) {
        b->phase = PHASE_DERIVE;
        b->at = 0;
    }
    return e;
}

static enum err step_derive(struct site_build *b, size_t *cost)
{
    bool more;
    enum err e = build_derived(b, b->at, &more, cost);
    if (e == ERR_AGAIN)
        return OK;
    b->at++;
    if (!more) {
        b->phase = PHASE_REDIRECTS;
        b->at = 0;
    }
    return e;
}

static enum err step_redirects(struct site_build *b, size_t *cost)
{
    bool more;
    enum err e = build_redirects(b, b->at++, &more, cost);
    if (!more)
        b->phase = PHASE_ERRORS;
    return e;
}

static enum err step(struct site_build *b, size_t *cost)
{
    enum err e = OK;
    *cost = 0;
    switch (b->phase) {
    case PHASE_READ:
        return step_read(b, cost);
    case PHASE_LAYOUT:
        return step_layout(b);
    case PHASE_RENDER:
        return step_render(b, cost);
    case PHASE_COLLECT:
        return step_collect(b, cost);
    case PHASE_DERIVE:
        return step_derive(b, cost);
    case PHASE_REDIRECTS:
        return step_redirects(b, cost);
    case PHASE_ERRORS:
        e = build_errors(b);
        site_count_bytes(b->site);
        b->phase = PHASE_DONE;
        return e;
    case PHASE_DONE:
        break;
    }
    return OK;
}

/* --- from outside --- */

enum err site_build_step(struct site_build *b, size_t budget)
{
    size_t spent = 0;
    while (b->err == OK && b->phase != PHASE_DONE) {
        size_t cost;
        b->err = step(b, &cost);
        spent += cost;
        if (spent >= budget && b->err == OK && b->phase != PHASE_DONE)
            return ERR_AGAIN;
    }
    return b->err;
}

void site_build_progress(const struct site_build *b, uint32_t *done, uint32_t *total)
{
    size_t files = b->history->count;
    size_t step = b->phase == PHASE_READ     ? b->at
                  : b->phase == PHASE_LAYOUT ? files
                  : b->phase == PHASE_RENDER ? files + b->at
                                             : 2 * files;
    *done = (uint32_t)step;
    *total = (uint32_t)(2 * files);
}

static struct site *new_site(enum oid_kind kind, const struct history *history,
                             const struct site_options *options)
{
    struct site *s = site_empty(options);
    if (!s)
        return NULL;
    s->kind = kind;
    s->commit = history->commit;
    s->entries = arena_zalloc(&s->arena, history->count * sizeof *s->entries);
    if (s->entries)
        return s;
    site_free(s);
    return NULL;
}

/* A date that a page told before tells nothing of another one in its place: made within the same second, or
 * when the clock was set back, pages tell none until a later generation changes them. */
static int64_t date_of_pages(struct site *s, const struct site *previous)
{
    if (!previous || s->made_at > previous->made_at)
        return s->made_at;
    s->made_at = previous->made_at;
    return 0;
}

enum err site_build_begin(struct store *store, const struct history *history,
                          const struct site *previous, const struct site_options *options,
                          struct site_build **into)
{
    struct site_build *b = memory_zalloc(sizeof *b);
    if (!b)
        return ERR_MEMORY;
    *b = (struct site_build){.store = store,
                             .history = history,
                             .previous = previous,
                             .options = options,
                             .site = new_site(store_kind(store), history, options)};
    arena_init(&b->arena, SITE_ARENA_MAX);
    b->before = arena_alloc(&b->arena, history->count * sizeof *b->before);
    if (!b->site || !b->before) {
        b->err = ERR_MEMORY;
        site_build_end(b);
        return ERR_MEMORY;
    }
    b->modified = date_of_pages(b->site, previous);
    *into = b;
    return OK;
}

struct site *site_build_end(struct site_build *b)
{
    struct site *s = b->site;
    if (b->err != OK || b->phase != PHASE_DONE) {
        site_free(s);
        s = NULL;
    }
    buf_deinit(&b->draft.body);
    arena_deinit(&b->arena);
    memory_free(b);
    return s;
}
