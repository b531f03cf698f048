/* Sockets as system calls know them, over signatures/stack.h: from socket() to close(). */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/loop.h"
#include "tool/packetdrill/door.h"

static int failed(int error)
{
    errno = error;
    return -1;
}

struct socket *socket_find(int fd)
{
    for (struct list *l = door.sockets.next; l != &door.sockets; l = l->next) {
        struct socket *s = CONTAINER(l, struct socket, link);
        if (s->fd == fd)
            return s;
    }
    errno = EBADF;
    return NULL;
}

/* A number that no file of the process has: that of a file which is only its keeper. */
static int new_number(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static struct socket *new_socket(int family)
{
    struct socket *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->fd = -1;
    s->family = family;
    s->linger = -1;
    list_init(&s->link);
    list_init(&s->waiting);
    buf_init(&s->received, SIZE_MAX / 2);
    return s;
}

int socket_socket(void *u, int domain, int type, int protocol)
{
    (void)u;
    if (domain != AF_INET && domain != AF_INET6)
        return failed(EAFNOSUPPORT);
    if ((type & 0xf) != SOCK_STREAM || (protocol && protocol != IPPROTO_TCP))
        return failed(EPROTONOSUPPORT);
    door_lock();
    struct socket *s = new_socket(domain);
    s->fd = new_number();
    s->nonblocking = type & SOCK_NONBLOCK;
    list_append(&door.sockets, &s->link);
    door_unlock();
    return s->fd;
}

/* --- addresses --- */

static bool read_address(const struct sockaddr *from, socklen_t length, struct endpoint *into)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)from;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)from;
    *into = (struct endpoint){.port = 0};
    if (length >= sizeof *in && from->sa_family == AF_INET) {
        const uint8_t *a = (const uint8_t *)&in->sin_addr;
        into->port = ntohs(in->sin_port);
        if (in->sin_addr.s_addr != htonl(INADDR_ANY))
            into->address = address_v4(a[0], a[1], a[2], a[3]);
        return true;
    }
    if (length < sizeof *in6 || from->sa_family != AF_INET6)
        return false;
    into->port = ntohs(in6->sin6_port);
    memcpy(into->address.bytes, &in6->sin6_addr, sizeof into->address.bytes);
    return true;
}

static void write_address(int family, struct endpoint e, struct sockaddr *into, socklen_t *length)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(e.port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(e.port)};
    if (!into || !length)
        return;
    memcpy(&in.sin_addr, e.address.bytes + 12, 4);
    memcpy(&in6.sin6_addr, e.address.bytes, 16);
    socklen_t full = family == AF_INET ? sizeof in : sizeof in6;
    const void *from = family == AF_INET ? (const void *)&in : &in6;
    memcpy(into, from, *length < full ? *length : full);
    *length = full;
}

int socket_bind(void *u, int fd, const struct sockaddr *address, socklen_t length)
{
    struct endpoint local;
    int error = 0;
    (void)u;
    door_lock();
    struct socket *s = socket_find(fd);
    if (!s)
        error = EBADF;
    else if (s->bound || s->kind != SOCKET_NEW || !read_address(address, length, &local))
        error = EINVAL;
    else if (!door_open_stack(&local.address))
        error = EADDRNOTAVAIL;
    if (!error) {
        s->local = local;
        s->bound = true;
    }
    door_unlock();
    return error ? failed(error) : 0;
}

/* --- listening --- */

static void on_accept(void *owner, struct flow *f)
{
    struct socket *listener = owner, *s = new_socket(listener->family);
    s->kind = SOCKET_FLOWS;
    s->remote = flow_peer(f);
    s->local = listener->local;
    option_inherit(s, listener);
    stream_own(s, f);
    list_append(&listener->waiting, &s->link);
    listener->edges++;
}

int socket_listen(void *u, int fd, int backlog)
{
    int error = 0;
    (void)u, (void)backlog;
    door_lock();
    struct socket *s = socket_find(fd);
    if (!s)
        error = EBADF;
    else if (s->kind != SOCKET_NEW && s->kind != SOCKET_LISTENS)
        error = EINVAL;
    door_open_stack(NULL);
    if (!error && s->kind == SOCKET_NEW) {
        error = errno_of(stack_listen(inet_stack(door.inet), s->local, on_accept, s, &s->listener));
        if (!error) {
            s->kind = SOCKET_LISTENS;
            s->local.port = inet_listener_port(s->listener);
        }
    }
    door_unlock();
    return error ? failed(error) : 0;
}

static bool somebody_waits(void *arg)
{
    const struct socket *s = arg;
    return !list_empty(&s->waiting) || s->kind != SOCKET_LISTENS;
}

