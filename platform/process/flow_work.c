/*
 * A flow over a socket.
 *
 * The kernel tells each change once (edge-triggered); `readable` and `blocked` remember it. What is
 * to be done for a flow is done in one place, attend(): read, send what the owner wrote meanwhile
 * with one gathered call, close. It runs when the kernel reports an event, and from a hook of the
 * loop for all flows that their owners touched otherwise: the agenda. Thus owners are never called
 * from inside of their own calls, and a flow goes away in attend() only.
 *
 * Closing: when everything is sent, a plain close(2), unless the peer is known to be sending still.
 * Then the kernel would answer with a reset that may overtake our last bytes, so the end is told
 * with shutdown(2) and what comes is discarded, for a bounded time.
 */
#include "platform/process/flow_internal.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/process/socket.h"
#include "signatures/clock.h"

#define RECEIVE_SIZE  ((size_t)64 * 1024)
#define RECEIVES_ONCE 8 /* then others have their turn */
#define SENDS_ONCE    8
#define GATHERED_ONCE 64 /* runs of bytes in one call */

static struct list agenda = {&agenda, &agenda};
static uint8_t received[RECEIVE_SIZE];

void flow_note(struct socket_flow *f)
{
    if (list_empty(&f->link))
        list_append(&agenda, &f->link);
}

/* --- ends --- */

static void destroy(struct socket_flow *f)
{
    list_remove(&f->link);
    timer_stop(&f->timer);
    queue_drop(&f->out);
    flow_closing -= f->closed;
    if (f->fd >= 0 && f->cut)
        socket_reset(f->fd);
    else if (f->fd >= 0)
        close(f->fd);
    pool_give(&flow_pool, f);
}

static void tell_end(struct socket_flow *f)
{
    if (f->told || f->closed || !f->flow.events)
        return;
    f->told = true;
    f->flow.events->on_end(f->flow.owner, f->ended);
}

static void end(struct socket_flow *f, enum err why)
{
    if (f->ended)
        return;
    f->ended = why;
    queue_drop(&f->out);
    close(f->fd);
    f->fd = -1;
    if (f->closed)
        flow_note(f); /* to be destroyed */
    tell_end(f);
}

/* --- receiving --- */

static void deliver_eof(struct socket_flow *f)
{
    f->eof = true;
    if (f->flow.events->on_eof)
        f->flow.events->on_eof(f->flow.owner);
    else
        end(f, ERR_CLOSED);
}

/* What recv answered. A short read tells that there is no more, without asking again; unless the
 * peer's end may follow, which the kernel has told already and will not tell again. */
static void take(struct socket_flow *f, ssize_t n)
{
    if (n > 0) {
        if ((size_t)n < RECEIVE_SIZE && !f->hung_up)
            f->readable = false;
        if (f->prompt)
            socket_acknowledge(f->fd);
        socket_counters.bytes_in += (uint64_t)n;
        f->flow.events->on_data(f->flow.owner, slice_of(received, (size_t)n));
    } else if (n == 0) {
        f->readable = false;
        deliver_eof(f);
    } else if (errno == EAGAIN) {
        f->readable = false;
    } else if (errno != EINTR) {
        end(f, socket_error(errno));
    }
}

static bool may_receive(const struct socket_flow *f)
{
    return f->readable && !f->paused && !f->eof && !f->ended && !f->closed;
}

static void receive(struct socket_flow *f)
{
    for (int i = 0; i < RECEIVES_ONCE && may_receive(f); i++)
        take(f, recv(f->fd, received, RECEIVE_SIZE, 0));
    if (may_receive(f))
        flow_note(f);
}

/* --- sending --- */

/* The kernel is asked about room when there was none for the first time: most flows never ask. */
static void watch(struct socket_flow *f, bool room)
{
    uint32_t events = EPOLLIN | EPOLLRDHUP | EPOLLET | (room ? EPOLLOUT : 0u);
    bool ok = f->watched ? source_change(f->fd, &f->source, events)
                         : source_add(f->fd, &f->source, events);
    f->watched = true;
    f->watched_room = room;
    if (!ok)
        end(f, ERR_FULL);
}

static void sent(struct socket_flow *f, size_t n, size_t offered)
{
    socket_counters.bytes_out += n;
    queue_sent(&f->out, n);
    f->blocked = n < offered;
    if (n && timer_running(&f->timer))
        timer_start(&f->timer, clock_monotonic() + socket_patience.close);
}

