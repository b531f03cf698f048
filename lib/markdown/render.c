/*
 * The renderer: md4c walks the text and calls for every block, span and run of text; we put HTML.
 *
 * The HTML of a heading is gathered apart, since its id, which stands before it, is made of its
 * words. Inside of an image's description only text is put: it becomes the alt attribute.
 */
#include "lib/markdown/internal.h"

#include "lib/text/html.h"

#define SPANS_SEARCHED \
    64u /* for the beginning of one that ends; it is the innermost nearly always */

struct render {
    struct parse_memory memory; /* first: md4c's */
    struct buf *out;            /* the document, or `heading` while one is read */
    struct buf *document;
    struct buf heading;
    struct buf words;   /* of the heading */
    struct buf scratch; /* a decoded attribute */
    struct buf spans;   /* types of those that are begun, a byte each; no images */
    struct slugs slugs;
    struct markdown_facts facts;
    unsigned flags;
    unsigned images; /* how deep in descriptions of images */
    unsigned inner;  /* links within the one that is begun: only their text is put */
    unsigned blocks; /* begun so far, without the document itself */
    size_t cell;     /* where the content of the present header cell begins */
    bool in_heading;
    bool skipping; /* the heading that the text begins with */
    bool in_link;
};

/* The first error of whatever we write to. */
static enum err error_of(const struct render *r)
{
    const struct buf *const all[] = {r->document, &r->heading, &r->words, &r->scratch, &r->spans};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i]->err != OK)
            return all[i]->err;
    return r->slugs.err;
}

/* What a callback answers: md4c stops at a negative number only. */
static int failed(const struct render *r)
{
    return error_of(r) == OK ? 0 : -1;
}

static bool web(const struct render *r)
{
    return (r->flags & MARKDOWN_WEB) != 0;
}

/* Empty, but for an error: that stays. */
static void clear_scratch(struct render *r)
{
    if (r->scratch.err == OK)
        buf_clear(&r->scratch);
}

/* The attribute's characters, valid until the next call. */
static struct slice decoded(struct render *r, const MD_ATTRIBUTE *attribute)
{
    clear_scratch(r);
    attribute_put(&r->scratch, attribute);
    return buf_slice(&r->scratch);
}

static void put_target(struct render *r, const MD_ATTRIBUTE *target)
{
    struct slice link = decoded(r, target);
    if ((r->flags & MARKDOWN_RAW_HTML) || !link_is_active(link))
        link_put(r->out, link);
}

static void put_title(struct render *r, const MD_ATTRIBUTE *title)
{
    if (!title->text)
        return;
    buf_text(r->out, " title=\"");
    html_escape_attribute(r->out, decoded(r, title));
    buf_byte(r->out, '"');
}

/* --- the ends of spans ---
 *
 * Those that are begun are noted, so that each is ended, in its turn and within its block: md4c takes a
 * mark within a link's target or title for an end of an emphasis, and then tells only the other. */

static const char *span_tag(MD_SPANTYPE type)
{
    switch (type) {
    case MD_SPAN_EM:
        return "em";
    case MD_SPAN_STRONG:
        return "strong";
    case MD_SPAN_CODE:
        return "code";
    case MD_SPAN_DEL:
        return "del";
    default:
        return NULL;
    }
}

/* Ends the innermost spans, down to so many. */
static void end_spans(struct render *r, size_t depth)
{
    while (r->spans.len > depth) {
        uint8_t type = r->spans.ptr[--r->spans.len];
        r->in_link = r->in_link && type != MD_SPAN_A;
        buf_printf(r->out, "</%s>", type == MD_SPAN_A ? "a" : span_tag(type));
    }
}

/* All of a block's. */
static void end_all_spans(struct render *r)
{
    end_spans(r, 0);
    r->inner = 0;
}

/* An end without a beginning, or with one that is far away, is none. */
static void end_span(struct render *r, MD_SPANTYPE type)
{
    size_t depth = r->spans.len, least = depth > SPANS_SEARCHED ? depth - SPANS_SEARCHED : 0;
    while (depth > least && r->spans.ptr[depth - 1] != type)
        depth--;
    if (depth > least)
        end_spans(r, depth - 1);
}

/* --- blocks --- */

static void begin_heading(struct render *r)
{
    r->in_heading = true;
    r->skipping = r->blocks == 1 && (r->flags & MARKDOWN_SKIP_TITLE);
    r->heading.len = r->words.len = 0; /* errors stay */
    r->out = &r->heading;
}

static void end_heading(struct render *r, unsigned level)
{
    r->out = r->document;
    r->in_heading = false;
    if (r->skipping) {
        r->skipping = false;
        return;
    }
    struct slice id = slice_of(NULL, 0);
    if (web(r))
        id = slugs_take(&r->slugs, buf_slice(&r->words));
    if (id.len)
        buf_printf(r->out, "<h%u id=\"%.*s\">", level, SLICE_ARG(id));
    else
        buf_printf(r->out, "<h%u>", level);
    buf_put(r->out, buf_slice(&r->heading));
    buf_printf(r->out, "</h%u>\n", level);
}

