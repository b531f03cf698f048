/*
 * Assets: what pages link.
 *
 * A file that the repository brings at static/PATH takes the place of the built-in one of the same
 * path; css/style.css, which is not built in, comes after all others. Links to built-in
 * assets carry a version, so that browsers may keep what they have; those to the repository's own do
 * not: a change of them changes no page.
 */
#include "lib/site/internal.h"
#include "lib/site/media.h"
#include "runtime/format.h"

enum when { ALWAYS, WITHOUT_OWN_STYLE, WITH_CODE };
enum kind { STYLE, SCRIPT, ICON, FONT };

static const struct link {
    const char *path; /* below static/ */
    enum kind kind;
    enum when when;
} links[] = {
    {"favicon.svg", ICON, ALWAYS},
    {"fonts/inter-latin-wght-normal.woff2", FONT, WITHOUT_OWN_STYLE},
    {"fonts/inter.css", STYLE, ALWAYS},
    {"css/bootstrap.min.css", STYLE, ALWAYS},
    {"css/canopy.css", STYLE, ALWAYS},
    {"css/highlight.css", STYLE, WITH_CODE},
    {"js/highlight.min.js", SCRIPT, WITH_CODE},
    {"js/canopy.js", SCRIPT, WITH_CODE},
    {"css/style.css", STYLE, ALWAYS},
};

#define OWN_STYLE      "css/style.css"
#define OWN_ICON       "favicon.ico"
#define ASSET_PATH_MAX 512

/* The beginning of its entity tag. */
static void put_version(struct buf *into, const struct site_page *page)
{
    const uint8_t *digest = page_digest(page);
    buf_printf(into, "?v=%02x%02x%02x%02x", digest[0], digest[1], digest[2], digest[3]);
}

static const struct history_file *find_own(const struct site_build *b, struct slice path)
{
    char full[128];
    size_t len = format_text(full, sizeof full, "static/%.*s", SLICE_ARG(path));
    return len < sizeof full ? history_find(b->history, slice_of(full, len)) : NULL;
}

static bool has_own(const struct site_build *b, struct slice path)
{
    const struct history_file *file = find_own(b, path);
    return file && (file->mode == GIT_MODE_FILE || file->mode == GIT_MODE_EXEC);
}

/* --- pages --- */

/* Puts an asset under this path, made of the page that it has already under another. */
static enum err put_asset(struct site_build *b, const struct site_asset *asset, struct slice path,
                          enum page_cache cache, struct site_page *other)
{
    const void *identity[2] = {asset->ptr, (const void *)asset->len};
    uint8_t digest[SHA256_BYTES];
    struct site_page *page;
    sha256_of(slice_of(identity, sizeof identity), digest);
    bool taken;
    enum err e = build_take_over(b, path, digest, &taken);
    if (e != OK || taken)
        return e;
    struct page_spec spec = {.status = 200,
                             .type = media_type(slice_text(asset->path)),
                             .utf8 = true,
                             .ranges = true,
                             .cache = cache};
    e = other ? page_of_page(&spec, other, &page) : page_of_asset(&spec, asset, &page);
    return e == OK ? build_put_derived(b, path, digest, page) : e;
}

/* Into the site's memory; the text is given back. */
static enum err keep_path(struct site_build *b, struct buf *text, struct slice *into)
{
    bool ok = true;
    *into = arena_copy(&b->site->arena, buf_slice(text), &ok);
    enum err e = text->err != OK ? text->err : ok ? OK : ERR_MEMORY;
    buf_deinit(text);
    return e;
}

/* Style sheets name fonts without a version; a font of one name does not change. */
static bool is_for_ever(const struct site_asset *asset)
{
    return slice_starts(slice_text(media_type(slice_text(asset->path))), SLICE("font/"));
}

/* Under its bare name, which the repository may take tomorrow, and under one with its version. */
static enum err make_asset(struct site_build *b, const struct site_asset *asset)
{
    struct slice path, versioned;
    struct buf text;
    buf_init(&text, ASSET_PATH_MAX);
    buf_printf(&text, "/static/%s", asset->path);
    enum err e = keep_path(b, &text, &path);
    if (e == OK)
        e = put_asset(b, asset, path, is_for_ever(asset) ? PAGE_ASSET : PAGE_HOURLY, NULL);
    struct site_page *bare = e == OK ? site_find(b->site, path) : NULL;
    if (!bare || is_for_ever(asset))
        return e;
    buf_put(&text, path);
    put_version(&text, bare);
    e = keep_path(b, &text, &versioned);
    return e == OK ? put_asset(b, asset, versioned, PAGE_ASSET, bare) : e;
}

