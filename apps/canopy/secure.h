/*
 * Secure: the TLS side of serving: the server, its certificates over time, and how long they last.
 *
 * Certificates may change while the program runs: with the image's file (SIGHUP), and with the
 * repository. New connections get the new ones; those that stand go on. The keys stay.
 */
#ifndef APPS_CANOPY_SECURE_H
#define APPS_CANOPY_SECURE_H

#include "apps/canopy/certificates.h"
#include "lib/tls/tls.h"
#include "signatures/program.h"
#include "signatures/timer.h"

#define SECURE_DAYS_LEFT 30                    /* from then on each day is logged */
#define SECURE_LOOK_NS   (60 * 60 * CLOCK_SEC) /* until one is chosen anew that was not valid yet */
#define SECURE_DAY_LOOKS 24u

struct secure {
    struct tls_server *server;
    struct stack *stack; /* whose listeners hand out TLS connections */
    struct certificates certificates;
    struct timer look;
    uint32_t looks;
    struct timer closing;
    uint64_t patience; /* monotonic: until then connections may send what they still have */
    void (*stopped)(void);
};

/* ERR_ARGUMENT: the image has no keys; others as of tls_server_open. The reason is logged. */
enum err secure_start(struct secure *s, const struct world *world);

/* The image's certificates have changed. */
void secure_reload(struct secure *s, struct slice certificates);

/* The repository has: this commit is served now. */
void secure_follow(struct secure *s, struct store *store, const struct oid *commit);

/* What is to be mended of the repository's certificates: lines for /status, and for who pushed them. */
void secure_problems(const struct secure *s, struct buf *into);

/* Lines for /status: counters, and each certificate with the days it has left. */
void secure_status(const struct secure *s, struct buf *into);

/* Its listeners have been closed: waits until all connections are, for at most `seconds`, then calls
 * stopped. */
void secure_stop(struct secure *s, uint32_t seconds, void (*stopped)(void));

#endif
