/*
 * Pages made of many articles: folders, tags, the feed, the front page.
 *
 * Each has a digest of all that it shows; the page of a digest is made once.
 */
#include "lib/site/internal.h"

#define LISTING_STEP ((size_t)64 << 10) /* bytes of a list that are made at once */

enum err build_take_over(struct site_build *b, struct slice path,
                         const uint8_t digest[SHA256_BYTES], bool *taken)
{
    const struct derived *old = b->previous ? map_get(&b->previous->derived, path) : NULL;
    *taken = old && memcmp(old->digest, digest, SHA256_BYTES) == 0;
    if (!*taken)
        return OK;
    site_page_hold(old->page);
    b->site->stats.made--; /* which putting it counts */
    b->site->stats.reused++;
    return build_put_derived(b, path, digest, old->page);
}

static void begin_digest(const struct site_build *b, struct sha256 *h)
{
    sha256_init(h);
    sha256_update(h, slice_of(b->site->layout, SHA256_BYTES));
}

static void hash_list(struct sha256 *h, const struct listing *list, size_t max)
{
    sha256_update(h, list->url);
    for (size_t i = 0; i < list->count && i < max; i++)
        sha256_update(h, slice_of(list->entries[i]->item->digest, SHA256_BYTES));
}

/* Puts the page of a body that was rendered; body is taken over. */
static enum err put(struct site_build *b, struct slice path, const uint8_t digest[SHA256_BYTES],
                    const char *type, struct buf *body)
{
    struct site_page *page;
    struct page_spec spec = {.status = 200,
                             .type = type,
                             .utf8 = true,
                             .modified = b->modified,
                             .policy = type[0] == 't' ? PAGE_STRICT : PAGE_NO_POLICY};
    enum err e = page_of_buf(&spec, body, &page);
    if (e == OK) {
        build_keep_old(b, path, &page);
        return build_put_derived(b, path, digest, page);
    }
    if (e != ERR_LIMIT)
        return e;
    site_add_problem(b->site, path, 0, "this page would be larger than 128 MiB");
    return OK;
}

/* Takes the page over, or begins a draft of it. */
static enum err begin_listing(struct site_build *b, const struct listing *list, size_t *cost)
{
    struct draft *d = &b->draft;
    struct sha256 h;
    bool taken;
    *cost += list->count * SHA256_BYTES;
    begin_digest(b, &h);
    hash_list(&h, list, SIZE_MAX);
    sha256_final(&h, d->digest);
    enum err e = build_take_over(b, list->url, d->digest, &taken);
    if (e != OK || taken)
        return e;
    d->begun = true;
    d->shown = 0;
    buf_init(&d->body, SITE_PAGE_MAX);
    render_listing_begin(&d->body, &b->layout, list);
    return OK;
}

/* A long list takes several turns. */
static enum err make_listing(struct site_build *b, const struct listing *list, size_t *cost)
{
    struct draft *d = &b->draft;
    enum err e = d->begun ? OK : begin_listing(b, list, cost);
    if (e != OK || !d->begun)
        return e;
    size_t most = d->body.len + LISTING_STEP, before = d->body.len;
    while (d->shown < list->count && d->body.len < most)
        render_listed(&d->body, list->entries[d->shown++]->item);
    *cost += d->body.len - before;
    if (d->shown < list->count)
        return ERR_AGAIN;
    d->begun = false;
    render_listing_end(&d->body, &b->layout);
    return put(b, list->url, d->digest, "text/html", &d->body);
}

static enum err make_tags(struct site_build *b, size_t *cost)
{
    struct sha256 h;
    struct buf body;
    uint8_t digest[SHA256_BYTES];
    bool taken;
    struct slice path = SLICE("/tags");
    begin_digest(b, &h);
    for (size_t i = 0; i < b->tag_count; i++) {
        hash_list(&h, &b->tags[i], SIZE_MAX);
        *cost += b->tags[i].count * SHA256_BYTES;
    }
    sha256_final(&h, digest);
    enum err e = build_take_over(b, path, digest, &taken);
    if (e != OK || taken)
        return e;
    buf_init(&body, SITE_PAGE_MAX);
    render_tags(&body, &b->layout, b->tags, b->tag_count);
    *cost += body.len;
    return put(b, path, digest, "text/html", &body);
}

/* When there is no article, the feed is as old as its commit. */
static int64_t commit_date(const struct site_build *b)
{
    struct store_object object;
    static const struct git_commit none;
    struct git_commit commit = none;
    if (store_read_as(b->store, &b->history->commit, GIT_COMMIT, &object) != OK)
        return 0;
    git_commit_parse(store_kind(b->store), object.content, &commit);
    store_release(&object);
    return commit.committer.when;
}

