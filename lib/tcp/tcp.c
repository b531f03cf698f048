/* One instance: what it holds, and what its caller drives. */
#include "lib/tcp/internal.h"

#include "signatures/memory.h"

static void draw(struct tcp *t, void *into, size_t len)
{
    t->below.random(t->arg, into, len);
}

uint32_t tcp_random(struct tcp *t)
{
    uint32_t value;
    draw(t, &value, sizeof value);
    return value;
}

uint64_t tcp_memory_used(const struct tcp *t)
{
    return t->chunks.held + (uint64_t)t->assembly.used * ASSEMBLY_CHUNK;
}

bool tcp_scarce(const struct tcp *t)
{
    return tcp_memory_used(t) >= t->limits.memory / 4 * 3;
}

bool tcp_spent(const struct tcp *t)
{
    return tcp_memory_used(t) >= t->limits.memory;
}

/* --- life --- */

static struct tcp_limits limits_of(const struct tcp_limits *given)
{
    struct tcp_limits l = given ? *given : (struct tcp_limits){0};
    l.connections = l.connections ? l.connections : TCP_CONNECTIONS_MAX;
    l.half_open = l.half_open ? l.half_open : TCP_HALF_OPEN_MAX;
    l.time_wait = l.time_wait ? l.time_wait : TCP_TIME_WAIT_MAX;
    l.orphans = l.orphans ? l.orphans : TCP_ORPHANS_MAX;
    l.memory = l.memory ? l.memory : TCP_MEMORY_MAX;
    return l;
}

static uint32_t items(uint64_t memory, size_t size)
{
    uint64_t n = memory / size + 1;
    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static void init_pools(struct tcp *t)
{
    pool_init(&t->connections, "connections", sizeof(struct tcp_connection), t->limits.connections);
    pool_init(&t->halves, "half-open", sizeof(struct tcp_half), t->limits.half_open);
    pool_init(&t->assembly, "assembly", ASSEMBLY_CHUNK, items(t->limits.memory, ASSEMBLY_CHUNK));
    tcp_chunks_init(&t->chunks, items(t->limits.memory, TCP_CHUNK_SMALL));
}

static void draw_secrets(struct tcp *t)
{
    draw(t, &t->secrets, sizeof t->secrets);
    draw(t, &t->ports, sizeof t->ports);
}

struct tcp *tcp_open(const struct tcp_below *below, void *arg, const struct tcp_limits *limits,
                     uint32_t offloads, uint64_t now)
{
    struct tcp *t = memory_zalloc(sizeof *t);
    struct sipkey key;
    if (!t)
        return NULL;
    t->below = *below;
    t->arg = arg;
    t->limits = limits_of(limits);
    t->offloads = offloads;
    t->now = now;
    t->agenda_end = &t->agenda;
    draw(t, &key, sizeof key);
    if (tcp_table_init(&t->table, key)) {
        memory_free(t);
        return NULL;
    }
    draw_secrets(t);
    init_pools(t);
    tcp_waits_init(&t->waits, &t->table, t->limits.time_wait);
    tcp_wheel_init(&t->wheel, now);
    return t;
}

void tcp_set_offloads(struct tcp *t, uint32_t offloads)
{
    t->offloads = offloads;
}

/* What its owner has left open must not be told any more. */
static void forget(void *arg, struct tcp_entry *e)
{
    struct tcp_connection *c = (struct tcp_connection *)(void *)e;
    (void)arg;
    if (e->kind != TCP_KIND_CONNECTION)
        return;
    c->closed = true;
    c->connecting = false;
    tcp_end(c, ERR_CANCELLED);
}

static void free_listeners(struct tcp *t)
{
    for (size_t i = 0; i < TCP_LISTENER_BUCKETS; i++)
        while (t->listeners[i])
            tcp_unlisten(t, t->listeners[i]);
}

void tcp_close(struct tcp *t)
{
    t->working = true; /* nobody is to be woken */
    free_listeners(t);
    tcp_table_each(&t->table, forget, t);
    for (struct tcp_connection *c = t->agenda, *next; c; c = next) {
        next = c->next_work;
        tcp_free(c);
    }
    tcp_waits_deinit(&t->waits);
    tcp_chunks_deinit(&t->chunks);
    pool_deinit(&t->connections);
    pool_deinit(&t->halves);
    pool_deinit(&t->assembly);
    tcp_table_deinit(&t->table);
    memory_free(t);
}

struct departure {
    struct tcp *tcp;
    struct address address;
};

/* Its owner is told by tcp_flush: he may do what changes the table. */
static void lose(struct tcp_connection *c)
{
    c->lost_address = true;
    tcp_schedule(c);
}

static void leave_address(void *arg, struct tcp_entry *e)
{
    struct departure *d = arg;
    if (!address_equal(&e->tuple.local, &d->address))
        return;
    if (e->kind == TCP_KIND_CONNECTION)
        lose((struct tcp_connection *)(void *)e);
    else if (e->kind == TCP_KIND_HALF_OPEN)
        tcp_half_close(d->tcp, (struct tcp_half *)(void *)e);
    else
        tcp_waits_remove(&d->tcp->waits, (struct tcp_wait *)(void *)e);
}

void tcp_forget_address(struct tcp *t, struct address address)
{
    struct departure d = {t, address};
    tcp_table_each(&t->table, leave_address, &d);
}

/* --- time --- */

void tcp_expire(struct tcp *t, uint64_t now)
{
    t->now = now;
    t->working = true; /* until the end of tcp_flush: nobody need be woken */
    for (struct tcp_timer *timer; (timer = tcp_wheel_due(&t->wheel, now));)
        tcp_timer_fired(t, timer);
    tcp_waits_expire(&t->waits, now);
    tcp_flush(t, now);
}

uint64_t tcp_deadline(const struct tcp *t)
{
    uint64_t at = tcp_wheel_deadline(&t->wheel), waits = tcp_waits_deadline(&t->waits, t->now);
    if (waits < at)
        at = waits;
    if (t->chunks.limbo && t->now + TCP_LIMBO_POLL < at)
        at = t->now + TCP_LIMBO_POLL;
    return at;
}
