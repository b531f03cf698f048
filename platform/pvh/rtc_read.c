/* See rtc.h: reading the registers. They must not be read while the clock advances; what is the same twice
 * did not change meanwhile. */
#include "platform/pvh/cpu.h"
#include "platform/pvh/rtc.h"

#define INDEX     0x70
#define DATA      0x71
#define STATUS_A  10
#define UPDATING  0x80u
#define WAIT_MOST 10000 /* reads: an update takes 2 ms at most */
#define TRIES     4

static uint8_t get(uint8_t which)
{
    port_write8(INDEX, which);
    return port_read8(DATA);
}

/* Where nothing is, all reads are ones. */
static bool updating(void)
{
    uint8_t status = get(STATUS_A);
    return status != UINT8_MAX && (status & UPDATING);
}

static struct rtc_registers read_all(void)
{
    for (int i = 0; i < WAIT_MOST && updating(); i++)
        cpu_pause();
    return (struct rtc_registers){
        .second = get(0),
        .minute = get(2),
        .hour = get(4),
        .day = get(7),
        .month = get(8),
        .year = get(9),
        .mode = get(11),
    };
}

bool rtc_read(int64_t *seconds)
{
    int64_t last;
    struct rtc_registers r = read_all();
    bool good = rtc_seconds(&r, &last);
    for (int i = 0; good && i < TRIES; i++) {
        r = read_all();
        good = rtc_seconds(&r, seconds);
        if (*seconds == last)
            break;
        last = *seconds;
    }
    return good;
}
