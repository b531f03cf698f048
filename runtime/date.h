/*
 * Civil time: the Gregorian calendar, in UTC, without leap seconds.
 *
 * Time is a number of seconds since 1970-01-01T00:00:00Z. Years 0 to 9999 are covered, which is what
 * formats with four digits can write; times outside are clamped to the first or last second.
 */
#ifndef RUNTIME_DATE_H
#define RUNTIME_DATE_H

#include <stdbool.h>
#include <stdint.h>

#define DATE_SECONDS_MIN INT64_C(-62167219200) /* 0000-01-01T00:00:00Z */
#define DATE_SECONDS_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

struct date_civil {
    uint16_t year;
    uint8_t month;   /* 1 to 12 */
    uint8_t day;     /* 1 to 31 */
    uint8_t hour;    /* 0 to 23 */
    uint8_t minute;  /* 0 to 59 */
    uint8_t second;  /* 0 to 59; 60 is understood by date_seconds */
    uint8_t weekday; /* 0 Sunday to 6 Saturday; ignored by date_seconds */
};

struct date_civil date_civil(int64_t seconds);

/* False for a date that the calendar does not have. A leap second (60) counts as the next one. */
bool date_seconds(const struct date_civil *civil, int64_t *seconds);

#endif
