/* Status: what runs here, as plain text for operators and authors. No secrets. */
#ifndef APPS_CANOPY_STATUS_H
#define APPS_CANOPY_STATUS_H

#include "apps/canopy/problem.h"
#include "apps/canopy/web.h"
#include "runtime/buf.h"

#define STATUS_BYTES_MAX ((64u << 10) + SITE_PROBLEMS_MAX * PROBLEM_LINE_MAX)

/* What the last update came to, and what authors should mend: the answer to a push. */
void status_update(struct buf *into, const struct web *w);

/* All of it: content, store, requests, TLS, memory. */
void status_whole(struct buf *into, const struct web *w);

#endif
