/*
 * Sockets of UDP, found by their port in a small table; see udp.h. Ports are chosen by ourselves,
 * so the table needs no keyed hash.
 */
#include "lib/udp/udp.h"

#include "runtime/list.h"
#include "runtime/pool.h"
#include "runtime/reader.h"
#include "signatures/memory.h"

#define HEADER_SIZE 8u
#define CHECKSUM_AT 6u
#define BUCKETS     64u
#define PORT_TRIES  64u /* random ones, before the next free one is taken */

struct udp {
    const struct udp_below *below;
    void *arg;
    struct list ports[BUCKETS];
    struct pool sockets;
    struct list lent; /* of struct lent, the oldest first */
    size_t lent_count;
    struct udp_counters counters;
};

/* A datagram's payload, until the card has done with its frame. */
struct lent {
    struct list link;
    uint64_t frame;
    uint8_t bytes[];
};

struct udp_socket {
    struct list link;
    struct udp *udp;
    struct endpoint local;
    struct endpoint remote;
    const struct udp_events *events;
    void *owner;
};

struct udp *udp_open(const struct udp_below *below, void *arg)
{
    struct udp *u = memory_zalloc(sizeof *u);
    if (!u)
        return NULL;
    u->below = below;
    u->arg = arg;
    for (size_t i = 0; i < BUCKETS; i++)
        list_init(&u->ports[i]);
    list_init(&u->lent);
    pool_init(&u->sockets, "UDP sockets", sizeof(struct udp_socket), UDP_SOCKETS_MAX);
    return u;
}

void udp_close(struct udp *u)
{
    for (struct list *l; (l = list_shift(&u->lent)) != NULL;)
        memory_free(CONTAINER(l, struct lent, link));
    pool_deinit(&u->sockets);
    memory_free(u);
}

const struct udp_counters *udp_counters(const struct udp *u)
{
    return &u->counters;
}

/* --- ports --- */

static struct list *bucket(struct udp *u, uint16_t port)
{
    return &u->ports[port % BUCKETS];
}

static bool is_any(struct address a)
{
    return address_equal(&a, &ADDRESS_ANY);
}

static bool overlap(struct address a, struct address b)
{
    return is_any(a) || is_any(b) || address_equal(&a, &b);
}

static bool taken(struct udp *u, struct endpoint local)
{
    struct list *head = bucket(u, local.port);
    for (struct list *l = head->next; l != head; l = l->next) {
        const struct udp_socket *s = CONTAINER(l, struct udp_socket, link);
        if (s->local.port == local.port && overlap(s->local.address, local.address))
            return true;
    }
    return false;
}

/* A port that nobody can guess; where chance finds none free, the next one that is. */
static uint16_t choose_port(struct udp *u, struct endpoint local)
{
    const uint32_t ports = UDP_EPHEMERAL_LAST - UDP_EPHEMERAL_FIRST + 1;
    for (uint32_t i = 0; i < PORT_TRIES; i++) {
        uint32_t number;
        u->below->random(u->arg, &number, sizeof number);
        local.port = (uint16_t)(UDP_EPHEMERAL_FIRST + number % ports);
        if (!taken(u, local))
            return local.port;
    }
    while (taken(u, local)) /* ends: there are fewer sockets than ports */
        local.port = local.port == UDP_EPHEMERAL_LAST ? (uint16_t)UDP_EPHEMERAL_FIRST
                                                      : (uint16_t)(local.port + 1);
    return local.port;
}

enum err udp_bind(struct udp *u, struct endpoint local, struct endpoint remote,
                  const struct udp_events *events, void *owner, struct udp_socket **into)
{
    if (local.port == 0)
        local.port = choose_port(u, local);
    else if (taken(u, local))
        return ERR_EXISTS;
    struct udp_socket *s = pool_take(&u->sockets);
    if (!s) {
        u->counters.refused_sockets++;
        return u->sockets.used == UDP_SOCKETS_MAX ? ERR_FULL : ERR_MEMORY;
    }
    *s = (struct udp_socket){
        .udp = u, .local = local, .remote = remote, .events = events, .owner = owner};
    list_append(bucket(u, local.port), &s->link);
    *into = s;
    return OK;
}

void udp_unbind(struct udp_socket *s)
{
    struct udp *u = s->udp;
    list_remove(&s->link);
    pool_give(&u->sockets, s);
}

uint16_t udp_port(const struct udp_socket *s)
{
    return s->local.port;
}

/* --- sending --- */

static void put_be16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* Frees what the card has done with. */
static void reclaim(struct udp *u)
{
    uint64_t completed = u->below->completed(u->arg);
    while (!list_empty(&u->lent)) {
        struct lent *l = CONTAINER(u->lent.next, struct lent, link);
        if (l->frame > completed)
            return;
        list_remove(&l->link);
        u->lent_count--;
        memory_free(l);
    }
}

/* A copy that stays as long as the card wants it. */
static struct lent *lend(struct udp *u, struct slice bytes)
{
    reclaim(u);
    struct lent *l = u->lent_count < UDP_LENT_MAX ? memory_alloc(sizeof *l + bytes.len) : NULL;
    if (!l) {
        u->counters.refused_lent++;
        return NULL;
    }
    if (bytes.len)
        memcpy(l->bytes, bytes.ptr, bytes.len);
    return l;
}

