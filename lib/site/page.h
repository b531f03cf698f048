/*
 * Pages: bodies made into finished answers, with their gzip form, entity tags and field lines.
 *
 * A page is there as soon as its body is. What else belongs to it costs more than the body, and comes about when
 * the first answer needs it (site_page_ready, site_page_unpack), or when all of the site is up (page_finish).
 */
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
};

/* Without effect on one that is open. False without memory; packer_close is due all the same. */
bool packer_open(struct packer *p);
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
    const char *type; /* media type; static */
    bool utf8;        /* the charset to tell, where the type has one */
    bool ranges;
    enum page_cache cache;
    enum page_policy policy;
    int64_t modified;      /* 0: not told */
    struct slice location; /* of a redirection */
};

/* Makes a page with one reference. The bytes gathered in `body` are taken over (also on failure:
 * body is empty afterwards). */
enum err page_of_buf(const struct page_spec *spec, struct buf *body, struct site_page **into);

/* The same of what is built in. What is held packed stays so until somebody asks for its bytes. */
enum err page_of_asset(const struct page_spec *spec, const struct site_asset *asset,
                       struct site_page **into);

/* The bytes of another page, which is held for them, under field lines of its own. */
enum err page_of_page(const struct page_spec *spec, struct site_page *source,
                      struct site_page **into);

/* Whether two pages give the same answers, but for when they say that they changed. */
bool page_is_same(const struct site_page *one, const struct site_page *other);

/* Another page, which is held for its bytes, again, but for when it says that it changed; and whether it is
 * that. */
enum err page_again(struct site_page *source, int64_t modified, struct site_page **into);
bool page_is_again(const struct site_page *page, const struct site_page *source);

/* What a finished page is made of: its bytes are told as those of an asset without a path, in the one form that it
 * needs. *source: whose bytes these are; NULL: its own. All of it is lent by the page. */
void page_tell(struct site_page *p, struct page_spec *spec, struct site_asset *held,
               struct site_page **source);

/* Makes such a page again, finished. The media type lives as long as the asset. */
enum err page_of_print(const struct page_spec *spec, const struct site_asset *held,
                       struct site_page **into);

/* Makes what is not there yet but for the bytes of what is held packed; without effect on a page that is
 * finished. Adds to *cost about how many bytes were worked on. ERR_MEMORY: the page can be used as it is. */
enum err page_finish(struct site_page *page, struct packer *packer, size_t *cost);

/* SHA-256 of its body. */
const uint8_t *page_digest(const struct site_page *p);

/* Bytes that the page holds itself. */
uint64_t page_bytes(const struct site_page *p);

#endif
