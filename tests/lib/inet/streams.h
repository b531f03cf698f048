/*
 * Sessions between hosts of a world, as chance has it: each side sends a pseudo-random stream that
 * the other knows, in writes and loans of any size, with pauses, and ends it in one of the ways in
 * which streams end. Every byte is compared.
 */
#ifndef TESTS_LIB_INET_STREAMS_H
#define TESTS_LIB_INET_STREAMS_H

#include "tests/lib/inet/world.h"

#define STREAMS_MAX   128u
#define STREAMS_BOUND (1800 * CLOCK_SEC) /* a session that takes longer has stalled */
#define STREAMS_SHIFT 18u                /* a side sends less than 1 << that, mostly far less */
#define STREAMS_PORT  1000u

enum streams_ending {
    STREAMS_CLIENT_FIRST, /* closes when both streams have arrived */
    STREAMS_SERVER_FIRST,
    STREAMS_BOTH,    /* each closes when it has sent and received all */
    STREAMS_ONE_WAY, /* the client sends, and closes at once */
    STREAMS_EARLY,   /* the server closes at once, whatever comes */
    STREAMS_ABORT,   /* one side resets in the middle */
    STREAMS_REFUSED, /* nobody listens */
    STREAMS_CANCEL,  /* the connect is taken back */
    STREAMS_ENDINGS
};

struct streams_session;

struct streams_side {
    struct streams_session *session;
    struct flow *flow; /* NULL: not yet, or closed */
    uint64_t pattern;  /* of what it sends */
    uint64_t to_send, sent, expected, received;
    uint64_t abort_at; /* sent and received together; UINT64_MAX: never */
    uint64_t loans;    /* not yet released */
    struct timer write, read;
    bool closes_first, closes_at_once, closed, eof, ended, wrong;
    enum err why;
};

struct streams_session {
    struct streams *all;
    size_t number;
    struct world_host *client, *server;
    struct listener *listener;
    struct connect *connect;
    struct streams_side sides[2]; /* [0]: the client */
    enum streams_ending ending;
    struct timer start;
    uint64_t patience; /* of keep-alive */
    bool v6, started, connected, failed;
    enum err why; /* failed */
};

struct streams {
    struct world *world;
    struct streams_session sessions[STREAMS_MAX];
    size_t count;
    uint64_t bound;    /* 0: STREAMS_BOUND */
    uint64_t patience; /* of all sessions; 0: as chance has it */
    unsigned shift;
    bool hard; /* memory fails, or hosts vanish: streams may end early, but never wrong */
    const char *fault;
};

static bool streams_told; /* say what happens */
static uint64_t streams_sessions, streams_refused, streams_given_up, streams_bytes;

static inline void streams_tell(const struct streams_side *s, const char *what, uint64_t value)
{
    if (streams_told)
        printf("%12.6f  %3zu %s  %s %llu\n", (double)clock_monotonic() / 1e9, s->session->number,
               s == &s->session->sides[0] ? "client" : "server", what, (unsigned long long)value);
}

/* --- the pattern --- */

static inline uint64_t streams_word(uint64_t pattern, uint64_t index)
{
    uint64_t x = pattern + index * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    return x ^ x >> 27;
}

static inline void streams_fill(uint64_t pattern, uint64_t at, uint8_t *into, size_t len)
{
    for (size_t i = 0; i < len; i++)
        into[i] = (uint8_t)(streams_word(pattern, (at + i) / 8) >> (8 * ((at + i) % 8)));
}

static inline bool streams_same(uint64_t pattern, uint64_t at, struct slice bytes)
{
    uint8_t expected[4096];
    for (; bytes.len; at += sizeof expected, bytes = slice_drop(bytes, sizeof expected)) {
        struct slice some = slice_take(bytes, sizeof expected);
        streams_fill(pattern, at, expected, some.len);
        if (memcmp(expected, some.ptr, some.len) != 0)
            return false;
    }
    return true;
}

