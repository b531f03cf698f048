/*
 * Time of a machine. Where the hypervisor keeps a clock for its guests (pvclock.h), it is that one. Else it
 * is the timestamp counter: how fast it runs is told by the hypervisor or the processor (CPUID), or found
 * out beside the interval timer (pit.h). The wall clock is then read once from the battery-backed one, and
 * goes on from there.
 */
#include "signatures/clock.h"

#include "platform/pvh/cpu.h"
#include "platform/pvh/kvm.h"
#include "platform/pvh/pit.h"
#include "platform/pvh/rtc.h"
#include "platform/pvh/time.h"
#include "runtime/log.h"

#define BACK_SHIFT             28 /* rates are below 2^36 */
#define RATE_MOST              (UINT64_C(1) << 36)
#define GUESS                  UINT64_C(2000000000) /* where nothing tells: wrong, but it goes forward */
#define CPUID_HYPERVISOR_BASE  0x40000000u
#define CPUID_HYPERVISOR_TIMES 0x40000010u

static uint64_t rate, began;
static uint64_t multiplier; /* ns = ticks * multiplier / 2^32 */
static uint64_t back;       /* ticks = ns * back / 2^BACK_SHIFT */
static int64_t wall_at_start;

static const volatile struct pvclock_time *page; /* NULL: the hypervisor keeps no clock */
static const volatile struct pvclock_wall *wall_page;
static int64_t page_behind; /* its time when it came into use, less ours */

/* --- how fast? --- */

static uint64_t rate_told(void)
{
    if (page)
        return pvclock_rate(page);
    if (cpu_id(1, 0).c >> 31 && cpu_id(CPUID_HYPERVISOR_BASE, 0).a >= CPUID_HYPERVISOR_TIMES)
        return (uint64_t)cpu_id(CPUID_HYPERVISOR_TIMES, 0).a * 1000;
    if (cpu_id(0, 0).a >= 0x15) {
        struct cpuid r = cpu_id(0x15, 0);
        if (r.a && r.b && r.c)
            return (uint64_t)r.c * r.b / r.a;
    }
    return 0;
}

/* --- the hypervisor's clock --- */

/* Never back, whatever it tells. */
static uint64_t page_now(void)
{
    static uint64_t last;
    uint64_t ns;
    if (pvclock_read(page, cpu_ticks, &ns) && (int64_t)(ns - (uint64_t)page_behind - last) > 0)
        last = ns - (uint64_t)page_behind;
    return last;
}

bool time_use_pvclock(const volatile struct pvclock_time *time,
                      const volatile struct pvclock_wall *wall)
{
    uint64_t ns, now = clock_monotonic();
    if (!pvclock_read(time, cpu_ticks, &ns))
        return false;
    page_behind = (int64_t)(ns - now);
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
    uint64_t found = rate_told();
    if (!found)
        found = pit_tick_rate();
    set_rate(found && found < RATE_MOST ? found : GUESS);
    began = cpu_ticks();
    if (wall_page && pvclock_read_wall(wall_page, &ns))
        return;
    wall_page = NULL;
    if (rtc_read(&seconds))
        wall_at_start = seconds * (int64_t)CLOCK_SEC;
    else
        log_warning("clock", "no clock tells the time of day: it is 1970");
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
    return (uint64_t)((unsigned __int128)(cpu_ticks() - began) * multiplier >> 32);
}

int64_t clock_wall(void)
{
    int64_t ns;
    uint64_t now = clock_monotonic();
    if (page && wall_page && pvclock_read_wall(wall_page, &ns))
        wall_at_start = ns + page_behind;
    return wall_at_start + (int64_t)now; /* also where it tells nothing any more */
}
