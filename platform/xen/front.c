/* See front.h: questions to the store, many at once, then what follows from the answers. */
#include "platform/xen/front.h"

#include <string.h>

#include "runtime/format.h"
#include "runtime/log.h"

#define SOURCE "xen"

static void look(struct front *f);

/* --- questions --- */

/* A value of a node as text; one that is too long, or not text, counts as none. */
static void keep(struct front *f, char *into, size_t size, enum err e, struct slice answer)
{
    into[0] = '\0';
    if (e)
        return;
    if (answer.len >= size || slice_find(answer, '\0') < answer.len) {
        f->counters.malformed++;
        return;
    }
    if (answer.len)
        memcpy(into, answer.ptr, answer.len);
    into[answer.len] = '\0';
}

static void answered(struct store_request *r, enum err e, struct slice answer)
{
    struct front_ask *a = CONTAINER(r, struct front_ask, request);
    struct front *f = a->front;
    f->unreachable |= e == ERR_TIMEOUT || e == ERR_CLOSED;
    if (a->into)
        keep(f, a->into, a->size, e, answer);
    else if (e)
        log_error(SOURCE, "%s: %s", a->path, err_text(e));
    if (++f->answers < f->ask_count)
        return;
    void (*then)(struct front * f) = f->then;
    f->then = NULL;
    then(f);
}

static void begin_asking(struct front *f)
{
    f->ask_count = f->answers = 0;
    f->unreachable = false;
}

static struct front_ask *add(struct front *f, uint32_t type, const char *value)
{
    struct front_ask *a = &f->asks[f->ask_count++];
    a->front = f;
    a->into = NULL;
    format_text(a->value, sizeof a->value, "%s", value);
    a->request = (struct store_request){.type = type, .done = answered};
    list_init(&a->request.link);
    return a;
}

static struct front_ask *add_own(struct front *f, uint32_t type, const char *name,
                                 const char *value)
{
    struct front_ask *a = add(f, type, value);
    format_text(a->path, sizeof a->path, "device/%s/%u/%s", f->kind->class, (unsigned)f->number,
                name);
    return a;
}

static struct front_ask *add_back(struct front *f, uint32_t type, const char *name,
                                  const char *value)
{
    struct front_ask *a = add(f, type, value);
    format_text(a->path, sizeof a->path, "%s/%s", f->backend, name);
    return a;
}

static void read_into(struct front_ask *a, char *into, size_t size)
{
    a->into = into;
    a->size = size;
}

static void ask(struct front *f, void (*then)(struct front *f))
{
    f->then = then;
    for (unsigned i = 0; i < f->ask_count; i++) {
        struct front_ask *a = &f->asks[i];
        a->request.path = slice_text(a->path);
        a->request.value = slice_text(a->value);
        store_ask(f->store, &a->request);
    }
}

/* --- what is to be done when --- */

static void idle(struct front *f)
{
    f->looked = true;
    if (f->dirty)
        look(f);
}

static void wait_for_backend(struct front *f)
{
    if (f->deadline == UINT64_MAX)
        f->deadline = f->now() + FRONT_DEADLINE;
    idle(f);
}

static void pause(struct front *f, const char *why, const char *what_then, uint64_t ns)
{
    log_error(SOURCE, "%s %u: %s: %s", f->kind->class, (unsigned)f->number, why, what_then);
    f->pauses = true;
    f->deadline = f->now() + ns;
}

/* The store may answer again later. */
static void wait_for_store(struct front *f)
{
    f->looked = true;
    pause(f, "the store does not answer", "trying again", FRONT_DEADLINE);
}

static void disconnect(struct front *f)
{
    if (!f->linked)
        return;
    f->linked = f->up = false;
    f->counters.disconnects++;
    f->kind->disconnect(f);
}

static void gone(struct front *f)
{
    disconnect(f);
    f->present = false;
    f->deadline = UINT64_MAX;
    f->said = XenbusStateInitialising;
    idle(f);
}

/* --- what follows from the backend's state --- */

static void said(struct front *f)
{
    if (f->unreachable)
        wait_for_store(f);
    else if (!f->up)
        wait_for_backend(f);
    else
        idle(f);
}

