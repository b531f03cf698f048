/*
 * A flow over a pcb of lwIP. What was written is a list of pieces, in order: those that lwIP copied
 * (of which only the number of bytes is kept), and those that it reads where they are until they are
 * acknowledged.
 */
#include "bench/lwip/lwip.h"
#include "signatures/memory.h"

#define WRITE_MAX ((size_t)32 * TCP_MSS) /* bytes in one call of lwIP's */

struct piece {
    struct list link;
    struct slice bytes; /* ptr NULL: lwIP has a copy */
    size_t submitted;   /* of bytes, to lwIP */
    size_t acknowledged;
    struct loan loan;
};

struct connection {
    struct flow flow;
    struct list link;    /* in the agenda, or in none */
    struct tcp_pcb *pcb; /* NULL: lwIP has given it up */
    struct list pieces;
    struct pbuf *held; /* received, not yet delivered */
    size_t queued;
    struct endpoint peer;
    enum err ended;
    bool eof, eof_told, end_told, paused, wants_room;
    bool closed, cut; /* by the owner */
    bool shut;        /* lwIP was told */
};

static struct list agenda = {&agenda, &agenda};
static struct task work;

static void note(struct connection *c)
{
    if (list_empty(&c->link))
        list_append(&agenda, &c->link);
    task_post(&work);
}

/* --- pieces --- */

static void forget_piece(struct piece *p)
{
    list_remove(&p->link);
    if (p->loan.release)
        p->loan.release(p->loan.arg);
    memory_free(p);
}

static void forget_pieces(struct connection *c)
{
    while (!list_empty(&c->pieces))
        forget_piece(CONTAINER(c->pieces.next, struct piece, link));
    c->queued = 0;
}

static struct piece *last_piece(struct connection *c)
{
    return list_empty(&c->pieces) ? NULL : CONTAINER(c->pieces.prev, struct piece, link);
}

static struct piece *add_piece(struct connection *c, struct slice bytes, size_t extra)
{
    struct piece *p = memory_alloc(sizeof *p + extra);
    if (!p)
        return NULL;
    *p = (struct piece){.bytes = bytes};
    list_init(&p->link);
    list_append(&c->pieces, &p->link);
    c->queued += bytes.len;
    return p;
}

static bool submit_piece(struct connection *c, struct piece *p)
{
    while (p->submitted < p->bytes.len) {
        size_t n = p->bytes.len - p->submitted, room = tcp_sndbuf(c->pcb);
        n = n < room ? n : room;
        n = n < WRITE_MAX ? n : WRITE_MAX;
        if (n == 0 || tcp_write(c->pcb, p->bytes.ptr + p->submitted, (u16_t)n, 0) != ERR_OK)
            return false;
        p->submitted += n;
    }
    return true;
}

static bool all_submitted(struct connection *c)
{
    const struct piece *p = last_piece(c);
    return !p || p->submitted == p->bytes.len;
}

static void submit(struct connection *c)
{
    if (all_submitted(c))
        return;
    for (struct list *l = c->pieces.next; l != &c->pieces; l = l->next)
        if (!submit_piece(c, CONTAINER(l, struct piece, link)))
            return;
}

static void acknowledge(struct connection *c, size_t n)
{
    c->queued -= n;
    while (n > 0 && !list_empty(&c->pieces)) {
        struct piece *p = CONTAINER(c->pieces.next, struct piece, link);
        size_t rest = p->bytes.len - p->acknowledged, part = n < rest ? n : rest;
        p->acknowledged += part;
        n -= part;
        if (p->acknowledged == p->bytes.len)
            forget_piece(p);
    }
}

/* --- what owners are told --- */

static void tell_end(struct connection *c, enum err why)
{
    if (c->end_told || c->closed || !c->flow.events)
        return;
    c->end_told = true;
    c->flow.events->on_end(c->flow.owner, why);
}

static bool may_deliver(const struct connection *c)
{
    return !c->paused && !c->closed && !c->ended;
}

