/* The search for the path's MTU; see probe.h. */
#include "lib/tcp/probe.h"

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* The next size between what passes and what does not: the link's own first, then bisection. */
static uint32_t candidate(const struct probe *p)
{
    if (p->above > p->link)
        return p->link;
    return p->size + (p->above - p->size) / 2;
}

/* Whether there is still something to find out. */
static void schedule(struct probe *p, uint64_t at)
{
    p->search_at = candidate(p) >= p->size + PROBE_STEP ? at : UINT64_MAX;
    if (p->search_at == UINT64_MAX && p->size + PROBE_STEP <= p->link) {
        p->search_at = at + PROBE_AGAIN; /* the path may change: once more from the top */
        p->above = p->link + 1;
    }
}

void probe_init(struct probe *p, uint32_t path, uint32_t link, bool v6, uint64_t now)
{
    *p = (struct probe){.link = link, .above = link + 1};
    p->floor = smaller(v6 ? PROBE_FLOOR_V6 : PROBE_FLOOR_V4, link);
    p->size = larger(smaller(path, link), p->floor);
    schedule(p, now + PROBE_AGAIN);
}

static bool shrink(struct probe *p, uint32_t size, uint64_t now)
{
    size = larger(size, p->floor);
    if (size >= p->size)
        return false;
    p->size = size;
    p->passed = false;
    p->trying = 0;
    p->failures = 0;
    schedule(p, now + PROBE_AGAIN);
    return true;
}

bool probe_complained(struct probe *p, uint32_t mtu, uint64_t now)
{
    if (p->trying > mtu && p->size <= mtu) { /* about the probe: now the size is known */
        p->trying = 0;
        p->failures = 0;
        p->above = mtu + 1;
        if (mtu > p->size)
            p->search_at = now + PROBE_PAUSE;
        return false;
    }
    return shrink(p, mtu, now);
}

uint32_t probe_wanted(const struct probe *p, uint64_t now)
{
    if (p->trying || now < p->search_at)
        return 0;
    return candidate(p);
}

void probe_sent(struct probe *p, uint32_t size, struct seq_range flight)
{
    p->trying = size;
    p->flight = flight;
}

bool probe_acknowledged(struct probe *p, seq_t ack, uint64_t now)
{
    p->timeouts = 0;
    if (!p->trying || seq_before(ack, p->flight.end))
        return false;
    p->size = p->trying;
    p->passed = true;
    p->trying = 0;
    p->failures = 0;
    schedule(p, now + PROBE_PAUSE);
    return true;
}

void probe_lost(struct probe *p, uint64_t now)
{
    if (!p->trying)
        return;
    if (++p->failures >= PROBE_FAILURES) {
        p->above = p->trying;
        p->failures = 0;
    }
    p->trying = 0;
    schedule(p, now + PROBE_PAUSE);
}

bool probe_timeout(struct probe *p, bool full, uint64_t now)
{
    p->trying = 0; /* whatever its fate, it cannot be told from the others' */
    uint8_t most = p->passed ? PROBE_TIMEOUTS_PASSED : PROBE_TIMEOUTS;
    if (!full || ++p->timeouts < most)
        return false;
    p->timeouts = 0;
    return shrink(p, p->size > PROBE_BLACK_HOLE ? PROBE_BLACK_HOLE : p->floor, now);
}
