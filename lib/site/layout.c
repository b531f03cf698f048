/*
 * The layout: what is around every page.
 *
 * The class names are those that the style sheets of existing repositories know (navbar, container,
 * flex-container, post, tags, ...). There is no inline script and no inline style.
 */
#include "lib/site/internal.h"

#include "lib/date/text.h"
#include "lib/text/html.h"
#include "lib/text/percent.h"

static void put_meta(struct buf *b, const char *attribute, const char *name, struct slice content)
{
    if (content.len == 0)
        return;
    buf_printf(b, "<meta %s=\"%s\" content=\"", attribute, name);
    html_escape_attribute(b, content);
    buf_text(b, "\">\n");
}

static void put_title(struct buf *b, const struct layout *l, struct slice title)
{
    buf_text(b, "<title>");
    if (title.len && !slice_equal(title, l->name)) {
        html_escape(b, title);
        buf_text(b, " \xC2\xB7 ");
    }
    html_escape(b, l->name);
    buf_text(b, "</title>\n");
}

/* Where the page is on the web, for those who know the site's own address. */
static void put_address(struct buf *b, const struct layout *l, const struct head *h)
{
    if (l->root.len == 0 || h->url.len == 0)
        return;
    buf_text(b, "<link rel=\"canonical\" href=\"");
    html_escape_attribute(b, l->root);
    percent_encode_path(b, h->url);
    buf_text(b, "\">\n<meta property=\"og:url\" content=\"");
    html_escape_attribute(b, l->root);
    percent_encode_path(b, h->url);
    buf_text(b, "\">\n");
}

static void put_open_graph(struct buf *b, const struct layout *l, const struct head *h)
{
    char date[DATE_RFC3339_LEN + 1];
    put_meta(b, "property", "og:title", h->title.len ? h->title : l->name);
    put_meta(b, "property", "og:site_name", l->name);
    put_meta(b, "property", "og:description", h->description);
    put_meta(b, "property", "og:type", h->article ? SLICE("article") : SLICE("website"));
    if (!h->article)
        return;
    date_rfc3339_format(h->created, date);
    put_meta(b, "property", "article:published_time", slice_text(date));
    date_rfc3339_format(h->changed, date);
    put_meta(b, "property", "article:modified_time", slice_text(date));
}