static void add_state(struct front *f, enum xenbus_state state)
{
    char text[FRONT_TEXT_MAX];
    format_text(text, sizeof text, "%u", (unsigned)state);
    f->said = state;
    add_own(f, XS_WRITE, "state", text);
}

static void say(struct front *f, enum xenbus_state state)
{
    begin_asking(f);
    add_state(f, state);
    ask(f, said);
}

static void connect(struct front *f)
{
    begin_asking(f);
    f->linked = true;
    f->deadline = f->now() + FRONT_DEADLINE;
    if (!f->kind->connect(f)) {
        disconnect(f);
        idle(f);
        return;
    }
    add_state(f, f->kind->published);
    ask(f, said);
}

static void establish(struct front *f)
{
    if (!f->up) {
        f->up = true;
        f->deadline = UINT64_MAX;
        f->counters.connects++;
        f->kind->connected(f);
    }
    if (f->linked && f->said != XenbusStateConnected)
        say(f, XenbusStateConnected);
    else
        idle(f);
}

/* The backend goes, or has gone: ours goes too. One that the toolstack still wants is asked back. */
static void follow_down(struct front *f)
{
    bool closed = f->backend_state == XenbusStateClosed;
    bool online = front_number(f, f->online_text, 1, 1);
    disconnect(f);
    if (f->said == XenbusStateConnected || (f->said != XenbusStateClosed && !closed)) {
        f->dirty |= closed; /* what it does next, it has done: of that no event tells */
        say(f, XenbusStateClosed);
    } else if (closed && online)
        say(f, XenbusStateInitialising);
    else if (online)
        wait_for_backend(f);
    else
        idle(f);
}

static void decide(struct front *f)
{
    switch (f->backend_state) {
    case XenbusStateInitWait:
    case XenbusStateInitialised:
        if (f->linked)
            wait_for_backend(f);
        else
            connect(f);
        break;
    case XenbusStateConnected:
        if (f->linked)
            establish(f);
        else if (f->said != XenbusStateClosed) /* to somebody who was here before us */
            say(f, XenbusStateClosed);
        else
            wait_for_backend(f);
        break;
    case XenbusStateClosing:
    case XenbusStateClosed:
        follow_down(f);
        break;
    default:
        if (f->up)
            disconnect(f);
        wait_for_backend(f);
    }
}

/* --- looking: where the backend is; then all that there is to know --- */

static void have_all(struct front *f)
{
    if (f->unreachable) {
        wait_for_store(f);
        return;
    }
    f->back_watched = true;
    f->present = true;
    f->domain = (uint16_t)front_number(f, f->domain_text, DOMID_FIRST_RESERVED - 1, 0);
    f->backend_state =
        (enum xenbus_state)front_number(f, f->state_text, XenbusStateReconfigured, 0);
    decide(f);
}

static void read_list(struct front *f, const char *const *names, char (*values)[FRONT_TEXT_MAX],
                      struct front_ask *(*add_one)(struct front *, uint32_t, const char *,
                                                   const char *))
{
    for (unsigned i = 0; i < FRONT_KEYS_MAX && names[i] && f->ask_count < FRONT_ASKS_MAX; i++)
        read_into(add_one(f, XS_READ, names[i], ""), values[i], FRONT_TEXT_MAX);
}

/* Once our half is set up, only the state can matter. */
static void read_all(struct front *f)
{
    begin_asking(f);
    if (!f->back_watched)
        add_back(f, XS_WATCH, "state", f->back_watch.token);
    read_into(add_back(f, XS_READ, "state", ""), f->state_text, FRONT_TEXT_MAX);
    read_into(add_back(f, XS_READ, "online", ""), f->online_text, FRONT_TEXT_MAX);
    read_into(add_own(f, XS_READ, "backend-id", ""), f->domain_text, FRONT_TEXT_MAX);
    if (!f->linked || !f->up) {
        read_list(f, f->kind->front_keys, f->front_values, add_own);
        read_list(f, f->kind->back_keys, f->back_values, add_back);
    }
    ask(f, have_all);
}

