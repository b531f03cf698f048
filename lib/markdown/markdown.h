/*
 * Markdown into HTML: CommonMark 0.31 by md4c, with our own renderer.
 *
 * The text must be UTF-8 (what is not becomes U+FFFD). What is put is well-formed as long as raw
 * HTML does not pass. Memory while rendering is proportional to the text; what comes out is bounded
 * by the buffer's limit.
 */
#ifndef LIB_MARKDOWN_MARKDOWN_H
#define LIB_MARKDOWN_MARKDOWN_H

#include "runtime/buf.h"

#define MARKDOWN_TEXT_MAX   ((size_t)64 << 20)  /* longer text: ERR_LIMIT */
#define MARKDOWN_MEMORY_MAX ((size_t)256 << 20) /* while a text is read; beyond: ERR_LIMIT */
#define MARKDOWN_IDS_MAX    4096u               /* headings beyond have no id */
#define MARKDOWN_SLUG_MAX   96u                 /* bytes of an id made from a heading */

enum markdown_flag {
    /* Raw HTML passes as it stands. Without it, it is shown as text, and links that would run a
     * script (javascript:, vbscript:, data: but images, file:) lead nowhere. */
    MARKDOWN_RAW_HTML = 1,
    /* Tables, strikethrough, autolinks and task lists, beyond CommonMark. */
    MARKDOWN_EXTENSIONS = 2,
    /* For reading on the web: headings have an id, what scrolls can be reached by keyboard, images
     * are loaded when they come into view. */
    MARKDOWN_WEB = 4,
    /* A heading that the text begins with is left out: the page shows it as its title. */
    MARKDOWN_SKIP_TITLE = 8,
};

struct markdown_facts {
    bool raw_html; /* raw HTML passed */
    bool code;     /* there is a code block with a language */
};

/* facts may be NULL. ERR_LIMIT, ERR_MEMORY. */
enum err markdown_render(struct slice text, unsigned flags, struct buf *into,
                         struct markdown_facts *facts);

/* One line: spans only, blocks become text, a space between them. */
enum err markdown_inline(struct slice text, unsigned flags, struct buf *into);

/* The words of the paragraphs, for a description: no markup, no HTML, white space collapsed, at most
 * max bytes, cut at a word's end with an ellipsis. Not escaped. */
enum err markdown_plain(struct slice text, size_t max, struct buf *into);

/* The words of the first heading; nothing is put where there is none. *leads: the text begins with
 * it. Not escaped. */
enum err markdown_title(struct slice text, size_t max, struct buf *into, bool *leads);

#endif
