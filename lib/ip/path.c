/* The cache of paths: see path.h. */
#include "lib/ip/path.h"

void paths_init(struct paths *t, struct sipkey key)
{
    memset(t, 0, sizeof(*t));
    t->key = key;
    t->generation = 1;
    t->last = &t->of[0][0];
}

/* Their destination is what most of them differ in. */
static struct path *set_of(struct paths *t, const struct address *destination)
{
    uint64_t hash = siphash(t->key, slice_of(destination->bytes, sizeof(destination->bytes)));
    return t->of[hash % PATH_SETS];
}

static bool is_good(const struct paths *t, const struct path *p, uint64_t now)
{
    return p->generation == t->generation && now < p->until;
}

struct path *paths_peek(struct paths *t, uint64_t now, const struct address *destination)
{
    struct path *set = set_of(t, destination);
    for (struct path *p = set; p < set + PATH_WAYS; p++)
        if (address_equal(&p->destination, destination) && is_good(t, p, now))
            return p;
    return NULL;
}

static bool leads(const struct paths *t, const struct path *p, uint64_t now,
                  const struct address *source, const struct address *destination)
{
    return address_equal(&p->destination, destination) && address_equal(&p->source, source) &&
           is_good(t, p, now);
}

static struct path *use(struct paths *t, struct path *p)
{
    p->used = t->lookups;
    t->last = p;
    return p;
}

struct path *paths_find(struct paths *t, uint64_t now, const struct address *source,
                        const struct address *destination, struct path **place)
{
    t->lookups++;
    if (leads(t, t->last, now, source, destination))
        return use(t, t->last);
    struct path *set = set_of(t, destination), *oldest = set;
    for (struct path *p = set; p < set + PATH_WAYS; p++) {
        if (leads(t, p, now, source, destination))
            return use(t, p);
        if (p->used < oldest->used)
            oldest = p;
    }
    oldest->generation = 0;
    oldest->used = t->lookups;
    *place = oldest;
    return NULL;
}
