/* See text.h. */
#include "lib/date/text.h"

#include "lib/date/civil.h"
#include "runtime/format.h"

void date_rfc3339_format(int64_t seconds, char into[DATE_RFC3339_LEN + 1])
{
    struct date_civil c = date_civil(seconds);
    format_text(into, DATE_RFC3339_LEN + 1, "%04u-%02u-%02uT%02u:%02u:%02uZ", c.year, c.month,
                c.day, c.hour, c.minute, c.second);
}

void date_day_format(int64_t seconds, char into[DATE_DAY_LEN + 1])
{
    struct date_civil c = date_civil(seconds);
    format_text(into, DATE_DAY_LEN + 1, "%04u-%02u-%02u", c.year, c.month, c.day);
}

void date_long_format(int64_t seconds, char into[DATE_LONG_MAX])
{
    struct date_civil c = date_civil(seconds);
    format_text(into, DATE_LONG_MAX, "%u %s %u", c.day, DATE_MONTHS[c.month - 1], c.year);
}
