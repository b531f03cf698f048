/*
 * Site: the pages of one commit, made once, when content is loaded.
 *
 * A site is a generation: a table from request paths to finished pages. Pages are counted
 * references; a page whose inputs did not change is taken over from the previous generation. A
 * response holds a reference while it is sent, so a generation may go while its last readers read.
 *
 * A page's Last-Modified is when it was made here, whatever its commits say: their dates go back when an older
 * article is merged or a branch is set back, and a page shows more than one file (RFC 9110, 8.8.2).
 *
 * A generation can be served as soon as its pages have their bodies; their gzip forms, entity tags and field
 * lines follow (site_finish), or come about when they are first asked for (site_page_ready). Until then a page
 * has one form, under the same tag as ever, and says already that it varies.
 */
#ifndef LIB_SITE_SITE_H
#define LIB_SITE_SITE_H

#include "lib/store/history.h"
#include "lib/store/store.h"
#include "runtime/buf.h"
#include "runtime/siphash.h"

#define SITE_PAGES_MAX     (1u << 20)
#define SITE_ARTICLE_MAX   (8u << 20)          /* bytes of one article */
#define SITE_STATIC_MAX    (64u << 20)         /* bytes of one static file */
#define SITE_PAGE_MAX      (128u << 20)        /* bytes of one page; a larger list is left out */
#define SITE_BYTES_MAX     (UINT64_C(4) << 30) /* of all bodies; what is beyond is left out */
#define SITE_PROBLEMS_MAX  256                 /* kept; more are only counted */
#define SITE_FEED_ARTICLES 10

/* A file built into the program, served below /static unless the repository brings its own. It lives
 * as long as the program. One that gzip makes smaller may be held as that only. */
struct site_asset {
    const char *path;      /* "css/site.css": below /static/ */
    const uint8_t *ptr;    /* its bytes, or their gzip form */
    size_t held;           /* of what ptr leads to */
    size_t len;            /* of its bytes: other than `held`, it is the gzip form */
    const uint8_t *sha256; /* of its bytes */
};

struct site_options {
    struct slice name;  /* of the site; empty: `.config/blog_name`, else "Canopy" */
    struct slice index; /* path of the index page, "Posts"; empty: `.config/index_page` */
    struct slice root;  /* "https://example.org" for absolute links; empty: `.config/root` */
    bool raw_html;      /* HTML in an article's body passes */
    const struct site_asset *assets;
    size_t asset_count;
    uint64_t bytes_max; /* of all bodies; 0: SITE_BYTES_MAX */
    int64_t now; /* seconds since 1970: what pages made now tell as their change; 0: nothing */
    struct sipkey secret; /* for tables */
};

/* An answer; freed with its last reference. What is marked with a star is there after site_page_ready, and does
 * not change while a handler runs. */
struct site_page {
    uint32_t refs;
    uint16_t status;  /* 200 or 301 */
    bool ranges;      /* static files */
    int64_t modified; /* seconds since 1970; 0: not told */
    struct slice
        body; /* ptr NULL with a length: of an asset that is held packed, see site_page_unpack */
    struct slice gzip;      /* empty: it would not be smaller, or is not there yet */
    struct slice etag;      /* * quoted, strong; empty: of an answer that has none */
    struct slice gzip_etag; /* * */
    struct slice fields; /* * whole lines: ETag, Last-Modified, Vary, Content-Type, Location, ... */
    struct slice gzip_fields;        /* * the same for the gzip form, with Content-Encoding */
    struct slice cached_fields;      /* * of them, what a 304 repeats (RFC 9110, 15.4.5) */
    struct slice gzip_cached_fields; /* * */
};

void site_page_hold(struct site_page *p);
void site_page_drop(struct site_page *p);

/* Makes a page's entity tags and field lines, if they are not there yet. ERR_MEMORY. */
enum err site_page_ready(struct site_page *p);

/* Makes the body of an asset that is held packed, if it is not there yet; it stays. ERR_MEMORY; ERR_MALFORMED:
 * what is held is not the gzip form of so many bytes. */
enum err site_page_unpack(struct site_page *p);

/* What an author should mend. */
struct site_problem {
    struct slice path;
    uint32_t line; /* 0: the file as a whole */
    struct slice reason;
};

struct site_stats {
    uint32_t pages;   /* in the table: names, of which several may have one page */
    uint32_t changed; /* of them, those that showed another page before, or none */
    uint32_t made;    /* rendered for this generation, error pages too */
    uint32_t reused;  /* taken over */
    uint32_t articles;
    uint32_t problems; /* all, also those beyond SITE_PROBLEMS_MAX */
    uint64_t bytes;    /* of bodies and gzip forms */
};

struct site; /* one generation */
struct site_build;

/* Starts to make a generation. store, history, previous (may be NULL) and options must stay until
 * the build has ended; the finished site needs none of them. */
enum err site_build_begin(struct store *store, const struct history *history,
                          const struct site *previous, const struct site_options *options,
                          struct site_build **into);

/* Works for about `budget` bytes of input and of pages, so that a server can go on serving meanwhile. ERR_AGAIN:
 * there is more to do; OK: whole; anything else: failed. `done` of `total` steps are for people. */
enum err site_build_step(struct site_build *b, size_t budget);
void site_build_progress(const struct site_build *b, uint32_t *done, uint32_t *total);

/* Takes the finished generation (after OK); in any case the build is gone. NULL: it was not
 * finished. */
struct site *site_build_end(struct site_build *b);

/* Goes on to finish pages, for about `budget` bytes. ERR_AGAIN: there is more to do; OK: what comes out is, byte
 * for byte, what a build from nothing at that time gives. ERR_MEMORY: a page stays as it is, which is good for
 * answers; there may be more to do. */
enum err site_finish(struct site *s, size_t budget);

void site_free(struct site *s);

/* The same, of so many pages: true when all of it is gone. Until then it is of no other use. */
bool site_free_some(struct site *s, size_t most);

/* The page for a request's path, percent-decoded, "/Posts/About"; NULL: there is none. The caller
 * holds it if it needs it beyond the site. Built-in assets have a second name, as pages link them,
 * with their version for a query: what is found there may be kept for ever. */
struct site_page *site_find(const struct site *s, struct slice path);

/* Whether a path without a page has one but for slashes at its end: puts where it is, encoded, for
 * a Location (301). */
bool site_moved(const struct site *s, struct slice path, struct buf *location);

/* The site's designed page for an error status (404, 500, ...). Never NULL. */
struct site_page *site_error(const struct site *s, uint16_t status);

/* A designed page for when there is no site yet or any more: 503 and every other error; text/html,
 * needs no assets. Static: lives as long as the program. */
struct slice site_bare_page(uint16_t status);

const struct site_problem *site_problems(const struct site *s, size_t *count);
struct site_stats site_stats(const struct site *s);

/* The commit that its pages are of. */
const struct oid *site_commit(const struct site *s, enum oid_kind *kind);

#endif
