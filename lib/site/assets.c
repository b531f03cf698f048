/*
 * Assets: what pages link.
 *
 * A file that the repository brings at static/PATH takes the place of the built-in one of the same
 * path. The theme is css/style.css: a repository that brings its own has the markup to itself, and
 * the built-in theme's other parts are not linked (base.css stays: it keeps wide content inside of
 * small screens). Links carry a version, so that browsers may keep what they have.
 */
#include "lib/site/internal.h"
#include "lib/site/media.h"
#include "runtime/format.h"

enum when { ALWAYS, BUILT_IN_THEME, WITH_CODE };
enum kind { STYLE, SCRIPT, ICON, FONT };

static const struct link {
    const char *path; /* below static/ */
    enum kind kind;
    enum when when;
} links[] = {
    {"favicon.svg", ICON, ALWAYS},
    {"fonts/inter-latin-wght-normal.woff2", FONT, BUILT_IN_THEME},
    {"fonts/inter.css", STYLE, BUILT_IN_THEME},
    {"css/bootstrap.min.css", STYLE, BUILT_IN_THEME},
    {"css/base.css", STYLE, ALWAYS},
    {"css/style.css", STYLE, ALWAYS},
    {"css/highlight.css", STYLE, WITH_CODE},
    {"js/highlight.min.js", SCRIPT, WITH_CODE},
    {"js/canopy.js", SCRIPT, WITH_CODE},
};

#define THEME       "css/style.css"
#define VERSION_LEN 8

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

static enum err make_asset(struct site_build *b, const struct site_asset *asset, struct slice path)
{
    const void *identity[2] = {asset->ptr, (const void *)asset->len};
    uint8_t digest[SHA256_BYTES];
    struct site_page *page;
    sha256_of(slice_of(identity, sizeof identity), digest);
    if (build_take_over(b, path, digest))
        return OK;
    struct slice name = slice_text(asset->path);
    struct page_spec spec = {
        .status = 200, .type = media_type(name), .utf8 = true, .ranges = true, .cache = PAGE_ASSET};
    enum err e = page_of_static(b->gzip, &spec, slice_of(asset->ptr, asset->len), &page);
    return e == OK ? build_put_derived(b, path, digest, page) : e;
}

static enum err make_assets(struct site_build *b)
{
    for (size_t i = 0; i < b->options->asset_count; i++) {
        const struct site_asset *asset = &b->options->assets[i];
        struct slice name = slice_text(asset->path);
        if (has_own(b, name))
            continue;
        struct buf path;
        bool ok = true;
        buf_init(&path, 512);
        buf_printf(&path, "/static/%s", asset->path);
        struct slice key = arena_copy(&b->site->arena, buf_slice(&path), &ok);
        enum err e = path.err != OK ? path.err : ok ? make_asset(b, asset, key) : ERR_MEMORY;
        buf_deinit(&path);
        if (e != OK)
            return e;
    }
    return OK;
}

/* --- links --- */

/* NULL where there is none. */
static const struct site_page *built_in_page(const struct site_build *b, struct slice path)
{
    char full[128];
    size_t len = format_text(full, sizeof full, "/static/%.*s", SLICE_ARG(path));
    return len < sizeof full ? site_find(b->site, slice_of(full, len)) : NULL;
}

/* The version: of the object's id, or of the page's entity tag. */
static void put_version(struct site_build *b, struct buf *into, struct slice path)
{
    char hex[OID_HEX_MAX];
    const struct history_file *file = find_own(b, path);
    if (file) {
        oid_to_hex(OID_SHA1, &file->blob, hex);
        buf_printf(into, "?v=%.*s", VERSION_LEN, hex);
        if (file->changed > b->layout.changed)
            b->layout.changed = file->changed;
        return;
    }
    const struct site_page *page = built_in_page(b, path);
    buf_printf(into, "?v=%.*s", VERSION_LEN, (const char *)page->etag.ptr + 1);
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
    if (link->kind != FONT) /* the style sheet names it without a version */
        put_version(b, into, slice_text(link->path));
    buf_text(into, forms[link->kind].after);
}

static bool is_wanted(const struct site_build *b, const struct link *link)
{
    struct slice path = slice_text(link->path);
    if (has_own(b, path))
        return true;
    if (link->when == BUILT_IN_THEME && b->layout.own_theme)
        return false;
    return built_in_page(b, path) != NULL;
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

enum err build_assets(struct site_build *b)
{
    b->layout.own_theme = has_own(b, SLICE(THEME));
    enum err e = make_assets(b);
    return e == OK ? make_links(b) : e;
}
