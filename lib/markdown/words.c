/*
 * Less than a page: a line of spans, the words of the paragraphs, the words of the first heading.
 */
#include "lib/markdown/internal.h"

#include "lib/text/html.h"

/* --- one line --- */

/* The text is made one line first, so that it is one paragraph; what a line alone can be besides (a
 * heading, a list, a rule) was not meant, and is shown as it was written. */
enum err markdown_inline(struct slice text, unsigned flags, struct buf *into)
{
    struct buf line, html;
    buf_init(&line, into->max);
    buf_init(&html, into->max);
    for (struct slice rest = text, part; slice_line(&rest, &part);) {
        part = slice_trim(part);
        if (part.len && line.len)
            buf_byte(&line, ' ');
        buf_put(&line, part);
    }
    enum err e = line.err;
    if (e == OK)
        e = markdown_render(buf_slice(&line), flags & ~(unsigned)MARKDOWN_WEB, &html, NULL);
    struct slice made = slice_trim(buf_slice(&html));
    bool paragraph = slice_starts(made, SLICE("<p>")) && slice_ends(made, SLICE("</p>")) &&
                     slice_search(slice_drop(made, 1), SLICE("<p>")) == made.len - 1;
    if (e == OK && paragraph)
        buf_put(into, slice_take(slice_drop(made, 3), made.len - 7));
    else if (e == OK)
        html_escape(into, buf_slice(&line));
    buf_deinit(&line);
    buf_deinit(&html);
    return e != OK ? e : into->err;
}

/* --- words --- */

struct words {
    struct parse_memory memory; /* first: md4c's */
    struct buf *into;
    size_t max;
    MD_BLOCKTYPE wanted; /* text of these blocks only */
    unsigned blocks;     /* begun so far */
    bool inside;
    bool space;  /* white space is due before the next word */
    bool leads;  /* the wanted block was the first */
    bool cut;    /* more than max */
    bool single; /* one block is enough */
    bool done;   /* and it was there */
};

enum { STOP = -1 }; /* md4c goes on after positive answers */

#define ENTITY_MAX 64 /* bytes of what an entity stands for, or of its name if it is none */

static int enter_block(MD_BLOCKTYPE type, void *detail, void *arg)
{
    struct words *w = arg;
    (void)detail;
    if (type == w->wanted && !w->done) {
        w->inside = true;
        w->leads = w->blocks == 0;
        w->space = w->into->len > 0;
    }
    if (type != MD_BLOCK_DOC)
        w->blocks = 1;
    return 0;
}

static int leave_block(MD_BLOCKTYPE type, void *detail, void *arg)
{
    struct words *w = arg;
    (void)detail;
    if (type != w->wanted)
        return 0;
    w->inside = false;
    w->done = w->single;
    return w->done ? STOP : 0;
}

static int ignore_span(MD_SPANTYPE type, void *detail, void *arg)
{
    (void)type;
    (void)detail;
    (void)arg;
    return 0;
}

/* No further than there is room: what goes beyond is cut off. */
static void put_words(struct words *w, struct slice text)
{
    for (size_t i = 0; i < text.len && w->into->len <= w->max; i++) {
        uint8_t c = text.ptr[i];
        if (c <= ' ') {
            w->space = w->into->len > 0;
            continue;
        }
        if (w->space)
            buf_byte(w->into, ' ');
        w->space = false;
        buf_byte(w->into, c);
    }
}

static void put_entity(struct words *w, struct slice entity)
{
    struct buf characters;
    buf_init(&characters, ENTITY_MAX);
    entity_put(&characters, entity);
    put_words(w, buf_slice(&characters));
    if (characters.err != OK)
        w->into->err = characters.err;
    buf_deinit(&characters);
}

static int on_text(MD_TEXTTYPE type, const MD_CHAR *ptr, MD_SIZE size, void *arg)
{
    struct words *w = arg;
    if (!w->inside || type == MD_TEXT_HTML)
        return 0;
    if (type == MD_TEXT_BR || type == MD_TEXT_SOFTBR)
        w->space = w->into->len > 0;
    else if (type == MD_TEXT_ENTITY)
        put_entity(w, md_slice(ptr, size));
    else if (type != MD_TEXT_NULLCHAR)
        put_words(w, md_slice(ptr, size));
    w->cut = w->into->len > w->max;
    return w->cut || w->into->err != OK ? STOP : 0;
}

/* Ends at the last word that fits, or at the last whole character where there is one long word. */
static void cut_to(struct buf *b, size_t max)
{
    size_t end = max;
    while (end > 0 && b->ptr[end] != ' ')
        end--;
    if (end < max / 2) {
        end = max;
        while (end > 0 && (b->ptr[end] & 0xC0) == 0x80)
            end--;
    }
    b->len = end;
    buf_text(b, "\xE2\x80\xA6");
}

static enum err gather(struct slice text, struct words *w, struct buf *into)
{
    struct buf found;
    buf_init(&found, w->max + MARKDOWN_TEXT_MAX);
    w->into = &found;
    MD_PARSER parser = {.flags = EXTENSION_FLAGS,
                        .enter_block = enter_block,
                        .leave_block = leave_block,
                        .enter_span = ignore_span,
                        .leave_span = ignore_span,
                        .text = on_text};
    enum err e = parse_text(text, &parser, &w->memory);
    if (found.err != OK)
        e = found.err;
    if (e == OK && w->cut)
        cut_to(&found, w->max);
    if (e == OK)
        buf_put(into, buf_slice(&found));
    buf_deinit(&found);
    return e != OK ? e : into->err;
}

enum err markdown_plain(struct slice text, size_t max, struct buf *into)
{
    struct words w = {.wanted = MD_BLOCK_P, .max = max};
    return gather(text, &w, into);
}

enum err markdown_title(struct slice text, size_t max, struct buf *into, bool *leads)
{
    struct words w = {.wanted = MD_BLOCK_H, .max = max, .single = true};
    enum err e = gather(text, &w, into);
    *leads = w.leads;
    return e;
}
