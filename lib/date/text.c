/* See text.h. */
#include "lib/date/text.h"

#include "runtime/date.h"

/* So many digits with their leading zeros, and what follows them. Every line of a log has a date. */
static char *put(char *at, unsigned value, unsigned count, char after)
{
    for (unsigned i = count; i-- > 0; value /= 10)
        at[i] = (char)('0' + value % 10);
    at[count] = after;
    return at + count + 1;
}

static char *put_day(char *at, const struct date_civil *c, char after)
{
    return put(put(put(at, c->year, 4, '-'), c->month, 2, '-'), c->day, 2, after);
}

void date_rfc3339_format(int64_t seconds, char into[DATE_RFC3339_LEN + 1])
{
    struct date_civil c = date_civil(seconds);
    char *time = put_day(into, &c, 'T');
    *put(put(put(time, c.hour, 2, ':'), c.minute, 2, ':'), c.second, 2, 'Z') = 0;
}

void date_day_format(int64_t seconds, char into[DATE_DAY_LEN + 1])
{
    struct date_civil c = date_civil(seconds);
    put_day(into, &c, 0);
}
