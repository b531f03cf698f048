/*
 * The chunked coding, decoded piece by piece (RFC 9112, 7.1). Pure: no copy, no memory.
 *
 * Strict: hexadecimal digits and nothing else before a chunk's extensions, CRLF as the only line
 * end, trailer fields of valid form. Extensions and trailer fields are checked and dropped.
 */
#ifndef LIB_HTTP_CHUNKED_H
#define LIB_HTTP_CHUNKED_H

#include "runtime/slice.h"

#define HTTP_CHUNK_DIGITS_MAX 15   /* of one size, leading zeros included: below 2^60 */
#define HTTP_CHUNK_EXTRA_MAX  4096 /* bytes of extensions and trailers of one body */

enum http_chunked_step {
    HTTP_CHUNKED_NEED, /* all of *in is taken */
    HTTP_CHUNKED_DATA, /* *data is a piece of the body, a part of what *in was */
    HTTP_CHUNKED_DONE, /* *in is what follows the body */
    HTTP_CHUNKED_BAD   /* malformed, or beyond a limit; stays so */
};

struct http_chunked {
    uint64_t left; /* of the present chunk */
    uint32_t extra;
    uint8_t state;
    uint8_t digits;
};

void http_chunked_init(struct http_chunked *c);
enum http_chunked_step http_chunked_feed(struct http_chunked *c, struct slice *in,
                                         struct slice *data);

#endif
