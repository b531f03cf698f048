/*
 * Frames of our own making or keeping: packets that wait for a neighbour, packets to ourselves, and
 * what the card was lent of them until it is done. All of one instance's are bounded together.
 */
#ifndef LIB_IP_COPY_H
#define LIB_IP_COPY_H

#include "runtime/list.h"
#include "signatures/net.h"

#define COPY_BYTES_MAX  ((size_t)4 << 20)
#define COPY_FIRST_SIZE 128u /* the part that the card copies: all headers */

struct copy {
    struct list link;
    uint64_t sent; /* its number, while the card has it */
    struct net_frame frame;
    size_t len;
    uint8_t bytes[];
};

struct copies {
    struct list lent; /* in the order of their numbers */
    struct list loop; /* packets to ourselves */
    size_t bytes;     /* of all copies, wherever they are */
};

void copies_init(struct copies *c);
void copies_deinit(struct copies *c);

/* Takes a copy of a frame, or NULL: *full says whether by the limit, or for want of memory. */
struct copy *copy_take(struct copies *c, const struct net_frame *f, bool *full);
void copy_free(struct copies *c, struct copy *copy);

/* Hands it to the card and gives it up. */
enum err copy_send(struct copies *c, struct copy *copy, struct net *n);

/* Frees what the card is done with. */
void copies_reap(struct copies *c, struct net *n);

#endif
