/*
 * Markdown: ends, keeps its bounds, and where raw HTML does not pass puts well-formed HTML with
 * nothing in it that a browser would run.
 *
 * The first byte picks the flags.
 */
#include "lib/markdown/markdown.h"
#include "tests/support/html.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUTPUT_MAX (4u << 20)

static void must_be_ours(struct slice html)
{
    size_t at;
    const char *fault = html_fault(html, &at);
    if (!fault)
        return;
    fprintf(stderr, "%s, at %zu of:\n%.*s\n", fault, at, SLICE_ARG(html));
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
        must_be_ours(buf_slice(&out));
    buf_clear(&out);
    if (markdown_inline(text, flags & ~(unsigned)MARKDOWN_RAW_HTML, &out) == OK)
        must_be_ours(buf_slice(&out));
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
