/*
 * Atom feeds (RFC 4287), written piece by piece into a buffer.
 *
 * All texts are plain and are escaped here; what XML cannot hold becomes U+FFFD. Links are IRI
 * references: absolute where the site knows its own address. The order is: atom_begin, any number
 * of atom_entry, atom_end; errors stay in the buffer.
 */
#ifndef LIB_ATOM_ATOM_H
#define LIB_ATOM_ATOM_H

#include "lib/atom/uuid.h"
#include "runtime/buf.h"

struct atom_feed {
    struct uuid id;
    struct slice title;
    struct slice author;   /* of entries that name none themselves */
    struct slice self;     /* link to the feed */
    struct slice site;     /* link to the site */
    struct slice language; /* BCP 47 tag */
    int64_t updated;       /* seconds since 1970 */
};

struct atom_entry {
    struct uuid id;
    struct slice title;
    struct slice link;
    struct slice author; /* empty: the feed's */
    struct slice author_url;
    struct slice summary;     /* HTML; empty: none */
    struct slice content;     /* HTML */
    const struct slice *tags; /* categories */
    size_t tag_count;
    int64_t published;
    int64_t updated;
};

void atom_begin(struct buf *b, const struct atom_feed *feed);
void atom_entry(struct buf *b, const struct atom_entry *entry);
void atom_end(struct buf *b);

#endif
