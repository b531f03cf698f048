/*
 * Days are counted in years that begin on 1 March, so that the leap day is the last of its year;
 * 400 of them (an era) have 146097 days. Lengths of months from March on repeat 31 30 31 30 31 every
 * five months, which is the straight line (153 m + 2) / 5.
 */
#include "runtime/date.h"

#define DAY           86400
#define DAYS_PER_ERA  146097
#define DAYS_TO_EPOCH 719468 /* from 0000-03-01 to 1970-01-01 */
#define EPOCH_WEEKDAY 4      /* 1970-01-01 was a Thursday */
#define ERAS_LIFTED   1      /* one era more keeps January of the year 0 from being negative */

static void set_day(struct date_civil *c, int64_t days_since_epoch)
{
    uint32_t days = (uint32_t)(days_since_epoch + DAYS_TO_EPOCH + ERAS_LIFTED * DAYS_PER_ERA);
    uint32_t era = days / DAYS_PER_ERA;
    uint32_t day_of_era = days % DAYS_PER_ERA;
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t from_march = (5 * day_of_year + 2) / 153;
    c->day = (uint8_t)(day_of_year - (153 * from_march + 2) / 5 + 1);
    c->month = (uint8_t)(from_march < 10 ? from_march + 3 : from_march - 9);
    c->year = (uint16_t)(year_of_era + (era - ERAS_LIFTED) * 400 + (c->month <= 2));
    c->weekday = (uint8_t)((days_since_epoch % 7 + 7 + EPOCH_WEEKDAY) % 7);
}

struct date_civil date_civil(int64_t seconds)
{
    if (seconds < DATE_SECONDS_MIN)
        seconds = DATE_SECONDS_MIN;
    if (seconds > DATE_SECONDS_MAX)
        seconds = DATE_SECONDS_MAX;
    int64_t of_day = (seconds % DAY + DAY) % DAY;
    struct date_civil c = {
        .hour = (uint8_t)(of_day / 3600),
        .minute = (uint8_t)(of_day / 60 % 60),
        .second = (uint8_t)(of_day % 60),
    };
    set_day(&c, (seconds - of_day) / DAY);
    return c;
}

static bool is_leap(uint32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static uint8_t days_in_month(uint32_t year, uint32_t month)
{
    static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

static int64_t days_since_epoch(uint32_t year, uint32_t month, uint32_t day)
{
    uint32_t shifted = year + ERAS_LIFTED * 400 - (month <= 2);
    uint32_t from_march = month > 2 ? month - 3 : month + 9;
    uint32_t year_of_era = shifted % 400;
    uint32_t day_of_year = (153 * from_march + 2) / 5 + day - 1;
    uint32_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    int64_t days = (int64_t)(shifted / 400) * DAYS_PER_ERA + day_of_era;
    return days - ERAS_LIFTED * DAYS_PER_ERA - DAYS_TO_EPOCH;
}

bool date_seconds(const struct date_civil *c, int64_t *seconds)
{
    if (c->year > 9999 || c->month < 1 || c->month > 12 || c->day < 1 ||
        c->day > days_in_month(c->year, c->month))
        return false;
    if (c->hour > 23 || c->minute > 59 || c->second > 60)
        return false;
    *seconds = days_since_epoch(c->year, c->month, c->day) * DAY + c->hour * 3600 + c->minute * 60 +
               c->second;
    return true;
}