static void deliver(struct connection *c)
{
    while (c->held && may_deliver(c)) {
        struct pbuf *first = c->held;
        c->held = first->next;
        if (c->held)
            pbuf_ref(c->held); /* which the first one gives up */
        c->flow.events->on_data(c->flow.owner, slice_of(first->payload, first->len));
        if (c->pcb)
            tcp_recved(c->pcb, first->len);
        pbuf_free(first);
    }
    if (!c->held && c->eof && !c->eof_told && may_deliver(c)) {
        c->eof_told = true;
        if (c->flow.events->on_eof)
            c->flow.events->on_eof(c->flow.owner);
        else
            tell_end(c, ERR_CLOSED);
    }
}

static void tell_room(struct connection *c)
{
    if (!c->wants_room || c->closed || c->queued > LWIP_QUEUE_MAX / 2)
        return;
    c->wants_room = false;
    if (c->flow.events && c->flow.events->on_room)
        c->flow.events->on_room(c->flow.owner);
}

/* --- lwIP's callbacks --- */

static void let_go(struct connection *c)
{
    tcp_arg(c->pcb, NULL);
    tcp_recv(c->pcb, NULL);
    tcp_sent(c->pcb, NULL);
    tcp_err(c->pcb, NULL);
    c->pcb = NULL;
}

static err_t on_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t e)
{
    struct connection *c = arg;
    (void)pcb;
    (void)e;
    if (!p)
        c->eof = true;
    else if (c->held)
        pbuf_cat(c->held, p);
    else
        c->held = p;
    deliver(c);
    return ERR_OK;
}

static err_t on_acknowledged(void *arg, struct tcp_pcb *pcb, u16_t n)
{
    struct connection *c = arg;
    (void)pcb;
    acknowledge(c, n);
    submit(c);
    tell_room(c);
    if (c->shut && list_empty(&c->pieces))
        let_go(c); /* lwIP may forget it as soon as this returns */
    if (c->closed)
        note(c);
    return ERR_OK;
}

static void on_failed(void *arg, err_t e)
{
    struct connection *c = arg;
    c->pcb = NULL;
    c->ended = lwip_reason(e);
    forget_pieces(c);
    if (c->closed)
        note(c);
    tell_end(c, c->ended);
}

/* --- what is to be done --- */

static void destroy(struct connection *c)
{
    list_remove(&c->link);
    forget_pieces(c);
    if (c->held)
        pbuf_free(c->held);
    memory_free(c);
}

static void drop_held(struct connection *c)
{
    for (struct pbuf *p = c->held; p; p = p->next)
        tcp_recved(c->pcb, p->len);
    if (c->held)
        pbuf_free(c->held);
    c->held = NULL;
}

/* lwIP must not be asked about a connection that it was told to close, but goes on to tell what is
 * acknowledged. */
static void finish(struct connection *c)
{
    struct tcp_pcb *pcb = c->pcb;
    if (pcb && c->cut) {
        let_go(c);
        tcp_abort(pcb);
    } else if (pcb && all_submitted(c) && !c->shut) {
        c->shut = true;
        drop_held(c);
        if (list_empty(&c->pieces))
            let_go(c);
        tcp_close(pcb);
    }
    if (!c->pcb)
        destroy(c);
}

static void attend(struct connection *c)
{
    if (c->pcb && !c->ended)
        deliver(c);
    if (c->pcb && !c->shut) {
        submit(c);
        tcp_output(c->pcb);
        tell_room(c);
    }
    if (c->closed)
        finish(c);
}

static void attend_all(struct task *t)
{
    struct list *l;
    (void)t;
    struct list due;
    list_init(&due);
    while ((l = list_shift(&agenda)))
        list_append(&due, l);
    while ((l = list_shift(&due)))
        attend(CONTAINER(l, struct connection, link));
}

/* --- operations --- */

static struct connection *self(const struct flow *f)
{
    return (struct connection *)(uintptr_t)f;
}

