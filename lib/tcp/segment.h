/*
 * Segments: the header of RFC 9293, 3.1 with the options of RFC 9293 3.2 (MSS), RFC 7323 (window
 * scale, timestamps) and RFC 2018 (SACK-permitted, SACK).
 */
#ifndef LIB_TCP_SEGMENT_H
#define LIB_TCP_SEGMENT_H

#include "lib/tcp/seq.h"
#include "runtime/err.h"
#include "runtime/slice.h"

#define TCP_HEADER_MIN  20u
#define TCP_HEADER_MAX  60u
#define TCP_CHECKSUM_AT 16u /* offset of the field in the header */
#define TCP_BLOCKS_MAX  4u  /* SACK blocks of one segment; three beside timestamps */
#define TCP_SCALE_MAX   14u /* RFC 7323, 2.3 */
#define TCP_STAMPS_SIZE 12u /* bytes of a timestamps option, aligned by two NOPs */

enum tcp_flag {
    TCP_FIN = 1,
    TCP_SYN = 2,
    TCP_RST = 4,
    TCP_PSH = 8,
    TCP_ACK = 16,
    TCP_URG = 32,
    TCP_ECE = 64,
    TCP_CWR = 128
};

struct tcp_segment {
    uint16_t source, destination;
    seq_t seq, ack;
    uint16_t window; /* as in the header */
    uint8_t flags;
    /* options; 0 and false: absent */
    uint16_t mss;
    uint8_t scale; /* shift + 1 */
    bool sack_permitted;
    bool stamped;
    uint32_t stamp, echo; /* TSval, TSecr */
    uint8_t block_count;
    struct seq_range blocks[TCP_BLOCKS_MAX];
    /* of one that arrived */
    uint8_t header;  /* bytes of the header with its options */
    uint32_t length; /* bytes of payload */
};

/* Reads the header at the front of `first`, the first of parts of `total` bytes together.
 * ERR_MALFORMED: shorter than it says, or flags that nobody sends; ERR_LIMIT: an option does not fit
 * (RFC 9293, MUST-7). */
enum err tcp_segment_parse(struct slice first, size_t total, struct tcp_segment *into);

/* Writes a header, its checksum 0, and returns its length. The caller has seen to it that all options
 * fit: MSS, scale and SACK-permitted go with a SYN only. */
size_t tcp_segment_format(const struct tcp_segment *s, uint8_t into[TCP_HEADER_MAX]);

/* Sequence numbers that it occupies. */
static inline uint32_t tcp_segment_span(const struct tcp_segment *s)
{
    return s->length + ((s->flags & TCP_SYN) != 0) + ((s->flags & TCP_FIN) != 0);
}

#endif
