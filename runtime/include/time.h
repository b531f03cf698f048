/* For headers of third-party libraries that include it: types only. Our own time is
 * signatures/clock.h. */
#ifndef RUNTIME_INCLUDE_TIME_H
#define RUNTIME_INCLUDE_TIME_H

#include <stddef.h>

typedef __INT64_TYPE__ time_t;

struct tm;

#endif
