/*
 * Time of a machine. Where the hypervisor keeps a clock for its guests (pvclock.h), it is that one, as long as
 * what it says can be. Else it is the timestamp counter: how fast it runs is told by the hypervisor or the
 * processor (CPUID), or found out beside the interval timer (pit.h). The wall clock is then read once from the
 * battery-backed one, and goes on from there.
 */
#include "signatures/clock.h"

#include "platform/pvh/cpu.h"
#include "platform/pvh/kvm.h"
#include "platform/pvh/pit.h"
#include "platform/pvh/poll.h"
#include "platform/pvh/rtc.h"
#include "platform/pvh/time.h"
#include "runtime/log.h"

#define SOURCE                 "clock"
#define BACK_SHIFT             28                   /* rates are below PVCLOCK_RATE_MOST */
#define GUESS                  UINT64_C(2000000000) /* where nothing tells: wrong, but it goes forward */
#define MISSED_MOST            (UINT64_C(10 * 365 * 86400) * CLOCK_SEC)
#define CPUID_HYPERVISOR_BASE  0x40000000u
#define CPUID_HYPERVISOR_TIMES 0x40000010u

static uint64_t rate, began;
static uint64_t multiplier; /* ns = ticks * multiplier / 2^32 */
static uint64_t back;       /* ticks = ns * back / 2^BACK_SHIFT */
static int64_t wall_at_start;

static const volatile struct pvclock_time *page; /* NULL: the hypervisor keeps no clock */
static const volatile struct pvclock_wall *wall_page;
static int64_t page_behind;      /* its time when it came into use, less ours */
static uint64_t last;            /* that was told of it */
static uint64_t right, right_at; /* ours when it was right last, and the ticks then */
static bool page_failed;         /* it has said what cannot be */

/* --- how fast? --- */

static uint64_t rate_of_page(void)
{
    return page ? pvclock_rate(page) : 0;
}

static uint64_t rate_of_hypervisor(void)
{
    bool tells =
        cpu_id(1, 0).c >> 31 && cpu_id(CPUID_HYPERVISOR_BASE, 0).a >= CPUID_HYPERVISOR_TIMES;
    return tells ? (uint64_t)cpu_id(CPUID_HYPERVISOR_TIMES, 0).a * 1000 : 0;
}

static uint64_t rate_of_processor(void)
{
    if (cpu_id(0, 0).a < 0x15)
        return 0;
    struct cpuid r = cpu_id(0x15, 0);
    return r.a ? (uint64_t)r.c * r.b / r.a : 0;
}

/* The first that can be. */
static uint64_t find_rate(void)
{
    static uint64_t (*const sources[])(void) = {rate_of_page, rate_of_hypervisor, rate_of_processor,
                                                pit_tick_rate};
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        uint64_t found = sources[i]();
        if (found >= PVCLOCK_RATE_LEAST && found < PVCLOCK_RATE_MOST)
            return found;
    }
    log_warning(SOURCE, "nothing tells how fast time goes: it is a guess");
    return GUESS;
}

/* --- the hypervisor's clock --- */

static uint64_t by_ticks(uint64_t ticks)
{
    return (uint64_t)((unsigned __int128)ticks * multiplier >> 32);
}

/* Never back, whatever it tells; by the ticks since it was right, while it tells what cannot be. */
static uint64_t page_now(void)
{
    uint64_t ns, ticks = cpu_ticks();
    if (pvclock_read(page, cpu_ticks, &ns)) {
        right = ns - (uint64_t)page_behind;
        right_at = ticks;
        ns = right;
    } else {
        page_failed = true;
        ns = right + by_ticks(ticks > right_at ? ticks - right_at : 0);
    }
    if ((int64_t)(ns - last) > 0)
        last = ns;
    return last;
}

/* What a restored machine has missed is told by the time of day, if it is a time that it can have missed: its host
 * may be another, which has begun at another time. */
static uint64_t now_at(uint64_t ns, const volatile struct pvclock_wall *wall)
{
    int64_t at_zero;
    if (!page)
        return clock_monotonic();
    if (!wall || !pvclock_read_wall(wall, &at_zero))
        return last;
    uint64_t missed = (uint64_t)at_zero + ns - ((uint64_t)wall_at_start + last);
    return last + (missed < MISSED_MOST ? missed : 0);
}

static void complain(void)
{
    log_error(SOURCE, "the hypervisor's clock says what cannot be: time goes by the processor's");
}

/* Once; not while somebody asks for the time, as the log does. */
static bool run(struct poll *p)
{
    static bool said;
    (void)p;
    if (page_failed && !said)
        complain();
    said = page_failed;
    return false;
}

static bool await(struct poll *p)
{
    (void)p;
    return false;
}

bool time_use_pvclock(const volatile struct pvclock_time *time,
                      const volatile struct pvclock_wall *wall)
{
    static struct poll poll = {.run = run, .await = await};
    uint64_t ns;
    if (!pvclock_read(time, cpu_ticks, &ns)) {
        complain();
        return false;
    }
    uint64_t now = now_at(ns, wall);
    if (!page)
        poll_add(&poll);
    page_behind = (int64_t)(ns - now);
    right = now;
    right_at = cpu_ticks();
    page = time;
    wall_page = wall;
    return true;
}

/* --- the signature --- */

static void set_rate(uint64_t ticks_per_second)
{
    rate = ticks_per_second;
    multiplier = (CLOCK_SEC << 32) / rate;
    back = (rate << BACK_SHIFT) / CLOCK_SEC;
}

void time_begin(void)
{
    pit_begin();
}

void time_open(void)
{
    int64_t seconds, ns;
    kvm_clock_open();
    set_rate(find_rate());
    began = cpu_ticks();
    if (wall_page && pvclock_read_wall(wall_page, &ns))
        return;
    wall_page = NULL;
    if (rtc_read(&seconds))
        wall_at_start = seconds * (int64_t)CLOCK_SEC;
    else
        log_warning(SOURCE, "no clock tells the time of day: it is 1970");
}

uint64_t time_ticks_per_second(void)
{
    return rate;
}

uint64_t time_to_ticks(uint64_t ns)
{
    uint64_t now = clock_monotonic(), left = ns > now ? ns - now : 0;
    return cpu_ticks() + (uint64_t)((unsigned __int128)left * back >> BACK_SHIFT);
}

uint64_t clock_monotonic(void)
{
    if (page)
        return page_now();
    return by_ticks(cpu_ticks() - began);
}

int64_t clock_wall(void)
{
    int64_t ns;
    uint64_t now = clock_monotonic();
    if (page && wall_page && pvclock_read_wall(wall_page, &ns))
        wall_at_start = ns + page_behind;
    return wall_at_start + (int64_t)now; /* also where it tells nothing any more */
}