/* Where the bytes begin to be wrong, and where in the stream they belong. */
static inline void streams_explain(uint64_t pattern, uint64_t at, struct slice bytes)
{
    size_t good = 0;
    while (good < bytes.len && streams_same(pattern, at + good, slice_of(bytes.ptr + good, 1)))
        good++;
    struct slice bad = slice_take(slice_drop(bytes, good), 16);
    printf("    the first %zu of %zu are right, then", good, bytes.len);
    for (size_t i = 0; i < bad.len; i++)
        printf(" %02x", bad.ptr[i]);
    for (uint64_t place = 0; bad.len >= 8 && place < (1 << 20); place++)
        if (streams_same(pattern, place, bad))
            printf(", which belong at %llu", (unsigned long long)place);
    printf("\n");
}

/* --- ending --- */

static inline void streams_finish(struct streams_side *s, bool abort)
{
    struct flow *f = s->flow;
    if (!f)
        return;
    streams_tell(s, abort ? "aborts, of bytes sent" : "closes, of bytes sent", s->sent);
    s->flow = NULL;
    s->closed = true;
    timer_stop(&s->write);
    timer_stop(&s->read);
    if (abort)
        flow_abort(f);
    else
        flow_close(f);
}

static inline bool streams_complete(const struct streams_side *s)
{
    return s->sent == s->to_send && s->received == s->expected;
}

/* What a side does when something has changed. */
static inline void streams_consider(struct streams_side *s)
{
    if (!s->flow)
        return;
    if (s->sent + s->received >= s->abort_at)
        streams_finish(s, true);
    else if (s->ended || (s->eof && s->sent == s->to_send))
        streams_finish(s, false);
    else if (s->closes_at_once || (s->closes_first && streams_complete(s)))
        streams_finish(s, false);
}

/* --- sending --- */

struct streams_loan {
    struct streams_side *side;
    size_t len;
    uint8_t bytes[];
};

/* What was given back is spoiled at once: whoever still reads it will be found out. */
static inline void streams_release(void *arg)
{
    struct streams_loan *l = arg;
    memset(l->bytes, 0xdd, l->len);
    l->side->loans--;
    free(l);
}

static inline enum err streams_put(struct streams_side *s, size_t len, bool lend)
{
    struct streams_loan *l = malloc(sizeof *l + len);
    assert_always(l != NULL);
    *l = (struct streams_loan){.side = s, .len = len};
    streams_fill(s->pattern, s->sent, l->bytes, len);
    struct slice bytes = slice_of(l->bytes, len);
    struct loan loan = {streams_release, l};
    s->loans++;
    enum err e = lend ? flow_lend(s->flow, bytes, loan) : flow_write(s->flow, bytes);
    if (e || !lend)
        streams_release(l);
    if (!e)
        s->sent += len;
    return e;
}

static inline size_t streams_length(struct world *w)
{
    static const uint16_t most[] = {1, 200, 200, 200, 200, 3000, 3000, 3000, 65000, 65000};
    return world_range(w, 1, most[world_range(w, 0, 9)]);
}

static inline void streams_toggle(struct streams_side *s, struct world *w)
{
    if (world_chance(w, 5))
        tcp_cork(s->flow, world_chance(w, 50));
    if (world_chance(w, 3))
        tcp_nagle(s->flow, world_chance(w, 50));
}

