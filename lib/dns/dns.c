/*
 * Lookups and who waits for them. Nobody is told from inside of dns_lookup: what is known at once
 * is finished, and told when time is next asked for. See dns.h.
 */
#include "lib/dns/dns.h"

#include "lib/dns/internal.h"
#include "signatures/memory.h"

#define QUERIES 2u

struct dns *dns_open(const struct dns_below *below, void *arg)
{
    struct sipkey secret;
    struct dns *d = memory_zalloc(sizeof *d);
    if (!d)
        return NULL;
    d->below = below;
    d->arg = arg;
    below->random(arg, &secret, sizeof secret);
    dns_cache_init(&d->cache, secret);
    list_init(&d->running);
    list_init(&d->finished);
    pool_init(&d->waiters, "DNS waiters", sizeof(struct dns_waiter), DNS_WAITERS_MAX);
    return d;
}

static void free_lookup(struct dns *d, struct dns_lookup *l)
{
    for (unsigned i = 0; i < QUERIES; i++)
        dns_query_end(d, &l->queries[i], ERR_CANCELLED);
    list_remove(&l->link);
    d->lookups--;
    memory_free(l);
}

static void free_all(struct dns *d, struct list *lookups)
{
    while (!list_empty(lookups)) {
        struct dns_lookup *l = CONTAINER(lookups->next, struct dns_lookup, link);
        for (struct list *w; (w = list_shift(&l->waiters)) != NULL;)
            pool_give(&d->waiters, CONTAINER(w, struct dns_waiter, link));
        free_lookup(d, l);
    }
}

void dns_close(struct dns *d)
{
    free_all(d, &d->running);
    free_all(d, &d->finished);
    dns_cache_deinit(&d->cache);
    pool_deinit(&d->waiters);
    memory_free(d);
}

/* --- finishing and telling --- */

static bool all_done(const struct dns_lookup *l)
{
    return l->queries[0].done && l->queries[1].done;
}

static bool found(const struct dns_query *q)
{
    return q->done && q->why == OK;
}

/* Moves it to those whose owners are to be told. */
static void finish(struct dns *d, struct dns_lookup *l)
{
    for (unsigned i = 0; i < QUERIES; i++)
        if (!l->queries[i].done)
            dns_query_end(d, &l->queries[i], ERR_TIMEOUT);
    l->finished = true;
    list_remove(&l->link);
    list_append(&d->finished, &l->link);
}

/* After a query has changed. One family's addresses wait a moment for the other's. */
static void look(struct dns *d, uint64_t now, struct dns_lookup *l)
{
    if (l->finished)
        return;
    if (all_done(l))
        finish(d, l);
    else if ((found(&l->queries[0]) || found(&l->queries[1])) && l->deadline > now + DNS_SECOND_NS)
        l->deadline = now + DNS_SECOND_NS;
}

static bool usable(const struct dns *d, struct address a)
{
    return !d->below->usable || d->below->usable(d->arg, a);
}

/* Appends the addresses to which there is a way, or those to which there is none. */
static void take(const struct dns *d, const struct dns_lookup *l, bool wanted, struct address *into,
                 size_t *count)
{
    for (unsigned i = 0; i < QUERIES; i++) {
        const struct dns_query *q = &l->queries[i];
        for (size_t k = 0; q->why == OK && k < q->found.count; k++)
            if (usable(d, q->found.addresses[k]) == wanted)
                into[(*count)++] = q->found.addresses[k];
    }
}

/* The addresses of both families, or why there are none: that a name does not exist only where both
 * questions say so. */
static enum err result(const struct dns *d, const struct dns_lookup *l, struct address *into,
                       size_t *count)
{
    enum err why = ERR_NOT_FOUND;
    *count = 0;
    take(d, l, true, into, count);
    take(d, l, false, into, count);
    for (unsigned i = 0; i < QUERIES; i++)
        if (l->queries[i].why != OK && l->queries[i].why != ERR_NOT_FOUND)
            why = l->queries[i].why;
    return *count ? OK : why;
}

static void tell_all(struct dns *d, struct dns_lookup *l)
{
    struct address addresses[QUERIES * DNS_ADDRESSES_MAX];
    size_t count;
    enum err why = result(d, l, addresses, &count);
    for (struct list *i; (i = list_shift(&l->waiters)) != NULL;) {
        struct dns_waiter w = *CONTAINER(i, struct dns_waiter, link);
        pool_give(&d->waiters, CONTAINER(i, struct dns_waiter, link));
        w.answer(w.owner, why, why ? NULL : addresses, count);
    }
    free_lookup(d, l);
}