static void send_once(struct socket_flow *f)
{
    struct iovec runs[GATHERED_ONCE];
    struct msghdr message = {.msg_iov = runs};
    size_t offered = 0;
    message.msg_iovlen = queue_gather(&f->out, runs, GATHERED_ONCE);
    for (size_t i = 0; i < message.msg_iovlen; i++)
        offered += runs[i].iov_len;
    /* The last bytes wait for the end that follows at once, and share its segment. */
    int more = f->closed && offered == f->out.bytes ? MSG_MORE : 0;
    ssize_t n = offered ? sendmsg(f->fd, &message, MSG_NOSIGNAL | more) : 0;
    if (more && n >= 0 && (size_t)n == offered)
        shutdown(f->fd, SHUT_WR); /* not by closing: that forgets them where the peer still sends */
    if (n >= 0)
        sent(f, (size_t)n, offered);
    else if (errno == EAGAIN)
        f->blocked = true;
    else if (errno != EINTR)
        end(f, socket_error(errno));
}

static void tell_room(struct socket_flow *f)
{
    if (!f->wants_room || f->closed || f->ended || f->out.bytes > FLOW_QUEUE_MAX / 2)
        return;
    f->wants_room = false;
    if (f->flow.events && f->flow.events->on_room)
        f->flow.events->on_room(f->flow.owner);
}

static void transmit(struct socket_flow *f)
{
    for (int i = 0; i < SENDS_ONCE && f->out.first && !f->blocked && !f->ended && !f->cut; i++)
        send_once(f);
    if (f->ended || f->cut)
        return;
    if (f->blocked && !f->watched_room)
        watch(f, true);
    else if (f->out.first && !f->blocked)
        flow_note(f);
    tell_room(f);
}

/* --- closing --- */

/* Receives and forgets. True when the end is reached, the peer's or that of our patience. */
static bool discard(struct socket_flow *f)
{
    while (f->readable) {
        ssize_t n = recv(f->fd, received, RECEIVE_SIZE, 0);
        if (n > 0)
            f->discarded += (uint32_t)n;
        else if (n < 0 && errno == EAGAIN)
            f->readable = false;
        else if (n == 0 || errno != EINTR)
            return true;
        if (f->discarded > FLOW_DRAIN_MAX)
            return true;
    }
    return false;
}

/* Everything is sent: is it safe to close now? If not, the peer is told the end, and a timer that it
 * has to be quick. */
static bool drained(struct socket_flow *f)
{
    bool sending = f->paused && !f->eof; /* the owner did not want what is there, or will be */
    if (f->eof || (!f->readable && !sending && !f->shut))
        return true;
    if (discard(f))
        return true;
    if (!sending && f->discarded == 0)
        return true;
    if (!f->shut) {
        f->shut = true;
        shutdown(f->fd, SHUT_WR);
        if (!timer_start(&f->timer, clock_monotonic() + socket_patience.drain))
            return true;
    }
    return false;
}

void flow_patience_lost(struct timer *t)
{
    struct socket_flow *f = CONTAINER(t, struct socket_flow, timer);
    if (f->out.first)
        socket_counters.closing_cut++;
    f->cut = f->out.first != NULL;
    destroy(f);
}

/* True if the flow is gone. */
static bool finish(struct socket_flow *f)
{
    bool over = f->ended || f->cut;
    if (!over && f->out.first) /* the timer runs since flow_close, or since the last progress */
        over = !timer_running(&f->timer) &&
               !timer_start(&f->timer, clock_monotonic() + socket_patience.close);
    else if (!over)
        over = drained(f);
    if (over)
        destroy(f);
    return over;
}

/* --- what is to be done --- */

void flow_attend(struct socket_flow *f)
{
    list_remove(&f->link);
    receive(f);
    transmit(f);
    if (f->closed && finish(f))
        return;
    if (f->ended)
        tell_end(f);
    else if (!f->watched)
        watch(f, f->blocked);
}

void flow_on_events(struct source *s, uint32_t events)
{
    struct socket_flow *f = CONTAINER(s, struct socket_flow, source);
    if (f->ended)
        return;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        f->readable = true;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        f->hung_up = true;
    if (events & EPOLLOUT)
        f->blocked = false;
    if ((events & EPOLLERR) && !may_receive(f)) {
        int number = socket_pending_error(f->fd);
        end(f, number ? socket_error(number) : ERR_RESET);
    }
    flow_attend(f);
}

void flow_work_off(struct loop_hook *h)
{
    (void)h;
    if (list_empty(&agenda))
        return;
    struct list due = agenda;
    due.next->prev = &due;
    due.prev->next = &due;
    list_init(&agenda);
    while (!list_empty(&due))
        flow_attend(CONTAINER(due.next, struct socket_flow, link));
    if (!list_empty(&agenda))
        wait_not();
}
