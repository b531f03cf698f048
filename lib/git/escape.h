/* Text from outside, made fit for a line on a terminal. */
#ifndef LIB_GIT_ESCAPE_H
#define LIB_GIT_ESCAPE_H

#include "runtime/buf.h"

/* Control characters, and bytes that are not UTF-8, become "\xHH". */
void git_put_escaped(struct buf *b, struct slice text);

#endif
