/* See atom.h. */
#include "lib/atom/atom.h"

#include "lib/date/text.h"
#include "lib/text/html.h"

static void put_element(struct buf *b, const char *name, struct slice text)
{
    buf_printf(b, "<%s>", name);
    html_escape(b, text);
    buf_printf(b, "</%s>\n", name);
}

static void put_html(struct buf *b, const char *name, struct slice html, struct slice base)
{
    buf_printf(b, "<%s type=\"html\" xml:base=\"", name);
    html_escape_attribute(b, base);
    buf_text(b, "\">");
    html_escape(b, html);
    buf_printf(b, "</%s>\n", name);
}

static void put_date(struct buf *b, const char *name, int64_t when)
{
    char text[DATE_RFC3339_LEN + 1];
    date_rfc3339_format(when, text);
    put_element(b, name, slice_text(text));
}

static void put_id(struct buf *b, const struct uuid *id)
{
    char text[UUID_TEXT_LEN + 1];
    uuid_format(id, text);
    buf_printf(b, "<id>urn:uuid:%s</id>\n", text);
}

static void put_link(struct buf *b, const char *relation, const char *type, struct slice target)
{
    buf_printf(b, "<link rel=\"%s\" type=\"%s\" href=\"", relation, type);
    html_escape_attribute(b, target);
    buf_text(b, "\"/>\n");
}

static void put_author(struct buf *b, struct slice name, struct slice url)
{
    buf_text(b, "<author>");
    put_element(b, "name", name);
    if (url.len)
        put_element(b, "uri", url);
    buf_text(b, "</author>\n");
}

void atom_begin(struct buf *b, const struct atom_feed *feed)
{
    buf_text(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                "<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"");
    html_escape_attribute(b, feed->language);
    buf_text(b, "\">\n");
    put_id(b, &feed->id);
    put_element(b, "title", feed->title);
    put_date(b, "updated", feed->updated);
    put_link(b, "self", "application/atom+xml", feed->self);
    put_link(b, "alternate", "text/html", feed->site);
    put_author(b, feed->author, slice_of(NULL, 0));
    buf_text(b, "<generator>canopy</generator>\n");
}

void atom_entry(struct buf *b, const struct atom_entry *entry)
{
    buf_text(b, "<entry>\n");
    put_id(b, &entry->id);
    put_element(b, "title", entry->title);
    put_date(b, "published", entry->published);
    put_date(b, "updated", entry->updated);
    put_link(b, "alternate", "text/html", entry->link);
    if (entry->author.len)
        put_author(b, entry->author, entry->author_url);
    for (size_t i = 0; i < entry->tag_count; i++) {
        buf_text(b, "<category term=\"");
        html_escape_attribute(b, entry->tags[i]);
        buf_text(b, "\"/>\n");
    }
    if (entry->summary.len)
        put_html(b, "summary", entry->summary, entry->link);
    put_html(b, "content", entry->content, entry->link);
    buf_text(b, "</entry>\n");
}

void atom_end(struct buf *b)
{
    buf_text(b, "</feed>\n");
}