static inline void streams_send(struct streams_side *s)
{
    struct world *w = s->session->all->world;
    while (s->flow && s->sent < s->to_send && !s->ended) {
        size_t len = streams_length(w);
        bool lend = world_chance(w, 50);
        if (len > s->to_send - s->sent)
            len = s->to_send - s->sent;
        if (!lend && len > flow_room(s->flow) && flow_room(s->flow) && world_chance(w, 50))
            len = flow_room(s->flow);
        enum err e = streams_put(s, len, lend);
        if (e == ERR_AGAIN)
            return; /* until on_room */
        if (e == ERR_MEMORY || e == ERR_LIMIT || e == ERR_FULL) {
            timer_start(&s->write, clock_monotonic() + 10 * CLOCK_MS);
            return;
        }
        if (e)
            return; /* on_end comes, or came */
        streams_toggle(s, w);
        if (world_chance(w, 15)) {
            uint64_t pause = world_range(w, 0, world_chance(w, 5) ? 3000 : 50);
            timer_start(&s->write, clock_monotonic() + pause * CLOCK_MS);
            break;
        }
    }
    if (s->flow && s->sent == s->to_send)
        tcp_cork(s->flow, false);
    streams_consider(s);
}

static inline void streams_on_write(struct timer *t)
{
    streams_send(CONTAINER(t, struct streams_side, write));
}

/* --- receiving --- */

static inline void streams_on_data(void *owner, struct slice bytes)
{
    struct streams_side *s = owner, *other = &s->session->sides[s == &s->session->sides[0]];
    struct world *w = s->session->all->world;
    if (!bytes.len || s->received + bytes.len > s->expected ||
        !streams_same(other->pattern, s->received, bytes)) {
        streams_tell(s, "receives wrong bytes at", s->received);
        if (streams_told)
            streams_explain(other->pattern, s->received, bytes);
        s->wrong = true;
    }
    s->received += bytes.len;
    streams_bytes += bytes.len;
    streams_tell(s, "received", s->received);
    if (world_chance(w, 10)) {
        uint64_t pause = world_range(w, 0, world_chance(w, 10) ? 5000 : 100);
        flow_pause(s->flow, true);
        timer_start(&s->read, clock_monotonic() + pause * CLOCK_MS);
    }
    streams_consider(s);
}

static inline void streams_on_read(struct timer *t)
{
    struct streams_side *s = CONTAINER(t, struct streams_side, read);
    if (s->flow)
        flow_pause(s->flow, false);
}

static inline void streams_on_eof(void *owner)
{
    struct streams_side *s = owner;
    streams_tell(s, "eof after", s->received);
    s->eof = true;
    streams_consider(s);
}

static inline void streams_on_room(void *owner)
{
    streams_send(owner);
}

static inline void streams_on_end(void *owner, enum err why)
{
    struct streams_side *s = owner;
    streams_tell(s, err_text(why), s->received);
    s->ended = true;
    s->why = why;
    streams_consider(s);
}

static const struct flow_events streams_events = {streams_on_data, streams_on_eof, streams_on_room,
                                                  streams_on_end};

static inline void streams_take(struct streams_side *s, struct flow *f)
{
    uint64_t patience = s->session->patience;
    s->flow = f;
    streams_tell(s, "has a flow; to send", s->to_send);
    tcp_keep_alive(f, patience, patience / 4, 3);
    if (s->session->all->patience)
        tcp_user_timeout(f, 4 * patience);
    flow_own(f, &streams_events, s);
    streams_send(s);
}

/* --- beginning --- */

static inline void streams_on_accept(void *owner, struct flow *f)
{
    struct streams_session *s = owner;
    if (s->sides[1].flow || s->sides[1].closed)
        flow_abort(f); /* an old SYN, come to life again */
    else
        streams_take(&s->sides[1], f);
}

static inline void streams_on_connect(void *owner, enum err why, struct flow *f)
{
    struct streams_session *s = owner;
    s->connect = NULL;
    s->failed = why != OK;
    s->why = why;
    s->connected = !s->failed;
    if (why)
        streams_tell(&s->sides[0], err_text(why), 0);
    else
        streams_take(&s->sides[0], f);
}