static enum err make_feed(struct site_build *b, size_t *cost)
{
    struct sha256 h;
    struct buf body;
    uint8_t digest[SHA256_BYTES];
    bool taken;
    struct slice path = SLICE("/atom");
    size_t count = b->newest.count < SITE_FEED_ARTICLES ? b->newest.count : SITE_FEED_ARTICLES;
    int64_t updated = 0;
    for (size_t i = 0; i < count; i++)
        if (b->newest.entries[i]->item->changed > updated)
            updated = b->newest.entries[i]->item->changed;
    if (count == 0)
        updated = commit_date(b);
    begin_digest(b, &h);
    sha256_update(&h, slice_of(b->layout.id.bytes, sizeof b->layout.id.bytes));
    sha256_update(&h, slice_of(&updated, sizeof updated));
    hash_list(&h, &b->newest, count);
    sha256_final(&h, digest);
    enum err e = build_take_over(b, path, digest, &taken);
    if (e != OK || taken)
        return e;
    buf_init(&body, SITE_PAGE_MAX);
    render_feed(&body, &b->layout, b->newest.entries, count, updated);
    *cost += body.len;
    return put(b, path, digest, "application/atom+xml", &body);
}

/* --- names that show what has another name --- */

static enum err put_alias(struct site_build *b, struct slice path, struct slice target, bool *done)
{
    struct site_page *page = site_find(b->site, target);
    *done = page != NULL;
    if (!page)
        return OK;
    site_page_hold(page);
    return build_put(b, path, page);
}

static enum err make_well_known(struct site_build *b)
{
    static const char *const aliases[][2] = {{"/favicon.ico", "/static/favicon.ico"},
                                             {"/favicon.ico", "/static/favicon.svg"},
                                             {"/robots.txt", "/static/robots.txt"}};
    enum err e = OK;
    bool done;
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0] && e == OK; i++)
        if (!site_find(b->site, slice_text(aliases[i][0])))
            e = put_alias(b, slice_text(aliases[i][0]), slice_text(aliases[i][1]), &done);
    return e;
}

/* Whoever chose it is told: the repository's file, or the program's option by what it says. */
static enum err miss_index(struct site_build *b)
{
    bool ok = true;
    if (b->options->index.len == 0) {
        site_add_problem(b->site, SLICE(".config/index_page"), 1,
                         "there is no page, article or folder of this name");
        return OK;
    }
    struct slice path = arena_copy(&b->site->arena, b->layout.index, &ok);
    if (ok)
        site_add_problem(
            b->site, path, 0,
            "is to answer at /, as the operator chose, and is no page, article or folder");
    return ok ? OK : ERR_MEMORY;
}

static enum err chosen_front(struct site_build *b, bool *done)
{
    struct buf path;
    *done = false;
    if (b->layout.index.len == 0)
        return OK;
    buf_init(&path, SITE_ARTICLE_MAX);
    buf_byte(&path, '/');
    buf_put(&path, b->layout.index);
    enum err e = path.err;
    if (e == OK)
        e = put_alias(b, SLICE("/"), buf_slice(&path), done);
    buf_deinit(&path);
    return e == OK && !*done ? miss_index(b) : e;
}

/* The page that was chosen, else one that is meant to be it, else all articles. */
static enum err make_front(struct site_build *b, size_t *cost)
{
    static const char *const usual[] = {"/index", "/index.md", "/README", "/README.md"};
    bool done = false;
    enum err e = b->draft.begun ? OK : chosen_front(b, &done);
    for (size_t i = 0; i < sizeof usual / sizeof usual[0] && e == OK && !done; i++)
        e = put_alias(b, SLICE("/"), slice_text(usual[i]), &done);
    return e == OK && !done ? make_listing(b, &b->newest, cost) : e;
}

enum err build_derived(struct site_build *b, size_t n, bool *more, size_t *cost)
{
    *more = true;
    if (n < b->folder_count)
        return make_listing(b, &b->folders[n], cost);
    n -= b->folder_count;
    if (n < b->tag_count)
        return make_listing(b, &b->tags[n], cost);
    n -= b->tag_count;
    if (n == 0)
        return make_tags(b, cost);
    if (n == 1)
        return make_feed(b, cost);
    if (n == 2)
        return make_well_known(b);
    *more = false;
    return make_front(b, cost);
}

static enum err make_error(struct site_build *b, size_t n)
{
    struct buf body;
    buf_init(&body, SITE_PAGE_MAX);
    struct page_spec spec = {.type = "text/html", .utf8 = true, .policy = PAGE_STRICT};
    spec.status = render_error(&body, &b->layout, n);
    enum err e = page_of_buf(&spec, &body, &b->site->errors[n]);
    b->site->stats.made += e == OK;
    return e;
}

enum err build_errors(struct site_build *b)
{
    enum err e = OK;
    for (size_t n = 0; n < ERROR_PAGES && e == OK; n++) {
        if (b->same_layout) {
            b->site->errors[n] = b->previous->errors[n];
            site_page_hold(b->site->errors[n]);
            b->site->stats.reused++;
        } else {
            e = make_error(b, n);
        }
    }
    return e;
}
