/* The cubic function and what moves along it; see cubic.h. */
#include "lib/tcp/cubic.h"

#include "signatures/clock.h"

#define BETA(w)      ((uint32_t)((uint64_t)(w)*7 / 10))
#define CONVERGED(w) ((uint32_t)((uint64_t)(w)*17 / 20)) /* (1 + beta) / 2: fast convergence, 4.7 */
#define DISTANCE_MAX (UINT64_C(1) << 18)                 /* 1/1024 s from the plateau: 256 s */
/* Where no plateau is known (slow start ended early, or after a timeout), the window grows by this
 * part of itself in a round trip at least, as Linux has it. */
#define PROBING 20u

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t initial_window(uint32_t mss)
{
    return smaller(CUBIC_INITIAL * mss, larger(2 * mss, CUBIC_INITIAL_MAX));
}

void cubic_init(struct cubic *c, uint32_t mss)
{
    *c = (struct cubic){.mss = mss};
    c->s.window = initial_window(mss);
    c->s.threshold = CUBIC_WINDOW_MAX;
}

void cubic_set_mss(struct cubic *c, uint32_t mss)
{
    c->mss = mss;
    c->s.window = larger(c->s.window, mss);
}

void cubic_set_window(struct cubic *c, uint32_t window)
{
    c->s.window = smaller(larger(window, c->mss), CUBIC_WINDOW_MAX);
}

/* The cube root, rounded down: digit by digit in base 8. */
static uint32_t cube_root(uint64_t x)
{
    uint64_t root = 0;
    for (int shift = 63; shift >= 0; shift -= 3) {
        root *= 2;
        uint64_t step = 3 * root * (root + 1) + 1;
        if (x >> shift >= step) {
            x -= step << shift;
            root++;
        }
    }
    return (uint32_t)root;
}

/* 4.2, figure 2: K, in 1/1024 s. */
static uint32_t time_to(uint32_t climb, uint32_t mss)
{
    return cube_root(((uint64_t)climb << 30) / (2 * (uint64_t)mss) * 5);
}

static void begin_epoch(struct cubic *c, uint64_t now)
{
    struct cubic_state *s = &c->s;
    s->epoch = now ? now : 1;
    s->friendly = s->window;
    s->origin = larger(s->peak, s->window);
    s->rise = time_to(s->origin - s->window, c->mss);
    c->grown = c->reno_grown = 0;
}

/* 4.2, figure 1: the window that the cubic function has at a time. */
static uint64_t cubic_at(const struct cubic *c, uint64_t when)
{
    uint64_t since = when > c->s.epoch ? (when - c->s.epoch) / (CLOCK_SEC / 1024) : 0;
    bool after = since > c->s.rise;
    uint64_t d = after ? since - c->s.rise : c->s.rise - since;
    if (d > DISTANCE_MAX)
        d = DISTANCE_MAX;
    uint64_t change = (d * d * d >> 10) * c->mss / 5 * 2 >> 20;
    if (after)
        return c->s.origin + change;
    return change < c->s.origin ? c->s.origin - change : 0;
}

/* 4.3: W_est, by alpha = 9/17 until it has come to where the reduction began, by 1 from there. */
static void grow_friendly(struct cubic *c, uint32_t bytes)
{
    struct cubic_state *s = &c->s;
    uint64_t earned = (uint64_t)bytes * c->mss;
    c->reno_grown += s->friendly >= s->prior ? earned : earned / 17 * 9;
    s->friendly += (uint32_t)(c->reno_grown / s->window);
    c->reno_grown %= s->window;
}

/* 4.4 and 4.5: towards where the function will be one round trip from now, by half a window at
 * most. */
static void avoid_congestion(struct cubic *c, uint32_t bytes, uint64_t rtt, uint64_t now)
{
    struct cubic_state *s = &c->s;
    if (s->epoch == 0)
        begin_epoch(c, now);
    grow_friendly(c, bytes);
    s->window = larger(s->window, s->friendly);
    uint64_t target = cubic_at(c, now + rtt), most = (uint64_t)s->window * 3 / 2;
    if (s->peak == 0 && target < s->window + s->window / PROBING)
        target = s->window + s->window / PROBING;
    if (target > most)
        target = most;
    if (target <= s->window)
        return;
    c->grown += bytes * (target - s->window);
    uint32_t more = (uint32_t)(c->grown / s->window);
    c->grown %= s->window;
    cubic_set_window(c, smaller(s->window + more, (uint32_t)target));
}

/* Time in which the window was not used up is taken out of the epoch. */
static bool used_up(struct cubic *c, bool limited, uint64_t now)
{
    if (!limited) {
        if (c->unused_since == 0)
            c->unused_since = now;
        return false;
    }
    if (c->unused_since && c->s.epoch)
        c->s.epoch += now - c->unused_since;
    c->unused_since = 0;
    return true;
}

void cubic_acked(struct cubic *c, uint32_t bytes, bool limited, uint32_t divisor, uint64_t rtt,
                 uint64_t now)
{
    if (bytes == 0 || !used_up(c, limited, now))
        return;
    if (cubic_slow_start(c)) {
        uint64_t most = (uint64_t)(c->s.threshold - c->s.window) * divisor;
        uint32_t part = most < bytes ? (uint32_t)most : bytes;
        cubic_set_window(c, c->s.window + (part + divisor - 1) / divisor);
        bytes -= part;
    }
    if (bytes > 0 && !cubic_slow_start(c))
        avoid_congestion(c, bytes, rtt, now);
}

void cubic_reduce(struct cubic *c)
{
    struct cubic_state *s = &c->s;
    c->before = *s;
    s->prior = s->window;
    s->peak = s->window < s->peak ? CONVERGED(s->window) : s->window;
    s->threshold = larger(BETA(s->window), CUBIC_MINIMUM * c->mss);
    s->epoch = 0;
}

void cubic_settle(struct cubic *c)
{
    cubic_set_window(c, c->s.threshold);
}

void cubic_timeout(struct cubic *c, bool first)
{
    if (first)
        cubic_reduce(c);
    c->s.peak = 0; /* 4.8: the next epoch begins at its plateau */
    c->s.epoch = 0;
    c->s.window = c->mss;
}

void cubic_undo(struct cubic *c)
{
    if (c->before.window == 0)
        return;
    uint32_t window = larger(c->before.window, c->s.window);
    c->s = c->before;
    c->before.window = 0;
    cubic_set_window(c, window);
}

void cubic_restart(struct cubic *c, uint64_t idle, uint64_t timeout)
{
    uint32_t least = smaller(initial_window(c->mss), c->s.window);
    uint32_t window = c->s.window;
    c->s.threshold = larger(c->s.threshold, window / 4 * 3);
    for (; idle > timeout && window > least; idle -= timeout)
        window /= 2;
    cubic_set_window(c, larger(window, least));
    c->s.epoch = 0;
}

void cubic_leave_slow_start(struct cubic *c)
{
    c->s.threshold = c->s.window;
}
