/* Dates in HTTP fields (RFC 9110, 5.6.7). */
#ifndef LIB_DATE_HTTP_H
#define LIB_DATE_HTTP_H

#include "runtime/slice.h"

#define DATE_HTTP_LEN 29 /* "Sun, 06 Nov 1994 08:49:37 GMT" */

/* IMF-fixdate, with a NUL. */
void date_http_format(int64_t seconds, char into[DATE_HTTP_LEN + 1]);

/* Any of the three forms: IMF-fixdate, RFC 850, asctime. A two-digit year is the one that is at most
 * 50 years after `now`. The name of the weekday must be a name, but is not compared with the date.
 * False for anything else. */
bool date_http_parse(struct slice text, int64_t now, int64_t *seconds);

#endif
