/* A stack whose listeners speak TLS: what listens to plain connections need not know. See tls.h. */
#include "lib/tls/internal.h"
#include "signatures/memory.h"

struct tls_stack {
    struct list link; /* first: among the server's */
    struct stack stack;
    struct stack *below;
    struct tls_server *server;
};

struct listener {
    struct listener *below;
    struct tls_server *server;
    accept_fn *accept;
    void *owner;
};

static struct tls_stack *self(struct stack *s)
{
    return CONTAINER(s, struct tls_stack, stack);
}

static void on_accept(void *owner, struct flow *flow)
{
    struct listener *l = owner;
    tls_server_accept(l->server, flow, l->accept, l->owner);
}

static enum err listen(struct stack *stack, struct endpoint local, accept_fn *accept, void *owner,
                       struct listener **into)
{
    struct tls_stack *s = self(stack);
    struct listener *l = memory_alloc(sizeof *l);
    if (!l)
        return ERR_MEMORY;
    *l = (struct listener){.server = s->server, .accept = accept, .owner = owner};
    enum err e = stack_listen(s->below, local, on_accept, l, &l->below);
    if (e)
        memory_free(l);
    else
        *into = l;
    return e;
}

/* Those who have not finished their handshake do not come any more. */
static void unlisten(struct stack *stack, struct listener *l)
{
    struct tls_stack *s = self(stack);
    struct list *next;
    stack_unlisten(s->below, l->below);
    for (struct list *at = s->server->unfinished.next; at != &s->server->unfinished; at = next) {
        struct tls_flow *f = CONTAINER(at, struct tls_flow, link);
        next = at->next;
        if (f->handshake->accept == l->accept && f->handshake->owner == l->owner)
            tls_flow_drop(f);
    }
    memory_free(l);
}

static enum err connect(struct stack *s, struct endpoint remote, connect_fn *answer, void *owner,
                        struct connect **into)
{
    return stack_connect(self(s)->below, remote, answer, owner, into);
}

static void cancel_connect(struct stack *s, struct connect *c)
{
    stack_cancel_connect(self(s)->below, c);
}

static enum err resolve(struct stack *s, struct slice name, resolve_fn *answer, void *owner,
                        struct resolve **into)
{
    return stack_resolve(self(s)->below, name, answer, owner, into);
}

static void cancel_resolve(struct stack *s, struct resolve *r)
{
    stack_cancel_resolve(self(s)->below, r);
}

struct stack *tls_server_stack(struct tls_server *server, struct stack *below)
{
    static const struct stack_ops ops = {.listen = listen,
                                         .unlisten = unlisten,
                                         .connect = connect,
                                         .cancel_connect = cancel_connect,
                                         .resolve = resolve,
                                         .cancel_resolve = cancel_resolve};
    struct tls_stack *s = memory_alloc(sizeof *s);
    if (!s)
        return NULL;
    *s = (struct tls_stack){.stack = {&ops}, .below = below, .server = server};
    list_append(&server->stacks, &s->link);
    return &s->stack;
}

struct listener *tls_listener_below(struct listener *l)
{
    return l->below;
}
