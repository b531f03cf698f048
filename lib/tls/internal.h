/* What the files of this room share. */
#ifndef LIB_TLS_INTERNAL_H
#define LIB_TLS_INTERNAL_H

#include "lib/tls/core.h"
#include "lib/tls/ticket.h"
#include "runtime/arena.h"
#include "runtime/list.h"
#include "signatures/timer.h"

struct tls_flow;
struct tls_handshake;

/* --- memory for sealed records, kept for the next (segment.c) --- */

#define TLS_SPARES_MAX 64u /* 1 MiB */

struct tls_spares {
    struct list list;
    uint32_t count;
};
void tls_spares_init(struct tls_spares *s);
void tls_spares_deinit(struct tls_spares *s);

/* --- a connection (flow.c) --- */

#define TLS_HELD_MAX ((size_t)256 * 1024) /* more than a flow hands out at once */

/* What the side that a flow belongs to wants to know. */
struct tls_side {
    /* The first bytes are there: gives the core its context. */
    enum err (*equip)(struct tls_flow *f);
    /* The handshake (whose memory goes when this returns) is finished: the side hands the flow out. */
    void (*finished)(struct tls_flow *f, const struct tls_handshake *h);
    /* It is not, and will not be: the flow goes away when this returns. */
    void (*failed)(struct tls_flow *f, enum err why);
    /* A connection whose handshake had finished broke; for the counters. */
    void (*broken)(struct tls_flow *f, enum err why);
    /* The flow is about to go away. */
    void (*gone)(struct tls_flow *f);
};

/* Only while the handshake is under way. */
struct tls_handshake {
    accept_fn *accept; /* of a server */
    tls_connect_fn *answer;
    void *owner;
    struct slice host;       /* whom a client wants to reach; owned */
    struct signing *signing; /* NULL: none, or its answer has come */
    size_t key;              /* of the signer */
    uint8_t *signature;      /* owned */
    size_t signature_len;
    enum err signed_why; /* OK: the signature is there */
    bool signer_failed;
    char reason[TLS_REASON_MAX]; /* why the peer's certificate was refused; empty: it was not */
};

struct tls_flow {
    struct flow flow; /* first: the handle */
    struct flow *below;
    const struct tls_side *side;
    struct tls_server *server; /* one of the two */
    struct tls_client *client;
    struct tls_spares *spares; /* the server's or client's */
    struct tls_core core;
    struct tls_handshake *handshake; /* NULL: it is finished */
    struct list link;                /* among the server's unfinished */
    struct timer timer;              /* deadline of the handshake; of progress after flow_close */
    struct task task;
    struct list segments; /* plain, to be sealed, in order */
    struct list unsent;   /* struct chunk: sealed, refused by the flow below */
    struct list lent;     /* struct chunk: held by the flow below */
    struct buf held;      /* input that the owner, or the signer, is not ready for */
    size_t queued;        /* bytes in segments */
    size_t ahead;         /* bytes in unsent and lent */
    uint64_t sealed;      /* plain bytes that were sealed */
    struct endpoint peer;
    enum err ended;    /* why the stream is over, or OK */
    uint8_t busy;      /* calls of ours that are under way: the flow stays until they return */
    bool told;         /* on_end was called */
    bool below_closed; /* we closed the flow below, or it was never ours */
    bool below_paused;
    bool below_eof;
    bool peer_closed; /* close_notify came */
    bool eof_told;
    bool paused;
    bool wants_room;
    bool closed; /* by the owner */
    bool shut;   /* close_notify was said */
    bool authenticated;
    bool dead;         /* to be freed as soon as nothing is under way */
    bool failed;       /* sealed bytes were lost for want of memory */
    bool core_failed;  /* core.failure says why */
    bool counted_open; /* by the server */
};

/* Takes the flow below over. NULL: no memory; the flow below was aborted. The side's own fields and
 * handshake are set by the caller, who then calls tls_flow_begin. */
struct tls_flow *tls_flow_open(struct flow *below, const struct tls_side *side);

/* Gives the core its context. */
enum err tls_flow_equip(struct tls_flow *f, struct ssl_ctx_st *context,
                        struct bio_method_st *method);

/* Starts the deadline, and listens to the flow below. False: no memory, and the flow is gone. */
bool tls_flow_begin(struct tls_flow *f);

/* Whoever started a signature for it is not told any more. */
void tls_handshake_free(struct tls_flow *f, struct tls_handshake *h);

