/* See rtc.h: what the registers say. Reading them is rtc_read.c's. */
#include "platform/pvh/rtc.h"

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

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
static int64_t days(int64_t year, uint32_t month, uint32_t day)
{
    year -= month <= 2;
    int64_t era = year / 400, of_era = year % 400;
    int64_t of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool rtc_seconds(const struct rtc_registers *r, int64_t *seconds)
{
    bool binary = r->mode & MODE_BINARY;
    uint8_t second = number(r->second, binary), minute = number(r->minute, binary);
    uint8_t hour = hour_of(r, binary), day = number(r->day, binary);
    uint8_t month = number(r->month, binary), year = number(r->year, binary);
    if (second > 60 || minute > 59 || hour > 23 || day < 1 || day > 31 || month < 1 || month > 12 ||
        year > 99)
        return false;
    *seconds = days(2000 + year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}
