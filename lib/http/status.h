/* Status codes and their reason phrases (the registry of RFC 9110, 16.2.1). */
#ifndef LIB_HTTP_STATUS_H
#define LIB_HTTP_STATUS_H

#include "runtime/slice.h"

/* "HTTP/1.1 404 Not Found" CRLF; the empty slice for a code without a name. */
struct slice http_status_line(uint16_t status);

#endif
