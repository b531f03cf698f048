/* See push.h. */
#include "apps/canopy/push.h"

#include "apps/canopy/hook.h"
#include "apps/canopy/reply.h"
#include "apps/canopy/status.h"
#include "runtime/log.h"
#include "signatures/clock.h"
#include "signatures/memory.h"

/* One push that waits for its update. */
struct push {
    struct content_waiter waiter;
    struct timer patience;
    struct web *web;
    struct http_exchange *exchange;
};

static void answer_running(struct http_exchange *x)
{
    reply_text(x, 202, "update: running; /status tells how it ends\n");
}

static void end(struct push *p)
{
    timer_stop(&p->patience);
    memory_free(p);
}

static void on_updated(struct content_waiter *w, enum err why)
{
    struct push *p = CONTAINER(w, struct push, waiter);
    struct buf text;
    buf_init(&text, STATUS_BYTES_MAX);
    status_update(&text, p->web);
    web_answer_text(p->web, p->exchange, why == OK ? 200 : 502, &text);
    end(p);
}

static void on_impatient(struct timer *t)
{
    struct push *p = CONTAINER(t, struct push, patience);
    content_forget(p->web->content, &p->waiter);
    answer_running(p->exchange);
    end(p);
}

/* NULL: no memory to wait with. */
static struct push *begin(struct web *w, struct http_exchange *x)
{
    struct push *p = memory_zalloc(sizeof(*p));
    if (!p)
        return NULL;
    *p = (struct push){.waiter.answer = on_updated, .web = w, .exchange = x};
    timer_init(&p->patience, on_impatient);
    if (timer_start(&p->patience, clock_monotonic() + WEB_HOOK_PATIENCE * CLOCK_SEC))
        return p;
    memory_free(p);
    return NULL;
}

void push_answer(struct web *w, struct http_exchange *x, const struct http_request *request,
                 struct slice body)
{
    struct slice secret = w->settings->hook_secret;
    if (secret.len > 0 && !hook_proves(request, body, secret)) {
        log_warning("web", "a push without proof of the secret was refused");
        reply_text(x, 403, "update: refused, the signature does not fit the secret\n");
        return;
    }
    struct push *p = begin(w, x);
    if (!p) {
        content_update(w->content, NULL);
        answer_running(x);
        return;
    }
    if (content_update(w->content, &p->waiter) != OK)
        on_impatient(&p->patience);
}
