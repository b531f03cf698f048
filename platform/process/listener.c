/*
 * Accepting. Each new connection is handed to its owner and attended to at once: its first bytes are
 * often there, and then a short connection is served without the kernel being asked to watch it.
 *
 * Where there is no room for a connection, it is taken and reset, so that its peer knows. That needs
 * a descriptor: one is kept in reserve for when the host has no other left. When even that does not
 * help, the listener rests for a moment, since the kernel would report the same at once again.
 */
#include "platform/process/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/process/flow.h"
#include "platform/process/socket.h"
#include "platform/process/wait.h"
#include "runtime/loop.h"
#include "signatures/clock.h"

#define ACCEPTS_ONCE 64 /* then others have their turn */
#define REST_NS      (50 * CLOCK_MS)

struct listener {
    struct source source;
    accept_fn *accept;
    void *owner;
    int fd;    /* -1: free, or closed and waiting for `retired` */
    int batch; /* how many to accept at once: follows the load, 1..ACCEPTS_ONCE */
    struct timer rest;
    struct task retired; /* events for it may be fetched already; then it is free again */
};

static struct listener listeners[LISTENERS_MAX];
static int reserve = -1;

static void keep_reserve(void)
{
    if (reserve < 0)
        reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_rested(struct timer *t)
{
    struct listener *l = CONTAINER(t, struct listener, rest);
    keep_reserve();
    if (!source_change(l->fd, &l->source, EPOLLIN))
        timer_start(t, clock_monotonic() + REST_NS);
}

/* The host has no descriptor left: takes the newest connection with the reserve, and resets it. */
static bool shed(struct listener *l)
{
    if (reserve >= 0)
        close(reserve);
    reserve = -1;
    int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) {
        socket_reset(fd);
        socket_counters.refused++;
    } else if (errno != EAGAIN && timer_start(&l->rest, clock_monotonic() + REST_NS)) {
        source_change(l->fd, &l->source, 0);
    }
    keep_reserve();
    return fd >= 0;
}

static void hand_out(struct listener *l, int fd, struct endpoint peer)
{
    struct flow *f = socket_flow_open(fd, peer);
    if (!f) {
        socket_counters.refused++;
        socket_reset(fd);
        return;
    }
    socket_counters.accepted++;
    l->accept(l->owner, f);
    socket_flow_attend(f);
}

/* False: nothing is waiting there. */
static bool accept_one(struct listener *l)
{
    struct sockaddr_storage from = {0};
    socklen_t len = sizeof from;
    int fd = accept4(l->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        hand_out(l, fd, socket_endpoint(&from));
    else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        return shed(l);
    return fd >= 0 || errno == ECONNABORTED || errno == EINTR || errno == EPROTO;
}

/* To ask until nothing is left costs a call in vain, to ask once costs a wait for each; so the number
 * follows what was found the last time. */
static void on_connections(struct source *s, uint32_t events)
{
    struct listener *l = CONTAINER(s, struct listener, source);
    (void)events;
    for (int i = 0; i < l->batch; i++) {
        if (l->fd < 0)
            return; /* closed by its owner meanwhile */
        if (!accept_one(l)) {
            l->batch = i > 1 ? i : 1;
            return;
        }
    }
    if (l->batch < ACCEPTS_ONCE)
        l->batch++;
}

/* --- opening --- */

static enum err bind_and_listen(int fd, struct endpoint local)
{
    const int on = 1, off = 0;
    struct sockaddr_storage address;
    socklen_t len = socket_address(local, &address);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* what is accepted inherits it */
    if (address.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, LISTEN_BACKLOG) < 0)
        return socket_error(errno);
    return OK;
}

static enum err open_socket(struct endpoint local, int *into)
{
    int family = address_is_v4(local.address) ? AF_INET : AF_INET6;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return socket_error(errno);
    enum err e = bind_and_listen(fd, local);
    if (e)
        close(fd);
    else
        *into = fd;
    return e;
}

/* "Any" means both families; on a host without IPv6 it means the other. */
static enum err open_any(struct endpoint local, int *into)
{
    enum err e = open_socket(local, into);
    if (e != ERR_UNREACHABLE || !address_equal(&local.address, &ADDRESS_ANY))
        return e;
    local.address = address_v4(0, 0, 0, 0);
    return open_socket(local, into);
}

static void on_retired(struct task *t)
{
    struct listener *l = CONTAINER(t, struct listener, retired);
    l->source.ready = NULL;
}

enum err listener_open(struct stack *s, struct endpoint local, accept_fn *accept, void *owner,
                       struct listener **into)
{
    struct listener *l = listeners;
    (void)s;
    while (l < listeners + LISTENERS_MAX && l->source.ready)
        l++;
    if (l == listeners + LISTENERS_MAX)
        return ERR_FULL;
    int fd;
    enum err e = open_any(local, &fd);
    if (e)
        return e;
    *l = (struct listener){
        .source = {on_connections}, .accept = accept, .owner = owner, .fd = fd, .batch = 1};
    timer_init(&l->rest, on_rested);
    task_init(&l->retired, on_retired);
    if (!source_add(fd, &l->source, EPOLLIN)) {
        l->source.ready = NULL;
        close(fd);
        return ERR_FULL;
    }
    keep_reserve();
    *into = l;
    return OK;
}

void listener_close(struct stack *s, struct listener *l)
{
    (void)s;
    close(l->fd);
    l->fd = -1;
    timer_stop(&l->rest);
    task_post(&l->retired);
}

uint16_t process_listener_port(const struct listener *l)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof address;
    if (getsockname(l->fd, (struct sockaddr *)&address, &len) < 0)
        return 0;
    return socket_endpoint(&address).port;
}
