/* Bytes: read and write in all their forms, shutdown and splice, over a flow. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "tool/packetdrill/door.h"

#define SPLICE_MAX 65536u

/* --- what the flow tells --- */

/* What has been handed over no longer counts against the window: only one run of bytes is taken, the
 * rest waits in the stack until it was read. */
static void on_data(void *owner, struct slice bytes)
{
    struct socket *s = owner;
    s->edges++;
    if (s->read_ended)
        return;
    buf_put(&s->received, bytes);
    flow_pause(s->flow, true);
}

static void on_eof(void *owner)
{
    struct socket *s = owner;
    s->eof = true;
    s->edges++;
}

static void on_room(void *owner)
{
    ((struct socket *)owner)->edges++;
}

static void on_end(void *owner, enum err why)
{
    struct socket *s = owner;
    bool after_eof = s->eof && why == ERR_RESET;
    s->kind = SOCKET_OVER;
    s->eof = true;
    s->edges++;
    s->error = why == ERR_CLOSED ? 0 : after_eof ? EPIPE : errno_of(why);
}

static const struct flow_events events = {on_data, on_eof, on_room, on_end};

void stream_own(struct socket *s, struct flow *f)
{
    s->flow = f;
    option_apply(s);
    flow_own(f, &events, s);
}

/* --- reading --- */

static bool is_readable(void *arg)
{
    const struct socket *s = arg;
    return s->received.len || s->eof || s->read_ended || s->kind == SOCKET_OVER;
}

static bool is_full(void *arg)
{
    const struct socket *s = arg;
    return is_readable(arg) && (!s->flow || s->eof || s->received.len >= (size_t)s->wanted);
}

static int take_error(struct socket *s)
{
    int error = s->error;
    s->error = 0;
    return error;
}

/* Lets the flow hand over as much as is asked for, as far as it is there. */
static void draw(struct socket *s, size_t wanted)
{
    for (size_t before = SIZE_MAX;
         s->flow && !s->eof && s->received.len < wanted && before != s->received.len;) {
        before = s->received.len;
        flow_pause(s->flow, false);
        door_settle();
    }
}

static uint64_t deadline_of(const struct socket *s, uint64_t timeout, int flags)
{
    if (s->nonblocking || (flags & MSG_DONTWAIT))
        return 0;
    return timeout ? clock_monotonic() + timeout : UINT64_MAX;
}

/* 0, or why there is nothing to be read. */
static int await_bytes(struct socket *s, size_t wanted, int flags)
{
    if (s->kind == SOCKET_NEW || s->kind == SOCKET_LISTENS || s->kind == SOCKET_CONNECTS)
        return ENOTCONN;
    draw(s, wanted);
    uint64_t deadline = deadline_of(s, s->receive_timeout, flags);
    s->wanted = flags & MSG_WAITALL ? wanted : 1;
    if (!is_full(s) && deadline)
        door_wait(is_full, s, deadline);
    draw(s, wanted);
    if (s->received.len)
        return 0;
    if (s->error)
        return take_error(s);
    return is_readable(s) ? 0 : EAGAIN;
}

static ssize_t copy_out(struct socket *s, const struct iovec *parts, int count, int flags)
{
    struct slice rest = buf_slice(&s->received);
    size_t taken = 0;
    for (int i = 0; i < count && rest.len; i++) {
        size_t n = parts[i].iov_len < rest.len ? parts[i].iov_len : rest.len;
        if (!(flags & MSG_TRUNC) && n)
            memcpy(parts[i].iov_base, rest.ptr, n);
        rest = slice_drop(rest, n);
        taken += n;
    }
    if (flags & MSG_PEEK)
        return (ssize_t)taken;
    buf_consume(&s->received, taken);
    if (s->flow && !s->received.len)
        flow_pause(s->flow, false);
    return (ssize_t)taken;
}

static size_t length_of(const struct iovec *parts, int count)
{
    size_t len = 0;
    for (int i = 0; i < count; i++)
        len += parts[i].iov_len;
    return len;
}

static ssize_t receive(int fd, const struct iovec *parts, int count, int flags)
{
    ssize_t result = -1;
    door_lock();
    struct socket *s = socket_find(fd);
    int error = !s ? EBADF : flags & (MSG_ERRQUEUE | MSG_OOB) ? EAGAIN : 0;
    if (!error)
        error = await_bytes(s, length_of(parts, count), flags);
    if (!error)
        result = copy_out(s, parts, count, flags);
    door_settle();
    door_unlock();
    if (error)
        errno = error;
    return result;
}

ssize_t stream_read(void *u, int fd, void *into, size_t count)
{
    (void)u;
    return receive(fd, &(struct iovec){into, count}, 1, 0);
}

ssize_t stream_readv(void *u, int fd, const struct iovec *parts, int count)
{
    (void)u;
    return receive(fd, parts, count, 0);
}

ssize_t stream_recv(void *u, int fd, void *into, size_t length, int flags)
{
    (void)u;
    return receive(fd, &(struct iovec){into, length}, 1, flags);
}

ssize_t stream_recvfrom(void *u, int fd, void *into, size_t length, int flags,
                        struct sockaddr *from, socklen_t *from_length)
{
    (void)u, (void)from;
    if (from_length)
        *from_length = 0;
    return receive(fd, &(struct iovec){into, length}, 1, flags);
}

