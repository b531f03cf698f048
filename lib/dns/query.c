/*
 * One question, until it is answered: a message to the preferred server, then to the next ones,
 * each time around with twice the patience. What was sent before may still be answered meanwhile.
 */
#include "lib/dns/internal.h"

static uint32_t draw(struct dns *d)
{
    uint32_t n;
    d->below->random(d->arg, &n, sizeof n);
    return n;
}

static void drop(struct dns *d, struct dns_exchange *x)
{
    if (!x->open)
        return;
    x->open = false;
    d->below->drop(d->arg, x);
}

static void drop_all(struct dns *d, struct dns_query *q)
{
    for (unsigned i = 0; i < q->tries; i++)
        drop(d, &q->exchanges[i]);
}

void dns_query_end(struct dns *d, struct dns_query *q, enum err why)
{
    drop_all(d, q);
    q->done = true;
    q->why = why;
    q->next_try = DNS_NEVER;
}

/* --- asking --- */

/* Random bits decide about the case of each letter (draft-vixie-dnsext-dns0x20): what a forger has
 * to guess as well. */
static void shuffle_case(struct dns *d, struct dns_name *n)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < n->len; i++) {
        uint8_t letter = n->bytes[i] | 0x20;
        if (i % 32 == 0)
            bits = draw(d);
        if (letter >= 'a' && letter <= 'z' && bits >> (i % 32) & 1)
            n->bytes[i] ^= 0x20;
    }
}

/* Messages of one round. Servers may have gone while answers of theirs were still under way. */
static size_t per_round(const struct dns *d)
{
    return d->server_count ? d->server_count : 1;
}

static uint64_t patience(const struct dns *d, unsigned tries)
{
    return DNS_TRY_NS << (tries / per_round(d));
}

/* The next one: at once where a server has not been asked in this round yet. */
static void move_on(struct dns *d, uint64_t now, struct dns_query *q)
{
    if (q->tries % per_round(d) != 0 && q->tries < DNS_TRIES_MAX)
        q->next_try = now;
}

static enum err ask(struct dns *d, struct dns_query *q, unsigned which, struct address server)
{
    uint8_t message[DNS_QUESTION_MAX];
    struct dns_question *s = &q->sent[which];
    struct dns_exchange *x = &q->exchanges[which];
    *s = (struct dns_question){
        .id = (uint16_t)draw(d), .type = q->type, .edns = !q->old, .tcp = q->tcp, .name = q->name};
    shuffle_case(d, &s->name);
    *x = (struct dns_exchange){.server = server, .id = s->id, .tcp = q->tcp};
    enum err e = d->below->ask(d->arg, x, slice_of(message, dns_write(s, message)));
    x->open = e == OK;
    return e;
}

static void try_server(struct dns *d, uint64_t now, struct dns_query *q, struct address server)
{
    if (q->tries == DNS_TRIES_MAX) { /* the last ones may still be answered */
        q->next_try = DNS_NEVER;
        return;
    }
    unsigned which = q->tries++;
    q->next_try = now + patience(d, which);
    d->counters.asked++;
    d->counters.asked_tcp += q->tcp;
    if (ask(d, q, which, server) != OK)
        move_on(d, now, q);
    q->tcp = false;
}

void dns_query_try(struct dns *d, uint64_t now, struct dns_query *q)
{
    if (d->server_count == 0) {
        q->next_try = DNS_NEVER;
        if (!d->hope)
            dns_query_end(d, q, ERR_UNREACHABLE);
        return;
    }
    if (q->tries == 0)
        q->first = d->preferred;
    else if (q->exchanges[q->tries - 1].open)
        d->counters.timeouts++;
    try_server(d, now, q, d->servers[(q->first + q->tries) % d->server_count]);
}

static void begin(struct dns *d, uint64_t now, struct dns_query *q)
{
    if (dns_cache_get(&d->cache, now, q->type, &q->name, &q->found))
        dns_query_end(d, q, q->found.count ? OK : ERR_NOT_FOUND);
    else
        dns_query_try(d, now, q);
}