/* What is finished meanwhile (by who was told) is for the next time. */
static void tell(struct dns *d)
{
    struct list now;
    list_init(&now);
    for (struct list *l; (l = list_shift(&d->finished)) != NULL;)
        list_append(&now, l);
    while (!list_empty(&now))
        tell_all(d, CONTAINER(now.next, struct dns_lookup, link));
}

/* --- looking up --- */

static void known(struct dns_query *q, struct address a)
{
    q->found = (struct dns_found){.count = 1, .addresses = {a}};
    q->done = true;
    q->why = OK;
}

static bool is_localhost(const struct dns_name *n)
{
    static const uint8_t localhost[] = "\x09localhost"; /* with the root behind it */
    return n->len >= sizeof localhost &&
           memcmp(n->bytes + n->len - sizeof localhost, localhost, sizeof localhost) == 0;
}

/* Whether the answer needs no asking; then it is in the queries. */
static bool needs_no_asking(struct dns_lookup *l, struct slice text)
{
    struct address a;
    struct dns_query *v6 = &l->queries[0], *v4 = &l->queries[1];
    *v6 = *v4 = (struct dns_query){.done = true, .why = ERR_NOT_FOUND};
    if (address_parse(text, &a)) {
        known(address_is_v4(a) ? v4 : v6, a);
        return true;
    }
    if (!dns_name_of(text, &l->name))
        return true;
    dns_name_lower(&l->name);
    if (!is_localhost(&l->name))
        return false;
    known(v6, (struct address){{[15] = 1}});
    known(v4, address_v4(127, 0, 0, 1));
    return true;
}

static void ask_both(struct dns *d, uint64_t now, struct dns_lookup *l)
{
    l->queries[0] = l->queries[1] = (struct dns_query){.next_try = DNS_NEVER};
    if (d->only_v4)
        dns_query_end(d, &l->queries[0], ERR_NOT_FOUND);
    else
        dns_query_start(d, now, &l->queries[0], DNS_AAAA, &l->name);
    dns_query_start(d, now, &l->queries[1], DNS_A, &l->name);
    d->counters.cached += all_done(l);
    look(d, now, l);
}

static struct dns_lookup *find(struct dns *d, const struct dns_name *name)
{
    for (struct list *i = d->running.next; i != &d->running; i = i->next) {
        struct dns_lookup *l = CONTAINER(i, struct dns_lookup, link);
        if (dns_name_equal(&l->name, name))
            return l;
    }
    return NULL;
}

/* The lookup of a name: one that runs, or a new one. */
static enum err begin(struct dns *d, uint64_t now, struct slice text, struct dns_lookup **into)
{
    struct dns_lookup *l = d->lookups < DNS_LOOKUPS_MAX ? memory_zalloc(sizeof *l) : NULL;
    if (!l)
        return d->lookups < DNS_LOOKUPS_MAX ? ERR_MEMORY : ERR_FULL;
    d->lookups++;
    *into = l;
    list_init(&l->waiters);
    list_init(&l->link);
    l->deadline = now + DNS_LOOKUP_NS;
    bool at_once = needs_no_asking(l, text);
    struct dns_lookup *other = at_once ? NULL : find(d, &l->name);
    if (other) {
        d->counters.joined++;
        *into = other;
        free_lookup(d, l);
        return OK;
    }
    list_append(&d->running, &l->link);
    if (at_once)
        finish(d, l);
    else
        ask_both(d, now, l);
    return OK;
}

enum err dns_lookup(struct dns *d, uint64_t now, struct slice name, resolve_fn *answer, void *owner,
                    struct dns_waiter **into)
{
    struct dns_lookup *l;
    struct dns_waiter *w = pool_take(&d->waiters);
    enum err e = w                                    ? begin(d, now, name, &l)
                 : d->waiters.used == DNS_WAITERS_MAX ? ERR_FULL
                                                      : ERR_MEMORY;
    if (e) {
        d->counters.refused++;
        pool_give(&d->waiters, w);
        return e;
    }
    d->counters.lookups++;
    *w = (struct dns_waiter){.lookup = l, .answer = answer, .owner = owner};
    list_append(&l->waiters, &w->link);
    *into = w;
    return OK;
}

/* A lookup that nobody waits for ends; one that is finished is about to be told, and ends there. */
void dns_cancel(struct dns *d, struct dns_waiter *w)
{
    struct dns_lookup *l = w->lookup;
    list_remove(&w->link);
    pool_give(&d->waiters, w);
    if (list_empty(&l->waiters) && !l->finished)
        free_lookup(d, l);
}