static void begin_list(struct render *r, const MD_BLOCK_OL_DETAIL *d)
{
    if (d->start == 1)
        buf_text(r->out, "<ol>\n");
    else
        buf_printf(r->out, "<ol start=\"%u\">\n", d->start);
}

static void begin_item(struct render *r, const MD_BLOCK_LI_DETAIL *d)
{
    if (!d->is_task) {
        buf_text(r->out, "<li>");
        return;
    }
    bool done = d->task_mark != ' ';
    buf_printf(r->out, "<li class=\"task\"><input type=\"checkbox\" disabled%s aria-label=\"%s\"> ",
               done ? " checked" : "", done ? "done" : "to do");
}

static void begin_code(struct render *r, const MD_BLOCK_CODE_DETAIL *d)
{
    buf_text(r->out, web(r) ? "<pre tabindex=\"0\"><code" : "<pre><code");
    if (d->lang.text && d->lang.size) {
        r->facts.code = true;
        buf_text(r->out, " class=\"language-");
        html_escape_attribute(r->out, decoded(r, &d->lang));
        buf_byte(r->out, '"');
    }
    buf_byte(r->out, '>');
}

static void begin_cell(struct render *r, const char *tag, const MD_BLOCK_TD_DETAIL *d)
{
    static const char *const classes[] = {
        [MD_ALIGN_DEFAULT] = "",
        [MD_ALIGN_LEFT] = " class=\"text-start\"",
        [MD_ALIGN_CENTER] = " class=\"text-center\"",
        [MD_ALIGN_RIGHT] = " class=\"text-end\"",
    };
    buf_printf(r->out, "<%s%s>", tag, classes[d->align]);
    r->cell = r->out->len;
}

/* A header without words heads nothing: on the web it is a cell like others. */
static void end_header_cell(struct render *r)
{
    uint8_t *tag = r->out->ptr + r->cell;
    if (!web(r) || failed(r) || r->out->len > r->cell) {
        buf_text(r->out, "</th>\n");
        return;
    }
    while (*--tag != '<')
        ;
    tag[2] = 'd';
    buf_text(r->out, "</td>\n");
}

/* What is put for a block that needs no thought. */
static const struct {
    const char *begin, *end;
} plain_blocks[] = {
    [MD_BLOCK_DOC] = {"", ""},
    [MD_BLOCK_QUOTE] = {"<blockquote>\n", "</blockquote>\n"},
    [MD_BLOCK_UL] = {"<ul>\n", "</ul>\n"},
    [MD_BLOCK_OL] = {NULL, "</ol>\n"},
    [MD_BLOCK_LI] = {NULL, "</li>\n"},
    [MD_BLOCK_HR] = {"<hr>\n", ""},
    [MD_BLOCK_H] = {NULL, NULL},
    [MD_BLOCK_CODE] = {NULL, "</code></pre>\n"},
    [MD_BLOCK_HTML] = {"", ""},
    [MD_BLOCK_P] = {"<p>", "</p>\n"},
    [MD_BLOCK_TABLE] = {NULL, NULL},
    [MD_BLOCK_THEAD] = {"<thead>\n", "</thead>\n"},
    [MD_BLOCK_TBODY] = {"<tbody>\n", "</tbody>\n"},
    [MD_BLOCK_TR] = {"<tr>\n", "</tr>\n"},
    [MD_BLOCK_TH] = {NULL, NULL},
    [MD_BLOCK_TD] = {NULL, "</td>\n"},
};

static int enter_block(MD_BLOCKTYPE type, void *detail, void *arg)
{
    struct render *r = arg;
    end_all_spans(r);
    if (type != MD_BLOCK_DOC && r->blocks < 2)
        r->blocks++;
    if (plain_blocks[type].begin)
        buf_text(r->out, plain_blocks[type].begin);
    else if (type == MD_BLOCK_H)
        begin_heading(r);
    else if (type == MD_BLOCK_OL)
        begin_list(r, detail);
    else if (type == MD_BLOCK_LI)
        begin_item(r, detail);
    else if (type == MD_BLOCK_CODE)
        begin_code(r, detail);
    else if (type == MD_BLOCK_TABLE)
        buf_text(r->out, web(r) ? "<div class=\"table-responsive\" tabindex=\"0\">"
                                  "<table class=\"table\">\n"
                                : "<table>\n");
    else
        begin_cell(r, type == MD_BLOCK_TH ? "th" : "td", detail);
    return failed(r);
}

