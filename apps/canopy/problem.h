/* What an author should mend, as a line: "PATH[:LINE]: why". */
#ifndef APPS_CANOPY_PROBLEM_H
#define APPS_CANOPY_PROBLEM_H

#include "lib/site/site.h"
#include "runtime/buf.h"

#define PROBLEM_PATH_MAX 256u                         /* bytes of a path that are shown */
#define PROBLEM_LINE_MAX (4 * PROBLEM_PATH_MAX + 256) /* of the whole, escaped */

/* A file's name may hold anything: what is no text for a terminal is escaped. */
void problem_put(struct buf *b, const struct site_problem *p);

#endif
