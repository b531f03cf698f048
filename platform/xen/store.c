/* See store.h. */
#include "platform/xen/store.h"

#include <string.h>

#include "runtime/format.h"

#define STORE_ENDED_ONCE 64u /* of requests to a store that takes none: they may be asked again */

void store_init(struct store *s)
{
    memset(s, 0, sizeof *s);
    list_init(&s->waiting);
    list_init(&s->asked);
    list_init(&s->watches);
}

void store_ask(struct store *s, struct store_request *r)
{
    r->deadline = 0;
    list_append(&s->waiting, &r->link);
}

static struct store_request *first(const struct list *l)
{
    return list_empty(l) ? NULL : CONTAINER(l->next, struct store_request, link);
}

static void finish(struct store_request *r, enum err e, struct slice answer)
{
    list_remove(&r->link);
    r->done(r, e, answer);
}

/* --- out --- */

static void put(struct store *s, struct slice bytes)
{
    memcpy(s->out + s->out_len, bytes.ptr, bytes.len);
    s->out_len += bytes.len;
}

/* Paths end with a NUL, and so do tokens; values do not. */
static void compose(struct store *s, const struct store_request *r)
{
    static const struct slice end = SLICE_INIT("\0");
    bool token = r->type == XS_WATCH || r->type == XS_UNWATCH;
    struct xsd_sockmsg head = {.type = r->type, .req_id = r->id, .tx_id = r->transaction};
    head.len = (uint32_t)(r->path.len + 1 + r->value.len + token);
    s->out_len = s->out_sent = 0;
    put(s, slice_of(&head, sizeof head));
    put(s, r->path);
    put(s, end);
    if (r->value.len)
        put(s, r->value);
    if (token)
        put(s, end);
}

static bool fits(const struct store_request *r)
{
    return r->path.len < STORE_PATH_MAX && r->value.len < STORE_VALUE_MAX;
}

struct slice store_output(struct store *s, uint64_t now)
{
    struct store_request *r;
    while (s->out_sent == s->out_len && !s->closed && (r = first(&s->waiting)) != NULL) {
        if (!fits(r)) {
            finish(r, ERR_LIMIT, (struct slice){0});
            continue;
        }
        r->id = ++s->last_id;
        r->deadline = now + STORE_DEADLINE;
        compose(s, r);
        list_remove(&r->link);
        list_append(&s->asked, &r->link);
    }
    r = first(&s->waiting);
    if (r && s->out_sent < s->out_len && !r->deadline) /* nobody takes what comes before it */
        r->deadline = now + STORE_DEADLINE;
    return slice_of(s->out + s->out_sent, s->out_len - s->out_sent);
}

void store_sent(struct store *s, size_t n)
{
    s->out_sent += n;
}

/* --- in --- */

static enum err error_of(struct slice name)
{
    name = slice_take(name, slice_find(name, '\0'));
    return slice_is(name, "ENOENT")                              ? ERR_NOT_FOUND
           : slice_is(name, "EAGAIN")                            ? ERR_AGAIN
           : slice_is(name, "EACCES") || slice_is(name, "EPERM") ? ERR_DENIED
                                                                 : ERR_IO;
}

/* "path NUL token NUL": the token says which. */
static void fire(struct store *s, struct slice event)
{
    struct slice path, token;
    uint64_t number;
    s->counters.events++;
    if (!slice_cut(event, '\0', &path, &token) || !slice_ends(token, SLICE("\0")) ||
        !slice_decimal(slice_take(token, token.len - 1), UINT32_MAX, &number)) {
        s->counters.unasked++;
        return;
    }
    for (struct list *l = s->watches.next; l != &s->watches; l = l->next) {
        struct store_watch *w = CONTAINER(l, struct store_watch, link);
        if (w->number == number) {
            w->fired(w);
            return;
        }
    }
    s->counters.unasked++;
}

static void message(struct store *s)
{
    struct slice payload = slice_of(s->payload, s->head.len);
    struct store_request *r = first(&s->asked);
    if (s->head.type == XS_WATCH_EVENT)
        fire(s, payload);
    else if (!r || s->head.req_id != r->id || (s->head.type != XS_ERROR && s->head.type != r->type))
        s->counters.unasked++;
    else {
        s->counters.answers++;
        finish(r, s->head.type == XS_ERROR ? error_of(payload) : OK, payload);
    }
}

void store_input(struct store *s, struct slice bytes)
{
    while (bytes.len && !s->closed) {
        bool in_head = s->have < STORE_HEAD;
        size_t missing = in_head ? STORE_HEAD - s->have : STORE_HEAD + s->head.len - s->have;
        struct slice piece = slice_take(bytes, missing);
        uint8_t *to = in_head ? (uint8_t *)&s->head + s->have : s->payload + s->have - STORE_HEAD;
        memcpy(to, piece.ptr, piece.len);
        s->have += piece.len;
        bytes = slice_drop(bytes, piece.len);
        if (s->have < STORE_HEAD)
            return;
        if (s->head.len > sizeof s->payload) {
            store_end(s);
            return;
        }
        if (s->have == STORE_HEAD + s->head.len) {
            s->have = 0;
            message(s);
        }
    }
}

static bool overdue(const struct store_request *r, uint64_t now)
{
    return r && r->deadline && now >= r->deadline;
}

/* What is half sent is sent to its end: else nobody would know where the next begins. Where the first that
 * waits has waited too long, all have. */
void store_expire(struct store *s, uint64_t now)
{
    enum err why = s->closed ? ERR_CLOSED : ERR_TIMEOUT;
    struct store_request *r;
    while ((r = first(&s->asked)) != NULL && (s->closed || overdue(r, now))) {
        s->counters.timeouts += !s->closed;
        finish(r, why, (struct slice){0});
    }
    bool all = s->closed || overdue(first(&s->waiting), now);
    for (size_t left = all ? STORE_ENDED_ONCE : 0; left && (r = first(&s->waiting)); left--)
        finish(r, why, (struct slice){0});
}

uint64_t store_deadline(const struct store *s)
{
    const struct store_request *asked = first(&s->asked), *waits = first(&s->waiting);
    uint64_t next = asked ? asked->deadline : UINT64_MAX;
    return waits && waits->deadline && waits->deadline < next ? waits->deadline : next;
}

void store_end(struct store *s)
{
    s->closed = true;
    s->out_len = s->out_sent = 0;
}

/* --- watches --- */

void store_listen(struct store *s, struct store_watch *w, void (*fired)(struct store_watch *w))
{
    *w = (struct store_watch){.number = ++s->last_watch, .fired = fired};
    format_text(w->token, sizeof w->token, "%u", (unsigned)w->number);
    list_append(&s->watches, &w->link);
}

void store_ignore(struct store_watch *w)
{
    list_remove(&w->link);
}
