/*
 * TLS 1.3 and 1.2 (RFC 8446, RFC 5246): a flow over a flow.
 *
 * A driver over the signatures flow, signer, timer, clock, entropy and memory; libssl does the
 * protocol, on bytes only. What is handed out keeps all rules of signatures/flow.h: on_eof is told
 * for a close_notify only, an end of the connection without one is on_end with ERR_RESET.
 *
 * Offered and taken: TLS 1.3; TLS 1.2 with ECDHE and AEAD. Groups X25519MLKEM768, X25519, P-256,
 * P-384. No renegotiation (RFC 5246, 7.4.1.1: the connection ends), no compression, no early data,
 * no session ids.
 */
#ifndef LIB_TLS_TLS_H
#define LIB_TLS_TLS_H

#include "runtime/buf.h"
#include "signatures/clock.h"
#include "signatures/flow.h"
#include "signatures/signer.h"
#include "signatures/stack.h"

#define TLS_ALPN_MAX        8u /* protocols in a list */
#define TLS_PINS_MAX        16u
#define TLS_HANDSHAKES_MAX  4096u               /* unfinished, of one server; see shed below */
#define TLS_HANDSHAKE_NS    (10 * CLOCK_SEC)    /* from the connection to its end */
#define TLS_HANDSHAKE_BYTES ((size_t)32 * 1024) /* that a peer may send until it is finished */
#define TLS_QUEUE_MAX       ((size_t)64 * 1024) /* bytes written that wait; see flow_room */
#define TLS_AHEAD_MAX       ((size_t)64 * 1024) /* encrypted, and not yet sent */
#define TLS_CLOSE_NS        (20 * CLOCK_SEC)    /* without progress in sending, after flow_close */
#define TLS_CHAIN_MAX       8u                  /* certificates of a peer, or of ours */
#define TLS_REASON_MAX      160u                /* bytes of a reason's text */
#define TLS_TICKET_KEY_NS   (12 * 60 * 60 * CLOCK_SEC) /* a ticket is good for one to two */

/* --- what both sides know of a connection whose handshake is finished --- */

struct tls_info {
    uint16_t version;      /* 0x0304: TLS 1.3; 0x0303: TLS 1.2 */
    uint16_t group;        /* the IANA number of the key exchange's group; 29: X25519 */
    const char *cipher;    /* the standard's name, static */
    struct slice protocol; /* chosen by ALPN; empty if none */
    struct slice host;     /* the name that the client asked for, as it wrote it; empty if none */
    bool resumed;
    bool authenticated;             /* the peer showed a certificate, and it was verified */
    uint8_t certificate_sha256[32]; /* of the peer's, if it showed one; zeros if not */
};

/* flow: one of those that this room handed out. The slices are valid until the flow is closed. */
void tls_flow_info(const struct flow *flow, struct tls_info *into);

/* --- server --- */

struct tls_server; /* opaque */

enum tls_client_auth {
    TLS_CLIENT_NONE,   /* clients are not asked for a certificate */
    TLS_CLIENT_ASK,    /* they are asked, and may have none */
    TLS_CLIENT_REQUIRE /* they are asked, and refused without */
};

struct tls_server_config {
    struct signer *signer;     /* outlives the server */
    struct slice certificates; /* an image's section of chains, see tls_server_certificates */
    /* Application protocols in our order of preference ("http/1.1"); literals. A client that offers
     * only others is refused (RFC 7301, 3.2). None: what a client offers is ignored. */
    const char *const *protocols;
    size_t protocol_count;
    enum tls_client_auth client_auth;
    /* Certificates, DER, one after the other: who may issue those of clients. None (and not
     * TLS_CLIENT_NONE): any certificate is taken whose key the client proves to have, and `authenticated`
     * stays false: the caller has to know its fingerprint. */
    struct slice client_anchors;
    uint32_t handshakes; /* unfinished ones at once; 0: TLS_HANDSHAKES_MAX */
    /* What who speaks HTTP in plain text is answered, in plain text, before the connection ends: as long as the
     * server. Empty: it just ends. */
    struct slice plain_answer;
};

