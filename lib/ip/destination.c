/* Single destinations: see destination.h. */
#include "lib/ip/destination.h"

void destinations_init(struct destinations *t, struct sipkey key)
{
    memset(t, 0, sizeof(*t));
    t->key = key;
}

static uint64_t known_until(const struct destination *d)
{
    return d->mtu_until > d->via_until ? d->mtu_until : d->via_until;
}

static size_t set_of(const struct destinations *t, const struct address *a)
{
    return siphash(t->key, slice_of(a->bytes, sizeof(a->bytes))) % DESTINATION_SETS;
}

const struct destination *destination_find(const struct destinations *t, const struct address *a,
                                           uint64_t now)
{
    const struct destination *set = t->of[set_of(t, a)];
    for (size_t i = 0; i < DESTINATION_WAYS; i++)
        if (known_until(&set[i]) > now && address_equal(&set[i].address, a))
            return &set[i];
    return NULL;
}

/* Its place, made free for it if need be. */
static struct destination *place(struct destinations *t, const struct address *a, uint64_t now)
{
    struct destination *set = t->of[set_of(t, a)];
    struct destination *oldest = &set[0];
    for (size_t i = 0; i < DESTINATION_WAYS; i++) {
        if (known_until(&set[i]) > now && address_equal(&set[i].address, a))
            return &set[i];
        if (known_until(&set[i]) < known_until(oldest))
            oldest = &set[i];
    }
    if (known_until(oldest) > now)
        t->evicted++;
    *oldest = (struct destination){.address = *a};
    return oldest;
}

void destination_learn_mtu(struct destinations *t, const struct address *a, uint32_t mtu,
                           uint64_t now)
{
    struct destination *d = place(t, a, now);
    d->mtu = mtu;
    d->mtu_until = now + IP_MTU_AGE;
}

void destination_learn_via(struct destinations *t, const struct address *a,
                           const struct address *via, uint64_t now)
{
    struct destination *d = place(t, a, now);
    d->via = *via;
    d->via_until = now + IP_REDIRECT_AGE;
}

void destination_forget_via(struct destinations *t, const struct address *via)
{
    for (size_t set = 0; set < DESTINATION_SETS; set++)
        for (size_t i = 0; i < DESTINATION_WAYS; i++)
            if (address_equal(&t->of[set][i].via, via))
                t->of[set][i].via_until = 0;
}
