/* The entity tags and field lines of a page (RFC 9110, 8 and 12.5.5; RFC 9111, 5.2), in one piece of memory. */
#ifndef LIB_SITE_PAGE_LINES_H
#define LIB_SITE_PAGE_LINES_H

#include "lib/site/page.h"

struct page_lines {
    struct slice all;             /* what the others are parts of: the owner gives it back */
    struct slice etag, gzip_etag; /* as in struct site_page, like what follows */
    struct slice fields, gzip_fields;
    struct slice cached_fields, gzip_cached_fields;
};

/* digest: SHA-256 of the body; NULL: no entity tag. varies: there is a gzip form, or there may be one. */
enum err page_lines_make(const struct page_spec *spec, const uint8_t *digest, bool varies,
                         struct page_lines *into);

#endif
