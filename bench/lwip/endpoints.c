/* Listening and connecting with lwIP. Names are not looked up: addresses only. */
#include "bench/lwip/lwip.h"
#include "signatures/memory.h"

struct listener {
    struct tcp_pcb *pcb;
    accept_fn *accept;
    void *owner;
};

struct connect {
    struct tcp_pcb *pcb;
    connect_fn *answer;
    void *owner;
};

struct resolve {
    struct task task;
    struct address address;
    enum err why;
    resolve_fn *answer;
    void *owner;
};

ip_addr_t lwip_address(struct address a)
{
    ip_addr_t to = IPADDR6_INIT(0, 0, 0, 0);
    if (address_is_v4(a))
        IP_ADDR4(&to, a.bytes[12], a.bytes[13], a.bytes[14], a.bytes[15]);
    else
        memcpy(to.u_addr.ip6.addr, a.bytes, sizeof a.bytes);
    return to;
}

struct address lwip_address_back(const ip_addr_t *a)
{
    struct address to;
    if (IP_IS_V4(a)) {
        uint8_t bytes[4];
        memcpy(bytes, &a->u_addr.ip4.addr, sizeof bytes);
        return address_v4(bytes[0], bytes[1], bytes[2], bytes[3]);
    }
    memcpy(to.bytes, a->u_addr.ip6.addr, sizeof to.bytes);
    return to;
}

enum err lwip_reason(err_t e)
{
    switch (e) {
    case ERR_RST:
        return ERR_RESET;
    case ERR_CLSD:
        return ERR_CLOSED;
    case ERR_RTE:
        return ERR_UNREACHABLE;
    case ERR_MEM:
        return ERR_MEMORY;
    default:
        return ERR_TIMEOUT;
    }
}

/* --- listening --- */

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t e)
{
    struct listener *l = arg;
    struct flow *f = e == ERR_OK && pcb ? lwip_flow_open(pcb) : NULL;
    if (!f) {
        if (pcb)
            tcp_abort(pcb);
        return pcb ? ERR_ABRT : ERR_VAL;
    }
    l->accept(l->owner, f);
    return ERR_OK;
}

static struct tcp_pcb *listen_at(struct endpoint local)
{
    struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);
    ip_addr_t address = lwip_address(local.address);
    bool any = memcmp(&local.address, &ADDRESS_ANY, sizeof ADDRESS_ANY) == 0;
    if (!pcb)
        return NULL;
    if (tcp_bind(pcb, any ? IP_ANY_TYPE : &address, local.port) != ERR_OK) {
        tcp_close(pcb);
        return NULL;
    }
    return tcp_listen(pcb);
}

static enum err stack_listen_(struct stack *s, struct endpoint local, accept_fn *accept,
                              void *owner, struct listener **into)
{
    struct listener *l = memory_zalloc(sizeof *l);
    (void)s;
    if (!l)
        return ERR_MEMORY;
    *l = (struct listener){listen_at(local), accept, owner};
    if (!l->pcb) {
        memory_free(l);
        return ERR_EXISTS;
    }
    tcp_arg(l->pcb, l);
    tcp_accept(l->pcb, on_accept);
    *into = l;
    return OK;
}

static void stack_unlisten_(struct stack *s, struct listener *l)
{
    (void)s;
    tcp_close(l->pcb);
    memory_free(l);
}

/* --- connecting --- */

static void answer(struct connect *c, enum err why, struct flow *f)
{
    struct connect given = *c;
    memory_free(c);
    given.answer(given.owner, why, f);
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t e)
{
    struct flow *f = lwip_flow_open(pcb);
    (void)e;
    if (!f) {
        tcp_abort(pcb); /* which answers, by on_failed */
        return ERR_ABRT;
    }
    answer(arg, OK, f);
    return ERR_OK;
}

static void on_failed(void *arg, err_t e)
{
    answer(arg, e == ERR_RST ? ERR_REFUSED : lwip_reason(e), NULL);
}

static enum err stack_connect_(struct stack *s, struct endpoint remote, connect_fn *fn, void *owner,
                               struct connect **into)
{
    struct connect *c = memory_zalloc(sizeof *c);
    ip_addr_t address = lwip_address(remote.address);
    (void)s;
    if (!c)
        return ERR_MEMORY;
    *c = (struct connect){tcp_new_ip_type(IP_GET_TYPE(&address)), fn, owner};
    if (c->pcb) {
        tcp_arg(c->pcb, c);
        tcp_err(c->pcb, on_failed);
    }
    if (!c->pcb || tcp_connect(c->pcb, &address, remote.port, on_connected) != ERR_OK) {
        if (c->pcb)
            tcp_close(c->pcb);
        memory_free(c);
        return ERR_UNREACHABLE;
    }
    *into = c;
    return OK;
}

static void stack_cancel_connect_(struct stack *s, struct connect *c)
{
    (void)s;
    tcp_err(c->pcb, NULL);
    tcp_abort(c->pcb);
    memory_free(c);
}

/* --- resolving --- */

static void resolved(struct task *t)
{
    struct resolve r = *CONTAINER(t, struct resolve, task);
    memory_free(CONTAINER(t, struct resolve, task));
    r.answer(r.owner, r.why, &r.address, r.why ? 0 : 1);
}

static enum err stack_resolve_(struct stack *s, struct slice name, resolve_fn *fn, void *owner,
                               struct resolve **into)
{
    struct resolve *r = memory_zalloc(sizeof *r);
    (void)s;
    if (!r)
        return ERR_MEMORY;
    *r = (struct resolve){.answer = fn, .owner = owner};
    r->why = address_parse(name, &r->address) ? OK : ERR_NOT_FOUND;
    task_init(&r->task, resolved);
    task_post(&r->task);
    *into = r;
    return OK;
}

static void stack_cancel_resolve_(struct stack *s, struct resolve *r)
{
    (void)s;
    task_cancel(&r->task);
    memory_free(r);
}

const struct stack_ops lwip_stack_ops = {
    .listen = stack_listen_,
    .unlisten = stack_unlisten_,
    .connect = stack_connect_,
    .cancel_connect = stack_cancel_connect_,
    .resolve = stack_resolve_,
    .cancel_resolve = stack_cancel_resolve_,
};
