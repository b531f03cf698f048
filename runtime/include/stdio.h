/* For headers of third-party libraries that include it: types only. There are no files. */
#ifndef RUNTIME_INCLUDE_STDIO_H
#define RUNTIME_INCLUDE_STDIO_H

#include <stddef.h>

typedef struct no_file FILE;

#endif
