/*
 * Xenstore: the tree of names and values through which a domain and its toolstack tell each other what
 * there is (xen/io/xs_wire.h; Xen's docs/misc/xenstore.txt).
 *
 * A pure core: requests and the daemon's bytes in, bytes and answers out. Requests are answered in the
 * order in which they are asked; many may be on their way. All is the daemon's word, and checked: lengths,
 * types, numbers; an answer that nobody waits for is dropped (counted), a message that cannot be ends the
 * connection.
 */
#ifndef PLATFORM_XEN_STORE_H
#define PLATFORM_XEN_STORE_H

#include "platform/xen/interface.h"
#include "runtime/err.h"
#include "runtime/list.h"
#include "runtime/slice.h"
#include "signatures/clock.h"

#define STORE_PATH_MAX  160u /* bytes of a path of ours, with its NUL */
#define STORE_VALUE_MAX 256u /* bytes of a value that we write */
#define STORE_HEAD      sizeof(struct xsd_sockmsg)
#define STORE_DEADLINE  (5 * CLOCK_SEC) /* of one answer */

/* A question, in its owner's memory, until `done`. Types: XS_READ, XS_WRITE, XS_RM, XS_WATCH, XS_UNWATCH;
 * XS_TRANSACTION_START, whose answer is a number in decimal, with a NUL; XS_TRANSACTION_END, whose path is T.
 * answer: valid until that returns. Errors:
 * ERR_NOT_FOUND, ERR_DENIED, ERR_TIMEOUT; ERR_AGAIN: of the end of a transaction, what it read or wrote has
 * changed meanwhile, and nothing is done; ERR_LIMIT: too long; ERR_CLOSED: the connection ended; ERR_IO: all
 * others. */
struct store_request {
    struct list link;
    uint32_t type;
    uint32_t transaction;     /* the number of the one that it is part of; 0: none */
    struct slice path, value; /* stay as they are until done */
    uint32_t id;
    uint64_t deadline; /* 0: it waits behind others */
    void (*done)(struct store_request *r, enum err e, struct slice answer);
};

/* Who is told of changes. That a place is to be watched is a question like others: XS_WATCH, with the
 * path and this token. Xenstored tells once when the watch stands, then of every change there or below. */
struct store_watch {
    struct list link;
    uint32_t number;
    char token[12];
    void (*fired)(struct store_watch *w);
};

struct store {
    struct list waiting, asked; /* to be sent; to be answered */
    struct list watches;
    uint32_t last_id, last_watch;
    bool closed;
    uint8_t out[STORE_HEAD + STORE_PATH_MAX + STORE_VALUE_MAX];
    size_t out_len, out_sent;
    struct xsd_sockmsg head;
    size_t have; /* bytes of the message that comes in, with its head */
    uint8_t payload[XENSTORE_PAYLOAD_MAX];
    struct {
        uint64_t answers, events, timeouts, unasked;
    } counters;
};

void store_init(struct store *s);

/* Puts a question at the end. `done` is never called from inside. */
void store_ask(struct store *s, struct store_request *r);

/* From now on events with this token come to it, in its owner's memory until store_ignore. */
void store_listen(struct store *s, struct store_watch *w, void (*fired)(struct store_watch *w));
void store_ignore(struct store_watch *w);

/* Bytes that the daemon is to get next; empty: none. And that it got n of them. */
struct slice store_output(struct store *s, uint64_t now);
void store_sent(struct store *s, size_t n);

/* Bytes of the daemon. */
void store_input(struct store *s, struct slice bytes);

/* Gives up what has waited too long. */
void store_expire(struct store *s, uint64_t now);
/* When there will be something to give up; UINT64_MAX: never. */
uint64_t store_deadline(const struct store *s);

/* The connection is no more: all that waits ends with ERR_CLOSED, and so does what is asked later. */
void store_end(struct store *s);

#endif