/* --- from below --- */

static struct dns_lookup *owner_of(struct dns *d, const struct dns_exchange *x,
                                   struct dns_query **query)
{
    for (struct list *i = d->running.next; i != &d->running; i = i->next) {
        struct dns_lookup *l = CONTAINER(i, struct dns_lookup, link);
        for (unsigned q = 0; q < QUERIES; q++) {
            struct dns_exchange *first = l->queries[q].exchanges;
            *query = &l->queries[q];
            if (x >= first && x < first + DNS_TRIES_MAX)
                return l;
        }
    }
    return NULL;
}

void dns_answer(struct dns *d, uint64_t now, struct dns_exchange *x, struct slice message)
{
    struct dns_query *q;
    struct dns_lookup *l = x->open ? owner_of(d, x, &q) : NULL;
    if (!l)
        return;
    dns_query_answer(d, now, q, x, message);
    look(d, now, l);
    tell(d);
}

void dns_broken(struct dns *d, uint64_t now, struct dns_exchange *x)
{
    struct dns_query *q;
    struct dns_lookup *l = x->open ? owner_of(d, x, &q) : NULL;
    if (!l)
        return;
    dns_query_broken(d, now, q, x);
    look(d, now, l);
    tell(d);
}

/* --- time --- */

static bool under_way(const struct dns_query *q)
{
    for (unsigned i = 0; i < q->tries; i++)
        if (q->exchanges[i].open)
            return true;
    return false;
}

/* Nobody answered; or nobody could be asked. */
static enum err excuse(const struct dns_query *q)
{
    return under_way(q) ? ERR_TIMEOUT : ERR_UNREACHABLE;
}

static void give_up(struct dns *d, struct dns_lookup *l)
{
    for (unsigned i = 0; i < QUERIES; i++)
        if (!l->queries[i].done)
            dns_query_end(d, &l->queries[i], excuse(&l->queries[i]));
    finish(d, l);
}

static void expire(struct dns *d, uint64_t now, struct dns_lookup *l)
{
    for (unsigned i = 0; i < QUERIES; i++)
        if (l->queries[i].next_try <= now)
            dns_query_try(d, now, &l->queries[i]);
    look(d, now, l);
    if (!l->finished && l->deadline <= now)
        give_up(d, l);
}

void dns_expire(struct dns *d, uint64_t now)
{
    struct list *next;
    for (struct list *i = d->running.next; i != &d->running; i = next) {
        next = i->next;
        expire(d, now, CONTAINER(i, struct dns_lookup, link));
    }
    tell(d);
}

uint64_t dns_deadline(const struct dns *d)
{
    uint64_t soonest = list_empty(&d->finished) ? DNS_NEVER : 0;
    for (const struct list *i = d->running.next; i != &d->running; i = i->next) {
        const struct dns_lookup *l = CONTAINER(i, const struct dns_lookup, link);
        if (l->deadline < soonest)
            soonest = l->deadline;
        for (unsigned q = 0; q < QUERIES; q++)
            if (l->queries[q].next_try < soonest)
                soonest = l->queries[q].next_try;
    }
    return soonest;
}

/* --- whom to ask --- */

/* Those of whom nothing is under way are asked anew: there is a server now, or a way to one, or
 * neither can be hoped for. */
static void wake(struct dns *d, uint64_t now)
{
    for (struct list *i = d->running.next; i != &d->running; i = i->next) {
        struct dns_lookup *l = CONTAINER(i, struct dns_lookup, link);
        for (unsigned k = 0; k < QUERIES; k++) {
            struct dns_query *q = &l->queries[k];
            if (q->done || under_way(q))
                continue;
            q->tries = 0;
            q->next_try = now;
        }
    }
}

void dns_servers(struct dns *d, uint64_t now, const struct address *servers, size_t count,
                 bool hope)
{
    if (count > DNS_SERVERS_MAX)
        count = DNS_SERVERS_MAX;
    if (count)
        memcpy(d->servers, servers, count * sizeof *servers);
    d->server_count = count;
    d->preferred = 0;
    d->hope = hope;
    wake(d, now);
}

void dns_only_v4(struct dns *d, bool only)
{
    d->only_v4 = only;
}

void dns_forget(struct dns *d)
{
    dns_cache_forget(&d->cache);
}

uint32_t dns_cached(const struct dns *d)
{
    return (uint32_t)d->cache.map.count;
}

uint32_t dns_pending(const struct dns *d)
{
    return d->waiters.used;
}

const struct dns_counters *dns_counters(const struct dns *d)
{
    return &d->counters;
}
