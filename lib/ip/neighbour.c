/* The neighbour cache: see neighbour.h. */
#include "lib/ip/neighbour.h"

#include "signatures/wait.h"

void neighbours_init(struct neighbours *t, struct sipkey key)
{
    memset(t, 0, sizeof(*t));
    t->key = key;
    t->due = WAIT_FOREVER;
    t->reachable = NEIGHBOUR_LIFETIME;
    t->retransmit = NEIGHBOUR_RETRANSMIT;
}

static uint16_t *bucket_of(struct neighbours *t, const struct address *a)
{
    return &t->buckets[siphash(t->key, slice_of(a->bytes, sizeof(a->bytes))) % NEIGHBOUR_BUCKETS];
}

struct neighbour *neighbour_find(struct neighbours *t, const struct address *a)
{
    for (uint16_t i = *bucket_of(t, a); i != 0; i = t->of[i - 1].next)
        if (address_equal(&t->of[i - 1].address, a))
            return &t->of[i - 1];
    return NULL;
}

struct neighbour *neighbour_add(struct neighbours *t, const struct address *a, uint64_t now)
{
    uint16_t i = 0;
    while (i < NEIGHBOURS_MAX && t->of[i].state != NEIGHBOUR_NONE)
        i++;
    if (i == NEIGHBOURS_MAX)
        return NULL;
    uint16_t *bucket = bucket_of(t, a);
    t->of[i] = (struct neighbour){.address = *a,
                                  .state = NEIGHBOUR_STALE,
                                  .next = *bucket,
                                  .until = WAIT_FOREVER,
                                  .used = now};
    list_init(&t->of[i].waiting);
    *bucket = (uint16_t)(i + 1);
    return &t->of[i];
}

/* How much is lost without it; 0: must not go. */
static unsigned worth(const struct neighbour *n)
{
    if (n->state == NEIGHBOUR_PERMANENT)
        return 0;
    return n->router && !n->silent ? NEIGHBOUR_PERMANENT : n->state;
}

struct neighbour *neighbour_victim(struct neighbours *t)
{
    struct neighbour *victim = NULL;
    for (struct neighbour *n = t->of; n < t->of + NEIGHBOURS_MAX; n++) {
        unsigned value = worth(n);
        if (value == 0 || value == NEIGHBOUR_PERMANENT)
            continue;
        if (!victim || value < worth(victim) || (value == worth(victim) && n->used < victim->used))
            victim = n;
    }
    return victim;
}

void neighbour_remove(struct neighbours *t, struct neighbour *n)
{
    uint16_t *link = bucket_of(t, &n->address);
    while (&t->of[*link - 1] != n)
        link = &t->of[*link - 1].next;
    *link = n->next;
    n->state = NEIGHBOUR_NONE;
}

/* Enters a state that ends at a time. */
static void enter(struct neighbours *t, struct neighbour *n, enum neighbour_state state,
                  uint64_t until)
{
    n->state = (uint8_t)state;
    n->until = until;
    n->asked = 0;
    if (until < t->due)
        t->due = until;
}

void neighbour_ask(struct neighbours *t, struct neighbour *n, uint64_t now)
{
    n->disputed = false;
    enter(t, n, NEIGHBOUR_INCOMPLETE, now);
}

bool neighbour_use_slowly(struct neighbours *t, struct neighbour *n, uint64_t now)
{
    switch ((enum neighbour_state)n->state) {
    case NEIGHBOUR_REACHABLE: /* no longer */
    case NEIGHBOUR_STALE:
        enter(t, n, NEIGHBOUR_DELAYED, now + NEIGHBOUR_DELAY);
        return true;
    case NEIGHBOUR_FAILED:
        if (now >= n->until)
            neighbour_ask(t, n, now);
        return false;
    case NEIGHBOUR_DELAYED:
    case NEIGHBOUR_PROBED:
    case NEIGHBOUR_PERMANENT:
        return true;
    case NEIGHBOUR_NONE:
    case NEIGHBOUR_INCOMPLETE:
        break;
    }
    return false;
}

/* Whether its mac means something. */
static bool has_station(const struct neighbour *n)
{
    return n->state != NEIGHBOUR_INCOMPLETE && n->state != NEIGHBOUR_FAILED;
}

/* Drawn from half to one and a half of what it is on average (RFC 4861, 6.3.2), so that the
 * questions of many do not fall together. */
void neighbour_confirm(struct neighbours *t, struct neighbour *n, uint64_t now, uint32_t random)
{
    if (n->state == NEIGHBOUR_PERMANENT || !has_station(n))
        return;
    n->state = NEIGHBOUR_REACHABLE;
    n->until = now + t->reachable / 2 + t->reachable / 1024 * (random % 1024);
    n->disputed = n->silent = false;
}

void neighbour_tell(struct neighbour *n, struct mac mac)
{
    if (n->state == NEIGHBOUR_PERMANENT || (has_station(n) && mac_equal(n->mac, mac)))
        return;
    n->mac = mac;
    n->state = NEIGHBOUR_STALE;
    n->disputed = n->silent = false;
}

void neighbour_dispute(struct neighbours *t, struct neighbour *n, uint64_t now)
{
    if (n->state == NEIGHBOUR_PERMANENT || n->disputed)
        return;
    enter(t, n, NEIGHBOUR_PROBED, now);
    n->disputed = true;
}

static enum neighbour_action step(struct neighbours *t, struct neighbour *n, uint64_t now)
{
    if (n->state == NEIGHBOUR_DELAYED)
        enter(t, n, NEIGHBOUR_PROBED, now);
    if (n->state == NEIGHBOUR_PROBED) {
        if (n->asked < (n->disputed ? 1 : NEIGHBOUR_ASK_ONE)) {
            n->asked++;
            n->until = now + t->retransmit;
            return NEIGHBOUR_ASKS_ONE;
        }
        neighbour_ask(t, n, now);
    }
    if (n->asked < NEIGHBOUR_ASK_ALL) {
        n->asked++;
        n->until = now + t->retransmit;
        return NEIGHBOUR_ASKS_ALL;
    }
    n->state = NEIGHBOUR_FAILED;
    n->until = now + NEIGHBOUR_FAILED_FOR;
    n->silent = true;
    return NEIGHBOUR_GIVEN_UP;
}

static bool has_step(const struct neighbour *n)
{
    return n->state == NEIGHBOUR_INCOMPLETE || n->state == NEIGHBOUR_DELAYED ||
           n->state == NEIGHBOUR_PROBED;
}

/* A pass over all: each that is due is told once, since its next step lies in the future. */
struct neighbour *neighbour_due(struct neighbours *t, uint64_t now, enum neighbour_action *action)
{
    if (now < t->due)
        return NULL;
    uint64_t due = WAIT_FOREVER;
    for (struct neighbour *n = t->of; n < t->of + NEIGHBOURS_MAX; n++) {
        if (!has_step(n))
            continue;
        if (n->until <= now) {
            *action = step(t, n, now);
            return n;
        }
        if (n->until < due)
            due = n->until;
    }
    t->due = due;
    return NULL;
}