static inline void streams_on_start(struct timer *t)
{
    struct streams_session *s = CONTAINER(t, struct streams_session, start);
    if (s->started) { /* the second time */
        if (s->connect)
            stack_cancel_connect(s->client->stack, s->connect);
        s->connect = NULL;
        s->failed = !s->connected;
        s->why = ERR_CANCELLED;
        if (s->connected)
            streams_finish(&s->sides[0], false);
        return;
    }
    s->started = true;
    struct endpoint to = world_endpoint(s->server, s->v6, (uint16_t)(STREAMS_PORT + s->number));
    enum err e = stack_connect(s->client->stack, to, streams_on_connect, s, &s->connect);
    s->failed = e != OK;
    s->why = e;
    if (s->ending == STREAMS_CANCEL)
        timer_start(&s->start, clock_monotonic() + world_range(s->all->world, 0, 100) * CLOCK_MS);
}

static inline uint64_t streams_amount(const struct streams_session *s, struct world *w)
{
    uint64_t most = UINT64_C(1) << world_range(w, 0, s->all->shift);
    return world_range(w, 0, most);
}

static inline void streams_plan(struct streams_session *s, struct world *w)
{
    struct streams_side *client = &s->sides[0], *server = &s->sides[1];
    s->ending = (enum streams_ending)world_range(w, 0, STREAMS_ENDINGS + 5);
    if (s->ending >= STREAMS_ENDINGS)
        s->ending = (enum streams_ending)(s->ending % 3);
    client->to_send = streams_amount(s, w);
    server->to_send =
        s->ending == STREAMS_ONE_WAY || s->ending == STREAMS_EARLY ? 0 : streams_amount(s, w);
    client->expected = server->to_send;
    server->expected = client->to_send;
    client->pattern = sim_random_next(&w->random);
    server->pattern = sim_random_next(&w->random);
    client->abort_at = server->abort_at = UINT64_MAX;
    if (s->ending == STREAMS_ABORT)
        s->sides[world_range(w, 0, 1)].abort_at =
            world_range(w, 0, client->to_send + server->to_send);
    client->closes_first = s->ending == STREAMS_CLIENT_FIRST || s->ending == STREAMS_BOTH ||
                           s->ending == STREAMS_ONE_WAY;
    server->closes_first = s->ending == STREAMS_SERVER_FIRST || s->ending == STREAMS_BOTH;
    server->closes_at_once = s->ending == STREAMS_EARLY;
    /* A reset may be lost: then only who asks finds out. So everybody asks. */
    s->patience = s->all->patience ? s->all->patience : world_range(w, 5, 120) * CLOCK_SEC;
}

static inline void streams_session_open(struct streams *all, size_t number)
{
    struct world *w = all->world;
    struct streams_session *s = &all->sessions[number];
    *s = (struct streams_session){.all = all, .number = number, .v6 = world_chance(w, 50)};
    size_t client = world_range(w, 0, w->count - 1);
    size_t server = (client + world_range(w, 1, w->count - 1)) % w->count;
    s->client = &w->hosts[client];
    s->server = &w->hosts[server];
    for (size_t i = 0; i < 2; i++) {
        s->sides[i].session = s;
        timer_init(&s->sides[i].write, streams_on_write);
        timer_init(&s->sides[i].read, streams_on_read);
    }
    streams_plan(s, w);
    struct endpoint here = {
        .address = world_chance(w, 50) ? ADDRESS_ANY : world_endpoint(s->server, s->v6, 0).address,
        .port = (uint16_t)(STREAMS_PORT + number)};
    if (s->ending != STREAMS_REFUSED &&
        stack_listen(s->server->stack, here, streams_on_accept, s, &s->listener))
        s->listener = NULL;
    timer_init(&s->start, streams_on_start);
    timer_start(&s->start, clock_monotonic() + world_range(w, 0, 1000) * CLOCK_MS);
}

/* What `all` says of bound, patience, shift and hardness counts; the rest is set here. */
static inline void streams_open(struct streams *all, struct world *w, size_t count)
{
    all->world = w;
    all->count = count;
    all->fault = NULL;
    if (!all->shift)
        all->shift = STREAMS_SHIFT;
    for (size_t i = 0; i < count; i++)
        streams_session_open(all, i);
}

