/* Access log: one line a request. */
#ifndef APPS_CANOPY_ACCESSLOG_H
#define APPS_CANOPY_ACCESSLOG_H

#include "lib/http/service.h"
#include "runtime/buf.h"

#define ACCESS_LOG_SOURCE "access"

/* TIME CLIENT METHOD TARGET STATUS BYTES MILLISECONDS "REFERRER" "AGENT". What the client chose is
 * escaped: quotes, backslashes and bytes that are not printable ASCII as \xHH. */
void access_log_line(struct buf *into, const struct http_record *record);

#endif
