/* HTML as our renderer puts it: whether it is well-formed, and holds nothing but what we put. */
#ifndef TESTS_SUPPORT_HTML_H
#define TESTS_SUPPORT_HTML_H

#include "runtime/slice.h"

/*
 * Why a fragment is not what the renderer may put where no raw HTML passes, or NULL: tags and attributes
 * that we write, each value in double quotes, each element closed in its turn, no link within a link,
 * no two elements of one id, no target that a browser would run or read from a disk, and no '<', '>' or
 * '&' besides. *at: where the fault is.
 */
const char *html_fault(struct slice html, size_t *at);

#endif
