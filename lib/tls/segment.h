/*
 * What an owner has written and what was made of it: plain segments, copied or lent, and sealed chunks
 * on their way through the flow below. Private to this room.
 */
#ifndef LIB_TLS_SEGMENT_H
#define LIB_TLS_SEGMENT_H

#include "lib/tls/internal.h"

/* --- plain --- */

/* ERR_MEMORY: nothing was taken. */
enum err tls_segment_copy(struct tls_flow *f, struct slice bytes);
enum err tls_segment_lend(struct tls_flow *f, struct slice bytes, struct loan loan);

/* The next bytes to be sealed, one record's at most: where the first segment has fewer and is not
 * alone, they are gathered in scratch. */
struct slice tls_segments_peek(const struct tls_flow *f, uint8_t scratch[TLS_RECORD_MAX]);

/* The first n bytes are sealed: loans that are used up are released. */
void tls_segments_consume(struct tls_flow *f, size_t n);
void tls_segments_drop(struct tls_flow *f);

/* --- sealed --- */

/* Hands sealed bytes to the flow below, or keeps them until it takes them. False: no memory. */
bool tls_chunk_put(struct tls_flow *f, struct slice sealed);

/* Offers again what was refused. */
void tls_chunks_retry(struct tls_flow *f);

/* The flow goes away: what the flow below holds is its own from now on. */
void tls_chunks_drop(struct tls_flow *f);

#endif