static enum err make_assets(struct site_build *b)
{
    enum err e = OK;
    for (size_t i = 0; e == OK && i < b->options->asset_count; i++)
        if (!has_own(b, slice_text(b->options->assets[i].path)))
            e = make_asset(b, &b->options->assets[i]);
    return e;
}

/* --- links --- */

/* NULL where there is none. */
static const struct site_page *built_in_page(const struct site_build *b, struct slice path)
{
    char full[128];
    size_t len = format_text(full, sizeof full, "/static/%.*s", SLICE_ARG(path));
    return len < sizeof full ? site_find(b->site, slice_of(full, len)) : NULL;
}

static void put_version_of_link(struct site_build *b, struct buf *into, const struct link *link)
{
    struct slice path = slice_text(link->path);
    const struct site_page *page = built_in_page(b, path);
    if (page && !has_own(b, path) && link->kind != FONT) /* inter.css names it without */
        put_version(into, page);
}

static void put_link(struct site_build *b, struct buf *into, const struct link *link)
{
    static const struct {
        const char *before, *after;
    } forms[] = {
        [STYLE] = {"<link rel=\"stylesheet\" href=\"/static/", "\">\n"},
        [SCRIPT] = {"<script defer src=\"/static/", "\"></script>\n"},
        [ICON] = {"<link rel=\"icon\" type=\"image/svg+xml\" href=\"/static/", "\">\n"},
        [FONT] = {"<link rel=\"preload\" as=\"font\" type=\"font/woff2\" crossorigin "
                  "href=\"/static/",
                  "\">\n"},
    };
    buf_text(into, forms[link->kind].before);
    buf_text(into, link->path);
    put_version_of_link(b, into, link);
    buf_text(into, forms[link->kind].after);
}

/* The one that browsers ask for without a link. */
static bool has_own_icon(const struct site_build *b)
{
    return has_own(b, SLICE(OWN_ICON)) || history_find(b->history, SLICE(OWN_ICON)) != NULL;
}

static bool is_wanted(const struct site_build *b, const struct link *link)
{
    struct slice path = slice_text(link->path);
    if (link->when == WITHOUT_OWN_STYLE && has_own(b, SLICE(OWN_STYLE)))
        return false;
    if (link->kind == ICON && !has_own(b, path) && has_own_icon(b))
        return false; /* a link would be preferred to it */
    return has_own(b, path) || built_in_page(b, path) != NULL;
}

static enum err make_links(struct site_build *b)
{
    struct buf head, code;
    bool ok = true;
    buf_init(&head, 8192);
    buf_init(&code, 8192);
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
        if (is_wanted(b, &links[i]))
            put_link(b, links[i].when == WITH_CODE ? &code : &head, &links[i]);
    b->layout.head = arena_copy(&b->arena, buf_slice(&head), &ok);
    b->layout.code_head = arena_copy(&b->arena, buf_slice(&code), &ok);
    enum err e = head.err != OK ? head.err : code.err != OK ? code.err : ok ? OK : ERR_MEMORY;
    buf_deinit(&head);
    buf_deinit(&code);
    return e;
}

/* A style sheet that mentions the scheme has rules for dark grounds; others count on a light one. */
static enum err find_scheme(struct site_build *b)
{
    struct store_object object;
    b->layout.light_only = has_own(b, SLICE(OWN_STYLE));
    if (!b->layout.light_only)
        return OK;
    const struct history_file *file = find_own(b, SLICE(OWN_STYLE));
    enum err e = store_read_as(b->store, &file->blob, GIT_BLOB, &object);
    if (e != OK)
        return e == ERR_MEMORY ? e : OK; /* that it cannot be read is said where it is served */
    struct slice scheme = SLICE("prefers-color-scheme");
    b->layout.light_only = slice_search(object.content, scheme) == object.content.len;
    store_release(&object);
    return OK;
}

enum err build_assets(struct site_build *b)
{
    enum err e = find_scheme(b);
    if (e == OK)
        e = make_assets(b);
    return e == OK ? make_links(b) : e;
}