static int accept_one(struct socket *s, struct sockaddr *address, socklen_t *length)
{
    struct list *first = list_shift(&s->waiting);
    struct socket *child = CONTAINER(first, struct socket, link);
    child->fd = new_number();
    list_append(&door.sockets, &child->link);
    write_address(child->family, child->remote, address, length);
    return child->fd;
}

int socket_accept(void *u, int fd, struct sockaddr *address, socklen_t *length)
{
    int result = -1, error = 0;
    (void)u;
    door_lock();
    struct socket *s = socket_find(fd);
    if (!s)
        error = EBADF;
    else if (s->kind != SOCKET_LISTENS)
        error = EINVAL;
    else if (!somebody_waits(s) && (s->nonblocking || !door_wait(somebody_waits, s, UINT64_MAX)))
        error = EAGAIN;
    if (!error)
        result = accept_one(s, address, length);
    door_unlock();
    return error ? failed(error) : result;
}

/* --- connecting --- */

static void on_connect(void *owner, enum err why, struct flow *f)
{
    struct socket *s = owner;
    s->connect = NULL;
    s->edges++;
    if (why) {
        s->kind = SOCKET_OVER;
        s->error = errno_of(why);
    } else {
        s->kind = SOCKET_FLOWS;
        stream_own(s, f);
    }
}

static bool is_decided(void *arg)
{
    return ((const struct socket *)arg)->kind != SOCKET_CONNECTS;
}

static int start_connect(struct socket *s)
{
    door_open_stack(s->bound ? &s->local.address : NULL);
    s->kind = SOCKET_CONNECTS;
    enum err e = stack_connect(inet_stack(door.inet), s->remote, on_connect, s, &s->connect);
    if (e)
        s->kind = SOCKET_OVER;
    return errno_of(e);
}

static int connect_error(struct socket *s, const struct sockaddr *address, socklen_t length)
{
    if (s->kind == SOCKET_CONNECTS)
        return EALREADY;
    if (s->kind == SOCKET_FLOWS)
        return EISCONN;
    if (s->kind != SOCKET_NEW || !read_address(address, length, &s->remote))
        return EINVAL;
    int error = start_connect(s);
    if (error || s->nonblocking)
        return error ? error : EINPROGRESS;
    if (!door_wait(is_decided, s, UINT64_MAX))
        return ETIMEDOUT;
    error = s->error;
    s->error = 0;
    return error;
}

int socket_connect(void *u, int fd, const struct sockaddr *address, socklen_t length)
{
    (void)u;
    door_lock();
    struct socket *s = socket_find(fd);
    int error = s ? connect_error(s, address, length) : EBADF;
    door_settle();
    door_unlock();
    return error ? failed(error) : 0;
}

/* --- closing --- */

static void end_flow(struct socket *s)
{
    bool unread = s->received.len > 0;
    if (!s->flow)
        return;
    if (s->linger == 0 || unread)
        flow_abort(s->flow);
    else
        flow_close(s->flow);
    s->flow = NULL;
}

static void free_socket(struct socket *s)
{
    for (struct list *l; (l = list_shift(&s->waiting)) != NULL;) {
        struct socket *child = CONTAINER(l, struct socket, link);
        child->linger = 0;
        free_socket(child);
    }
    if (s->listener)
        stack_unlisten(inet_stack(door.inet), s->listener);
    if (s->connect)
        stack_cancel_connect(inet_stack(door.inet), s->connect);
    end_flow(s);
    buf_deinit(&s->received);
    list_remove(&s->link);
    poll_forget(s->fd);
    if (s->fd >= 0)
        close(s->fd);
    free(s);
}

int socket_close(void *u, int fd)
{
    (void)u;
    door_lock();
    struct socket *s = socket_find(fd);
    bool done = s || poll_close(fd);
    if (s)
        free_socket(s);
    door_settle();
    door_unlock();
    return done ? 0 : close(fd);
}

void socket_close_all(void)
{
    while (!list_empty(&door.sockets))
        free_socket(CONTAINER(door.sockets.next, struct socket, link));
}

short socket_events(const struct socket *s)
{
    short events = 0;
    bool over = s->kind == SOCKET_OVER || (s->eof && s->write_ended);
    if (s->received.len || s->eof || s->read_ended || !list_empty(&s->waiting) ||
        s->kind == SOCKET_OVER)
        events |= POLLIN | POLLRDNORM;
    if (s->eof || s->read_ended || s->kind == SOCKET_OVER)
        events |= POLLRDHUP;
    if (over || s->kind == SOCKET_NEW)
        events |= POLLHUP;
    if (s->kind == SOCKET_OVER || s->kind == SOCKET_NEW || s->write_ended ||
        (s->flow && flow_room(s->flow)))
        events |= POLLOUT | POLLWRNORM;
    if (s->error)
        events |= POLLERR;
    return events;
}