static void have_backend(struct front *f)
{
    if (f->unreachable)
        wait_for_store(f);
    else if (f->watched = true, !f->new_backend[0])
        gone(f);
    else if (strcmp(f->new_backend, f->backend) == 0)
        read_all(f);
    else { /* another one: what we had is over */
        disconnect(f);
        begin_asking(f);
        bool watched = f->back_watched;
        if (watched)
            add_back(f, XS_UNWATCH, "state", f->back_watch.token);
        memcpy(f->backend, f->new_backend, sizeof f->backend);
        f->said = XenbusStateInitialising;
        f->deadline = UINT64_MAX;
        f->back_watched = false;
        if (watched)
            ask(f, read_all);
        else
            read_all(f);
    }
}

static void end_pause(struct front *f)
{
    if (f->pauses)
        f->deadline = UINT64_MAX;
    f->pauses = false;
}

static void look(struct front *f)
{
    f->dirty = false;
    end_pause(f);
    begin_asking(f);
    if (!f->watched)
        add_own(f, XS_WATCH, "backend", f->watch.token);
    read_into(add_own(f, XS_READ, "backend", ""), f->new_backend, sizeof f->new_backend);
    ask(f, have_backend);
}

static void look_again(struct front *f)
{
    f->dirty = true;
    if (!f->then)
        look(f);
}

/* --- the outside --- */

static void own_fired(struct store_watch *w)
{
    look_again(CONTAINER(w, struct front, watch));
}

static void back_fired(struct store_watch *w)
{
    look_again(CONTAINER(w, struct front, back_watch));
}

static void begin(struct front *f)
{
    f->backend[0] = '\0';
    f->said = XenbusStateInitialising;
    f->deadline = UINT64_MAX;
    f->watched = f->back_watched = f->present = f->looked = false;
    look(f);
}

void front_open(struct front *f, const struct front_kind *kind, struct store *s, uint32_t number,
                uint64_t (*now)(void))
{
    memset(f, 0, sizeof *f);
    f->kind = kind;
    f->store = s;
    f->number = number;
    f->now = now;
    store_listen(s, &f->watch, own_fired);
    store_listen(s, &f->back_watch, back_fired);
    begin(f);
}

/* What is on its way is answered to nobody. */
void front_close(struct front *f)
{
    disconnect(f);
    store_ignore(&f->watch);
    store_ignore(&f->back_watch);
    for (unsigned i = 0; i < f->ask_count; i++)
        list_remove(&f->asks[i].request.link);
}

void front_restart(struct front *f)
{
    disconnect(f);
    store_listen(f->store, &f->watch, own_fired);
    store_listen(f->store, &f->back_watch, back_fired);
    begin(f);
}

/* What is connected stays so while the store is silent. */
void front_expire(struct front *f)
{
    if (f->now() < f->deadline || f->then)
        return;
    bool told = f->linked;
    f->dirty = true;
    if (f->pauses && (f->up || !told)) {
        look(f);
        return;
    }
    f->deadline = UINT64_MAX;
    f->counters.late++;
    log_warning(SOURCE, "%s %u: its backend (domain %u) is not ready (state %u): trying again",
                f->kind->class, (unsigned)f->number, (unsigned)f->domain,
                (unsigned)f->backend_state);
    disconnect(f);
    if (told)
        say(f, XenbusStateClosed);
    else
        look(f);
}

uint64_t front_number(struct front *f, const char *value, uint64_t max, uint64_t otherwise)
{
    uint64_t number;
    if (!*value)
        return otherwise;
    if (slice_decimal(slice_text(value), max, &number))
        return number;
    f->counters.malformed++;
    return otherwise;
}

void front_tell(struct front *f, const char *name, uint64_t value)
{
    char text[FRONT_TEXT_MAX];
    format_text(text, sizeof text, "%llu", (unsigned long long)value);
    front_tell_text(f, name, text);
}

/* The last place is for the state. */
void front_tell_text(struct front *f, const char *name, const char *value)
{
    if (f->ask_count < FRONT_ASKS_MAX - 1)
        add_own(f, XS_WRITE, name, value);
}

void front_fail(struct front *f, const char *why)
{
    disconnect(f);
    pause(f, why, "starting it again", FRONT_PAUSE);
}
