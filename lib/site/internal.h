/*
 * What the files of this room share: how a generation lies in memory.
 *
 *     item    what one file of the repository says: counted, never changed, shared by generations
 *     entry   an item with the page that this generation shows for it
 *     derived a page made of many items (a listing, the feed), with a digest of what it was made of
 *
 * A file that is the same in the previous generation keeps its item; if the layout is the same as
 * well, its page; a derived page whose digest is the same is taken over. What comes out is what a
 * build from nothing would give, byte for byte, but for when pages say that they changed.
 */
#ifndef LIB_SITE_INTERNAL_H
#define LIB_SITE_INTERNAL_H

#include "lib/atom/uuid.h"
#include "lib/hash/sha256.h"
#include "lib/site/article.h"
#include "lib/site/page.h"
#include "lib/site/site.h"
#include "runtime/arena.h"
#include "runtime/map.h"

#define SITE_ARENA_MAX ((size_t)256 << 20) /* names, tables and problems of one generation */
#define SITE_ERRORS    16                  /* designed error pages */

#define TITLE_MAX       200 /* bytes of a title taken from the text */
#define DESCRIPTION_MAX 200
#define SETTING_MAX     256 /* bytes of a file below .config/ */

/* --- items (item.c, read.c) --- */

enum item_kind { ITEM_ARTICLE, ITEM_REDIRECT, ITEM_STATIC, ITEM_PROBLEM };

struct item {
    uint32_t refs;
    enum item_kind kind;
    struct oid blob;
    uint32_t mode;
    int64_t created, changed;
    struct slice url;   /* "/Posts/About" */
    struct slice title; /* never empty for an article */
    struct slice author;
    struct slice author_url;
    struct slice abstract; /* HTML */
    struct slice redirect; /* encoded, for a Location */
    struct slice *tags;
    size_t tag_count;
    bool skip_title;              /* the text begins with its title */
    uint32_t line;                /* of the problem */
    const char *reason;           /* static */
    uint8_t digest[SHA256_BYTES]; /* of all that listings show */
};

/* Makes an item; texts of `from` are copied, its refs is 1. NULL without memory. */
struct item *item_new(const struct item *from);
void item_hold(struct item *i);
void item_drop(struct item *i);

/* Reads what a file says; adds to *bytes how much was read. An author's mistake is an item of its
 * own (ITEM_PROBLEM); an error is ours. */
enum err item_read(struct store *store, const struct history_file *file, size_t *bytes,
                   struct item **into);

/* Whether a file has a place on the site at all: nothing below a name with a leading dot has. */
bool path_is_hidden(struct slice path);
bool path_is_static(struct slice path);

/* --- generations --- */

struct span {
    size_t at, len;
};

struct entry {
    struct item *item;
    struct site_page *page; /* NULL: a problem, or not made yet */
    struct span content;    /* of page->body: the article's own HTML */
};

struct derived {
    struct slice path; /* "/tags/mirageos" */
    uint8_t digest[SHA256_BYTES];
    struct site_page *page;
};

struct site {
    enum oid_kind kind;
    struct oid commit;
    int64_t
        made_at; /* seconds since 1970, not before any generation that led to it; 0: not known */
    struct arena arena;    /* keys, entries, problems */
    struct entry *entries; /* in the order of history */
    size_t count;
    struct map pages;   /* path to page */
    struct map derived; /* path to derived */
    uint8_t layout[SHA256_BYTES];
    struct site_page *errors[SITE_ERRORS];
    struct site_problem problems[SITE_PROBLEMS_MAX];
    size_t problem_count;
    uint64_t room; /* bytes that pages may still take */
    struct site_stats stats;
    size_t finish_at;       /* how far site_finish has come: in pages, */
    size_t errors_finished; /* then in errors */
    bool finished;
    struct packer packer;           /* meanwhile */
    size_t freed_at, entries_freed; /* how far site_free_some has come */
};

/* A generation without a page. NULL without memory. */
struct site *site_empty(const struct site_options *options);

/* Puts a page under its path; the reference is taken over (dropped on failure). The path must live
 * as long as the site. */
enum err site_put(struct site *s, struct slice path, struct site_page *page);

/* Counts what its pages hold, for its stats. */
void site_count_bytes(struct site *s);

/* Whether there is room for one more page of all that a site may hold; then it is counted. */
bool site_take_room(struct site *s, const struct site_page *page);

/* The path must live as long as the site. */
void site_add_problem(struct site *s, struct slice path, uint32_t line, const char *reason);

/* --- layout: the frame of all pages (layout.c) --- */

struct nav {
    struct slice url;
    struct slice title;
};

struct layout {
    struct slice name;
    struct slice root;  /* without a slash at its end; may be empty */
    struct slice index; /* path without slashes around it; may be empty */
    struct slice language;
    struct uuid id;
    struct nav *nav;
    size_t nav_count;
    struct slice head;      /* links to style sheets, of every page */
    struct slice code_head; /* of pages with code */
    bool light_only;        /* the repository's style sheet knows no dark ground */
    bool raw_html;
};