/* Each handshake or connection that is refused or lost is counted once, under its reason. */
struct tls_counters {
    uint64_t accepted; /* connections */
    uint64_t finished; /* handshakes, with the resumed ones */
    uint64_t resumed;
    uint64_t tls12;            /* of the finished ones */
    uint64_t unfinished, open; /* now */
    uint64_t shed;             /* the oldest unfinished, closed for a new one beyond the limit */
    uint64_t timeouts;         /* TLS_HANDSHAKE_NS passed */
    uint64_t lost;             /* the peer went away before the end of the handshake */
    uint64_t malformed;        /* bytes that are no TLS, or break its rules */
    uint64_t oversized;        /* more than TLS_HANDSHAKE_BYTES */
    uint64_t no_common;        /* version, cipher, group or protocol */
    uint64_t plain_http;       /* a request in plain text came instead */
    uint64_t alerts; /* the peer ended the handshake by an alert (it does not trust us, say) */
    uint64_t certificates_refused; /* the peer's: not verified, or none where one is required */
    uint64_t renegotiations;       /* attempts: the connection was ended */
    uint64_t broken_records;  /* after the handshake: authentication failed, or rules were broken */
    uint64_t truncated;       /* after the handshake: ended without close_notify */
    uint64_t signer_failures; /* the signer was full or gone */
    uint64_t no_memory;
};

/* Reads the chains (see tls_server_certificates); error gets one line if that fails. */
enum err tls_server_open(const struct tls_server_config *config, struct tls_server **into,
                         struct buf *error);

/* The server is gone for the caller; connections go on, and it is freed with the last of them. Its
 * listeners must have been closed. */
void tls_server_close(struct tls_server *s);

/* Takes the chains of a section (runtime/keyring.h) into use for new connections, instead of those
 * before; connections that stand go on with theirs. It is copied. Any failure leaves all as it was,
 * and `error` gets one line for people: which chain and why (a leaf whose key the signer does not
 * have, a chain out of order, no chain at all). Validity times are not looked at.
 *
 * A client is answered with the first chain whose entry has the name that it asks for, else whose
 * leaf is for that name, by exact name before wildcard; else with the first chain of all. */
enum err tls_server_certificates(struct tls_server *s, struct slice section, struct buf *error);

/* A stack whose listeners hand out TLS connections made of the connections of the stack below, when
 * their handshake is finished. connect and resolve are those of the stack below (in plain). It
 * lives as long as the server's handle. */
struct stack *tls_server_stack(struct tls_server *s, struct stack *below);

/* The listener of the stack below, on which a listener of tls_server_stack stands. */
struct listener *tls_listener_below(struct listener *l);

/* Takes the flow over, and hands the connection to accept when its handshake is finished; what goes
 * wrong before is only counted. For those who have a flow of their own; listeners do the same. */
void tls_server_accept(struct tls_server *s, struct flow *below, accept_fn *accept, void *owner);

struct tls_counters tls_server_counters(const struct tls_server *s);

/* Asks for new ticket keys from now on, as if time had passed: tickets of before still resume. */
void tls_server_rotate(struct tls_server *s);

/* --- client --- */

struct tls_client; /* opaque: whom to trust, for any number of connections */

/* SHA-256 of a certificate's DER, or of its SubjectPublicKeyInfo. */
struct tls_pin {
    uint8_t sha256[32];
};

struct tls_client_config {
    struct slice anchors; /* certificates, DER, one after the other; copied */
    /* With pins the anchors are not asked: the server's own (first) certificate, or its key, has to be
     * one of these. Its name and its validity are checked all the same. */
    const struct tls_pin *pins;
    size_t pin_count;
    const char *const *protocols; /* as above, literals */
    size_t protocol_count;
};

/* ERR_ARGUMENT: neither anchors nor pins (nobody would be trusted), or anchors that are no
 * certificates. */
enum err tls_client_open(const struct tls_client_config *config, struct tls_client **into);
void tls_client_close(struct tls_client *c); /* connections go on */

/* "sha256:" and 64 hexadecimal digits, with or without colons between bytes. */
bool tls_pin_parse(struct slice text, struct tls_pin *into);

struct tls_connecting; /* opaque: a client's handshake */

/* OK and a flow without owner, whose peer is verified to be `host`; or why not, a few words for
 * people (valid until the handler returns, never NULL), and NULL: ERR_DENIED: the certificate is
 * not one to trust; ERR_TIMEOUT; ERR_UNSUPPORTED: nothing in common; ERR_MALFORMED; or how the flow
 * below ended. Called exactly once unless cancelled, never from inside of tls_connect. */
typedef void tls_connect_fn(void *owner, enum err why, const char *reason, struct flow *flow);

/* Takes over the flow below (also on failure: then it is closed) and does the handshake on it.
 * host: a DNS name, or an address as text, which the certificate has to be for. Deadline:
 * TLS_HANDSHAKE_NS. */
enum err tls_connect(struct tls_client *c, struct flow *below, struct slice host,
                     tls_connect_fn *answer, void *owner, struct tls_connecting **into);

/* Ends it without an answer, and aborts the flow below. */
void tls_cancel(struct tls_connecting *t);

#endif
