/* What can be asked of and told to a socket: options, fcntl and ioctl. (TCP_INFO: info.c.) */
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <sys/ioctl.h>

#include "tool/packetdrill/door.h"

#define SIOCINQ_    0x541b /* linux/sockios.h; also FIONREAD */
#define SIOCOUTQ_   0x5411
#define SIOCOUTQNSD 0x894b

/* --- what is kept --- */

static struct socket_option *find(struct socket *s, int level, int name)
{
    for (size_t i = 0; i < s->option_count; i++)
        if (s->options[i].level == level && s->options[i].name == name)
            return &s->options[i];
    return NULL;
}

static int kept(const struct socket *s, int level, int name, int otherwise)
{
    const struct socket_option *o = find((struct socket *)(uintptr_t)s, level, name);
    return o ? o->value : otherwise;
}

static int keep(struct socket *s, int level, int name, int value)
{
    struct socket_option *o = find(s, level, name);
    if (!o && s->option_count == SOCKET_OPTIONS_MAX)
        return ENOBUFS;
    if (!o)
        o = &s->options[s->option_count++];
    *o = (struct socket_option){level, name, value};
    return 0;
}

void option_inherit(struct socket *child, const struct socket *listener)
{
    memcpy(child->options, listener->options, sizeof child->options);
    child->option_count = listener->option_count;
    child->linger = listener->linger;
    child->receive_timeout = listener->receive_timeout;
    child->send_timeout = listener->send_timeout;
}

/* Linux has Nagle's algorithm on unless told otherwise; so scripts expect it. */
void option_apply(struct socket *s)
{
    uint64_t idle = (uint64_t)kept(s, IPPROTO_TCP, TCP_KEEPIDLE, 7200);
    uint64_t interval = (uint64_t)kept(s, IPPROTO_TCP, TCP_KEEPINTVL, 75);
    uint32_t probes = (uint32_t)kept(s, IPPROTO_TCP, TCP_KEEPCNT, 9);
    uint64_t patience = (uint64_t)kept(s, IPPROTO_TCP, TCP_USER_TIMEOUT, 0);
    if (!s->flow)
        return;
    tcp_nagle(s->flow, !kept(s, IPPROTO_TCP, TCP_NODELAY, 0));
    tcp_cork(s->flow, kept(s, IPPROTO_TCP, TCP_CORK, 0));
    if (kept(s, SOL_SOCKET, SO_KEEPALIVE, 0))
        tcp_keep_alive(s->flow, idle * CLOCK_SEC, interval * CLOCK_SEC, probes);
    if (patience)
        tcp_user_timeout(s->flow, patience * CLOCK_MS);
}

/* --- setting --- */

/* Options that are merely remembered: they mean something to the host's kernel, or nothing here. */
static bool is_harmless(int level, int name)
{
    static const struct {
        int level, name;
    } known[] = {{SOL_SOCKET, SO_REUSEADDR},
                 {SOL_SOCKET, SO_REUSEPORT},
                 {SOL_SOCKET, SO_SNDBUF},
                 {SOL_SOCKET, SO_RCVBUF},
                 {SOL_SOCKET, SO_KEEPALIVE},
                 {SOL_SOCKET, SO_PRIORITY},
                 {SOL_SOCKET, SO_MARK},
                 {SOL_SOCKET, SO_RCVLOWAT},
                 {SOL_SOCKET, SO_ZEROCOPY},
                 {SOL_SOCKET, SO_TIMESTAMPING},
                 {SOL_SOCKET, SO_BROADCAST},
                 {SOL_SOCKET, SO_DONTROUTE},
                 {SOL_SOCKET, SO_OOBINLINE},
                 {IPPROTO_TCP, TCP_NODELAY},
                 {IPPROTO_TCP, TCP_CORK},
                 {IPPROTO_TCP, TCP_MAXSEG},
                 {IPPROTO_TCP, TCP_KEEPIDLE},
                 {IPPROTO_TCP, TCP_KEEPINTVL},
                 {IPPROTO_TCP, TCP_KEEPCNT},
                 {IPPROTO_TCP, TCP_SYNCNT},
                 {IPPROTO_TCP, TCP_LINGER2},
                 {IPPROTO_TCP, TCP_DEFER_ACCEPT},
                 {IPPROTO_TCP, TCP_QUICKACK},
                 {IPPROTO_TCP, TCP_USER_TIMEOUT},
                 {IPPROTO_TCP, TCP_NOTSENT_LOWAT},
                 {IPPROTO_TCP, TCP_WINDOW_CLAMP},
                 {IPPROTO_IP, IP_TOS},
                 {IPPROTO_IP, IP_TTL},
                 {IPPROTO_IP, IP_MTU_DISCOVER},
                 {IPPROTO_IP, IP_RECVERR},
                 {IPPROTO_IP, IP_FREEBIND},
                 {IPPROTO_IPV6, IPV6_V6ONLY},
                 {IPPROTO_IPV6, IPV6_TCLASS},
                 {IPPROTO_IPV6, IPV6_UNICAST_HOPS},
                 {IPPROTO_IPV6, IPV6_MTU_DISCOVER},
                 {IPPROTO_IPV6, IPV6_RECVERR}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].level == level && known[i].name == name)
            return true;
    return false;
}

