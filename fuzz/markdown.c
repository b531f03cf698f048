/*
 * Markdown: ends, keeps its bounds, and without raw HTML puts none of the author's tags.
 *
 * The first byte picks the flags.
 */
#include "lib/markdown/markdown.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUTPUT_MAX (4u << 20)

/* Tags that only an author could have written. */
static void no_foreign_tags(struct slice html)
{
    static const char *const tags[] = {"<script", "<iframe", "<style", "<object", "<svg", "<b>"};
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++)
        if (slice_search(html, slice_text(tags[i])) < html.len)
            abort();
    if (slice_search(html, SLICE("<a href=\"javascript:")) < html.len ||
        slice_search(html, SLICE("<img src=\"javascript:")) < html.len)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf out;
    bool leads;
    if (size == 0)
        return 0;
    unsigned flags = data[0] & 15;
    struct slice text = slice_of(data + 1, size - 1);
    buf_init(&out, OUTPUT_MAX);
    if (markdown_render(text, flags, &out, NULL) == OK && !(flags & MARKDOWN_RAW_HTML))
        no_foreign_tags(buf_slice(&out));
    buf_clear(&out);
    if (markdown_inline(text, flags & ~(unsigned)MARKDOWN_RAW_HTML, &out) == OK)
        no_foreign_tags(buf_slice(&out));
    buf_clear(&out);
    markdown_plain(text, 200, &out);
    if (out.err == OK && out.len > 200 + 3)
        abort();
    buf_clear(&out);
    markdown_title(text, 200, &out, &leads);
    if (out.err == OK && out.len > 200 + 3)
        abort();
    buf_deinit(&out);
    return 0;
}
