/*
 * A place for tests of the fetch driver: a remote in the simulated network that answers each request
 * with the next of its answers, and what a fetch from it told. Included by the tests of this room.
 */
#ifndef TESTS_LIB_GIT_FETCH_PLACE_H
#define TESTS_LIB_GIT_FETCH_PLACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/git/fetch.h"
#include "lib/git/protocol.h"
#include "lib/git/smart.h"
#include "platform/sim/net.h"
#include "platform/sim/sim.h"
#include "runtime/loop.h"
#include "signatures/clock.h"
#include "signatures/memory.h"

/* --- A remote that answers each request with the next of its answers --------------------------- */

#define ANSWERS_MAX 16

struct answer {
    char bytes[4096];
    size_t len;
    bool close; /* the connection, behind it */
};

struct remote;

struct connection {
    struct remote *remote;
    struct flow *flow;
    char request[65536];
    size_t len, looked;
    struct connection *next;
};

struct remote {
    struct listener *listener;
    struct connection *connections;
    bool http;
    struct answer answers[ANSWERS_MAX];
    size_t count, next;
    unsigned accepted;
    char requests[65536]; /* all of them */
    size_t requests_len;
};

static inline void answer_next(struct connection *c)
{
    struct remote *r = c->remote;
    if (r->next == r->count)
        return;
    struct answer *a = &r->answers[r->next++];
    enum err e = a->len > 0 ? flow_write(c->flow, slice_of(a->bytes, a->len)) : OK;
    assert_true(e == OK || e == ERR_MEMORY);
    if (a->close || e != OK) {
        flow_close(c->flow);
        c->flow = NULL;
    }
}

/* How long the request is that starts at `looked`, if it is whole. */
static inline size_t whole_request(const struct connection *c)
{
    struct slice rest = slice_drop(slice_of(c->request, c->len), c->looked);
    if (!c->remote->http) {
        uint64_t first;
        if (c->looked == 0)
            return slice_hex(slice_take(rest, 4), 65535, &first) && rest.len >= first
                       ? (size_t)first
                       : 0;
        return slice_ends(rest, SLICE("0000")) || slice_ends(rest, SLICE("done\n")) ? rest.len : 0;
    }
    size_t head = slice_search(rest, SLICE("\r\n\r\n"));
    if (head == rest.len)
        return 0;
    size_t at = slice_search(slice_take(rest, head), SLICE("Content-Length: "));
    uint64_t body = at < head ? strtoull((const char *)rest.ptr + at + 16, NULL, 10) : 0;
    return rest.len >= head + 4 + body ? head + 4 + (size_t)body : 0;
}

static inline void remote_data(void *owner, struct slice bytes)
{
    struct connection *c = owner;
    struct remote *r = c->remote;
    assert_true(c->len + bytes.len < sizeof(c->request));
    memcpy(c->request + c->len, bytes.ptr, bytes.len);
    c->len += bytes.len;
    if (r->requests_len + bytes.len < sizeof(r->requests)) {
        memcpy(r->requests + r->requests_len, bytes.ptr, bytes.len);
        r->requests_len += bytes.len;
    }
    for (size_t n; c->flow && (n = whole_request(c)) > 0;) {
        c->looked += n;
        answer_next(c);
    }
}

static inline void remote_end(void *owner, enum err why)
{
    struct connection *c = owner;
    (void)why;
    flow_close(c->flow);
    c->flow = NULL;
}

static const struct flow_events remote_events = {.on_data = remote_data, .on_end = remote_end};

static inline void remote_accept(void *owner, struct flow *flow)
{
    struct remote *r = owner;
    struct connection *c = calloc(1, sizeof(*c));
    assert_non_null(c);
    *c = (struct connection){.remote = r, .flow = flow, .next = r->connections};
    r->connections = c;
    r->accepted++;
    flow_own(flow, &remote_events, c);
}

static inline void remote_forget(struct remote *r)
{
    for (struct connection *c = r->connections, *next; c; c = next) {
        next = c->next;
        if (c->flow)
            flow_abort(c->flow);
        free(c);
    }
    r->connections = NULL;
    r->next = 0;
    r->accepted = 0;
    r->requests_len = 0;
}

/* --- What it says ------------------------------------------------------------------------------ */

#define ONE "1111111111111111111111111111111111111111"
#define TWO "2222222222222222222222222222222222222222"

