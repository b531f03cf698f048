/* See problem.h. */
#include "apps/canopy/problem.h"

#include "lib/git/escape.h"

void problem_put(struct buf *b, const struct site_problem *p)
{
    git_put_escaped(b, slice_take(p->path, PROBLEM_PATH_MAX));
    if (p->path.len > PROBLEM_PATH_MAX)
        buf_text(b, "...");
    if (p->line > 0)
        buf_printf(b, ":%u", p->line);
    buf_printf(b, ": %.*s", SLICE_ARG(p->reason));
}
