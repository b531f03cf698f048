/* One range of bytes (RFC 9110, 14.1 and 14.2). Private to lib/http. */
#ifndef LIB_HTTP_RANGE_H
#define LIB_HTTP_RANGE_H

#include "runtime/slice.h"

enum http_range {
    HTTP_RANGE_WHOLE, /* not a form that we honour: answer as if nobody had asked */
    HTTP_RANGE_PART,
    HTTP_RANGE_UNSATISFIABLE
};

/* value: of the Range field. Several ranges in one request are not honoured. */
enum http_range http_range_read(struct slice value, uint64_t length, uint64_t *first,
                                uint64_t *part_length);

#endif
