/*
 * The resolver, led by bytes: answers of servers that know the id and the question (or not), over
 * UDP and TCP, silence, broken ways, other lookups meanwhile. Everybody is told once, and nothing
 * stays open.
 *
 *     one byte says what: answer (and to which message), broken, time, a lookup, a cancel, servers
 */
#include <stdlib.h>

#include "lib/dns/dns.h"
#include "runtime/reader.h"
#include "signatures/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WISHES 8u
#define ASKS   64u

struct ask {
    struct dns_exchange *x; /* NULL: dropped */
    uint8_t message[DNS_QUESTION_MAX];
    size_t len;
};

struct world {
    struct dns *dns;
    uint64_t now;
    uint8_t random;
    struct ask asks[ASKS];
    size_t open;
    struct dns_waiter *wishes[WISHES];
};

static enum err ask(void *arg, struct dns_exchange *x, struct slice message)
{
    struct world *w = arg;
    for (size_t i = 0; i < ASKS; i++) {
        if (w->asks[i].x)
            continue;
        w->asks[i].x = x;
        w->asks[i].len = message.len;
        memcpy(w->asks[i].message, message.ptr, message.len);
        w->open++;
        return OK;
    }
    return ERR_FULL;
}

static void drop(void *arg, struct dns_exchange *x)
{
    struct world *w = arg;
    for (size_t i = 0; i < ASKS; i++) {
        if (w->asks[i].x != x)
            continue;
        w->asks[i].x = NULL;
        w->open--;
        return;
    }
    abort(); /* was not open */
}

static void count_up(void *arg, void *into, size_t len)
{
    struct world *w = arg;
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)into)[i] = w->random++;
}

static void tell(void *owner, enum err why, const struct address *addresses, size_t count)
{
    struct dns_waiter **wish = owner;
    if (!*wish || (why == OK) != (count > 0) || count > RESOLVE_ADDRESSES_MAX)
        abort();
    for (size_t i = 0; i < count; i++)
        (void)address_is_v4(addresses[i]); /* is read */
    *wish = NULL;
}

/* With the id and the question of what was asked, if the input wants so. */
static void answer(struct world *w, uint8_t which, struct slice bytes)
{
    struct ask *a = &w->asks[which % ASKS];
    uint8_t copy[1024];
    size_t head = 12;
    if (!a->x)
        return;
    while (head < a->len && a->message[head])
        head += 1u + a->message[head];
    head += 5;
    if (which & 0x80)
        head = 0;
    struct slice rest = slice_take(bytes, sizeof copy - head);
    memcpy(copy, a->message, head);
    if (rest.len)
        memcpy(copy + head, rest.ptr, rest.len);
    if (head && rest.len >= 8) { /* flags and counts */
        memcpy(copy + 2, rest.ptr, 2);
        copy[2] |= 0x80;
        copy[7] = rest.ptr[2];
        copy[9] = rest.ptr[3];
        copy[11] = rest.ptr[4];
        memmove(copy + head, rest.ptr + 5, rest.len - 5);
        rest.len -= 5;
    }
    dns_answer(w->dns, w->now, a->x, slice_of(copy, head + rest.len));
}

static void look_up(struct world *w, uint8_t which, struct slice name)
{
    static const struct slice names[] = {SLICE_INIT("www.example"), SLICE_INIT("a.example"),
                                         SLICE_INIT("localhost"), SLICE_INIT("192.0.2.1")};
    struct dns_waiter **wish = &w->wishes[which % WISHES];
    if (*wish)
        dns_cancel(w->dns, *wish);
    *wish = NULL;
    if (dns_lookup(w->dns, w->now, name.len ? name : names[which % 4], tell, wish, wish) != OK)
        *wish = NULL;
}

static void servers(struct world *w, uint8_t which)
{
    struct address list[DNS_SERVERS_MAX + 1];
    size_t count = which % (DNS_SERVERS_MAX + 2);
    for (size_t i = 0; i < count; i++)
        list[i] = address_v4(192, 0, 2, (uint8_t)(1 + i));
    dns_servers(w->dns, w->now, list, count, which & 0x80);
}

static void act(struct world *w, uint8_t what, uint8_t which, struct slice bytes)
{
    switch (what % 8) {
    case 0:
        if (w->asks[which % ASKS].x)
            dns_broken(w->dns, w->now, w->asks[which % ASKS].x);
        break;
    case 1:
        w->now += which * 20 * CLOCK_MS;
        dns_expire(w->dns, w->now);
        break;
    case 2:
    case 3:
        look_up(w, which, bytes);
        break;
    case 4:
        servers(w, which);
        break;
    default:
        answer(w, which, bytes);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct dns_below below = {.ask = ask, .drop = drop, .random = count_up};
    struct reader r = reader_of(slice_of(data, size));
    struct world w = {.now = CLOCK_SEC, .random = 1};
    uint64_t blocks = memory_stats().blocks;
    w.dns = dns_open(&below, &w);
    if (!w.dns)
        return 0;
    servers(&w, 2);
    look_up(&w, 0, slice_of(NULL, 0));
    while (r.rest.len && !r.bad) {
        uint8_t what = read_u8(&r), which = read_u8(&r);
        struct slice bytes = what % 8 == 0 || what % 8 == 1 || what % 8 == 4
                                 ? slice_of(NULL, 0)
                                 : read_bytes(&r, read_u8(&r));
        act(&w, what, which, bytes);
    }
    w.now += 2 * DNS_LOOKUP_NS;
    dns_expire(w.dns, w.now); /* tells those that were in time */
    dns_expire(w.dns, w.now);
    for (size_t i = 0; i < WISHES; i++)
        if (w.wishes[i])
            abort();
    if (w.open != 0 || dns_pending(w.dns) != 0)
        abort();
    dns_close(w.dns);
    if (memory_stats().blocks != blocks)
        abort();
    return 0;
}