static void put_head(struct buf *b, const struct layout *l, const struct head *h)
{
    buf_text(b, "<head>\n<meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    put_title(b, l, h->title);
    put_meta(b, "name", "description", h->description);
    put_meta(b, "name", "author", h->author);
    if (h->url.len == 0)
        put_meta(b, "name", "robots", SLICE("noindex"));
    put_meta(b, "name", "color-scheme", l->light_only ? SLICE("light") : SLICE("light dark"));
    put_address(b, l, h);
    put_open_graph(b, l, h);
    buf_text(b, "<link rel=\"alternate\" type=\"application/atom+xml\" href=\"/atom\" title=\"");
    html_escape_attribute(b, l->name);
    buf_text(b, "\">\n");
    buf_put(b, l->head);
    if (h->code)
        buf_put(b, l->code_head);
    buf_text(b, "</head>\n");
}

static bool is_within(struct slice url, struct slice folder)
{
    return slice_starts(url, folder) && (url.len == folder.len || url.ptr[folder.len] == '/');
}

static void put_nav(struct buf *b, const struct layout *l, struct slice url)
{
    buf_text(b, "<nav class=\"navbar navbar-default navbar-fixed-top\" aria-label=\"Site\">\n"
                "<div class=\"container\">\n<div class=\"navbar-header\">"
                "<a class=\"navbar-brand\" href=\"/\">");
    html_escape(b, l->name);
    buf_text(b, "</a></div>\n");
    if (l->nav_count)
        buf_text(b, "<ul class=\"nav navbar-nav navbar-right\">\n");
    for (size_t i = 0; i < l->nav_count; i++) {
        buf_text(b, "<li><a href=\"");
        percent_encode_path(b, l->nav[i].url);
        bool here = is_within(url, l->nav[i].url);
        bool exactly = here && url.len == l->nav[i].url.len;
        buf_text(b, exactly ? "\" aria-current=\"page\">"
                    : here  ? "\" aria-current=\"true\">"
                            : "\">");
        html_escape(b, l->nav[i].title);
        buf_text(b, "</a></li>\n");
    }
    buf_text(b, l->nav_count ? "</ul>\n</div>\n</nav>\n" : "</div>\n</nav>\n");
}

void layout_begin(struct buf *b, const struct layout *l, const struct head *h)
{
    buf_text(b, "<!DOCTYPE html>\n<html lang=\"");
    html_escape_attribute(b, l->language);
    buf_text(b, l->light_only ? "\" class=\"own-style\">\n" : "\">\n");
    put_head(b, l, h);
    buf_text(b, "<body>\n<a class=\"skip-link\" href=\"#_main\">Skip to content</a>\n");
    put_nav(b, l, h->url);
    buf_text(b, "<main id=\"_main\" tabindex=\"-1\">\n<div class=\"flex-container\">\n");
}

void layout_end(struct buf *b, const struct layout *l)
{
    buf_text(b, "</div>\n</main>\n<footer>\n<div class=\"container\">\n<span class=\"site-name\">");
    html_escape(b, l->name);
    buf_text(b, "</span>\n<a href=\"/tags\">Tags</a>\n"
                "<a href=\"/atom\" type=\"application/atom+xml\">Feed</a>\n"
                "</div>\n</footer>\n</body>\n</html>\n");
}

static void hash_text(struct sha256 *h, struct slice text)
{
    uint64_t len = text.len;
    sha256_update(h, slice_of(&len, sizeof len));
    sha256_update(h, text);
}

void layout_digest(const struct layout *l, uint8_t into[SHA256_BYTES])
{
    struct sha256 h;
    sha256_init(&h);
    const struct slice texts[] = {l->name, l->root, l->language, l->head, l->code_head};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        hash_text(&h, texts[i]);
    for (size_t i = 0; i < l->nav_count; i++) {
        hash_text(&h, l->nav[i].url);
        hash_text(&h, l->nav[i].title);
    }
    uint8_t flags[2] = {l->light_only, l->raw_html};
    sha256_update(&h, slice_of(flags, sizeof flags));
    sha256_final(&h, into);
}

/* --- pieces that several pages show --- */

void put_date(struct buf *b, const char *class, int64_t when)
{
    char full[DATE_RFC3339_LEN + 1], day[DATE_DAY_LEN + 1];
    date_rfc3339_format(when, full);
    date_day_format(when, day);
    buf_printf(b, "<time class=\"%s\" datetime=\"%s\">%s</time>", class, full, day);
}

void put_tags(struct buf *b, const struct item *i)
{
    if (i->tag_count == 0)
        return;
    buf_text(b, "<ul class=\"tags\" aria-label=\"Tags\">\n");
    for (size_t t = 0; t < i->tag_count; t++) {
        buf_text(b, "<li><a class=\"tag\" rel=\"tag\" href=\"/tags/");
        percent_encode_path(b, i->tags[t]);
        buf_text(b, "\">");
        html_escape(b, i->tags[t]);
        buf_text(b, "</a></li>\n");
    }
    buf_text(b, "</ul>\n");
}

void put_author(struct buf *b, const struct item *i)
{
    if (i->author.len == 0)
        return;
    buf_text(b, "<span class=\"author\">");
    if (i->author_url.len) {
        buf_text(b, "<a rel=\"author\" href=\"");
        html_escape_attribute(b, i->author_url);
        buf_text(b, "\">");
    }
    html_escape(b, i->author);
    buf_text(b, i->author_url.len ? "</a></span>" : "</span>");
}