static enum err send_lent(struct udp *u, const struct ip_packet *p, struct lent *l)
{
    enum err e = u->below->send(u->arg, p);
    if (e) {
        u->counters.unsent++;
        memory_free(l);
        return e;
    }
    u->counters.sent++;
    l->frame = u->below->sent(u->arg);
    list_append(&u->lent, &l->link);
    u->lent_count++;
    reclaim(u);
    return OK;
}

static void put_header(uint8_t header[HEADER_SIZE], const struct udp_socket *s, uint16_t to,
                       size_t len)
{
    put_be16(header, s->local.port);
    put_be16(header + 2, to);
    put_be16(header + 4, HEADER_SIZE + len);
    put_be16(header + CHECKSUM_AT, 0);
}

enum err udp_send(struct udp_socket *s, struct address source, struct endpoint to,
                  struct slice bytes)
{
    struct udp *u = s->udp;
    uint8_t header[HEADER_SIZE];
    struct ip_packet p = {.source = is_any(source) ? s->local.address : source,
                          .destination = to.address,
                          .protocol = IP_UDP,
                          .header = slice_of(header, sizeof header),
                          .checksum_at = CHECKSUM_AT};
    if (bytes.len > UDP_PAYLOAD_MAX)
        return ERR_LIMIT;
    if (is_any(p.source) && !u->below->source(u->arg, to.address, &p.source))
        return ERR_UNREACHABLE;
    struct lent *l = lend(u, bytes);
    if (!l)
        return u->lent_count == UDP_LENT_MAX ? ERR_FULL : ERR_MEMORY;
    struct slice payload = slice_of(l->bytes, bytes.len);
    put_header(header, s, to.port, bytes.len);
    p.payload = &payload;
    p.payload_count = bytes.len ? 1 : 0;
    return send_lent(u, &p, l);
}

/* --- receiving --- */

/* The most particular socket: one with a remote is bound to a port of its own, so there is one at
 * most for each local address. */
static struct udp_socket *find(struct udp *u, struct address local, uint16_t port, bool to_many)
{
    struct list *head = bucket(u, port);
    for (struct list *l = head->next; l != head; l = l->next) {
        struct udp_socket *s = CONTAINER(l, struct udp_socket, link);
        if (s->local.port == port &&
            (to_many || is_any(s->local.address) || address_equal(&s->local.address, &local)))
            return s;
    }
    return NULL;
}

static bool hears(const struct udp_socket *s, struct endpoint from)
{
    return s->remote.port == 0 ||
           (s->remote.port == from.port && address_equal(&s->remote.address, &from.address));
}

static size_t total(const struct ip_arrival *a)
{
    size_t sum = 0;
    for (size_t i = 0; i < a->count; i++)
        sum += a->parts[i].len;
    return sum;
}

/* len bytes of payload as one slice: where they stand, or in memory that *joined names. */
static bool join(const struct ip_arrival *a, size_t len, struct slice *payload, uint8_t **joined)
{
    *payload = slice_take(slice_drop(a->parts[0], HEADER_SIZE), len);
    *joined = NULL;
    if (payload->len == len)
        return true;
    *joined = memory_alloc(len);
    if (!*joined)
        return false;
    size_t at = 0;
    for (size_t i = 0; i < a->count && at < len; i++) {
        struct slice piece = slice_take(i ? a->parts[i] : *payload, len - at);
        if (piece.len)
            memcpy(*joined + at, piece.ptr, piece.len);
        at += piece.len;
    }
    *payload = slice_of(*joined, len);
    return true;
}

static enum err deliver(struct udp_socket *s, const struct ip_arrival *a, struct endpoint from,
                        size_t len)
{
    struct udp *u = s->udp;
    struct udp_datagram d = {.from = from, .to = a->destination};
    uint8_t *joined;
    if (!hears(s, from)) {
        u->counters.dropped_remote++;
        return OK;
    }
    if (!join(a, len, &d.bytes, &joined)) {
        u->counters.dropped_memory++;
        return ERR_MEMORY;
    }
    u->counters.received++;
    s->events->on_datagram(s->owner, &d);
    memory_free(joined);
    return OK;
}

/* What IP carries beyond the length in the header is padding. */
enum err udp_input(struct udp *u, const struct ip_arrival *a)
{
    struct reader r = reader_of(a->count ? a->parts[0] : slice_of(NULL, 0));
    struct endpoint from = {.address = a->source, .port = read_be16(&r)};
    uint16_t port = read_be16(&r);
    size_t len = read_be16(&r);
    (void)read_be16(&r); /* the checksum: verified below */
    if (r.bad || len < HEADER_SIZE || len > total(a)) {
        u->counters.dropped_malformed++;
        return ERR_MALFORMED;
    }
    struct udp_socket *s = find(u, a->destination, port, a->to_many);
    if (s)
        return deliver(s, a, from, len - HEADER_SIZE);
    u->counters.dropped_no_port++;
    return ERR_REFUSED;
}

/* The complaint repeats our header: the source port is ours. */
void udp_complain(struct udp *u, const struct ip_complaint *c)
{
    struct reader r = reader_of(c->header);
    uint16_t port = read_be16(&r);
    struct endpoint remote = {.address = c->destination, .port = read_be16(&r)};
    struct udp_socket *s = r.bad ? NULL : find(u, c->source, port, false);
    if (s && s->events->on_complaint && hears(s, remote))
        s->events->on_complaint(s->owner, remote, c);
}
