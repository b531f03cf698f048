/*
 * pkt-line: the framing of git's protocols (gitprotocol-common, "pkt-line Format").
 *
 * Four hexadecimal digits give a packet's length, themselves included; 0000, 0001 and 0002 are
 * packets of their own, without payload. Bytes arrive in any pieces: a line is handed out whole,
 * the payload of a long packet piece by piece, straight from the input.
 */
#ifndef LIB_GIT_PKTLINE_H
#define LIB_GIT_PKTLINE_H

#include "runtime/buf.h"
#include "runtime/err.h"
#include "runtime/slice.h"

#define PKT_HEAD_BYTES  4
#define PKT_BYTES_MAX   65520 /* of a whole packet */
#define PKT_PAYLOAD_MAX (PKT_BYTES_MAX - PKT_HEAD_BYTES)

enum pkt_kind { PKT_FLUSH, PKT_DELIM, PKT_RESPONSE_END, PKT_DATA };

struct pkt {
    enum pkt_kind kind;
    struct slice payload; /* of a line, without its LF */
};

struct pkt_reader {
    struct buf line; /* a line that came in pieces */
    bool line_out;   /* it was handed out: the next call forgets it */
    uint8_t head[PKT_HEAD_BYTES];
    uint8_t head_len;
    uint32_t left; /* payload bytes of the present packet, still to be taken */
    enum err err;  /* latched */
};

void pkt_reader_init(struct pkt_reader *r);
void pkt_reader_deinit(struct pkt_reader *r);

/* Takes the next line off *in. ERR_AGAIN: all of *in is taken, and the line goes on in what comes
 * next. The payload is valid until the next call and as long as the input. ERR_MALFORMED,
 * ERR_MEMORY. */
enum err pkt_line(struct pkt_reader *r, struct slice *in, struct pkt *into);

/* Takes the head of the next packet off *in (the payload of the one before must have been taken):
 * OK with its kind, r->left says how long its payload is. ERR_AGAIN, ERR_MALFORMED. */
enum err pkt_head(struct pkt_reader *r, struct slice *in, enum pkt_kind *kind);

/* The next bytes of the present packet's payload, from *in: at most max, empty where none is left
 * or *in is empty. */
struct slice pkt_piece(struct pkt_reader *r, struct slice *in, size_t max);

/* Writing: a line (a LF is added), and the packets without payload. */
void pkt_put(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void pkt_put_bytes(struct buf *b, struct slice payload);
void pkt_put_flush(struct buf *b);
void pkt_put_delim(struct buf *b);

#endif