static int set_linger(struct socket *s, const void *value, socklen_t length)
{
    struct linger l;
    if (length < sizeof l)
        return EINVAL;
    memcpy(&l, value, sizeof l);
    s->linger = l.l_onoff ? l.l_linger : -1;
    return 0;
}

static int set_timeout(uint64_t *into, const void *value, socklen_t length)
{
    struct timeval t;
    if (length < sizeof t)
        return EINVAL;
    memcpy(&t, value, sizeof t);
    *into = (uint64_t)t.tv_sec * CLOCK_SEC + (uint64_t)t.tv_usec * CLOCK_US;
    return 0;
}

static int set(struct socket *s, int level, int name, const void *value, socklen_t length)
{
    int number = 0;
    if (level == SOL_SOCKET && name == SO_LINGER)
        return set_linger(s, value, length);
    if (level == SOL_SOCKET && name == SO_RCVTIMEO)
        return set_timeout(&s->receive_timeout, value, length);
    if (level == SOL_SOCKET && name == SO_SNDTIMEO)
        return set_timeout(&s->send_timeout, value, length);
    if (level == IPPROTO_TCP && name == TCP_CONGESTION)
        return slice_starts(slice_of(value, length), SLICE("cubic")) ? 0 : ENOENT;
    if (!is_harmless(level, name))
        return ENOPROTOOPT;
    if (length < sizeof number)
        return EINVAL;
    memcpy(&number, value, sizeof number);
    int error = keep(s, level, name, number);
    option_apply(s);
    return error;
}

int option_set(void *u, int fd, int level, int name, const void *value, socklen_t length)
{
    (void)u;
    door_lock();
    struct socket *s = socket_find(fd);
    int error = s ? set(s, level, name, value, length) : EBADF;
    door_settle();
    door_unlock();
    if (error)
        errno = error;
    return error ? -1 : 0;
}

/* --- asking --- */

static int get_number(const struct socket *s, int level, int name, int *value)
{
    static const struct {
        int level, name, value;
    } defaults[] = {{SOL_SOCKET, SO_SNDBUF, 16384},     {SOL_SOCKET, SO_RCVBUF, 131072},
                    {IPPROTO_TCP, TCP_KEEPIDLE, 7200},  {IPPROTO_TCP, TCP_KEEPINTVL, 75},
                    {IPPROTO_TCP, TCP_KEEPCNT, 9},      {IPPROTO_TCP, TCP_SYNCNT, 6},
                    {IPPROTO_IP, IP_TTL, 64},           {IPPROTO_IPV6, IPV6_UNICAST_HOPS, 64},
                    {SOL_SOCKET, SO_TYPE, SOCK_STREAM}, {SOL_SOCKET, SO_PROTOCOL, IPPROTO_TCP},
                    {SOL_SOCKET, SO_RCVLOWAT, 1}};
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        if (defaults[i].level == level && defaults[i].name == name)
            *value = kept(s, level, name, defaults[i].value);
    for (size_t i = 0; i < s->option_count; i++)
        if (s->options[i].level == level && s->options[i].name == name)
            *value = s->options[i].value;
    return is_harmless(level, name) || *value ? 0 : ENOPROTOOPT;
}

