/* The door itself: its lock, its time, its stack, and the table of its calls. See door.h. */
#include "tool/packetdrill/door.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "platform/sim/sim.h"
#include "runtime/loop.h"

#define SETTLE    (12 * CLOCK_SEC)   /* for addresses to be probed and taken */
#define PATIENCE  (3600 * CLOCK_SEC) /* that netdev_receive waits for a packet */
#define LONELY_MS 100                /* of real time without another call: nobody else is there */
#define ROUNDS    8

struct door door = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* A call that blocks, on its thread's stack. */
struct waiter {
    struct list link;
    ready_fn *ready;
    void *arg;
    uint64_t deadline;
    bool woken, was_ready;
    uint64_t at;
};

/* Who was the latest to return from a call that had to wait, and when that could go on: if he asks
 * for the time next, he means that. */
static pthread_t returned;
static uint64_t returned_at;

static bool returned_just_now(void)
{
    return returned_at && pthread_equal(returned, pthread_self());
}

void door_lock(void)
{
    pthread_mutex_lock(&door.lock);
    door.calls++;
    if (returned_just_now())
        returned_at = 0;
}

void door_unlock(void)
{
    pthread_mutex_unlock(&door.lock);
}

int errno_of(enum err e)
{
    switch (e) {
    case OK:
        return 0;
    case ERR_AGAIN:
        return EAGAIN;
    case ERR_FULL:
    case ERR_MEMORY:
        return ENOBUFS;
    case ERR_EXISTS:
        return EADDRINUSE;
    case ERR_TIMEOUT:
        return ETIMEDOUT;
    case ERR_RESET:
        return ECONNRESET;
    case ERR_REFUSED:
        return ECONNREFUSED;
    case ERR_UNREACHABLE:
        return EHOSTUNREACH;
    case ERR_CLOSED:
        return EPIPE;
    default:
        return EINVAL;
    }
}

/* --- time --- */

void door_settle(void)
{
    for (int i = 0; i < ROUNDS; i++)
        loop_round(clock_monotonic());
}

uint64_t door_deadline(int timeout_ms)
{
    return timeout_ms < 0 ? UINT64_MAX : clock_monotonic() + (uint64_t)timeout_ms * CLOCK_MS;
}

static struct waiter *waiter_due(void)
{
    for (struct list *l = door.waiters.next; l != &door.waiters; l = l->next) {
        struct waiter *w = CONTAINER(l, struct waiter, link);
        if (w->ready(w->arg) || w->deadline <= clock_monotonic())
            return w;
    }
    return NULL;
}

/* Whoever can go on does, before any time passes. */
static void wake_waiters(void)
{
    for (struct waiter *w; (w = waiter_due()) != NULL;) {
        w->woken = true;
        w->was_ready = w->ready(w->arg);
        w->at = clock_monotonic();
        pthread_cond_broadcast(&door.changed);
        while (waiter_due() == w)
            pthread_cond_wait(&door.changed, &door.lock);
    }
}

static uint64_t nearest(uint64_t until)
{
    for (struct list *l = door.waiters.next; l != &door.waiters; l = l->next)
        if (CONTAINER(l, struct waiter, link)->deadline < until)
            until = CONTAINER(l, struct waiter, link)->deadline;
    return until;
}

struct advance {
    ready_fn *stop; /* may be NULL */
    void *arg;
};

static bool has_to_stop(void *arg)
{
    const struct advance *a = arg;
    return waiter_due() || (a->stop && a->stop(a->arg));
}

/* Time passes until `stop` says so, or until then. */
static bool advance(ready_fn *stop, void *arg, uint64_t until)
{
    struct advance a = {stop, arg};
    for (;;) {
        wake_waiters();
        if (stop && stop(arg))
            return true;
        if (clock_monotonic() >= until)
            return false;
        sim_run(has_to_stop, &a, nearest(until));
    }
}

/* Waits a little in real time: false if nobody else has called meanwhile. */
static bool wait_for_others(void)
{
    uint64_t calls = door.calls;
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_nsec += LONELY_MS * 1000000;
    end.tv_sec += end.tv_nsec / 1000000000;
    end.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&door.changed, &door.lock, &end);
    return door.calls != calls;
}

bool door_wait(ready_fn *ready, void *arg, uint64_t deadline)
{
    struct waiter w = {.ready = ready, .arg = arg, .deadline = deadline};
    door_settle();
    if (ready(arg))
        return true;
    list_append(&door.waiters, &w.link);
    while (!w.woken) {
        if (wait_for_others() || w.woken)
            continue;
        list_remove(&w.link); /* alone: time is ours to drive */
        w.was_ready =
            advance(ready, arg, deadline < PATIENCE ? deadline : clock_monotonic() + PATIENCE);
        w.woken = true;
        w.at = clock_monotonic();
    }
    list_remove(&w.link);
    returned = pthread_self();
    returned_at = w.at;
    pthread_cond_broadcast(&door.changed);
    return w.was_ready;
}

static int door_usleep(void *u, useconds_t us)
{
    (void)u;
    door_lock();
    advance(NULL, NULL, clock_monotonic() + us * CLOCK_US);
    door_unlock();
    return 0;
}

