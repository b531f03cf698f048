/*
 * Session tickets (RFC 5077; RFC 8446, 4.6.1): the session itself, sealed for ourselves, so that the
 * server keeps nothing. Private to this room.
 *
 *     key name 8 bytes, nonce 12 bytes, AES-256-GCM of the session with its tag
 *
 * What is authenticated with it is the key's name, and the host's that the client asked for, in lower
 * case: a session of one host is none of another (RFC 6066, 3).
 *
 * The key changes every TLS_TICKET_KEY_NS; the one before still opens. Keys never leave the memory of
 * the program: after a restart, every client does a full handshake.
 */
#ifndef LIB_TLS_TICKET_H
#define LIB_TLS_TICKET_H

#include "runtime/slice.h"

#include <openssl/aead.h>

#define TICKET_NAME     8
#define TICKET_NONCE    12
#define TICKET_OVERHEAD (TICKET_NAME + TICKET_NONCE + 16)
#define TICKET_HOST_MAX \
    255 /* no longer one is taken from a client (RFC 6066, 3; RFC 1035, 2.3.4) */

struct tls_ticket_key {
    EVP_AEAD_CTX seal;
    uint8_t name[TICKET_NAME];
    bool set;
};

struct tls_tickets {
    struct tls_ticket_key keys[2]; /* the present one, and the one before */
    uint64_t since;                /* when the present one was made, monotonic */
};

void tls_tickets_deinit(struct tls_tickets *t);

/* A new key now; the present one becomes the one before. */
void tls_tickets_rotate(struct tls_tickets *t, uint64_t now);

/* host: whom the client asked for; empty: nobody. `into` has room for session.len + TICKET_OVERHEAD
 * bytes. False: no memory. */
bool tls_ticket_seal(struct tls_tickets *t, uint64_t now, struct slice host, struct slice session,
                     uint8_t *into, size_t *len);

/* False: not one of ours, too old, or another host's. */
bool tls_ticket_open(struct tls_tickets *t, uint64_t now, struct slice host, struct slice ticket,
                     uint8_t *into, size_t size, size_t *len);

#endif
