/* See http.h. The grammar is of fixed widths, so each form is read as a row of fields. */
#include "lib/date/http.h"

#include "runtime/date.h"
#include "runtime/reader.h"

static const char *const weekdays[7] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};

static const char *const months[12] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static void put_two(char *into, uint32_t value)
{
    into[0] = (char)('0' + value / 10 % 10);
    into[1] = (char)('0' + value % 10);
}

void date_http_format(int64_t seconds, char into[DATE_HTTP_LEN + 1])
{
    struct date_civil c = date_civil(seconds);
    memcpy(into, "Sun, 06 Nov 1994 08:49:37 GMT", DATE_HTTP_LEN + 1);
    memcpy(into, weekdays[c.weekday], 3);
    put_two(into + 5, c.day);
    memcpy(into + 8, months[c.month - 1], 3);
    put_two(into + 12, c.year / 100u);
    put_two(into + 14, c.year % 100u);
    put_two(into + 17, c.hour);
    put_two(into + 20, c.minute);
    put_two(into + 23, c.second);
}

static void expect(struct reader *r, const char *text)
{
    if (!slice_is(read_bytes(r, strlen(text)), text))
        r->bad = true;
}

/* A number of exactly so many digits. */
static uint32_t number(struct reader *r, size_t digits)
{
    uint64_t value = 0;
    if (!slice_decimal(read_bytes(r, digits), 9999, &value))
        r->bad = true;
    return (uint32_t)value;
}

/* The index of a name of which the first `len` bytes are given; len 0: all of it. */
static uint32_t name(struct reader *r, const char *const *names, uint32_t count, size_t len)
{
    for (uint32_t i = 0; i < count && !r->bad; i++) {
        struct slice wanted = slice_text(names[i]);
        if (len > 0)
            wanted = slice_take(wanted, len);
        if (slice_starts(r->rest, wanted)) {
            read_bytes(r, wanted.len);
            return i;
        }
    }
    r->bad = true;
    return 0;
}

static uint8_t month(struct reader *r)
{
    return (uint8_t)(name(r, months, 12, 0) + 1);
}

static void time_of_day(struct reader *r, struct date_civil *c)
{
    c->hour = (uint8_t)number(r, 2);
    expect(r, ":");
    c->minute = (uint8_t)number(r, 2);
    expect(r, ":");
    c->second = (uint8_t)number(r, 2);
}

/* Sun, 06 Nov 1994 08:49:37 GMT */
static void imf_fixdate(struct reader *r, struct date_civil *c)
{
    name(r, weekdays, 7, 3);
    expect(r, ", ");
    c->day = (uint8_t)number(r, 2);
    expect(r, " ");
    c->month = month(r);
    expect(r, " ");
    c->year = (uint16_t)number(r, 4);
    expect(r, " ");
    time_of_day(r, c);
    expect(r, " GMT");
}

/* Sunday, 06-Nov-94 08:49:37 GMT */
static void rfc850(struct reader *r, struct date_civil *c, int64_t now)
{
    name(r, weekdays, 7, 0);
    expect(r, ", ");
    c->day = (uint8_t)number(r, 2);
    expect(r, "-");
    c->month = month(r);
    expect(r, "-");
    uint32_t latest = date_civil(now).year + 50u;
    uint32_t year = number(r, 2);
    c->year = (uint16_t)(latest - (latest - year) % 100);
    expect(r, " ");
    time_of_day(r, c);
    expect(r, " GMT");
}

/* Sun Nov  6 08:49:37 1994 */
static void asctime(struct reader *r, struct date_civil *c)
{
    name(r, weekdays, 7, 3);
    expect(r, " ");
    c->month = month(r);
    expect(r, " ");
    if (slice_starts(r->rest, SLICE(" "))) {
        expect(r, " ");
        c->day = (uint8_t)number(r, 1);
    } else {
        c->day = (uint8_t)number(r, 2);
    }
    expect(r, " ");
    time_of_day(r, c);
    expect(r, " ");
    c->year = (uint16_t)number(r, 4);
}

bool date_http_parse(struct slice text, int64_t now, int64_t *seconds)
{
    struct reader r = reader_of(text);
    struct date_civil c = {0};
    if (text.len > 3 && text.ptr[3] == ',')
        imf_fixdate(&r, &c);
    else if (text.len > 3 && text.ptr[3] == ' ')
        asctime(&r, &c);
    else
        rfc850(&r, &c, now);
    return !r.bad && r.rest.len == 0 && date_seconds(&c, seconds);
}
