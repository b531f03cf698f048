/* Waiting for several: poll and epoll; and pipes, which are the host's. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tool/packetdrill/door.h"

/* --- poll --- */

struct polling {
    struct pollfd *fds;
    nfds_t count;
};

static int look(struct pollfd *fds, nfds_t count)
{
    int ready = 0;
    for (nfds_t i = 0; i < count; i++) {
        const struct socket *s = fds[i].fd < 0 ? NULL : socket_find(fds[i].fd);
        short always = POLLERR | POLLHUP;
        fds[i].revents = s               ? socket_events(s) & (short)(fds[i].events | always)
                         : fds[i].fd < 0 ? 0
                                         : POLLNVAL;
        ready += fds[i].revents != 0;
    }
    return ready;
}

static bool any_is_ready(void *arg)
{
    const struct polling *p = arg;
    return look(p->fds, p->count) > 0;
}

int poll_poll(void *u, struct pollfd *fds, nfds_t count, int timeout)
{
    struct polling p = {fds, count};
    (void)u;
    door_lock();
    door_settle();
    if (timeout && !any_is_ready(&p))
        door_wait(any_is_ready, &p, door_deadline(timeout));
    int ready = look(fds, count);
    door_unlock();
    return ready;
}

/* --- epoll --- */

#define WATCHED_MAX 64

struct watched {
    int fd;
    struct epoll_event event;
    uint32_t edges; /* of the socket, when it was told of last; only with EPOLLET */
    bool told;
};

struct epoll {
    struct list link;
    int fd;
    struct watched watched[WATCHED_MAX];
    size_t count;
};

static struct epoll *find_epoll(int fd)
{
    for (struct list *l = door.epolls.next; l != &door.epolls; l = l->next) {
        struct epoll *e = CONTAINER(l, struct epoll, link);
        if (e->fd == fd)
            return e;
    }
    errno = EBADF;
    return NULL;
}

int poll_epoll_create(void *u, int size)
{
    (void)u;
    if (size <= 0) {
        errno = EINVAL;
        return -1;
    }
    struct epoll *e = calloc(1, sizeof *e);
    if (!e)
        abort();
    e->fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    door_lock();
    list_append(&door.epolls, &e->link);
    door_unlock();
    return e->fd;
}

static struct watched *find_watched(struct epoll *e, int fd)
{
    for (size_t i = 0; i < e->count; i++)
        if (e->watched[i].fd == fd)
            return &e->watched[i];
    return NULL;
}

static int control(struct epoll *e, int operation, int fd, const struct epoll_event *event)
{
    struct watched *w = find_watched(e, fd);
    if (!socket_find(fd))
        return EBADF;
    if (operation == EPOLL_CTL_ADD && w)
        return EEXIST;
    if (operation != EPOLL_CTL_ADD && !w)
        return ENOENT;
    if (operation == EPOLL_CTL_DEL) {
        *w = e->watched[--e->count];
        return 0;
    }
    if (operation == EPOLL_CTL_ADD && e->count == WATCHED_MAX)
        return ENOSPC;
    if (operation == EPOLL_CTL_ADD)
        w = &e->watched[e->count++];
    *w = (struct watched){.fd = fd, .event = *event};
    return 0;
}

int poll_epoll_ctl(void *u, int epoll, int operation, int fd, struct epoll_event *event)
{
    (void)u;
    door_lock();
    struct epoll *e = find_epoll(epoll);
    int error = e ? control(e, operation, fd, event) : EBADF;
    door_unlock();
    if (error)
        errno = error;
    return error ? -1 : 0;
}

/* What is to be told of one; poll's and epoll's bits are the same. */
static uint32_t news_of(const struct watched *w, const struct socket *s)
{
    uint32_t wanted = w->event.events | EPOLLERR | EPOLLHUP;
    uint32_t now = (uint16_t)socket_events(s) & wanted;
    bool same = (w->event.events & EPOLLET) && w->told && w->edges == s->edges;
    return same ? 0 : now;
}

static int harvest(struct epoll *e, struct epoll_event *events, int max)
{
    int found = 0;
    for (size_t i = 0; i < e->count && found < max; i++) {
        struct watched *w = &e->watched[i];
        const struct socket *s = socket_find(w->fd);
        uint32_t news = s && w->event.events ? news_of(w, s) : 0;
        if (!news)
            continue;
        if (events) {
            events[found] = w->event;
            events[found].events = news;
            w->told = true;
            w->edges = s->edges;
            if (w->event.events & EPOLLONESHOT)
                w->event.events = 0;
        }
        found++;
    }
    return found;
}

static bool has_news(void *arg)
{
    return harvest(arg, NULL, 1) > 0;
}

int poll_epoll_wait(void *u, int epoll, struct epoll_event *events, int max, int timeout)
{
    int found = -1;
    (void)u;
    door_lock();
    struct epoll *e = find_epoll(epoll);
    if (e && max > 0) {
        door_settle();
        if (timeout && !has_news(e))
            door_wait(has_news, e, door_deadline(timeout));
        found = harvest(e, events, max);
    }
    door_unlock();
    if (found < 0)
        errno = e ? EINVAL : EBADF;
    return found;
}

bool poll_close(int fd)
{
    struct epoll *e = find_epoll(fd);
    if (!e)
        return false;
    list_remove(&e->link);
    close(e->fd);
    free(e);
    return true;
}

void poll_forget(int fd)
{
    for (struct list *l = door.epolls.next; l != &door.epolls; l = l->next) {
        struct epoll *e = CONTAINER(l, struct epoll, link);
        struct watched *w = find_watched(e, fd);
        if (w)
            *w = e->watched[--e->count];
    }
}

/* --- pipes --- */

int poll_pipe(void *u, int ends[2])
{
    (void)u;
    return pipe(ends);
}
