/* Percent-encoding of paths (RFC 3986, 2.1 and 3.3). */
#ifndef LIB_TEXT_PERCENT_H
#define LIB_TEXT_PERCENT_H

#include "runtime/buf.h"

/* Puts a path for use in a link: '/' and what a path segment may hold stay, all else is encoded.
 * (& and ' are encoded too, so that the text needs no escaping in an attribute.) */
void percent_encode_path(struct buf *b, struct slice path);

/* The path that a request names, decoded: *decoded is `path` itself where nothing was encoded, else
 * the bytes put into scratch (which is cleared first).
 *
 * Strict, so that one resource has one name and no name leads out of the tree. ERR_MALFORMED: not
 * two hexadecimal digits after a '%', an encoded '/', a control byte (encoded or not), bytes that
 * are not UTF-8, or a segment that is "." or ".." (encoded or not). Else the errors of buf. */
enum err percent_decode_path(struct slice path, struct buf *scratch, struct slice *decoded);

#endif
