/* See tap_link.h. */
#include "platform/process/tap_link.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/list.h"
#include "runtime/slice.h"

#define MESSAGES_SIZE 8192 /* of one datagram of the kernel; what is longer is cut, and not used */

/* Takes the first message off what the kernel sent; true where it is about our device. */
static bool read_message(struct tap_link *l, struct slice *rest)
{
    struct nlmsghdr m;
    struct ifinfomsg i;
    struct slice bytes = *rest;
    if (bytes.len < sizeof m) {
        rest->len = 0;
        return false;
    }
    memcpy(&m, bytes.ptr, sizeof m);
    *rest =
        m.nlmsg_len < sizeof m ? slice_of(NULL, 0) : slice_drop(bytes, NLMSG_ALIGN(m.nlmsg_len));
    bytes = slice_drop(slice_take(bytes, m.nlmsg_len), NLMSG_HDRLEN);
    if ((m.nlmsg_type != RTM_NEWLINK && m.nlmsg_type != RTM_DELLINK) || bytes.len < sizeof i)
        return false;
    memcpy(&i, bytes.ptr, sizeof i);
    if (i.ifi_index != (int)l->index)
        return false;
    l->up = m.nlmsg_type == RTM_NEWLINK && (i.ifi_flags & IFF_UP) && (i.ifi_flags & IFF_LOWER_UP);
    return true;
}

/* What the kernel has to say now; the last word counts. False: nothing. *told: our device was
 * named. */
static bool read_all(struct tap_link *l, int flags, bool *told)
{
    uint8_t bytes[MESSAGES_SIZE];
    ssize_t n = recv(l->fd, bytes, sizeof bytes, flags);
    struct slice rest = slice_of(bytes, n > 0 ? (size_t)n : 0);
    while (rest.len)
        *told |= read_message(l, &rest);
    return n >= 0;
}

static bool ask(struct tap_link *l)
{
    struct {
        struct nlmsghdr head;
        struct ifinfomsg link;
    } q = {.head = {.nlmsg_len = sizeof q, .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST},
           .link = {.ifi_index = (int)l->index}};
    return send(l->fd, &q, sizeof q, 0) == (ssize_t)sizeof q;
}

/* Where the kernel had more to say than we were told (ENOBUFS), it is asked how things stand. */
static void on_ready(struct source *s, uint32_t events)
{
    struct tap_link *l = CONTAINER(s, struct tap_link, source);
    bool before = l->up, told = false;
    (void)events;
    while (read_all(l, MSG_DONTWAIT, &told))
        ;
    if (errno == ENOBUFS)
        ask(l);
    if (l->up != before)
        l->changed(l->arg, l->up);
}

bool tap_link_open(struct tap_link *l, unsigned index, void (*changed)(void *arg, bool up),
                   void *arg)
{
    const struct sockaddr_nl groups = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
    bool told = false;
    *l = (struct tap_link){{on_ready}, -1, index, false, changed, arg};
    l->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (l->fd < 0 || bind(l->fd, (const struct sockaddr *)&groups, sizeof groups) < 0 || !ask(l))
        return false;
    while (!told)
        if (!read_all(l, 0, &told) && errno != EINTR)
            return false;
    return source_add(l->fd, &l->source, EPOLLIN);
}

void tap_link_close(struct tap_link *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}