static enum err may_write(struct connection *c, size_t needed)
{
    if (c->ended)
        return c->ended;
    if (needed > LWIP_QUEUE_MAX)
        return ERR_LIMIT;
    if (c->queued < LWIP_QUEUE_MAX && needed <= LWIP_QUEUE_MAX - c->queued)
        return OK;
    c->wants_room = true;
    return ERR_AGAIN;
}

/* lwIP's own copy, which shares segments with others. False: it does not want to. */
static bool write_through(struct connection *c, struct slice bytes)
{
    struct piece *p = last_piece(c);
    if (!all_submitted(c) || bytes.len > tcp_sndbuf(c->pcb) || bytes.len > UINT16_MAX)
        return false;
    if (!p || p->bytes.ptr) {
        p = add_piece(c, slice_of(NULL, 0), 0);
        if (!p)
            return false;
    }
    if (tcp_write(c->pcb, bytes.ptr, (u16_t)bytes.len, TCP_WRITE_FLAG_COPY) != ERR_OK) {
        if (p->bytes.len == 0)
            forget_piece(p);
        return false;
    }
    p->bytes.len += bytes.len;
    p->submitted += bytes.len;
    c->queued += bytes.len;
    return true;
}

static enum err flow_write_copy(struct flow *f, struct slice bytes)
{
    struct connection *c = self(f);
    enum err e = may_write(c, bytes.len);
    if (e || bytes.len == 0)
        return e;
    note(c);
    if (write_through(c, bytes))
        return OK;
    struct piece *p = add_piece(c, bytes, bytes.len);
    if (!p)
        return ERR_MEMORY;
    memcpy(p + 1, bytes.ptr, bytes.len);
    p->bytes.ptr = (const uint8_t *)(p + 1);
    return OK;
}

static enum err flow_write_lent(struct flow *f, struct slice bytes, struct loan loan)
{
    struct connection *c = self(f);
    enum err e = may_write(c, 0);
    if (e)
        return e;
    if (bytes.len == 0) {
        if (loan.release)
            loan.release(loan.arg);
        return OK;
    }
    struct piece *p = add_piece(c, bytes, 0);
    if (!p)
        return ERR_MEMORY;
    p->loan = loan;
    note(c);
    return OK;
}

static size_t flow_free(const struct flow *f)
{
    const struct connection *c = self(f);
    return c->ended || c->queued >= LWIP_QUEUE_MAX ? 0 : LWIP_QUEUE_MAX - c->queued;
}

static size_t flow_held(const struct flow *f)
{
    return self(f)->queued;
}

static void flow_hold(struct flow *f, bool paused)
{
    self(f)->paused = paused;
    if (!paused)
        note(self(f));
}

static void flow_end(struct flow *f)
{
    struct connection *c = self(f);
    c->closed = true;
    note(c);
}

static void flow_cut(struct flow *f)
{
    self(f)->cut = true;
    flow_end(f);
}

static struct endpoint flow_other(const struct flow *f)
{
    return self(f)->peer;
}

struct flow *lwip_flow_open(struct tcp_pcb *pcb)
{
    static const struct flow_ops ops = {flow_write_copy, flow_write_lent, flow_free, flow_held,
                                        flow_hold,       flow_end,        flow_cut,  flow_other};
    struct connection *c = memory_zalloc(sizeof *c);
    if (!c)
        return NULL;
    if (!work.run)
        task_init(&work, attend_all);
    c->flow.ops = &ops;
    list_init(&c->link);
    list_init(&c->pieces);
    c->pcb = pcb;
    c->paused = true;
    c->peer =
        (struct endpoint){.address = lwip_address_back(&pcb->remote_ip), .port = pcb->remote_port};
    tcp_arg(pcb, c);
    tcp_recv(pcb, on_received);
    tcp_sent(pcb, on_acknowledged);
    tcp_err(pcb, on_failed);
    tcp_nagle_disable(pcb);
    return &c->flow;
}
