/* For headers of third-party libraries that include it: types only. */
#ifndef RUNTIME_INCLUDE_SYS_TIME_H
#define RUNTIME_INCLUDE_SYS_TIME_H

#include <time.h>

struct timeval {
    time_t tv_sec;
    __INT64_TYPE__ tv_usec;
};

#endif