static int leave_block(MD_BLOCKTYPE type, void *detail, void *arg)
{
    struct render *r = arg;
    end_all_spans(r);
    if (plain_blocks[type].end)
        buf_text(r->out, plain_blocks[type].end);
    else if (type == MD_BLOCK_H)
        end_heading(r, ((const MD_BLOCK_H_DETAIL *)detail)->level);
    else if (type == MD_BLOCK_TH)
        end_header_cell(r);
    else
        buf_text(r->out, web(r) ? "</table></div>\n" : "</table>\n");
    return failed(r);
}

/* --- spans --- */

static void begin_link(struct render *r, const MD_SPAN_A_DETAIL *d)
{
    buf_text(r->out, "<a href=\"");
    put_target(r, &d->href);
    buf_byte(r->out, '"');
    put_title(r, &d->title);
    buf_byte(r->out, '>');
}

static void begin_image(struct render *r, const MD_SPAN_IMG_DETAIL *d)
{
    buf_text(r->out, "<img src=\"");
    put_target(r, &d->src);
    buf_text(r->out, "\" alt=\"");
}

static void end_image(struct render *r, const MD_SPAN_IMG_DETAIL *d)
{
    buf_byte(r->out, '"');
    put_title(r, &d->title);
    buf_text(r->out, web(r) ? " loading=\"lazy\" decoding=\"async\">" : ">");
}

static int enter_span(MD_SPANTYPE type, void *detail, void *arg)
{
    struct render *r = arg;
    bool described = r->images > 0;
    if (type == MD_SPAN_IMG)
        r->images++;
    if (described)
        return failed(r);
    if (type == MD_SPAN_A && r->in_link) { /* md4c finds addresses within a link's text too */
        r->inner++;
        return failed(r);
    }
    const char *tag = span_tag(type);
    if (tag)
        buf_printf(r->out, "<%s>", tag);
    else if (type == MD_SPAN_A)
        begin_link(r, detail);
    else if (type == MD_SPAN_IMG)
        begin_image(r, detail);
    if (tag || type == MD_SPAN_A)
        buf_byte(&r->spans, (uint8_t)type);
    r->in_link = r->in_link || type == MD_SPAN_A;
    return failed(r);
}

static int leave_span(MD_SPANTYPE type, void *detail, void *arg)
{
    struct render *r = arg;
    if (type == MD_SPAN_IMG)
        r->images--;
    if (r->images > 0)
        return failed(r);
    if (type == MD_SPAN_IMG)
        end_image(r, detail);
    else if (type == MD_SPAN_A && r->inner > 0)
        r->inner--;
    else
        end_span(r, type);
    return failed(r);
}

/* --- text --- */

static void put_text(struct render *r, struct slice text)
{
    if (r->images > 0)
        html_escape_attribute(r->out, text);
    else
        html_escape(r->out, text);
    if (r->in_heading)
        buf_put(&r->words, text);
}

static void put_entity(struct render *r, struct slice entity)
{
    clear_scratch(r);
    entity_put(&r->scratch, entity);
    put_text(r, buf_slice(&r->scratch));
}

static int on_text(MD_TEXTTYPE type, const MD_CHAR *ptr, MD_SIZE size, void *arg)
{
    struct render *r = arg;
    struct slice text = md_slice(ptr, size);
    switch (type) {
    case MD_TEXT_NULLCHAR:
        put_text(r, SLICE("\xEF\xBF\xBD"));
        break;
    case MD_TEXT_BR:
        buf_text(r->out, r->images ? " " : "<br>\n");
        break;
    case MD_TEXT_SOFTBR:
        put_text(r, r->images ? SLICE(" ") : SLICE("\n"));
        break;
    case MD_TEXT_HTML:
        r->facts.raw_html = true;
        if (!r->images)
            buf_put(r->out, text);
        break;
    case MD_TEXT_ENTITY:
        put_entity(r, text);
        break;
    default:
        put_text(r, text);
    }
    return failed(r);
}

/* --- the whole --- */

enum err markdown_render(struct slice text, unsigned flags, struct buf *into,
                         struct markdown_facts *facts)
{
    struct render r = {.out = into, .document = into, .flags = flags};
    buf_init(&r.heading, into->max);
    buf_init(&r.words, into->max);
    buf_init(&r.scratch, into->max);
    buf_init(&r.spans, into->max);
    slugs_init(&r.slugs);
    MD_PARSER parser = {.flags = (flags & MARKDOWN_EXTENSIONS ? EXTENSION_FLAGS : 0u) |
                                 (flags & MARKDOWN_RAW_HTML ? 0u : MD_FLAG_NOHTML),
                        .enter_block = enter_block,
                        .leave_block = leave_block,
                        .enter_span = enter_span,
                        .leave_span = leave_span,
                        .text = on_text};
    enum err e = parse_text(text, &parser, &r.memory);
    if (error_of(&r) != OK)
        e = error_of(&r);
    if (facts)
        *facts = r.facts;
    buf_deinit(&r.heading);
    buf_deinit(&r.words);
    buf_deinit(&r.scratch);
    buf_deinit(&r.spans);
    slugs_deinit(&r.slugs);
    return e;
}
