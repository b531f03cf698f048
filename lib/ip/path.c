/* The cache of paths: see path.h. */
#include "lib/ip/path.h"

void paths_init(struct paths *t, struct sipkey key)
{
    memset(t, 0, sizeof(*t));
    t->key = key;
    t->generation = 1;
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
        if (memcmp(&p->destination, destination, sizeof(*destination)) == 0 && is_good(t, p, now))
            return p;
    return NULL;
}

struct path *paths_find(struct paths *t, uint64_t now, const struct address *source,
                        const struct address *destination, struct path **place)
{
    struct path *set = set_of(t, destination);
    struct path *oldest = set;
    t->lookups++;
    for (struct path *p = set; p < set + PATH_WAYS; p++) {
        if (memcmp(&p->destination, destination, sizeof(*destination)) == 0 &&
            memcmp(&p->source, source, sizeof(*source)) == 0 && is_good(t, p, now)) {
            p->used = t->lookups;
            return p;
        }
        if (p->used < oldest->used)
            oldest = p;
    }
    oldest->generation = 0;
    oldest->used = t->lookups;
    *place = oldest;
    return NULL;
}
