/* Pages: bodies made into finished answers, with their gzip form, entity tags and field lines. */
#ifndef LIB_SITE_PAGE_H
#define LIB_SITE_PAGE_H

#include "lib/gzip/gzip.h"
#include "lib/site/site.h"

/* A gzip form has to save this much, and a sixteenth of the body. */
#define PAGE_GZIP_SAVING 64

/* From this size on, packing fast is worth more than packing tight: a long list is made anew at
 * every push. */
#define PAGE_LARGE ((size_t)128 << 10)

struct packer {
    struct gzip *tight;
    struct gzip *fast;
    int64_t now; /* seconds since 1970: a change later than this is not told */
};

/* now 0: all changes are told. False without memory; packer_close is due all the same. */
bool packer_open(struct packer *p, int64_t now);
void packer_close(struct packer *p);

enum page_cache {
    PAGE_FRESH,  /* asked for again every time: a push shows at once */
    PAGE_HOURLY, /* the repository's pictures, fonts, downloads; built-in assets */
    PAGE_ASSET,  /* these under a name with their version: it never means another one */
};

enum page_policy {
    PAGE_NO_POLICY, /* not HTML */
    PAGE_STRICT,    /* only our own scripts and styles */
    PAGE_AUTHORS,   /* the author wrote HTML, and may use what it wants */
};

struct page_spec {
    uint16_t status;
    const char *type; /* media type */
    bool utf8;        /* the charset to tell, where the type has one */
    bool ranges;
    enum page_cache cache;
    enum page_policy policy;
    int64_t modified;      /* 0: not told */
    struct slice location; /* of a redirection */
};

/* Makes a page with one reference. The bytes gathered in `body` are taken over (also on failure:
 * body is empty afterwards). */
enum err page_of_buf(const struct packer *packer, const struct page_spec *spec, struct buf *body,
                     struct site_page **into);

/* The same of what is built in. ERR_MALFORMED: its gzip form is not one of so many bytes. */
enum err page_of_asset(const struct packer *packer, const struct page_spec *spec,
                       const struct site_asset *asset, struct site_page **into);

/* The bytes of another page, which is held for them, under field lines of its own. */
enum err page_of_page(const struct page_spec *spec, struct site_page *source,
                      struct site_page **into);

/* Bytes that the page holds itself. */
uint64_t page_bytes(const struct site_page *p);

#endif
