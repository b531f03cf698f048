/*
 * Print: a finished generation as bytes, and a generation of such bytes.
 *
 * An image that brings its content brings its pages with it, as they were made while it was built: they are
 * served at once, and stand in until the same pages have been made of the content itself. What is printed is read
 * with the code and the built-in assets that it was printed with; other options than those are noticed.
 *
 *     magic, options, commit, articles, problems; pages; names; error pages
 *
 * Numbers are little-endian; a text is its length in 4 bytes, then its bytes. A page is named by its number, and
 * follows the one whose bytes it shares. Of a page with a gzip form only that is there.
 */
#ifndef LIB_SITE_PRINT_H
#define LIB_SITE_PRINT_H

#include "lib/site/site.h"

#define SITE_PRINT_MAX ((size_t)1 << 30)

/* Puts a generation that site_finish has ended with OK; options are those that it was made with. ERR_AGAIN: it is
 * not finished. ERR_MEMORY, ERR_LIMIT (of the buffer). */
enum err site_print(const struct site *s, const struct site_options *options, struct buf *into);

/* Makes a generation that answers every path as the printed one did, but for when pages say that they changed: that
 * is options->now. `printed` is lent, and lives as long as the program. It is nobody's base: the next generation
 * is made from nothing.
 *
 * ERR_MISMATCH: it was made with other options. ERR_MALFORMED: it is no print. ERR_MEMORY. */
enum err site_of_print(struct slice printed, const struct site_options *options,
                       struct site **into);

#endif
