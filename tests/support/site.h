/*
 * Sites for tests: a repository of stock git, file by file, read into a store and made into a site.
 *
 * One repository at a time; whatever goes wrong on the way ends the test's program.
 */
#ifndef TESTS_SUPPORT_SITE_H
#define TESTS_SUPPORT_SITE_H

#include "lib/site/site.h"

#define WORK_DAY   86400
#define WORK_EPOCH 1700000000 /* 2023-11-14T22:13:20Z, the date of commits without another */

/* --- the repository --- */

void work_begin(void); /* an empty one; the one before is gone */
void work_put(const char *path, struct slice bytes);
void work_text(const char *path, const char *text);
void work_remove(const char *path);
void work_commit(int64_t when); /* all of it */

/* --- what the program sees of it --- */

struct content {
    struct store *store;
    struct history history;
};

/* Reads all that is committed; content_free gives it back. */
void content_load(struct content *c);
void content_free(struct content *c);

extern const struct site_options SITE_PLAIN; /* raw HTML, no assets */

/* previous and options may be NULL. */
struct site *site_make(const struct content *c, const struct site *previous,
                       const struct site_options *options);

/* The same, and its pages are not finished. */
struct site *site_begin(const struct content *c, const struct site *previous);

/* content_load, site_make, content_free. */
struct site *site_of_work(const struct site_options *options);

/* The page's body, its field lines as text; valid until the next call of either. NULL: no page. */
const char *body_of(const struct site *s, const char *path);
const char *fields_of(const struct site *s, const char *path);

/* Whether two sites answer every path of either with the same bytes. Says where they do not. */
bool same_sites(const struct site *a, const struct site *b);

#endif
