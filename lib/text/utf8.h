/* UTF-8 (RFC 3629): shortest forms only, no surrogates, nothing above U+10FFFF. */
#ifndef LIB_TEXT_UTF8_H
#define LIB_TEXT_UTF8_H

#include "runtime/slice.h"

bool utf8_valid(struct slice text);

/* How many bytes the first character takes: 1 to 4, or 0 where it is malformed, cut off or there is
 * none. */
size_t utf8_width(struct slice text);

/* Whether it holds a control character of ASCII, of which the end of a line is one. */
bool utf8_has_control(struct slice text);

#endif
