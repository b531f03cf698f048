/*
 * Articles as their authors write them: a header of `key: value` lines, a line `---`, Markdown.
 *
 *     ---                      optional
 *     title: Operating systems
 *     author: hannes
 *     tags: overview, mirageos
 *     abstract: One *line* of Markdown
 *     ---
 *     The text.
 *
 * A file has a header if its first line is `---` or begins with one of the keys we know; everything
 * else is text from its first line on. Unknown keys of a header are ignored.
 */
#ifndef LIB_SITE_ARTICLE_H
#define LIB_SITE_ARTICLE_H

#include "runtime/err.h"
#include "runtime/slice.h"

#define ARTICLE_TAGS_MAX     64   /* of one article */
#define ARTICLE_TAG_MAX      128  /* bytes of one tag */
#define ARTICLE_VALUE_MAX    8192 /* bytes of one header value */
#define ARTICLE_HEADER_LINES 256

/* All slices point into the text; empty where the header says nothing. */
struct article {
    struct slice title;
    struct slice author;
    struct slice author_url;
    struct slice abstract;
    struct slice redirect; /* not empty: the file is nothing but a redirection */
    struct slice tags[ARTICLE_TAGS_MAX];
    size_t tag_count;
    struct slice body;
};

/* What is wrong, for its author. */
struct article_fault {
    uint32_t line;      /* from 1; 0: the file as a whole */
    const char *reason; /* static */
};

/* ERR_MALFORMED with the fault. */
enum err article_parse(struct slice text, struct article *into, struct article_fault *fault);

#endif
