/* Connecting without waiting; see connect.h and signatures/stack.h. */
#include "platform/process/connect.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/process/flow.h"
#include "platform/process/socket.h"
#include "platform/process/wait.h"
#include "runtime/loop.h"
#include "runtime/pool.h"
#include "signatures/clock.h"

struct connect {
    struct source source;
    struct timer patience;
    struct task
        soon; /* tells a failure that was known at once, or gives a cancelled one's memory */
    connect_fn *answer; /* NULL: cancelled */
    void *owner;
    struct endpoint remote;
    int fd;
    enum err failed;
};

static struct pool connects;

/* Ends it: the memory goes when nobody can hold an event for it any more. */
static void retire(struct connect *c)
{
    timer_stop(&c->patience);
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->answer = NULL;
    task_post(&c->soon);
}

static void fail(struct connect *c, enum err why)
{
    connect_fn *answer = c->answer;
    socket_counters.connects_failed++;
    retire(c);
    answer(c->owner, why, NULL);
}

static void on_soon(struct task *t)
{
    struct connect *c = CONTAINER(t, struct connect, soon);
    if (c->answer)
        fail(c, c->failed);
    else
        pool_give(&connects, c);
}

static void on_patience_lost(struct timer *t)
{
    fail(CONTAINER(t, struct connect, patience), ERR_TIMEOUT);
}

static void succeed(struct connect *c)
{
    struct flow *f = socket_flow_open(c->fd, c->remote);
    if (!f) {
        fail(c, ERR_FULL);
        return;
    }
    connect_fn *answer = c->answer;
    source_remove(c->fd); /* the flow has itself watched */
    c->fd = -1;
    socket_counters.connected++;
    socket_flow_prompt(f);
    retire(c);
    answer(c->owner, OK, f);
    socket_flow_attend(f);
}

static void on_events(struct source *s, uint32_t events)
{
    struct connect *c = CONTAINER(s, struct connect, source);
    (void)events;
    if (!c->answer || c->fd < 0)
        return;
    int number = socket_pending_error(c->fd);
    if (number)
        fail(c, socket_error(number));
    else
        succeed(c);
}

/* Failures from here on are told later, like those that take time. */
static enum err begin(struct connect *c)
{
    const int on = 1;
    struct sockaddr_storage address;
    socklen_t len = socket_address(c->remote, &address);
    c->fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        return socket_error(errno);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(c->fd, (struct sockaddr *)&address, len) < 0 && errno != EINPROGRESS)
        return socket_error(errno);
    return source_add(c->fd, &c->source, EPOLLOUT) ? OK : ERR_FULL;
}

enum err connect_start(struct stack *s, struct endpoint remote, connect_fn *answer, void *owner,
                       struct connect **into)
{
    (void)s;
    if (!connects.name)
        pool_init(&connects, "connects", sizeof(struct connect), CONNECTS_MAX);
    struct connect *c = pool_take(&connects);
    if (!c)
        return ERR_FULL;
    *c =
        (struct connect){.source = {on_events}, .answer = answer, .owner = owner, .remote = remote};
    timer_init(&c->patience, on_patience_lost);
    task_init(&c->soon, on_soon);
    if (!timer_start(&c->patience, clock_monotonic() + socket_patience.connect)) {
        pool_give(&connects, c);
        return ERR_MEMORY;
    }
    c->failed = begin(c);
    if (c->failed)
        task_post(&c->soon);
    *into = c;
    return OK;
}

void connect_cancel(struct stack *s, struct connect *c)
{
    (void)s;
    retire(c);
}