/* --- the end --- */

static inline bool streams_side_over(const struct streams_side *s)
{
    return s->closed || (!s->flow && s->session->failed);
}

static inline bool streams_session_over(const struct streams_session *s)
{
    const struct streams_side *server = &s->sides[1];
    bool lonely = !server->flow && !server->closed; /* it was never accepted */
    if (s->failed)
        return lonely || server->closed;
    bool broken = s->all->hard || s->sides[0].ended || s->ending == STREAMS_ABORT ||
                  s->ending == STREAMS_CANCEL;
    return s->sides[0].closed && (server->closed || (lonely && broken));
}

static inline bool streams_over(void *arg)
{
    const struct streams *all = arg;
    for (size_t i = 0; i < all->count; i++)
        if (!streams_session_over(&all->sessions[i]))
            return false;
    return true;
}

/* Connections that a stack of the world gave up, for nothing came back. */
static inline uint64_t streams_gave_up(const struct streams *all)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < all->world->count; i++) {
        const struct tcp *t = inet_tcp(all->world->hosts[i].inet);
        sum += tcp_counter(t, TCP_TIMED_OUT) + tcp_counter(t, TCP_ORPHANS_TIMED_OUT);
    }
    return sum;
}

/* Whether a session that went through came out as planned. */
static inline const char *streams_judge(const struct streams_session *s)
{
    const struct streams_side *client = &s->sides[0], *server = &s->sides[1];
    if (client->wrong || server->wrong)
        return "a stream arrived wrong";
    if (s->all->hard || s->ending == STREAMS_ABORT || s->ending == STREAMS_CANCEL)
        return NULL;
    if (s->ending == STREAMS_REFUSED)
        return s->why == ERR_REFUSED || s->why == ERR_TIMEOUT ? NULL
                                                              : "connected to where nobody listens";
    if (s->failed)
        return s->why == ERR_TIMEOUT ? NULL : "a connect failed";
    if (s->ending == STREAMS_EARLY)
        return NULL;
    if (client->received != client->expected || server->received != server->expected)
        return "a stream is short";
    return client->ended || server->ended ? "a stream that was whole ended badly" : NULL;
}

/* Until all is over: NULL, or what is wrong. */
static inline const char *streams_run(struct streams *all)
{
    uint64_t bound = all->bound ? all->bound : STREAMS_BOUND;
    if (!sim_run(streams_over, all, clock_monotonic() + bound))
        all->fault = "a session stalled";
    uint64_t given_up = streams_gave_up(all);
    for (size_t i = 0; i < all->count; i++) {
        const char *fault = streams_judge(&all->sessions[i]);
        if (fault && given_up && !all->sessions[i].sides[0].wrong &&
            !all->sessions[i].sides[1].wrong) {
            given_up--;
            streams_given_up++;
            fault = NULL;
        }
        if (fault && streams_told)
            printf("session %zu: %s\n", i, fault);
        if (!all->fault)
            all->fault = fault;
        streams_sessions++;
        streams_refused += all->sessions[i].failed;
    }
    return all->fault;
}

/* Ends what is left: NULL, or what did not come back. */
static inline const char *streams_close(struct streams *all)
{
    const char *fault = NULL;
    for (size_t i = 0; i < all->count; i++) {
        struct streams_session *s = &all->sessions[i];
        timer_stop(&s->start);
        if (s->connect)
            stack_cancel_connect(s->client->stack, s->connect);
        if (s->listener)
            stack_unlisten(s->server->stack, s->listener);
        streams_finish(&s->sides[0], true);
        streams_finish(&s->sides[1], true);
    }
    world_run(WORLD_REST);
    for (size_t i = 0; i < all->count; i++)
        if (all->sessions[i].sides[0].loans || all->sessions[i].sides[1].loans)
            fault = "loans were not released";
    return fault;
}

#endif
