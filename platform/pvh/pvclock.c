/* See pvclock.h. */
#include "platform/pvh/pvclock.h"

#define TRIES  1000 /* an update is a few writes */
#define SECOND INT64_C(1000000000)

/* Whatever was read before this was read before what follows. */
static void in_order(void)
{
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
}

/* 0: it cannot be. */
static uint64_t rate_of(const struct pvclock_time *t)
{
    if (!t->multiplier || t->shift <= -32 || t->shift >= 32)
        return 0;
    unsigned __int128 rate = ((uint64_t)SECOND << 32) / t->multiplier;
    rate = t->shift < 0 ? rate << -t->shift : rate >> t->shift;
    return rate >= PVCLOCK_RATE_LEAST && rate < PVCLOCK_RATE_MOST ? (uint64_t)rate : 0;
}

uint64_t pvclock_ns(const struct pvclock_time *t, uint64_t ticks)
{
    unsigned __int128 passed = ticks > t->ticks ? ticks - t->ticks : 0;
    passed = t->shift < 0 ? passed >> -t->shift : passed << t->shift;
    return t->ns + (uint64_t)(passed * t->multiplier >> 32);
}

/* What the page says while it is at rest, and the ticks then. */
static bool look(const volatile struct pvclock_time *page, uint64_t (*ticks)(void),
                 struct pvclock_time *t, uint64_t *now)
{
    for (int i = 0; i < TRIES; i++) {
        uint32_t version = page->version;
        in_order();
        *t = (struct pvclock_time){.ticks = page->ticks,
                                   .ns = page->ns,
                                   .multiplier = page->multiplier,
                                   .shift = page->shift};
        *now = ticks();
        in_order();
        if (!(version & 1) && page->version == version)
            return true;
    }
    return false;
}

bool pvclock_read(const volatile struct pvclock_time *page, uint64_t (*ticks)(void), uint64_t *ns)
{
    struct pvclock_time t;
    uint64_t now;
    bool read = look(page, ticks, &t, &now);
    uint64_t rate = read ? rate_of(&t) : 0;
    read = rate && (t.ticks <= now || t.ticks - now < rate);
    *ns = read ? pvclock_ns(&t, now) : 0;
    return read && t.ns < PVCLOCK_NS_MOST && *ns < PVCLOCK_NS_MOST;
}

bool pvclock_read_wall(const volatile struct pvclock_wall *page, int64_t *ns)
{
    for (int i = 0; i < TRIES; i++) {
        uint32_t version = page->version;
        in_order();
        uint32_t seconds = page->seconds, nanoseconds = page->nanoseconds;
        in_order();
        if (version & 1 || page->version != version)
            continue;
        *ns = seconds * SECOND + nanoseconds;
        return seconds && nanoseconds < SECOND;
    }
    return false;
}

static uint64_t zero_ticks(void)
{
    return 0;
}

uint64_t pvclock_rate(const volatile struct pvclock_time *page)
{
    struct pvclock_time t;
    uint64_t now;
    return look(page, zero_ticks, &t, &now) ? rate_of(&t) : 0;
}
