/*
 * Where neighbours are, for both families: questions are asked as the table of neighbours says, and
 * packets wait for the answers, each neighbour's in a short queue of copies.
 */
#include "lib/ip/internal.h"

/* Packets that wait, from the oldest. */
static struct copy *shift_waiting(struct neighbour *n)
{
    struct list *first = list_shift(&n->waiting);
    if (!first)
        return NULL;
    n->waiting_count--;
    return CONTAINER(first, struct copy, link);
}

static void drop_waiting(struct ip *ip, struct neighbour *n, enum ip_counter why)
{
    for (struct copy *c; (c = shift_waiting(n));) {
        count(ip, why);
        copy_free(&ip->copies, c);
    }
}

void resolve_drop(struct ip *ip, struct neighbour *n)
{
    drop_waiting(ip, n, IP_DROP_QUEUE_UNREACHABLE);
    neighbour_remove(&ip->neighbours, n);
    paths_void(&ip->paths);
}

struct neighbour *resolve(struct ip *ip, uint64_t now, const struct address *a)
{
    struct neighbour *n = neighbour_find(&ip->neighbours, a);
    if (n)
        return n;
    n = neighbour_add(&ip->neighbours, a, now);
    if (!n) {
        struct neighbour *victim = neighbour_victim(&ip->neighbours);
        count(ip, victim ? IP_NEIGHBOUR_EVICTED : IP_NEIGHBOUR_FULL);
        if (!victim)
            return NULL;
        resolve_drop(ip, victim);
        n = neighbour_add(&ip->neighbours, a, now);
    }
    if (n)
        neighbour_ask(&ip->neighbours, n, now);
    return n;
}

struct neighbour *resolve_hear(struct ip *ip, uint64_t now, const struct address *a)
{
    struct neighbour *n = neighbour_find(&ip->neighbours, a);
    if (!n)
        n = neighbour_add(&ip->neighbours, a, now);
    if (!n)
        count(ip, IP_NEIGHBOUR_FULL);
    return n;
}

/* Sends what waited. */
static void flush(struct ip *ip, struct neighbour *n)
{
    for (struct copy *c; (c = shift_waiting(n));) {
        memcpy(c->bytes, n->mac.bytes, sizeof(n->mac.bytes));
        count(ip, copy_send(&ip->copies, c, ip->net) ? IP_DROP_SEND_CARD : IP_SENT);
    }
}

/* Who is heard of again may be the better gateway again. */
void resolve_tell(struct ip *ip, struct neighbour *n, struct mac mac)
{
    if (n->silent)
        paths_void(&ip->paths);
    neighbour_tell(n, mac);
    flush(ip, n);
}

void resolve_confirm(struct ip *ip, uint64_t now, struct neighbour *n)
{
    bool silent = n->silent;
    neighbour_confirm(&ip->neighbours, n, now, (uint32_t)ip_random(ip));
    if (silent && !n->silent)
        paths_void(&ip->paths);
}

void resolve_answer(struct ip *ip, uint64_t now, struct neighbour *n, struct mac mac)
{
    resolve_tell(ip, n, mac);
    resolve_confirm(ip, now, n);
}

void resolve_pin(struct ip *ip, struct neighbour *n, struct mac mac)
{
    n->state = NEIGHBOUR_STALE; /* one that was pinned before may be told otherwise */
    resolve_tell(ip, n, mac);
    n->state = NEIGHBOUR_PERMANENT;
}

enum err resolve_wait(struct ip *ip, struct neighbour *n, const struct net_frame *f)
{
    bool full;
    if (n->waiting_count == WAITING_MAX) {
        count(ip, IP_DROP_QUEUE_FULL);
        copy_free(&ip->copies, shift_waiting(n));
    }
    struct copy *c = copy_of(ip, f, &full);
    if (!c) {
        count(ip, full ? IP_DROP_SEND_LENT : IP_DROP_QUEUE_MEMORY);
        return full ? ERR_FULL : ERR_MEMORY;
    }
    list_append(&n->waiting, &c->link);
    n->waiting_count++;
    return OK;
}

bool ip_holds(const struct ip *ip)
{
    bool any = ip->loop_count > 0;
    for (size_t i = 0; i < NEIGHBOURS_MAX && !any; i++)
        any = ip->neighbours.of[i].state != NEIGHBOUR_NONE && ip->neighbours.of[i].waiting_count;
    return any;
}

bool resolve_hopeful(void *arg, const struct address *gateway)
{
    struct ip *ip = arg;
    const struct neighbour *n = neighbour_find(&ip->neighbours, gateway);
    return !n || !n->silent;
}

static void ask_all(struct ip *ip, uint64_t now, const struct neighbour *n)
{
    if (!bucket_take(&ip->solicits, RATE_SOLICITS, 1, now)) {
        count(ip, IP_DROP_SOLICIT_LIMITED);
        return;
    }
    if (address_is_v4(n->address))
        arp_ask(ip, &n->address, NULL);
    else
        ndp_ask(ip, now, &n->address, NULL);
}

/* What waited in vain is complained about, by its own headers. A handler may send again: that waits
 * for the next round. */
static void give_up(struct ip *ip, struct neighbour *n)
{
    struct list hopeless;
    list_init(&hopeless);
    count(ip, IP_NEIGHBOUR_FAILED);
    paths_void(&ip->paths);
    destination_forget_via(&ip->destinations, &n->address);
    for (struct copy *c; (c = shift_waiting(n));)
        list_append(&hopeless, &c->link);
    while (!list_empty(&hopeless)) {
        struct copy *c = CONTAINER(hopeless.next, struct copy, link);
        struct slice packet = slice_drop(slice_of(c->bytes, c->len), ETHERNET_HEAD_SIZE);
        count(ip, IP_DROP_QUEUE_UNREACHABLE);
        complain(ip, packet, IP_ERROR_UNREACHABLE, 0);
        copy_free(&ip->copies, c);
    }
}

void resolve_expire(struct ip *ip, uint64_t now)
{
    enum neighbour_action action;
    for (struct neighbour *n; (n = neighbour_due(&ip->neighbours, now, &action));) {
        if (action == NEIGHBOUR_GIVEN_UP) {
            give_up(ip, n);
            continue;
        }
        count(ip, IP_NEIGHBOUR_SOLICITED);
        if (action == NEIGHBOUR_ASKS_ALL)
            ask_all(ip, now, n);
        else if (address_is_v4(n->address))
            arp_ask(ip, &n->address, &n->mac);
        else
            ndp_ask(ip, now, &n->address, &n->mac);
    }
}
