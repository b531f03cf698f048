/* See rtc.h: what the registers say. Reading them is rtc_read.c's. */
#include "platform/pvh/rtc.h"

#include "runtime/date.h"

#define MODE_BINARY 4u
#define MODE_24     2u
#define AFTERNOON   0x80u /* of the hour, where there are 12 */

/* Two decimal digits, or a number. 255: it is neither. */
static uint8_t number(uint8_t value, bool binary)
{
    if (binary)
        return value;
    if (value >> 4 > 9 || (value & 15) > 9)
        return UINT8_MAX;
    return (uint8_t)((value >> 4) * 10 + (value & 15));
}

/* Twelve o'clock comes before one. */
static uint8_t hour_of(const struct rtc_registers *r, bool binary)
{
    if (r->mode & MODE_24)
        return number(r->hour, binary);
    uint8_t hour = number(r->hour & (uint8_t)~AFTERNOON, binary);
    if (hour < 1 || hour > 12)
        return UINT8_MAX;
    return (uint8_t)(hour % 12 + (r->hour & AFTERNOON ? 12 : 0));
}

bool rtc_seconds(const struct rtc_registers *r, int64_t *seconds)
{
    bool binary = r->mode & MODE_BINARY;
    uint8_t year = number(r->year, binary);
    const struct date_civil c = {.year = (uint16_t)(2000 + year),
                                 .month = number(r->month, binary),
                                 .day = number(r->day, binary),
                                 .hour = hour_of(r, binary),
                                 .minute = number(r->minute, binary),
                                 .second = number(r->second, binary)};
    return year <= 99 && date_seconds(&c, seconds);
}
