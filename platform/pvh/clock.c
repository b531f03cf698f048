/*
 * Time of a machine: the timestamp counter. How fast it runs is told by the hypervisor or the
 * processor (CPUID), or found out beside the interval timer (8254), which may not tick: the attempt
 * is bounded. The wall clock is read once from the battery-backed clock (MC146818), and goes on from
 * there.
 */
#include "signatures/clock.h"

#include "platform/pvh/cpu.h"
#include "platform/pvh/time.h"
#include "runtime/panic.h"

#define PIT_RATE               1193182u
#define PIT_CHANNEL_0          0x40
#define PIT_COMMAND            0x43
#define CALIBRATE_MS           1u
#define CALIBRATIONS           5u /* the shortest counts: in the others the host looked away */
#define CALIBRATE_MOST         (UINT64_C(1) << 32) /* ticks */
#define BACK_SHIFT             28                  /* rates are below 2^36 */
#define GUESS                  UINT64_C(2000000000) /* where nothing tells: wrong, but it goes forward */
#define CPUID_HYPERVISOR_BASE  0x40000000u
#define CPUID_HYPERVISOR_TIMES 0x40000010u
#define RTC_INDEX              0x70
#define RTC_DATA               0x71

static uint64_t rate, began;
static uint64_t multiplier; /* ns = ticks * multiplier / 2^32 */
static uint64_t back;       /* ticks = ns * back / 2^BACK_SHIFT */
static int64_t wall_at_start;

/* --- how fast? --- */

static uint64_t rate_told(void)
{
    if (cpu_id(1, 0).c >> 31 && cpu_id(CPUID_HYPERVISOR_BASE, 0).a >= CPUID_HYPERVISOR_TIMES)
        return (uint64_t)cpu_id(CPUID_HYPERVISOR_TIMES, 0).a * 1000;
    if (cpu_id(0, 0).a >= 0x15) {
        struct cpuid r = cpu_id(0x15, 0);
        if (r.a && r.b && r.c)
            return (uint64_t)r.c * r.b / r.a;
    }
    return 0;
}

static uint32_t pit_count(void)
{
    port_write8(PIT_COMMAND, 0); /* hold channel 0 for reading */
    uint32_t low = port_read8(PIT_CHANNEL_0);
    return low | (uint32_t)port_read8(PIT_CHANNEL_0) << 8;
}

/* Ticks a second, beside the interval timer that counts down once and goes on from 65535; 0: it does
 * not count. The first look at the ticks is too early rather than too late. */
static uint64_t measure(void)
{
    uint32_t count = PIT_RATE * CALIBRATE_MS / 1000, left;
    port_write8(PIT_COMMAND, 0x30); /* channel 0, once */
    port_write8(PIT_CHANNEL_0, (uint8_t)count);
    uint64_t from = cpu_ticks();
    port_write8(PIT_CHANNEL_0, (uint8_t)(count >> 8));
    if (pit_count() > count)
        return 0;
    do {
        left = pit_count();
        if (cpu_ticks() - from > CALIBRATE_MOST)
            return 0;
    } while (left <= count);
    return (cpu_ticks() - from) * PIT_RATE / (count + 0x10000 - left);
}

static uint64_t rate_measured(void)
{
    uint64_t least = measure();
    for (unsigned i = 1; i < CALIBRATIONS && least; i++) {
        uint64_t again = measure();
        if (again && again < least)
            least = again;
    }
    return least;
}

/* --- what time is it? --- */

static uint8_t rtc_read(uint8_t which)
{
    port_write8(RTC_INDEX, which);
    return port_read8(RTC_DATA);
}

static uint32_t rtc_number(uint8_t which, bool binary)
{
    uint8_t value = rtc_read(which);
    return binary ? value : (uint32_t)(value >> 4) * 10 + (value & 15);
}

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
static int64_t days(int64_t year, uint32_t month, uint32_t day)
{
    year -= month <= 2;
    int64_t era = year / 400, of_era = year % 400;
    int64_t of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t rtc_seconds(void)
{
    uint8_t mode = rtc_read(11);
    bool binary = mode & 4;
    uint32_t second = rtc_number(0, binary), minute = rtc_number(2, binary);
    uint32_t hour = rtc_number(4, binary), day = rtc_number(7, binary);
    uint32_t month = rtc_number(8, binary), year = rtc_number(9, binary);
    if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
        return 0;
    return days(2000 + (int64_t)year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
}

/* Twice the same: it did not change while it was read. */
static int64_t rtc_now(void)
{
    int64_t last = rtc_seconds();
    for (int i = 0; i < 4; i++) {
        int64_t now = rtc_seconds();
        if (now == last)
            break;
        last = now;
    }
    return last;
}

/* --- the signature --- */

void time_open(void)
{
    rate = rate_told();
    if (!rate)
        rate = rate_measured();
    if (!rate)
        rate = GUESS;
    multiplier = (CLOCK_SEC << 32) / rate;
    back = (rate << BACK_SHIFT) / CLOCK_SEC;
    began = cpu_ticks();
    wall_at_start = rtc_now() * (int64_t)CLOCK_SEC;
}

uint64_t time_ticks_per_second(void)
{
    return rate;
}

uint64_t time_to_ticks(uint64_t ns)
{
    return began + (uint64_t)((unsigned __int128)ns * back >> BACK_SHIFT);
}

uint64_t clock_monotonic(void)
{
    return (uint64_t)((unsigned __int128)(cpu_ticks() - began) * multiplier >> 32);
}

int64_t clock_wall(void)
{
    return wall_at_start + (int64_t)clock_monotonic();
}