static inline void put(struct answer *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline void put(struct answer *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    a->len += (size_t)vsnprintf(a->bytes + a->len, sizeof(a->bytes) - a->len, format, args);
    va_end(args);
    assert_true(a->len < sizeof(a->bytes));
}

static inline void put_pkt(struct answer *a, const char *line)
{
    put(a, "%04x%s\n", (unsigned)strlen(line) + 5, line);
}

static inline void put_band(struct answer *a, int band, const char *text)
{
    put(a, "%04x%c%s", (unsigned)strlen(text) + 5, band, text);
}

static inline void put_capabilities(struct answer *a)
{
    put_pkt(a, "version 2");
    put_pkt(a, "agent=test");
    put_pkt(a, "ls-refs=unborn");
    put_pkt(a, "fetch=shallow");
    put_pkt(a, "object-format=sha1");
    put(a, "0000");
}

static inline void put_refs(struct answer *a)
{
    put_pkt(a, ONE " HEAD symref-target:refs/heads/main");
    put(a, "0000");
}

static inline void put_pack(struct answer *a)
{
    put_pkt(a, "packfile");
    put_band(a, 2, "Counting objects: 1\r");
    put_band(a, 1, "PACK");
    put_band(a, 2, "done\n");
    put_band(a, 1, "-the-pack-");
    put(a, "0000");
}

static inline void put_v0_refs(struct answer *a)
{
    static const char line[] =
        ONE " HEAD%c side-band-64k ofs-delta thin-pack symref=HEAD:refs/heads/main agent=x\n";
    put(a, "%04x", (unsigned)sizeof(line) - 2 + 4);
    put(a, line, 0);
    put_pkt(a, ONE " refs/heads/main");
    put(a, "0000");
}

static inline struct answer *add(struct remote *r)
{
    struct answer *a = &r->answers[r->count++];
    assert_true(r->count <= ANSWERS_MAX);
    *a = (struct answer){.len = 0};
    return a;
}

static inline void speak_v2(struct remote *r)
{
    r->http = false;
    r->count = 0;
    put_capabilities(add(r));
    put_refs(add(r));
    put_pack(add(r));
}

static inline void speak_v0(struct remote *r)
{
    r->http = false;
    r->count = 0;
    put_v0_refs(add(r));
    struct answer *a = add(r);
    put_pkt(a, "NAK");
    put_band(a, 1, "PACK-the-pack-");
    put(a, "0000");
}

enum framing { LENGTH, CHUNKS, UNTIL_CLOSE, LENGTH_THEN_CLOSE, KEPT_BUT_CLOSED };

/* An HTTP response with the body of `inner`, framed in one of the ways. */
static inline void add_response(struct remote *r, enum framing framing, const char *type,
                                const struct answer *inner)
{
    struct answer *a = add(r);
    put(a, "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-%s\r\n", type);
    if (framing == CHUNKS)
        put(a, "Transfer-Encoding: chunked\r\n\r\n%x\r\n", 7);
    else if (framing == UNTIL_CLOSE)
        put(a, "\r\n");
    else
        put(a, "%sContent-Length: %zu\r\n\r\n",
            framing == LENGTH_THEN_CLOSE ? "Connection: close\r\n" : "", inner->len);
    size_t at = 0;
    if (framing == CHUNKS) {
        memcpy(a->bytes + a->len, inner->bytes, 7);
        a->len += at = 7;
        put(a, "\r\n%zx;x=y\r\n", inner->len - 7);
    }
    memcpy(a->bytes + a->len, inner->bytes + at, inner->len - at);
    a->len += inner->len - at;
    if (framing == CHUNKS)
        put(a, "\r\n0\r\n\r\n");
    a->close = framing >= UNTIL_CLOSE;
}

static inline void speak_http(struct remote *r, enum framing framing, bool v2)
{
    struct answer inner = {.len = 0};
    r->http = true;
    r->count = 0;
    put_pkt(&inner, "# service=git-upload-pack");
    put(&inner, "0000");
    if (v2)
        inner.len = 0, put_capabilities(&inner);
    else
        put_v0_refs(&inner);
    add_response(r, framing, "advertisement", &inner);
    inner.len = 0;
    if (v2) {
        put_refs(&inner);
        add_response(r, framing, "result", &inner);
        inner.len = 0;
        put_pack(&inner);
    } else {
        put_pkt(&inner, "NAK");
        put_band(&inner, 1, "PACK-the-pack-");
        put(&inner, "0000");
    }
    add_response(r, framing, "result", &inner);
}

/* --- The fetching side -------------------------------------------------------------------------- */

struct world {
    struct sim_net *net;
    struct stack *here, *there, *elsewhere;
    struct remote remote, other; /* other: at elsewhere */
    uint64_t blocks;
    uint32_t timers;

    struct tls_client *tls; /* whom to trust over https; or NULL */
    struct slice secret;
    struct git_fetch *fetch;
    unsigned events, cancel_at; /* cancels in the event of this number; 0: in none */
    unsigned heads, dones;
    struct timer rest; /* while it runs, the fetch is paused */
    uint64_t rests;    /* ns, after each piece of the pack; 0: none */
    enum err head_answer, pack_answer;
    struct git_head head;
    char ref[64], pack[256], progress[256], line[GIT_ERROR_MAX + 1];
    enum err why;
    uint64_t took;
};

static inline bool event(struct world *w)
{
    assert_int_equal(w->dones, 0);
    if (++w->events != w->cancel_at)
        return false;
    git_fetch_cancel(w->fetch);
    w->fetch = NULL;
    return true;
}

static inline enum err on_head(void *owner, const struct git_head *head)
{
    struct world *w = owner;
    w->heads++;
    w->head = *head;
    snprintf(w->ref, sizeof(w->ref), "%.*s", SLICE_ARG(head->ref));
    event(w);
    return w->head_answer;
}

static inline enum err on_pack(void *owner, struct slice bytes)
{
    struct world *w = owner;
    size_t used = strlen(w->pack);
    snprintf(w->pack + used, sizeof(w->pack) - used, "%.*s", SLICE_ARG(bytes));
    assert_false(timer_running(&w->rest));
    if (!event(w) && w->rests) {
        git_fetch_pause(w->fetch, true);
        timer_start(&w->rest, clock_monotonic() + w->rests);
    }
    return w->pack_answer;
}

static inline void rested(struct timer *t)
{
    struct world *w = CONTAINER(t, struct world, rest);
    if (w->fetch)
        git_fetch_pause(w->fetch, false);
}

static inline void on_progress(void *owner, struct slice line)
{
    struct world *w = owner;
    size_t used = strlen(w->progress);
    snprintf(w->progress + used, sizeof(w->progress) - used, "%.*s|", SLICE_ARG(line));
    event(w);
}

static inline void on_done(void *owner, enum err why, struct slice line)
{
    struct world *w = owner;
    assert_int_equal(w->dones, 0);
    w->dones++;
    w->why = why;
    w->fetch = NULL;
    snprintf(w->line, sizeof(w->line), "%.*s", SLICE_ARG(line));
    assert_int_equal(why == OK, line.len == 0);
}

static const struct git_fetch_events events = {on_head, on_pack, on_progress, on_done};

static inline int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct endpoint git = {ADDRESS_ANY, 9418, 0}, http = {ADDRESS_ANY, 80, 0};
    sim_reset(7);
    timer_init(&w->rest, rested);
    w->blocks = memory_stats().blocks;
    w->timers = loop_timers();
    w->net = sim_net_open(7);
    w->here = sim_net_host(w->net, "192.0.2.1");
    w->there = sim_net_host(w->net, "192.0.2.2");
    w->elsewhere = sim_net_host(w->net, "192.0.2.3");
    sim_net_name(w->net, "git.example", "192.0.2.2");
    sim_net_name(w->net, "other.example", "192.0.2.3");
    assert_int_equal(stack_listen(w->there, git, remote_accept, &w->remote, &w->remote.listener),
                     OK);
    struct listener *unused;
    assert_int_equal(stack_listen(w->there, http, remote_accept, &w->remote, &unused), OK);
    assert_int_equal(stack_listen(w->elsewhere, http, remote_accept, &w->other, &unused), OK);
    *state = w;
    return 0;
}

