/*
 * Ids of headings: the words in lower case with hyphens between them, numbered where they repeat.
 *
 * An id never holds '_', so that a page's own ids, which begin with it, are never taken.
 */
#include "lib/markdown/internal.h"

struct slug {
    uint32_t last; /* the highest number given to these words */
};

/* What one document's ids may take; beyond, headings have none. */
#define SLUG_MEMORY_MAX ((size_t)MARKDOWN_IDS_MAX * (MARKDOWN_SLUG_MAX + 64))

void slugs_init(struct slugs *s)
{
    /* The number of entries is bounded, so that chosen collisions cost little: no secret. */
    map_init(&s->used, (struct sipkey){0, 0});
    arena_init(&s->arena, SLUG_MEMORY_MAX);
    s->err = OK;
}

void slugs_deinit(struct slugs *s)
{
    map_deinit(&s->used);
    arena_deinit(&s->arena);
}

static size_t utf8_begin(const uint8_t *text, size_t len)
{
    while (len > 0 && (text[len] & 0xC0) == 0x80)
        len--;
    return len;
}

static size_t slug_of(struct slice words, uint8_t into[MARKDOWN_SLUG_MAX + 1])
{
    size_t len = 0;
    for (size_t i = 0; i < words.len && len <= MARKDOWN_SLUG_MAX; i++) {
        uint8_t c = words.ptr[i];
        if (c >= 'A' && c <= 'Z')
            into[len++] = (uint8_t)(c + 32);
        else if (c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            into[len++] = c;
        else if ((c == ' ' || c == '-' || c == '_' || c == '\n') && len > 0 && into[len - 1] != '-')
            into[len++] = '-';
    }
    if (len > MARKDOWN_SLUG_MAX)
        len = utf8_begin(into, MARKDOWN_SLUG_MAX);
    while (len > 0 && into[len - 1] == '-')
        len--;
    return len;
}

static struct slice claim(struct slugs *s, struct slice name)
{
    bool ok = true;
    struct slice key = arena_copy(&s->arena, name, &ok);
    struct slug *slug = arena_zalloc(&s->arena, sizeof *slug);
    if (!ok || !slug || map_put(&s->used, key, slug) != OK) {
        s->err = ERR_MEMORY;
        return slice_of(NULL, 0);
    }
    slug->last = 1;
    return key;
}

struct slice slugs_take(struct slugs *s, struct slice words)
{
    uint8_t text[MARKDOWN_SLUG_MAX + 16];
    size_t len = slug_of(words, text);
    if (len == 0)
        text[len++] = '-';
    if (s->used.count >= MARKDOWN_IDS_MAX)
        return slice_of(NULL, 0);
    struct slug *same = map_get(&s->used, slice_of(text, len));
    if (!same)
        return claim(s, slice_of(text, len));
    struct buf numbered;
    buf_init(&numbered, sizeof text);
    do {
        buf_clear(&numbered);
        buf_printf(&numbered, "%.*s-%u", (int)len, (const char *)text, ++same->last);
    } while (numbered.err == OK && map_get(&s->used, buf_slice(&numbered)));
    struct slice taken = slice_of(NULL, 0);
    if (numbered.err == OK)
        taken = claim(s, buf_slice(&numbered));
    else
        s->err = numbered.err;
    buf_deinit(&numbered);
    return taken;
}
