/* For headers of third-party libraries that include it. */
#ifndef RUNTIME_INCLUDE_SYS_TYPES_H
#define RUNTIME_INCLUDE_SYS_TYPES_H

#include <stddef.h>

typedef __INTPTR_TYPE__ ssize_t;
typedef __INT64_TYPE__ off_t;
typedef struct no_lock pthread_rwlock_t; /* mentioned, never used */

#endif