struct head {
    struct slice title; /* empty: the site's name */
    struct slice description;
    struct slice url; /* "/Posts/About"; empty: an error page */
    struct slice author;
    int64_t created, changed; /* 0: none */
    bool article;
    bool code;
};

void layout_begin(struct buf *b, const struct layout *l, const struct head *h);
void layout_end(struct buf *b, const struct layout *l);
void layout_digest(const struct layout *l, uint8_t into[SHA256_BYTES]);

/* "2006-01-02" in a <time>. */
void put_date(struct buf *b, const char *class, int64_t when);
void put_tags(struct buf *b, const struct item *i);
void put_author(struct buf *b, const struct item *i);

/* --- what pages show (render_*.c); all put a whole document --- */

struct rendered {
    struct span content; /* the article's own HTML */
    bool authors_html;   /* raw HTML is in it */
};
enum err render_article(struct buf *b, const struct layout *l, const struct item *i,
                        const struct article *a, struct rendered *into);

struct listing {
    struct slice url;
    struct slice title;
    struct entry **entries; /* newest first */
    size_t count;
};

/* Of a listing what is before its articles, one of them, and what is behind. */
void render_listing_begin(struct buf *b, const struct layout *l, const struct listing *list);
void render_listed(struct buf *b, const struct item *i);
void render_listing_end(struct buf *b, const struct layout *l);

/* lists: one for each tag */
void render_tags(struct buf *b, const struct layout *l, const struct listing *lists, size_t count);
void render_feed(struct buf *b, const struct layout *l, struct entry *const *entries, size_t count,
                 int64_t updated);

/* Error pages have numbers, below ERROR_PAGES. A status without a page of its own has its class's. */
extern const size_t ERROR_PAGES;
size_t error_page_of(uint16_t status);
uint16_t render_error(struct buf *b, const struct layout *l, size_t page); /* returns its status */

/* --- the work of making a generation (build.c and the files named below) --- */

enum phase {
    PHASE_READ,    /* files into items */
    PHASE_LAYOUT,  /* settings, navigation, assets */
    PHASE_RENDER,  /* items into pages */
    PHASE_COLLECT, /* articles by folder and tag */
    PHASE_DERIVE,  /* lists, feed */
    PHASE_REDIRECTS,
    PHASE_ERRORS,
    PHASE_DONE
};

/* A listing between two turns: so many of its articles are there. */
struct draft {
    bool begun;
    uint8_t digest[SHA256_BYTES]; /* of all that it will show */
    struct buf body;
    size_t shown;
};

struct site_build {
    struct store *store;
    const struct history *history;
    const struct site *previous;
    const struct site_options *options;
    struct site *site;  /* being made */
    struct arena arena; /* what only the build needs */
    struct layout layout;
    int64_t modified; /* what pages that are made now tell */
    bool same_layout; /* as the previous generation's */
    enum phase phase;
    size_t at;                   /* in the phase's work */
    size_t previous_at;          /* in the previous generation's entries */
    const struct entry **before; /* for each entry, the previous one of the same item, or NULL */
    struct listing articles;     /* all that have a page */
    uint32_t *ranks;             /* their places in that order, for each entry */
    struct listing *folders;     /* of articles */
    size_t folder_count;
    struct listing *tags;
    size_t tag_count;
    struct listing newest; /* all articles; the front page, if there is no other */
    struct draft draft;
    enum err err; /* why the build failed */
};

/* settings.c: fills in the layout's settings, from options and the repository. */
enum err build_settings(struct site_build *b);

/* assets.c: makes pages of the built-in assets, and the layout's links to them. */
enum err build_assets(struct site_build *b);

/* navigation.c: folders and root pages, in the layout. */
enum err build_navigation(struct site_build *b);

/* collect.c: articles by folder and tag; the n-th part of that work. */
enum err build_collection(struct site_build *b, size_t n, bool *more, size_t *cost);

/* A page that comes out as its path's was before is that page, which goes on to tell when it came to be so. */
void build_keep_old(const struct site_build *b, struct slice path, struct site_page **page);

/* Puts a page under a path, with what it tells of its change there; the reference is taken over. */
enum err build_put(struct site_build *b, struct slice path, struct site_page *page);

/* derive.c: the n-th derived page; *more: there is another. Adds to *cost about how many bytes were
 * worked on. ERR_AGAIN: it is not whole yet, and is gone on with by the next call. */
enum err build_derived(struct site_build *b, size_t n, bool *more, size_t *cost);
enum err build_errors(struct site_build *b);

/* redirects.c: looks where the n-th entry leads, if it is a redirection. All pages are there. */
enum err build_redirects(struct site_build *b, size_t n, bool *more, size_t *cost);

/* Takes over the derived page of this path if it was made of the same. */
enum err build_take_over(struct site_build *b, struct slice path,
                         const uint8_t digest[SHA256_BYTES], bool *taken);

/* Puts a derived page that was made now; the reference is taken over. Where there is no room for it,
 * it is left out, and said to be. */
enum err build_put_derived(struct site_build *b, struct slice path,
                           const uint8_t digest[SHA256_BYTES], struct site_page *page);

#endif