static int door_gettimeofday(void *u, struct timeval *time, struct timezone *zone)
{
    (void)u, (void)zone;
    pthread_mutex_lock(&door.lock);
    door.calls++;
    uint64_t at = returned_just_now() ? returned_at : 0;
    returned_at = at ? 0 : returned_at;
    if (!at) { /* whoever looks at the clock again and again waits: it has to go on */
        advance(NULL, NULL, clock_monotonic() + CLOCK_US);
        at = clock_monotonic();
    }
    at -= door.skipped;
    time->tv_sec = (time_t)(at / CLOCK_SEC);
    time->tv_usec = (suseconds_t)(at % CLOCK_SEC / CLOCK_US);
    door_unlock();
    return 0;
}

/* --- the stack --- */

static void open_stack(void)
{
    struct inet_config c = {.ipv6 = true, .quiet = true};
    uint64_t start = clock_monotonic();
    c.addresses[c.address_count++] = (struct inet_prefix){door.v4, 16};
    c.addresses[c.address_count++] = (struct inet_prefix){door.v6, 48};
    c.gateways[c.gateway_count] = door.v4;
    c.gateways[c.gateway_count++].bytes[15] ^= 0x80;
    c.gateways[c.gateway_count] = door.v6;
    c.gateways[c.gateway_count++].bytes[15] ^= 0x80;
    if (inet_open(card_net(door.card), &c, &door.inet))
        abort();
    sim_run(NULL, NULL, start + SETTLE);
    door.skipped += clock_monotonic() - start;
}

bool door_open_stack(const struct address *local)
{
    bool any = !local || address_equal(local, &ADDRESS_ANY);
    if (!any && !door.inet)
        *(address_is_v4(*local) ? &door.v4 : &door.v6) = *local;
    if (!door.inet)
        open_stack();
    return any || address_equal(local, &door.v4) || address_equal(local, &door.v6);
}

/* --- packets --- */

static struct address destination(struct slice packet)
{
    struct address a = ADDRESS_ANY;
    if (packet.len >= 40 && packet.ptr[0] >> 4 == 6)
        memcpy(a.bytes, packet.ptr + 24, 16);
    else if (packet.len >= 20)
        a = address_v4(packet.ptr[16], packet.ptr[17], packet.ptr[18], packet.ptr[19]);
    return a;
}

static int door_netdev_send(void *u, const void *packet, size_t length)
{
    struct slice p = slice_of(packet, length);
    (void)u;
    door_lock();
    struct address to = destination(p);
    door_open_stack(&to);
    card_inject(door.card, p);
    door_settle();
    wake_waiters();
    door_unlock();
    return 0;
}

static bool packet_is_there(void *arg)
{
    (void)arg;
    return card_has_sent(door.card);
}

static int door_netdev_receive(void *u, void *into, size_t *length, long long *time_us)
{
    uint64_t at = 0;
    (void)u;
    door_lock();
    advance(packet_is_there, NULL, clock_monotonic() + PATIENCE);
    *length = card_take(door.card, into, *length, &at);
    *time_us = (long long)((at - door.skipped) / CLOCK_US);
    door_unlock();
    return 0;
}

/* --- beginning and end --- */

static void door_free(void *u)
{
    (void)u;
    door_lock();
    socket_close_all();
    door_settle();
    if (door.inet)
        inet_close(door.inet);
    door.inet = NULL;
    card_close(door.card);
    door_unlock();
}

static void read_flags(const char *flags)
{
    struct slice rest = slice_text(flags), one, key, value;
    struct address a;
    while (rest.len) {
        slice_cut(rest, ',', &one, &rest);
        if (slice_cut(one, '=', &key, &value) && slice_is(key, "local") && address_parse(value, &a))
            *(address_is_v4(a) ? &door.v4 : &door.v6) = a;
    }
}

static void open_door(const char *flags)
{
    sim_reset(1);
    list_init(&door.sockets);
    list_init(&door.epolls);
    list_init(&door.waiters);
    door.skipped = 0;
    door.inet = NULL;
    door.card = card_open();
    door.v4 = address_v4(192, 168, 0, 2);
    address_parse(SLICE("fd3d:fa7b:d17d::2"), &door.v6);
    read_flags(flags);
}

void packetdrill_interface_init(const char *flags, struct packetdrill_interface *into)
{
    open_door(flags);
    *into = (struct packetdrill_interface){
        .userdata = &door,
        .free = door_free,
        .socket = socket_socket,
        .bind = socket_bind,
        .listen = socket_listen,
        .accept = socket_accept,
        .connect = socket_connect,
        .read = stream_read,
        .readv = stream_readv,
        .recv = stream_recv,
        .recvfrom = stream_recvfrom,
        .recvmsg = stream_recvmsg,
        .write = stream_write,
        .writev = stream_writev,
        .send = stream_send,
        .sendto = stream_sendto,
        .sendmsg = stream_sendmsg,
        .fcntl = option_fcntl,
        .ioctl = option_ioctl,
        .close = socket_close,
        .shutdown = stream_shutdown,
        .getsockopt = option_get,
        .setsockopt = option_set,
        .poll = poll_poll,
        .netdev_send = door_netdev_send,
        .netdev_receive = door_netdev_receive,
        .usleep = door_usleep,
        .gettimeofday = door_gettimeofday,
        .epoll_create = poll_epoll_create,
        .epoll_ctl = poll_epoll_ctl,
        .epoll_wait = poll_epoll_wait,
        .pipe = poll_pipe,
        .splice = stream_splice,
    };
}
