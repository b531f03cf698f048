/* Article headers: whatever is read lies within the text, and keeps the limits. */
#include "lib/site/article.h"
#include "lib/text/utf8.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within(struct slice part, struct slice whole)
{
    if (part.len > 0 && (part.ptr < whole.ptr || part.ptr + part.len > whole.ptr + whole.len))
        abort();
}

static void value(struct slice part, struct slice whole)
{
    within(part, whole);
    if (part.len > ARTICLE_VALUE_MAX || slice_find(part, '\n') < part.len)
        abort();
}

static void check(const struct article *a, struct slice text)
{
    value(a->title, text);
    value(a->author, text);
    value(a->author_url, text);
    value(a->abstract, text);
    value(a->redirect, text);
    within(a->body, text);
    if (a->tag_count > ARTICLE_TAGS_MAX || !utf8_valid(a->body))
        abort();
    for (size_t i = 0; i < a->tag_count; i++) {
        within(a->tags[i], text);
        if (a->tags[i].len == 0 || a->tags[i].len > ARTICLE_TAG_MAX)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct article a;
    struct article_fault fault;
    struct slice text = slice_of(data, size);
    if (article_parse(text, &a, &fault) == OK)
        check(&a, text);
    else if (!fault.reason || !*fault.reason)
        abort();
    return 0;
}
