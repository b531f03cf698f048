/* See html.h. One pass; what is open is kept in a stack. */
#include "tests/support/html.h"

#define OPEN_MAX 4096
#define IDS_MAX  4096

static const char *const elements[] = {
    "p",     "h1",  "h2",  "h3",   "h4",  "h5",     "h6",    "blockquote", "ul", "ol",
    "li",    "pre", "div", "code", "em",  "strong", "del",   "a",          "br", "hr",
    "table", "tr",  "th",  "td",   "img", "thead",  "tbody", "input",      NULL};
static const char *const empty_elements[] = {"br", "hr", "img", "input", NULL};
static const char *const attributes[] = {"href",    "src",      "alt",        "title",    "class",
                                         "id",      "start",    "type",       "disabled", "checked",
                                         "loading", "decoding", "aria-label", "tabindex", NULL};
static const char *const references[] = {"&amp;", "&lt;",  "&gt;",  "&quot;", "&#9;",
                                         "&#10;", "&#13;", "&#39;", NULL};

struct page {
    struct slice rest;
    const char *fault;
    struct slice open[OPEN_MAX]; /* names of elements */
    size_t depth;
    struct slice ids[IDS_MAX];
    size_t id_count;
};

static bool one_of(struct slice word, const char *const *list)
{
    while (*list && !slice_is(word, *list))
        list++;
    return *list != NULL;
}

static void fail(struct page *p, const char *why)
{
    if (!p->fault)
        p->fault = why;
}

static bool take(struct page *p, const char *text)
{
    bool there = slice_starts(p->rest, slice_text(text));
    if (there)
        p->rest = slice_drop(p->rest, strlen(text));
    return there;
}

static struct slice take_word(struct page *p)
{
    size_t n = 0;
    while (n < p->rest.len &&
           ((p->rest.ptr[n] >= 'a' && p->rest.ptr[n] <= 'z') ||
            (p->rest.ptr[n] >= '0' && p->rest.ptr[n] <= '9') || p->rest.ptr[n] == '-'))
        n++;
    struct slice word = slice_take(p->rest, n);
    p->rest = slice_drop(p->rest, n);
    return word;
}

static void take_reference(struct page *p)
{
    for (size_t i = 0; references[i]; i++)
        if (take(p, references[i]))
            return;
    fail(p, "a bare &");
}

/* As a browser reads it: white space and control bytes are nothing (URL Standard, 4.4). */
static bool begins_with(struct slice target, const char *scheme)
{
    for (size_t i = 0; i < target.len && *scheme; i++) {
        uint8_t c = target.ptr[i];
        if (c <= ' ')
            continue;
        if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != (uint8_t)*scheme++)
            return false;
    }
    return *scheme == 0;
}

static void check_target(struct page *p, struct slice target)
{
    bool picture = begins_with(target, "data:image/") && !begins_with(target, "data:image/svg");
    if (begins_with(target, "javascript:") || begins_with(target, "vbscript:") ||
        begins_with(target, "file:") || (begins_with(target, "data:") && !picture))
        fail(p, "an active target");
}

static void check_id(struct page *p, struct slice id)
{
    for (size_t i = 0; i < p->id_count; i++)
        if (slice_equal(p->ids[i], id))
            fail(p, "an id twice");
    if (slice_find(id, '_') < id.len)
        fail(p, "an id of the page's own");
    if (p->id_count < IDS_MAX)
        p->ids[p->id_count++] = id;
}

/* Up to the closing quote. */
static struct slice take_value(struct page *p)
{
    struct slice start = p->rest;
    while (!p->fault && p->rest.len > 0 && p->rest.ptr[0] != '"') {
        if (p->rest.ptr[0] == '&')
            take_reference(p);
        else if (p->rest.ptr[0] == '<' || p->rest.ptr[0] == '>')
            fail(p, "a bracket in a value");
        else
            p->rest = slice_drop(p->rest, 1);
    }
    struct slice value = slice_take(start, start.len - p->rest.len);
    if (!take(p, "\""))
        fail(p, "a value without end");
    return value;
}

static void take_attribute(struct page *p)
{
    struct slice name = take_word(p), value = {NULL, 0};
    if (!one_of(name, attributes))
        fail(p, "an attribute that is none of ours");
    if (take(p, "=\""))
        value = take_value(p);
    if (slice_is(name, "href") || slice_is(name, "src"))
        check_target(p, value);
    if (slice_is(name, "id"))
        check_id(p, value);
}

static void check_parent(struct page *p, struct slice name)
{
    for (size_t i = 0; i < p->depth && slice_is(name, "a"); i++)
        if (slice_is(p->open[i], "a"))
            fail(p, "a link within a link");
}

static void begin_element(struct page *p)
{
    struct slice name = take_word(p);
    if (!one_of(name, elements))
        fail(p, "an element that is none of ours");
    check_parent(p, name);
    while (!p->fault && take(p, " "))
        take_attribute(p);
    if (!take(p, ">"))
        fail(p, "a tag without end");
    if (one_of(name, empty_elements))
        return;
    if (p->depth == OPEN_MAX)
        fail(p, "elements nested too deeply");
    else
        p->open[p->depth++] = name;
}

static void end_element(struct page *p)
{
    struct slice name = take_word(p);
    if (p->depth == 0 || !slice_equal(p->open[p->depth - 1], name) || !take(p, ">"))
        fail(p, "an end that is not its element's");
    else
        p->depth--;
}

const char *html_fault(struct slice html, size_t *at)
{
    static struct page p;
    p.rest = html;
    p.fault = NULL;
    p.depth = p.id_count = 0;
    while (!p.fault && p.rest.len > 0) {
        if (take(&p, "</"))
            end_element(&p);
        else if (take(&p, "<"))
            begin_element(&p);
        else if (p.rest.ptr[0] == '&')
            take_reference(&p);
        else if (take(&p, ">"))
            fail(&p, "a bare >");
        else
            p.rest = slice_drop(p.rest, 1);
    }
    if (p.depth > 0)
        fail(&p, "an element without end");
    *at = html.len - p.rest.len;
    return p.fault;
}
