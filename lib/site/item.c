/* Items: counted, in one block of memory with all their texts. */
#include "lib/site/internal.h"
#include "runtime/panic.h"
#include "signatures/memory.h"

/* Copies a text behind the ones before it. */
static struct slice keep(uint8_t **at, struct slice text)
{
    if (text.len == 0)
        return slice_of(NULL, 0);
    uint8_t *copy = *at;
    memcpy(copy, text.ptr, text.len);
    *at += text.len;
    return slice_of(copy, text.len);
}

static size_t bytes_of(const struct item *i)
{
    size_t n = i->url.len + i->title.len + i->author.len + i->author_url.len + i->abstract.len +
               i->redirect.len;
    for (size_t t = 0; t < i->tag_count; t++)
        n += i->tags[t].len;
    return n;
}

static void hash_text(struct sha256 *h, struct slice text)
{
    uint64_t len = text.len;
    sha256_update(h, slice_of(&len, sizeof len));
    sha256_update(h, text);
}

/* Lengths go before texts, so that no two items run together into the same bytes. */
static void digest(struct item *i)
{
    struct sha256 h;
    sha256_init(&h);
    const struct slice texts[] = {i->url, i->title, i->author, i->author_url, i->abstract};
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++)
        hash_text(&h, texts[t]);
    for (size_t t = 0; t < i->tag_count; t++)
        hash_text(&h, i->tags[t]);
    int64_t dates[2] = {i->created, i->changed};
    sha256_update(&h, slice_of(dates, sizeof dates));
    sha256_update(&h, slice_of(i->blob.bytes, sizeof i->blob.bytes));
    sha256_final(&h, i->digest);
}

struct item *item_new(const struct item *from)
{
    struct slice *tags;
    size_t size = sizeof *from + from->tag_count * sizeof *tags;
    struct item *i = memory_alloc(size + bytes_of(from));
    if (!i)
        return NULL;
    *i = *from;
    i->refs = 1;
    i->tags = tags = (struct slice *)(void *)(i + 1);
    uint8_t *at = (uint8_t *)i + size;
    i->url = keep(&at, from->url);
    i->title = keep(&at, from->title);
    i->author = keep(&at, from->author);
    i->author_url = keep(&at, from->author_url);
    i->abstract = keep(&at, from->abstract);
    i->redirect = keep(&at, from->redirect);
    for (size_t t = 0; t < from->tag_count; t++)
        tags[t] = keep(&at, from->tags[t]);
    digest(i);
    return i;
}

void item_hold(struct item *i)
{
    assert_always(i->refs > 0 && i->refs < UINT32_MAX);
    i->refs++;
}

void item_drop(struct item *i)
{
    assert_always(i->refs > 0);
    if (--i->refs == 0)
        memory_free(i);
}