ssize_t stream_recvmsg(void *u, int fd, struct msghdr *message, int flags)
{
    (void)u;
    message->msg_controllen = 0;
    message->msg_namelen = 0;
    message->msg_flags = 0;
    return receive(fd, message->msg_iov, (int)message->msg_iovlen, flags);
}

/* --- writing --- */

static bool is_writable(void *arg)
{
    const struct socket *s = arg;
    return !s->flow || s->write_ended || s->kind != SOCKET_FLOWS || flow_room(s->flow);
}

static int write_error(struct socket *s)
{
    if (s->error)
        return take_error(s);
    if (s->kind == SOCKET_OVER || s->write_ended)
        return EPIPE;
    return s->kind == SOCKET_FLOWS ? 0 : s->kind == SOCKET_CONNECTS ? EAGAIN : ENOTCONN;
}

/* As much as there is room for now. Asking for more than that is how on_room is asked for. */
static size_t put(struct socket *s, struct slice bytes)
{
    size_t room = flow_room(s->flow);
    struct slice now = slice_take(bytes, room);
    enum err e = now.len ? flow_write(s->flow, now) : ERR_AGAIN;
    if (now.len < bytes.len)
        flow_write(s->flow, slice_take(slice_drop(bytes, now.len), 1));
    return e ? 0 : now.len;
}

/* Bytes that went, and in *error why not all. */
static size_t put_all(struct socket *s, struct slice bytes, int flags, int *error)
{
    uint64_t deadline = deadline_of(s, s->send_timeout, flags);
    size_t done = 0;
    while (!*error) {
        *error = write_error(s);
        if (*error)
            break;
        done += flow_room(s->flow) ? put(s, slice_drop(bytes, done)) : 0;
        if (done == bytes.len)
            break;
        if (!deadline || !door_wait(is_writable, s, deadline))
            *error = EAGAIN;
    }
    return done;
}

static ssize_t transmit(int fd, const struct iovec *parts, int count, int flags)
{
    size_t done = 0;
    int error = 0;
    door_lock();
    struct socket *s = socket_find(fd);
    if (!s)
        error = EBADF;
    else if (s->flow && (flags & MSG_MORE))
        tcp_cork(s->flow, true);
    for (int i = 0; i < count && !error; i++)
        done += put_all(s, slice_of(parts[i].iov_base, parts[i].iov_len), flags, &error);
    if (!error && s->flow && !(flags & MSG_MORE))
        option_apply(s); /* corked or not, as the socket is */
    door_settle();
    door_unlock();
    if (error && !done)
        errno = error;
    return error && !done ? -1 : (ssize_t)done;
}

ssize_t stream_write(void *u, int fd, const void *bytes, size_t count)
{
    (void)u;
    return transmit(fd, &(struct iovec){(void *)(uintptr_t)bytes, count}, 1, 0);
}

ssize_t stream_writev(void *u, int fd, const struct iovec *parts, int count)
{
    (void)u;
    return transmit(fd, parts, count, 0);
}

ssize_t stream_send(void *u, int fd, const void *bytes, size_t length, int flags)
{
    (void)u;
    return transmit(fd, &(struct iovec){(void *)(uintptr_t)bytes, length}, 1, flags);
}

ssize_t stream_sendto(void *u, int fd, const void *bytes, size_t length, int flags,
                      const struct sockaddr *to, socklen_t to_length)
{
    (void)to, (void)to_length;
    if (flags & MSG_FASTOPEN) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return stream_send(u, fd, bytes, length, flags);
}

ssize_t stream_sendmsg(void *u, int fd, const struct msghdr *message, int flags)
{
    (void)u;
    return transmit(fd, message->msg_iov, (int)message->msg_iovlen, flags);
}

/* --- ending --- */

static int end_ways(struct socket *s, int how)
{
    if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
        return EINVAL;
    if (s->kind != SOCKET_FLOWS)
        return ENOTCONN;
    if (how != SHUT_WR) {
        s->read_ended = true;
        buf_clear(&s->received);
        flow_pause(s->flow, false);
    }
    if (how != SHUT_RD && !s->write_ended) {
        s->write_ended = true;
        tcp_finish(s->flow);
    }
    s->edges++;
    return 0;
}

int stream_shutdown(void *u, int fd, int how)
{
    (void)u;
    door_lock();
    struct socket *s = socket_find(fd);
    int error = s ? end_ways(s, how) : EBADF;
    door_settle();
    door_unlock();
    if (error)
        errno = error;
    return error ? -1 : 0;
}

/* One end is a pipe of the host's, the other a socket (or also a pipe, which is the host's matter). */
int stream_splice(void *u, int from, loff_t *from_at, int to, loff_t *to_at, size_t length,
                  unsigned flags)
{
    static uint8_t bytes[SPLICE_MAX];
    (void)from_at, (void)to_at, (void)flags;
    size_t n = length < sizeof bytes ? length : sizeof bytes;
    door_lock();
    bool reads = socket_find(from) != NULL;
    door_unlock();
    ssize_t got = reads ? stream_read(u, from, bytes, n) : read(from, bytes, n);
    if (got <= 0)
        return (int)got;
    return (int)(reads ? write(to, bytes, (size_t)got) : stream_write(u, to, bytes, (size_t)got));
}
