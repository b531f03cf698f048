/* Lists: the articles of a folder or a tag, and all tags. */
#include "lib/site/internal.h"
#include "lib/text/html.h"
#include "lib/text/percent.h"
#include "runtime/format.h"

void render_listed(struct buf *b, const struct item *i)
{
    buf_text(
        b, "<article class=\"list-group-item\">\n<h2 class=\"list-group-item-heading\"><a href=\"");
    percent_encode_path(b, i->url);
    buf_text(b, "\">");
    html_escape(b, i->title);
    buf_text(b, "</a></h2>\n<p class=\"list-group-item-meta\">");
    put_date(b, "date", i->created);
    buf_byte(b, ' ');
    put_author(b, i);
    buf_text(b, "</p>\n");
    if (i->abstract.len) {
        buf_text(b, "<p class=\"list-group-item-text abstract\">");
        buf_put(b, i->abstract);
        buf_text(b, "</p>\n");
    }
    put_tags(b, i);
    buf_text(b, "</article>\n");
}

void render_listing_begin(struct buf *b, const struct layout *l, const struct listing *list)
{
    char count[48];
    format_text(count, sizeof count, list->count == 1 ? "%zu article" : "%zu articles",
                list->count);
    struct head h = {.title = list->title, .url = list->url, .description = slice_text(count)};
    layout_begin(b, l, &h);
    buf_text(b, "<div class=\"list-group listing\">\n<header>\n<h1>");
    html_escape(b, list->title);
    buf_printf(b, "</h1>\n<p class=\"count\">%s</p>\n</header>\n", count);
}

void render_listing_end(struct buf *b, const struct layout *l)
{
    buf_text(b, "</div>\n");
    layout_end(b, l);
}

void render_tags(struct buf *b, const struct layout *l, const struct listing *lists, size_t count)
{
    struct head h = {.title = SLICE("Tags"), .url = SLICE("/tags")};
    layout_begin(b, l, &h);
    buf_text(b, "<div class=\"listing\">\n<h1>Tags</h1>\n");
    buf_text(b, count ? "<ul class=\"tags all-tags\">\n" : "<p>No article has a tag yet.</p>\n");
    for (size_t i = 0; i < count; i++) {
        buf_text(b, "<li><a class=\"tag\" href=\"");
        percent_encode_path(b, lists[i].url);
        buf_text(b, "\">");
        html_escape(b, lists[i].title);
        buf_printf(b, "</a> <span class=\"count\">%zu</span></li>\n", lists[i].count);
    }
    buf_text(b, count ? "</ul>\n</div>\n" : "</div>\n");
    layout_end(b, l);
}
