/*
 * Text into HTML and XML.
 *
 * What comes out is well-formed in both (HTML Living Standard 13.1.4, XML 1.0 2.2 and 2.4): bytes
 * that are not UTF-8, and characters that XML does not permit (most control characters), become
 * U+FFFD.
 */
#ifndef LIB_TEXT_HTML_H
#define LIB_TEXT_HTML_H

#include "runtime/buf.h"

/* For the content of an element: & < > are escaped. */
void html_escape(struct buf *b, struct slice text);

/* For a value between quotes of either kind: & < > " ' and line ends and tabs are escaped. */
void html_escape_attribute(struct buf *b, struct slice text);

#endif
