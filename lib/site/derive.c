/*
 * Pages made of many articles: folders, tags, the feed, the front page.
 *
 * Each has a digest of all that it shows; the page of a digest is made once.
 */
#include "lib/site/internal.h"
#include "runtime/sort.h"

/* --- collecting --- */

static int newest_first(const void *left, const void *right, void *arg)
{
    const struct item *a = (*(struct entry *const *)left)->item;
    const struct item *b = (*(struct entry *const *)right)->item;
    (void)arg;
    if (a->created != b->created)
        return a->created > b->created ? -1 : 1;
    if (a->changed != b->changed)
        return a->changed > b->changed ? -1 : 1;
    return slice_compare(a->url, b->url);
}

static bool is_listed(const struct entry *e)
{
    return e->item->kind == ITEM_ARTICLE && e->page &&
           slice_find(slice_drop(e->item->url, 1), '/') < e->item->url.len - 1;
}

/* The listed articles among entries[from, to), newest first. */
static enum err collect(struct site_build *b, size_t from, size_t to, struct listing *into)
{
    into->entries = arena_alloc(&b->arena, (to - from) * sizeof *into->entries);
    if (!into->entries)
        return ERR_MEMORY;
    for (size_t i = from; i < to; i++)
        if (is_listed(&b->site->entries[i]))
            into->entries[into->count++] = &b->site->entries[i];
    return sort(into->entries, into->count, sizeof *into->entries, newest_first, NULL);
}

static bool is_below(struct slice url, struct slice folder)
{
    return url.len > folder.len && url.ptr[folder.len] == '/' && slice_starts(url, folder);
}

/* One folder, which begins with entry `from`: it has all entries below it, side by side. */
static enum err add_folder(struct site_build *b, size_t from, struct slice url)
{
    size_t to = from;
    while (to < b->site->count && is_below(b->site->entries[to].item->url, url))
        to++;
    struct listing *list = &b->folders[b->folder_count];
    *list = (struct listing){.url = url, .title = slice_drop(url, 1)};
    enum err e = collect(b, from, to, list);
    if (e == OK && list->count > 0)
        b->folder_count++;
    return e;
}

/* The folders that begin with entry `at`: those of its path that the entry before is not below. */
static enum err add_folders(struct site_build *b, size_t at, size_t *room)
{
    struct slice url = b->site->entries[at].item->url;
    struct slice before = at ? b->site->entries[at - 1].item->url : slice_of(NULL, 0);
    for (size_t end = 1; end < url.len; end++) {
        struct slice folder = slice_take(url, end);
        if (url.ptr[end] != '/' || is_below(before, folder) || path_is_static(slice_drop(url, 1)))
            continue;
        if (b->folders) {
            enum err e = add_folder(b, at, folder);
            if (e != OK)
                return e;
        }
        ++*room;
    }
    return OK;
}

/* Twice: to count, then to fill. */
static enum err collect_folders(struct site_build *b)
{
    size_t room = 0;
    for (size_t i = 0; i < b->site->count; i++)
        add_folders(b, i, &room);
    b->folders = arena_alloc(&b->arena, room * sizeof *b->folders);
    if (!b->folders)
        return ERR_MEMORY;
    for (size_t i = 0; i < b->site->count; i++) {
        enum err e = add_folders(b, i, &room);
        if (e != OK)
            return e;
    }
    return OK;
}

/* --- tags --- */

struct tagged {
    struct slice tag;
    struct entry *entry;
};

static int by_tag(const void *left, const void *right, void *arg)
{
    (void)arg;
    return slice_compare(((const struct tagged *)left)->tag, ((const struct tagged *)right)->tag);
}

/* Every page with a tag: articles newest first, then pages at the root. */
static size_t gather_tagged(const struct site_build *b, struct tagged *into)
{
    size_t count = 0;
    for (size_t i = 0; i < b->site->count; i++) {
        struct entry *e = &b->site->entries[i];
        if (e->item->kind != ITEM_ARTICLE || !e->page)
            continue;
        for (size_t t = 0; t < e->item->tag_count; t++, count++)
            if (into)
                into[count] = (struct tagged){e->item->tags[t], e};
    }
    return count;
}

static enum err tag_url(struct site_build *b, struct slice tag, struct slice *into)
{
    struct buf url;
    bool ok = true;
    buf_init(&url, ARTICLE_TAG_MAX + 16);
    buf_text(&url, "/tags/");
    buf_put(&url, tag);
    *into = arena_copy(&b->site->arena, buf_slice(&url), &ok);
    enum err e = url.err != OK ? url.err : ok ? OK : ERR_MEMORY;
    buf_deinit(&url);
    return e;
}

static enum err add_tag(struct site_build *b, const struct tagged *first, size_t count)
{
    struct listing *list = &b->tags[b->tag_count];
    *list = (struct listing){.title = first->tag, .count = count};
    list->entries = arena_alloc(&b->arena, count * sizeof *list->entries);
    if (!list->entries)
        return ERR_MEMORY;
    for (size_t i = 0; i < count; i++)
        list->entries[i] = first[i].entry;
    b->tag_count++;
    enum err e = tag_url(b, first->tag, &list->url);
    return e == OK ? sort(list->entries, count, sizeof *list->entries, newest_first, NULL) : e;
}

