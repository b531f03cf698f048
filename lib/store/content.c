/*
 * Contents and their cache: inflated objects, counted by their holders, the least recently used
 * forgotten first. A content that a reader holds outlives the cache's interest in it.
 */
#include "lib/store/internal.h"

#include "signatures/memory.h"

struct content *store_content_new(uint32_t size)
{
    struct content *c = memory_alloc(sizeof(*c) + size);
    if (c == NULL)
        return NULL;
    list_init(&c->recent);
    c->next = NULL;
    c->entry = NO_ENTRY;
    c->refs = 1;
    c->size = size;
    return c;
}

void store_content_release(struct content *c)
{
    if (c != NULL && --c->refs == 0)
        memory_free(c);
}

void store_cache_init(struct cache *c, uint64_t max)
{
    memset(c->buckets, 0, sizeof(c->buckets));
    list_init(&c->recent);
    c->bytes = 0;
    c->max = max;
}

static struct content **bucket(struct cache *c, uint32_t entry)
{
    return &c->buckets[entry % CACHE_BUCKETS];
}

/* More than its bytes: few contents stand in each bucket then, however small they are. */
#define CONTENT_OVERHEAD 256u

static uint64_t cost(const struct content *content)
{
    return CONTENT_OVERHEAD + sizeof(*content) + content->size;
}

static void forget(struct cache *c, struct content *content)
{
    struct content **link = bucket(c, content->entry);
    while (*link != content)
        link = &(*link)->next;
    *link = content->next;
    list_remove(&content->recent);
    content->entry = NO_ENTRY;
    c->bytes -= cost(content);
    store_content_release(content);
}

static struct content *oldest(struct cache *c)
{
    return CONTAINER(c->recent.next, struct content, recent);
}

struct content *store_cache_get(struct cache *c, uint32_t entry)
{
    struct content *content = *bucket(c, entry);
    while (content != NULL && content->entry != entry)
        content = content->next;
    if (content == NULL)
        return NULL;
    list_remove(&content->recent);
    list_append(&c->recent, &content->recent);
    content->refs++;
    return content;
}

void store_cache_put(struct cache *c, uint32_t entry, struct content *content)
{
    while (!list_empty(&c->recent) && c->bytes + cost(content) > c->max)
        forget(c, oldest(c));
    content->entry = entry;
    content->next = *bucket(c, entry);
    *bucket(c, entry) = content;
    list_append(&c->recent, &content->recent);
    c->bytes += cost(content);
    content->refs++;
}

void store_cache_trim(struct cache *c)
{
    while (c->bytes > c->max)
        forget(c, oldest(c));
}

void store_cache_cut(struct cache *c, uint32_t entry)
{
    struct list *at = c->recent.next;
    while (at != &c->recent) {
        struct content *content = CONTAINER(at, struct content, recent);
        at = at->next;
        if (content->entry >= entry)
            forget(c, content);
    }
}