/* Ends one that is in its handshake, without a word to its side but `gone`. */
void tls_flow_drop(struct tls_flow *f);

/* Has all that can be done for it done soon: by a task. */
void tls_flow_post(struct tls_flow *f);

/* --- between the files of a connection --- */

/* Around everything that may call an owner: within, a flow that is dropped stays in memory. */
void tls_flow_enter(struct tls_flow *f);
void tls_flow_leave(struct tls_flow *f);

/* The stream is over: tells the side or the owner, closes the flow below in good order, so that an
 * alert still goes out. */
void tls_flow_end(struct tls_flow *f, enum err why);

/* Goes on with handshake and reading, as far as input and owner permit (input.c). */
void tls_input_work(struct tls_flow *f);
extern const struct flow_events tls_below_events;

/* Seals and sends what is queued, tells room, closes when all is out (output.c). */
void tls_output_work(struct tls_flow *f);

/* --- the server's side (server.c) --- */

struct tls_server;

struct tls_identity {
    struct slice *names; /* in the arena, lower case; the entry's own first */
    size_t name_count;
    struct ssl_ctx_st *context; /* holds the chain */
    size_t key;                 /* of the signer */
};

/* The chains in use (identity.c). */
struct tls_identities {
    struct arena arena;
    struct tls_identity list[SIGNER_KEYS_MAX];
    size_t count;
};

/* The section's chains, for a server whose other settings stand. */
enum err tls_identities_open(const struct tls_server *s, struct slice section,
                             struct tls_identities **into, struct buf *error);
void tls_identities_close(struct tls_identities *ids);
/* host empty: the client named none. */
const struct tls_identity *tls_identities_choose(const struct tls_identities *ids,
                                                 struct slice host);

struct tls_server {
    struct ssl_ctx_st *context;
    struct bio_method_st *method;
    struct signer *signer;
    struct tls_identities *identities;
    struct x509_store_st *anchors; /* of clients; NULL: none */
    struct tls_tickets tickets;
    struct tls_spares spares;
    struct list unfinished; /* struct tls_flow, the oldest first */
    struct list stacks;
    struct tls_counters counters;
    const char *protocols[TLS_ALPN_MAX];
    size_t protocol_count;
    enum tls_client_auth client_auth;
    uint32_t handshakes; /* limit of unfinished */
    struct slice plain_answer;
    uint64_t flows; /* all that live */
    bool closed;
};

/* A context with all that the server's connections have in common. NULL: no memory. */
struct ssl_ctx_st *tls_server_context(const struct tls_server *s);

/* Frees it if it is closed and nothing lives on it. */
void tls_server_release(struct tls_server *s);

/* --- what both sides set up alike (context.c) --- */

struct ssl_ctx_st *tls_context(void);

/* The flow that libssl calls us for. */
struct tls_flow *tls_flow_of(const struct ssl_st *ssl);

/* In the form of RFC 7301, 3.1. ERR_ARGUMENT: too many, or one that is empty or too long. */
enum err tls_protocols_write(const char *const *protocols, size_t count, struct buf *into);

/* --- signing (signing.c) --- */

/* Who is served by this context shows the chain (DER, leaf first), whose key is the signer's.
 * ERR_UNSUPPORTED: its leaf is not for signing. ERR_MEMORY. */
enum err tls_identity_set(struct ssl_ctx_st *context, struct slice chain,
                          enum signer_algorithm algorithm);

/* The connection is served as this one. */
bool tls_identity_use(struct ssl_st *ssl, const struct tls_identity *identity);

/* --- verifying (verify.c) --- */

/* All certificates of the slice as anchors; NULL and *why for what is none. */
struct x509_store_st *tls_anchors_open(struct slice anchors, enum err *why);
void tls_anchors_close(struct x509_store_st *store);

enum tls_role { TLS_ROLE_SERVER, TLS_ROLE_CLIENT };

/* Verifies the chain that the peer showed; `role` is the peer's. host: empty for a client's. Says why
 * not in reason. */
enum err tls_verify_chain(const struct ssl_st *ssl, struct x509_store_st *anchors,
                          enum tls_role role, struct slice host, char reason[TLS_REASON_MAX]);

/* Instead of anchors: its first certificate is one of these. */
enum err tls_verify_pins(const struct ssl_st *ssl, const struct tls_pin *pins, size_t count,
                         struct slice host, char reason[TLS_REASON_MAX]);

#endif
