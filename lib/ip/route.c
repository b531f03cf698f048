/* Routes: see route.h. */
#include "lib/ip/route.h"

#include "lib/ip/scope.h"
#include "signatures/wait.h"

void routes_init(struct routes *t)
{
    memset(t, 0, sizeof(*t));
    t->due = WAIT_FOREVER;
}

bool route_is_on_link(const struct route *r)
{
    return address_is_any(&r->gateway);
}

bool route_is_default(const struct route *r)
{
    return r->bits == (address_is_v4(r->prefix) ? V4_BITS_BASE : 0);
}

struct route *route_get(struct routes *t, const struct address *prefix, uint8_t bits,
                        const struct address *gateway)
{
    for (struct route *r = t->of; r < t->of + t->count; r++)
        if (r->bits == bits && address_equal(&r->prefix, prefix) &&
            address_equal(&r->gateway, gateway))
            return r;
    return NULL;
}

enum err route_put(struct routes *t, const struct route *r)
{
    struct route *same = route_get(t, &r->prefix, r->bits, &r->gateway);
    if (!same &&
        (t->count == ROUTES_MAX || (r->advertised && t->advertised == ROUTES_ADVERTISED_MAX)))
        return ERR_FULL;
    if (same && r->advertised && !same->advertised)
        return OK; /* what was added is not changed by what is advertised */
    if (!same) {
        same = &t->of[t->count++];
        same->advertised = r->advertised;
        t->advertised += r->advertised;
    }
    t->advertised -= same->advertised && !r->advertised;
    *same = *r;
    if (r->until < t->due)
        t->due = r->until;
    return OK;
}

void route_remove(struct routes *t, struct route *r)
{
    t->advertised -= r->advertised;
    t->count--;
    memmove(r, r + 1, (size_t)(t->of + t->count - r) * sizeof(*r));
}

bool route_expire(struct routes *t, uint64_t now, struct route *gone)
{
    if (now < t->due)
        return false;
    t->due = WAIT_FOREVER;
    for (struct route *r = t->of; r < t->of + t->count; r++) {
        if (r->until <= now) {
            *gone = *r;
            route_remove(t, r);
            t->due = now;
            return true;
        }
        if (r->until < t->due)
            t->due = r->until;
    }
    return false;
}

static bool is_better(const struct route *r, bool r_hopeful, const struct route *best,
                      bool best_hopeful)
{
    if (r->bits != best->bits)
        return r->bits > best->bits;
    if (r_hopeful != best_hopeful)
        return r_hopeful;
    return r->preference > best->preference;
}

const struct route *route_find(const struct routes *t, const struct address *destination,
                               route_hopeful *hopeful, void *arg)
{
    const struct route *best = NULL;
    bool best_hopeful = false;
    for (const struct route *r = t->of; r < t->of + t->count; r++) {
        if (address_is_v4(r->prefix) != address_is_v4(*destination) ||
            !address_in_prefix(destination, &r->prefix, r->bits))
            continue;
        bool r_hopeful = route_is_on_link(r) || hopeful(arg, &r->gateway);
        if (!best || is_better(r, r_hopeful, best, best_hopeful)) {
            best = r;
            best_hopeful = r_hopeful;
        }
    }
    return best;
}