static inline int teardown(void **state)
{
    struct world *w = *state;
    sim_memory_fail_nth(0);
    if (w->fetch)
        git_fetch_cancel(w->fetch);
    remote_forget(&w->remote);
    remote_forget(&w->other);
    sim_run(NULL, NULL, clock_monotonic() + 60 * CLOCK_SEC);
    size_t left = sim_net_close(w->net);
    bool clean = left == 0 && memory_stats().blocks == w->blocks && loop_timers() == w->timers;
    free(w);
    return clean ? 0 : -1;
}

static inline enum err open_fetch(struct world *w, const char *url, const struct oid *have,
                                  size_t count)
{
    struct buf error;
    buf_init(&error, 1024);
    w->events = w->heads = w->dones = 0;
    w->pack[0] = w->progress[0] = w->line[0] = w->ref[0] = '\0';
    remote_forget(&w->remote);
    remote_forget(&w->other);
    struct git_remote remote = {.url = slice_text(url), .tls = w->tls, .secret = w->secret};
    enum err e =
        git_fetch_open(w->here, &remote, have, count, OID_SHA1, &events, w, &w->fetch, &error);
    snprintf(w->line, sizeof(w->line), "%.*s", SLICE_ARG(buf_slice(&error)));
    buf_deinit(&error);
    assert_int_equal(w->events + w->dones, 0);
    if (e)
        w->fetch = NULL;
    return e;
}

static inline bool is_over(void *arg)
{
    struct world *w = arg;
    return w->dones > 0 || !w->fetch;
}

/* A whole fetch: what on_done was told. */
static inline enum err fetch(struct world *w, const char *url)
{
    uint64_t begun = clock_monotonic();
    assert_int_equal(open_fetch(w, url, NULL, 0), OK);
    assert_true(sim_run(is_over, w, clock_monotonic() + 3600 * CLOCK_SEC));
    w->took = clock_monotonic() - begun;
    return w->why;
}

static inline void assert_fetched(struct world *w, const char *url)
{
    enum err e = fetch(w, url);
    assert_string_equal(w->line, "");
    assert_int_equal(e, OK);
    assert_int_equal(w->heads, 1);
    assert_string_equal(w->ref, "refs/heads/main");
    assert_string_equal(w->pack, "PACK-the-pack-");
}

#define GIT  "git://git.example/r"
#define HTTP "http://git.example/r"

#endif
