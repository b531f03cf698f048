/* Opening, accepting, closing; see service.h. What happens on a connection is in connection.c. */
#include "lib/http/internal.h"

#include "lib/http/response.h"
#include "signatures/memory.h"

const struct http_limits HTTP_LIMITS_DEFAULT = {
    .connections = 16384,
    .head_seconds = 10,
    .body_seconds = 30,
    .idle_seconds = 60,
    .send_seconds = 30,
    .requests = 100000,
};

/* The text of Date changes once a second; it is written anew when the wall clock's next begins. */
static void set_date(struct http_service *s)
{
    char text[DATE_HTTP_LEN + 1];
    s->date_wall = clock_wall();
    s->date_from = s->now;
    int64_t second = (int64_t)CLOCK_SEC, into = (s->date_wall % second + second) % second;
    s->date_until = s->now + (uint64_t)(second - into);
    date_http_format((s->date_wall - into) / second, text);
    memcpy(s->date, "Date: ", 6);
    memcpy(s->date + 6, text, DATE_HTTP_LEN);
    memcpy(s->date + 6 + DATE_HTTP_LEN, "\r\n", 2);
}

uint64_t http_service_tick(struct http_service *s)
{
    s->now = clock_monotonic();
    if (s->now >= s->date_until)
        set_date(s);
    return s->now;
}

int64_t http_service_wall(const struct http_service *s)
{
    return s->date_wall + (int64_t)(s->now - s->date_from);
}

static void on_accept(void *owner, struct flow *flow)
{
    struct http_service *s = owner;
    http_service_tick(s);
    if (s->closing || (s->pool.used >= s->limits.connections && !http_connection_shed(s)) ||
        !http_connection_open(s, flow)) {
        s->counters.refused++;
        flow_abort(flow);
        return;
    }
    s->counters.accepted++;
    s->counters.open = s->pool.used;
    if (s->counters.open > s->counters.peak)
        s->counters.peak = s->counters.open;
}

static void finish(struct http_service *s)
{
    void (*done)(void *) = s->done;
    void *owner = s->owner;
    timer_stop(&s->timer);
    pool_deinit(&s->pool);
    buf_deinit(&s->head);
    memory_free(s);
    if (done != NULL)
        done(owner);
}

void http_service_left(struct http_service *s)
{
    s->counters.open = s->pool.used;
    if (s->closing && s->pool.used == 0)
        finish(s);
}

/* The time for closing is over: what is still under way is cut off. An exchange that its handler
 * has not answered yet is waited for nevertheless, for the handler will answer. */
static void on_patience_over(struct timer *t)
{
    struct http_service *s = CONTAINER(t, struct http_service, timer);
    uint32_t left = s->pool.used;
    for (struct list *asking; (asking = list_shift(&s->asking));)
        list_append(&s->busy, asking);
    struct list *l = s->busy.next;
    while (left-- > 0 && l != &s->busy) {
        struct http_connection *c = CONTAINER(l, struct http_connection, link);
        l = l->next;
        http_connection_abort(c); /* s may be gone after the last */
    }
}

enum err http_service_open(struct stack *stack, struct endpoint local,
                           const struct http_limits *limits, const struct http_handler *handler,
                           void *owner, struct http_service **into)
{
    struct http_service *s = memory_zalloc(sizeof *s);
    if (s == NULL)
        return ERR_MEMORY;
    s->stack = stack;
    s->handler = *handler;
    s->owner = owner;
    s->limits = limits ? *limits : HTTP_LIMITS_DEFAULT;
    pool_init(&s->pool, "http connections", sizeof(struct http_connection), s->limits.connections);
    buf_init(&s->head, 2 * HTTP_REPLY_FIELDS_MAX);
    list_init(&s->idle);
    list_init(&s->asking);
    list_init(&s->busy);
    timer_init(&s->timer, on_patience_over);
    enum err e = stack_listen(stack, local, on_accept, s, &s->listener);
    if (e != OK) {
        memory_free(s);
        return e;
    }
    *into = s;
    return OK;
}

void http_service_close(struct http_service *s, uint32_t seconds, void (*done)(void *owner))
{
    stack_unlisten(s->stack, s->listener);
    s->listener = NULL;
    s->done = done;
    struct list *l = s->idle.next;
    while (l != &s->idle) {
        struct http_connection *c = CONTAINER(l, struct http_connection, link);
        l = l->next;
        if (!c->inside) /* else it ends by itself when it has been answered */
            http_connection_end(c);
    }
    s->closing = true;
    if (s->pool.used == 0) {
        finish(s);
        return;
    }
    if (!timer_start(&s->timer, clock_monotonic() + seconds * CLOCK_SEC))
        on_patience_over(&s->timer);
}

const struct http_counters *http_service_counters(const struct http_service *s)
{
    return &s->counters;
}
