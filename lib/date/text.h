/* Dates for people and for feeds, in UTC. */
#ifndef LIB_DATE_TEXT_H
#define LIB_DATE_TEXT_H

#include <stdint.h>

#define DATE_RFC3339_LEN 20 /* "2006-01-02T15:04:05Z" */
#define DATE_DAY_LEN     10 /* "2006-01-02" */

/* RFC 3339, 5.6, with a NUL. */
void date_rfc3339_format(int64_t seconds, char into[DATE_RFC3339_LEN + 1]);

/* The day alone: "2006-01-02", with a NUL. */
void date_day_format(int64_t seconds, char into[DATE_DAY_LEN + 1]);

#endif
