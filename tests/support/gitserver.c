/* See gitserver.h. Hosted test code: fails by assertion. */
#include "tests/support/gitserver.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/git/pktline.h"
#include "runtime/list.h"

#define BAND_BYTES 8000 /* of pack data in a packet */

struct gitserver {
    struct stack *stack;
    struct listener *listener;
    struct list conversations;
    const char *commit;
    struct slice pack;
    unsigned served;
};

struct conversation {
    struct list link;
    struct gitserver *server;
    struct flow *flow;
    struct pkt_reader reader;
    struct buf command; /* the command's name, from its first line to its flush */
    struct buf out;
    struct slice pack; /* still to be put into packets */
    bool sending;
    bool greeted;
};

static void end(struct conversation *c)
{
    flow_close(c->flow);
    list_remove(&c->link);
    pkt_reader_deinit(&c->reader);
    buf_deinit(&c->command);
    buf_deinit(&c->out);
    free(c);
}

static void next_packet(struct conversation *c)
{
    struct buf packet;
    struct slice piece = slice_take(c->pack, BAND_BYTES);
    buf_init(&packet, PKT_BYTES_MAX);
    buf_byte(&packet, 1);
    buf_put(&packet, piece);
    pkt_put_bytes(&c->out, buf_slice(&packet));
    buf_deinit(&packet);
    c->pack = slice_drop(c->pack, piece.len);
    if (c->pack.len > 0)
        return;
    c->sending = false;
    pkt_put_flush(&c->out);
    c->server->served++;
}

/* As much as the flow takes. */
static void push(struct conversation *c)
{
    while (c->out.len > 0 || c->sending) {
        if (c->out.len == 0)
            next_packet(c);
        size_t room = flow_room(c->flow);
        struct slice piece = slice_take(buf_slice(&c->out), room);
        if (piece.len == 0 || flow_write(c->flow, piece) != OK)
            break;
        buf_consume(&c->out, piece.len);
    }
}

static void on_command(struct conversation *c)
{
    struct slice command = buf_slice(&c->command);
    if (slice_is(command, "command=ls-refs")) {
        pkt_put(&c->out, "%s HEAD symref-target:refs/heads/main", c->server->commit);
        pkt_put(&c->out, "%s refs/heads/main", c->server->commit);
        pkt_put_flush(&c->out);
    } else if (slice_is(command, "command=fetch")) {
        pkt_put(&c->out, "packfile");
        c->pack = c->server->pack;
        c->sending = true;
    }
    buf_clear(&c->command);
}

static void greet(struct conversation *c)
{
    c->greeted = true;
    pkt_put(&c->out, "version 2");
    pkt_put(&c->out, "agent=sim");
    pkt_put(&c->out, "ls-refs=unborn");
    pkt_put(&c->out, "fetch=shallow");
    pkt_put(&c->out, "object-format=sha1");
    pkt_put_flush(&c->out);
}

static void on_data(void *owner, struct slice bytes)
{
    struct conversation *c = owner;
    struct pkt pkt;
    while (bytes.len > 0 && pkt_line(&c->reader, &bytes, &pkt) == OK) {
        if (!c->greeted)
            greet(c);
        else if (pkt.kind == PKT_FLUSH)
            on_command(c);
        else if (pkt.kind == PKT_DATA && c->command.len == 0)
            buf_put(&c->command, pkt.payload);
    }
    push(c);
}

static void on_room(void *owner)
{
    push(owner);
}

static void on_end(void *owner, enum err why)
{
    (void)why;
    end(owner);
}

static const struct flow_events events = {.on_data = on_data, .on_room = on_room, .on_end = on_end};

static void on_accept(void *owner, struct flow *flow)
{
    struct gitserver *s = owner;
    struct conversation *c = calloc(1, sizeof(*c));
    assert(c);
    c->server = s;
    c->flow = flow;
    pkt_reader_init(&c->reader);
    buf_init(&c->command, PKT_BYTES_MAX);
    buf_init(&c->out, 1 << 20);
    list_append(&s->conversations, &c->link);
    flow_own(flow, &events, c);
}

struct gitserver *gitserver_open(struct stack *stack)
{
    struct gitserver *s = calloc(1, sizeof(*s));
    struct endpoint local = {.address = ADDRESS_ANY, .port = 9418};
    assert(s);
    s->stack = stack;
    list_init(&s->conversations);
    enum err e = stack_listen(stack, local, on_accept, s, &s->listener);
    assert(e == OK);
    (void)e;
    return s;
}

void gitserver_set(struct gitserver *s, const char *commit, struct slice pack)
{
    s->commit = commit;
    s->pack = pack;
}

unsigned gitserver_served(const struct gitserver *s)
{
    return s->served;
}

void gitserver_close(struct gitserver *s)
{
    while (!list_empty(&s->conversations))
        end(CONTAINER(s->conversations.next, struct conversation, link));
    stack_unlisten(s->stack, s->listener);
    free(s);
}
