/* One article: title, who, when, tags, text. */
#include "lib/markdown/markdown.h"
#include "lib/site/internal.h"
#include "lib/text/html.h"

/* The abstract's words, else the first of the text. */
static enum err describe(const struct article *a, struct buf *into)
{
    return markdown_plain(a->abstract.len ? a->abstract : a->body, DESCRIPTION_MAX, into);
}

static void put_facts(struct buf *b, const struct item *i)
{
    bool updated = i->changed / 86400 != i->created / 86400;
    buf_text(b, "<p class=\"post-meta\">");
    if (i->author.len) {
        put_author(b, i);
        buf_byte(b, ' ');
    }
    buf_text(b, "<span class=\"date\">Published ");
    put_date(b, "published", i->created);
    if (updated) {
        buf_text(b, ", updated ");
        put_date(b, "updated", i->changed);
    }
    buf_text(b, "</span></p>\n");
}

static void put_post(struct buf *b, const struct item *i, struct slice html, struct span *content)
{
    buf_text(b, "<article class=\"post\">\n<header>\n<h1 class=\"post-title\">");
    html_escape(b, i->title);
    buf_text(b, "</h1>\n");
    put_facts(b, i);
    put_tags(b, i);
    buf_text(b, "</header>\n<div class=\"post-body\">\n");
    *content = (struct span){b->len, html.len};
    buf_put(b, html);
    buf_text(b, "</div>\n</article>\n");
}

enum err render_article(struct buf *b, const struct layout *l, const struct item *i,
                        const struct article *a, struct rendered *into)
{
    struct buf html, description;
    struct markdown_facts facts = {0};
    unsigned flags = MARKDOWN_EXTENSIONS | MARKDOWN_WEB;
    flags |= (l->raw_html ? MARKDOWN_RAW_HTML : 0u) | (i->skip_title ? MARKDOWN_SKIP_TITLE : 0u);
    buf_init(&html, SITE_PAGE_MAX);
    buf_init(&description, SITE_ARTICLE_MAX * 2);
    enum err e = markdown_render(a->body, flags, &html, &facts);
    if (e == OK)
        e = describe(a, &description);
    if (e == OK) {
        struct head h = {.title = i->title,
                         .description = buf_slice(&description),
                         .url = i->url,
                         .author = i->author,
                         .created = i->created,
                         .changed = i->changed,
                         .article = true,
                         .code = facts.code};
        layout_begin(b, l, &h);
        put_post(b, i, buf_slice(&html), &into->content);
        layout_end(b, l);
        into->authors_html = facts.raw_html;
        e = b->err;
    }
    buf_deinit(&html);
    buf_deinit(&description);
    return e;
}