/* What is found out rather than kept. */
static bool get_living(struct socket *s, int level, int name, int *value)
{
    if (level == SOL_SOCKET && name == SO_ERROR) {
        *value = s->error;
        s->error = 0;
        return true;
    }
    if (level == SOL_SOCKET && name == SO_ACCEPTCONN)
        *value = s->kind == SOCKET_LISTENS;
    else if (level == SOL_SOCKET && name == SO_DOMAIN)
        *value = s->family;
    else if (level == IPPROTO_TCP && name == TCP_MAXSEG)
        *value = (int)info_mss(s);
    else if ((level == IPPROTO_IP && name == IP_MTU) || (level == IPPROTO_IPV6 && name == IPV6_MTU))
        *value = (int)info_path_mtu(s);
    else
        return false;
    return true;
}

static int give(const void *from, socklen_t size, void *value, socklen_t *length)
{
    memcpy(value, from, size < *length ? size : *length);
    if (*length > size)
        *length = size;
    return 0;
}

static int get(struct socket *s, int level, int name, void *value, socklen_t *length)
{
    int number = 0;
    if (level == IPPROTO_TCP && name == TCP_INFO)
        return info_fill(s, value, length);
    if (level == IPPROTO_TCP && name == TCP_CONGESTION)
        return give("cubic", sizeof "cubic", value, length);
    if (level == SOL_SOCKET && name == SO_LINGER) {
        struct linger l = {s->linger >= 0, s->linger >= 0 ? s->linger : 0};
        return give(&l, sizeof l, value, length);
    }
    if (!get_living(s, level, name, &number)) {
        int error = get_number(s, level, name, &number);
        if (error)
            return error;
    }
    return give(&number, sizeof number, value, length);
}

int option_get(void *u, int fd, int level, int name, void *value, socklen_t *length)
{
    (void)u;
    door_lock();
    struct socket *s = socket_find(fd);
    int error = s ? get(s, level, name, value, length) : EBADF;
    door_unlock();
    if (error)
        errno = error;
    return error ? -1 : 0;
}

/* --- fcntl and ioctl --- */

int option_fcntl(void *u, int fd, int command, ...)
{
    va_list args;
    (void)u;
    va_start(args, command);
    int value = va_arg(args, int), result = 0;
    va_end(args);
    door_lock();
    struct socket *s = socket_find(fd);
    if (s && command == F_GETFL)
        result = O_RDWR | (s->nonblocking ? O_NONBLOCK : 0);
    else if (s && command == F_SETFL)
        s->nonblocking = value & O_NONBLOCK;
    door_unlock();
    return s ? result : fcntl(fd, command, value);
}

static int answer_ioctl(struct socket *s, unsigned long request, int *value)
{
    switch (request) {
    case FIONBIO:
        s->nonblocking = *value;
        return 0;
    case SIOCINQ_:
        *value = (int)(s->received.len + info_readable(s));
        return s->kind == SOCKET_LISTENS ? EINVAL : 0;
    case SIOCOUTQ_:
        *value = s->flow ? (int)flow_queued(s->flow) : 0;
        return 0;
    case SIOCOUTQNSD:
        *value = (int)info_unsent(s);
        return 0;
    default:
        return ENOTTY;
    }
}

int option_ioctl(void *u, int fd, unsigned long request, ...)
{
    va_list args;
    (void)u;
    va_start(args, request);
    int *value = va_arg(args, int *);
    va_end(args);
    door_lock();
    struct socket *s = socket_find(fd);
    int error = s ? answer_ioctl(s, request, value) : EBADF;
    door_unlock();
    if (error)
        errno = error;
    return error ? -1 : 0;
}