void dns_query_start(struct dns *d, uint64_t now, struct dns_query *q, enum dns_type type,
                     const struct dns_name *name)
{
    q->type = type;
    q->name = *name;
    begin(d, now, q);
}

/* --- being answered --- */

/* Another message to the same server, instead of this one. */
static void ask_again(struct dns *d, uint64_t now, struct dns_query *q, struct dns_exchange *x)
{
    struct address server = x->server;
    drop(d, x);
    try_server(d, now, q, server);
}

/* Who has answered is asked first from now on. */
static void prefer(struct dns *d, const struct dns_exchange *x)
{
    for (size_t i = 0; i < d->server_count; i++)
        if (address_equal(&d->servers[i], &x->server))
            d->preferred = i;
}

/* It is found under another name. */
static void go_elsewhere(struct dns *d, uint64_t now, struct dns_query *q,
                         const struct dns_reply *r)
{
    drop_all(d, q);
    q->hops += r->hops;
    if (q->hops > DNS_CHAIN_MAX) {
        d->counters.dropped_chain++;
        dns_query_end(d, q, ERR_NOT_FOUND);
        return;
    }
    q->name = r->name;
    dns_name_lower(&q->name);
    q->tries = 0;
    begin(d, now, q);
}

static void finish(struct dns *d, uint64_t now, struct dns_query *q, const struct dns_reply *r)
{
    q->found.count = r->count;
    memcpy(q->found.addresses, r->addresses, sizeof q->found.addresses);
    d->counters.cut += r->cut;
    d->counters.evicted += dns_cache_put(&d->cache, now, q->type, &q->name, &q->found, r->ttl);
    dns_query_end(d, q, r->count ? OK : ERR_NOT_FOUND);
}

/* A server that cannot say. Where none can, that is the answer. */
static void fail(struct dns *d, uint64_t now, struct dns_query *q, struct dns_exchange *x)
{
    drop(d, x);
    d->counters.failures++;
    if (++q->failures >= 2 * per_round(d))
        dns_query_end(d, q, ERR_UNREACHABLE);
    else
        move_on(d, now, q);
}

static void refuse(struct dns *d, uint64_t now, struct dns_query *q, struct dns_exchange *x,
                   enum err why)
{
    if (why == ERR_MISMATCH) { /* the right answer may still come */
        d->counters.dropped_foreign++;
        return;
    }
    if (why == ERR_LIMIT)
        d->counters.dropped_chain++;
    else
        d->counters.dropped_malformed++;
    fail(d, now, q, x);
}

static void act(struct dns *d, uint64_t now, struct dns_query *q, struct dns_exchange *x,
                const struct dns_reply *r)
{
    switch (r->what) {
    case DNS_FOUND:
    case DNS_ABSENT:
        d->counters.answers++;
        prefer(d, x);
        finish(d, now, q, r);
        return;
    case DNS_ELSEWHERE:
        d->counters.answers++;
        go_elsewhere(d, now, q, r);
        return;
    case DNS_CUT:
        if (x->tcp) {
            fail(d, now, q, x);
            return;
        }
        q->tcp = true;
        ask_again(d, now, q, x);
        return;
    case DNS_OLD:
        q->old = true;
        ask_again(d, now, q, x);
        return;
    case DNS_FAILED:
        fail(d, now, q, x);
        return;
    }
}

void dns_query_answer(struct dns *d, uint64_t now, struct dns_query *q, struct dns_exchange *x,
                      struct slice message)
{
    struct dns_reply r;
    enum err e = dns_read(message, &q->sent[x - q->exchanges], &r);
    if (e)
        refuse(d, now, q, x, e);
    else
        act(d, now, q, x, &r);
}

void dns_query_broken(struct dns *d, uint64_t now, struct dns_query *q, struct dns_exchange *x)
{
    drop(d, x);
    move_on(d, now, q);
}