static enum err collect_tags(struct site_build *b)
{
    size_t count = gather_tagged(b, NULL);
    struct tagged *all = arena_alloc(&b->arena, count * sizeof *all);
    b->tags = arena_alloc(&b->arena, count * sizeof *b->tags);
    if (!all || !b->tags)
        return ERR_MEMORY;
    gather_tagged(b, all);
    enum err e = sort(all, count, sizeof *all, by_tag, NULL);
    for (size_t from = 0, to; from < count && e == OK; from = to) {
        for (to = from; to < count && slice_equal(all[to].tag, all[from].tag);)
            to++;
        e = add_tag(b, all + from, to - from);
    }
    return e;
}

enum err build_collections(struct site_build *b)
{
    b->newest = (struct listing){.url = SLICE("/"), .title = b->layout.name};
    enum err e = collect(b, 0, b->site->count, &b->newest);
    if (e == OK)
        e = collect_folders(b);
    return e == OK ? collect_tags(b) : e;
}

/* --- making --- */

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

static int64_t newest_change(const struct site_build *b, struct entry *const *entries, size_t count)
{
    int64_t newest = b->layout.changed;
    for (size_t i = 0; i < count; i++)
        if (entries[i]->item->changed > newest)
            newest = entries[i]->item->changed;
    return newest;
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
                    const char *type, int64_t modified, struct buf *body)
{
    struct site_page *page;
    struct page_spec spec = {.status = 200,
                             .type = type,
                             .utf8 = true,
                             .modified = modified,
                             .policy = type[0] == 't' ? PAGE_STRICT : PAGE_NO_POLICY};
    enum err e = page_of_buf(&b->packer, &spec, body, &page);
    return e == OK ? build_put_derived(b, path, digest, page) : e;
}

static enum err make_listing(struct site_build *b, const struct listing *list, size_t *cost)
{
    struct sha256 h;
    struct buf body;
    uint8_t digest[SHA256_BYTES];
    bool taken;
    *cost = list->count * SHA256_BYTES;
    begin_digest(b, &h);
    hash_list(&h, list, SIZE_MAX);
    sha256_final(&h, digest);
    enum err e = build_take_over(b, list->url, digest, &taken);
    if (e != OK || taken)
        return e;
    buf_init(&body, SITE_BODY_MAX);
    render_listing(&body, &b->layout, list);
    *cost += body.len;
    return put(b, list->url, digest, "text/html", newest_change(b, list->entries, list->count),
               &body);
}

static enum err make_tags(struct site_build *b)
{
    struct sha256 h;
    struct buf body;
    uint8_t digest[SHA256_BYTES];
    bool taken;
    int64_t changed = b->layout.changed;
    struct slice path = SLICE("/tags");
    begin_digest(b, &h);
    for (size_t i = 0; i < b->tag_count; i++) {
        hash_list(&h, &b->tags[i], SIZE_MAX);
        int64_t newest = newest_change(b, b->tags[i].entries, b->tags[i].count);
        changed = newest > changed ? newest : changed;
    }
    sha256_final(&h, digest);
    enum err e = build_take_over(b, path, digest, &taken);
    if (e != OK || taken)
        return e;
    buf_init(&body, SITE_BODY_MAX);
    render_tags(&body, &b->layout, b->tags, b->tag_count);
    return put(b, path, digest, "text/html", changed, &body);
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
    buf_init(&body, SITE_BODY_MAX);
    render_feed(&body, &b->layout, b->newest.entries, count, updated);
    *cost += body.len;
    return put(b, path, digest, "application/atom+xml", newest_change(b, b->newest.entries, count),
               &body);
}

/* --- names that show what has another name --- */

static enum err put_alias(struct site_build *b, struct slice path, struct slice target, bool *done)
{
    struct site_page *page = site_find(b->site, target);
    *done = page != NULL;
    if (!page)
        return OK;
    site_page_hold(page);
    return site_put(b->site, path, page);
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
    if (e == OK && !*done)
        site_add_problem(b->site, SLICE(".config/index_page"), 1,
                         "there is no page, article or folder of this name");
    return e;
}

/* The page that was chosen, else one that is meant to be it, else all articles. */
static enum err make_front(struct site_build *b, size_t *cost)
{
    static const char *const usual[] = {"/index", "/index.md", "/README", "/README.md"};
    bool done;
    enum err e = chosen_front(b, &done);
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
        return make_tags(b);
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
    buf_init(&body, SITE_BODY_MAX);
    struct page_spec spec = {.type = "text/html", .utf8 = true, .policy = PAGE_STRICT};
    spec.status = render_error(&body, &b->layout, n);
    enum err e = page_of_buf(&b->packer, &spec, &body, &b->site->errors[n]);
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
