/* See article.h. */
#include "lib/site/article.h"

#include "lib/text/utf8.h"

struct parse {
    struct slice rest; /* lines not read yet */
    uint32_t line;     /* number of the line read last */
    struct article *into;
    struct article_fault *fault;
    bool others; /* a key besides `redirect` was there */
};

static enum err refuse(struct parse *p, uint32_t line, const char *reason)
{
    *p->fault = (struct article_fault){line, reason};
    return ERR_MALFORMED;
}

/* --- bytes --- */

static uint32_t line_at(struct slice text, size_t offset)
{
    uint32_t line = 1;
    for (size_t i = 0; i < offset; i++)
        line += text.ptr[i] == '\n';
    return line;
}

static enum err check_bytes(struct parse *p, struct slice text)
{
    size_t nul = slice_find(text, 0);
    if (nul < text.len)
        return refuse(p, line_at(text, nul),
                      "this is not text (it holds a NUL byte); files to serve as they are belong "
                      "below static/");
    if (utf8_valid(text))
        return OK;
    size_t at = 0;
    for (size_t width; (width = utf8_width(slice_drop(text, at))) > 0; at += width)
        ;
    return refuse(p, line_at(text, at), "this is not UTF-8; save the file with that encoding");
}

/* --- values --- */

static bool is_dots(struct slice tag)
{
    return slice_is(tag, ".") || slice_is(tag, "..");
}

static bool has_tag(const struct article *a, struct slice tag)
{
    for (size_t i = 0; i < a->tag_count; i++)
        if (slice_equal(a->tags[i], tag))
            return true;
    return false;
}

static enum err take_tags(struct parse *p, struct slice value)
{
    struct article *a = p->into;
    for (bool more = true; more;) {
        struct slice tag;
        more = slice_cut(value, ',', &tag, &value);
        tag = slice_trim(tag);
        if (tag.len == 0 || has_tag(a, tag))
            continue;
        if (tag.len > ARTICLE_TAG_MAX)
            return refuse(p, p->line, "a tag is longer than 128 bytes");
        if (is_dots(tag) || tag.ptr[0] == '/' || tag.ptr[tag.len - 1] == '/')
            return refuse(p, p->line, "a tag cannot be . or .., nor begin or end with /");
        if (a->tag_count == ARTICLE_TAGS_MAX)
            return refuse(p, p->line, "there are more than 64 tags");
        a->tags[a->tag_count++] = tag;
    }
    return OK;
}

static enum err take_content(struct parse *p, struct slice value)
{
    if (slice_equal_nocase(value, SLICE("markdown")))
        return OK;
    return refuse(p, p->line, "content: can only be markdown");
}

static enum err take_redirect(struct parse *p, struct slice value)
{
    if (value.len == 0)
        return refuse(p, p->line, "redirect: needs a target, such as /About");
    p->into->redirect = value;
    return OK;
}

static const struct key {
    const char *name;
    size_t offset; /* of the slice in struct article, where there is no function */
    enum err (*take)(struct parse *p, struct slice value);
} keys[] = {
    {"title", offsetof(struct article, title), NULL},
    {"author", offsetof(struct article, author), NULL},
    {"author_url", offsetof(struct article, author_url), NULL},
    {"abstract", offsetof(struct article, abstract), NULL},
    {"tags", 0, take_tags},
    {"content", 0, take_content},
    {"redirect", 0, take_redirect},
};

static const struct key *find_key(struct slice name)
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (slice_equal_nocase(name, slice_text(keys[i].name)))
            return &keys[i];
    return NULL;
}

static enum err take_value(struct parse *p, const struct key *key, struct slice value)
{
    if (value.len > ARTICLE_VALUE_MAX)
        return refuse(p, p->line, "the value is longer than 8192 bytes");
    if (utf8_has_control(value))
        return refuse(p, p->line, "the value holds a control character");
    if (key && key->take != take_redirect)
        p->others = true;
    if (key && key->take)
        return key->take(p, value);
    if (key)
        memcpy((uint8_t *)p->into + key->offset, &value, sizeof value);
    return OK;
}

static const char redirect_alone[] = "a file with redirect: can hold nothing else";

/* --- lines --- */

static bool is_rule(struct slice line)
{
    line = slice_trim(line);
    return line.len >= 3 && slice_find(line, '-') == 0 &&
           slice_equal(line, slice_take(SLICE("----------------"), line.len));
}

static bool next_line(struct parse *p, struct slice *line)
{
    p->line++;
    return slice_line(&p->rest, line);
}

static enum err take_line(struct parse *p, struct slice line)
{
    struct slice name, value;
    line = slice_trim(line);
    if (line.len == 0)
        return OK;
    if (!slice_cut(line, ':', &name, &value))
        return refuse(p, p->line,
                      p->into->redirect.len
                          ? redirect_alone
                          : "a header line needs a colon, as in \"title: My first article\"");
    return take_value(p, find_key(slice_trim(name)), slice_trim(value));
}

/* A header, from after its opening line to its closing one. */
static enum err take_header(struct parse *p, bool opened)
{
    for (struct slice line; next_line(p, &line);) {
        if (is_rule(line))
            return OK;
        if (p->line > ARTICLE_HEADER_LINES)
            return refuse(p, p->line, "the header has more than 256 lines");
        enum err e = take_line(p, line);
        if (e != OK)
            return e;
    }
    if (p->into->redirect.len && !p->others && !opened)
        return OK; /* a file of the one line needs no end of header */
    return refuse(p, p->line - 1, "the header has no end: a line --- is missing");
}

static enum err find_header(struct parse *p)
{
    struct slice first, name, value;
    struct slice after = p->rest;
    if (!slice_line(&after, &first))
        return OK;
    if (is_rule(first)) {
        p->rest = after;
        p->line = 1;
        return take_header(p, true);
    }
    if (slice_cut(first, ':', &name, &value) && find_key(slice_trim(name)))
        return take_header(p, false);
    return OK;
}

enum err article_parse(struct slice text, struct article *into, struct article_fault *fault)
{
    *into = (struct article){0};
    *fault = (struct article_fault){0};
    if (slice_starts(text, SLICE("\xEF\xBB\xBF")))
        text = slice_drop(text, 3);
    struct parse p = {.rest = text, .into = into, .fault = fault};
    enum err e = check_bytes(&p, text);
    if (e == OK)
        e = find_header(&p);
    if (e != OK)
        return e;
    into->body = p.rest;
    if (into->redirect.len && (p.others || slice_trim(p.rest).len > 0))
        return refuse(&p, 0, redirect_alone);
    return OK;
}
