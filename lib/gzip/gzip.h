/*
 * gzip (RFC 1952): packs and unpacks whole buffers, by libdeflate.
 */
#ifndef LIB_GZIP_GZIP_H
#define LIB_GZIP_GZIP_H

#include "runtime/buf.h"

/* Levels are 1 to 12. On pages of text, the fast one takes a third of the time. */
#define GZIP_TIGHT 6
#define GZIP_FAST  1

struct gzip; /* opaque: a compressor with its working memory, used one call at a time */

/* NULL without memory. */
struct gzip *gzip_open(int level);
void gzip_close(struct gzip *z);

/* Puts one gzip member. Where it would not be at least `saving` bytes smaller than plain nothing is
 * put, and the answer is OK all the same. Errors are those of buf. */
enum err gzip_pack(struct gzip *z, struct slice plain, size_t saving, struct buf *into);

/* Puts what one gzip member holds, which has to be `len` bytes. ERR_MALFORMED: it is not. */
enum err gzip_unpack(struct slice packed, size_t len, struct buf *into);

#endif
