/*
 * Packetdrill's door: a program that plays scripts against lib/inet, which is the very stack that
 * images are linked with. The stack sits on a card (card.c) that carries bare IP packets for the
 * script, and answers ARP and NDP itself; its time is the script's: it stands still while calls are
 * made, and goes on in usleep and netdev_receive, as fast as the machine can.
 *
 * Packetdrill has two threads: one plays the script, the other waits in system calls that block. All
 * of the door is under one lock. Whoever blocks is woken at the moment of virtual time at which his
 * call can go on, and time waits until he has gone.
 */
#ifndef TOOL_PACKETDRILL_DOOR_H
#define TOOL_PACKETDRILL_DOOR_H

#include <pthread.h>

#include "lib/inet/inet.h"
#include "runtime/list.h"
#include "tool/packetdrill/interface.h"

/* --- the card (card.c) --- */

#define CARD_MTU 1500u

struct card;

struct card *card_open(void);
void card_close(struct card *c);
struct net *card_net(struct card *c);

/* A packet of the script's for the stack. */
void card_inject(struct card *c, struct slice packet);

bool card_has_sent(const struct card *c);
/* The oldest packet sent: its length, cut to max, and when. */
size_t card_take(struct card *c, uint8_t *into, size_t max, uint64_t *at);

/* --- sockets (socket.c, stream.c, options.c) --- */

enum socket_kind { SOCKET_NEW, SOCKET_LISTENS, SOCKET_CONNECTS, SOCKET_FLOWS, SOCKET_OVER };

#define SOCKET_OPTIONS_MAX 32u

struct socket_option { /* one that was set, to be told when asked */
    int level, name;
    int value;
};

struct socket {
    struct list link; /* of the door's sockets, or of those that wait to be accepted */
    int fd;
    int family; /* AF_INET or AF_INET6 */
    enum socket_kind kind;
    struct endpoint local;
    struct endpoint remote;
    bool bound, nonblocking;

    struct listener *listener;
    struct list waiting; /* to be accepted */

    struct connect *connect;
    struct flow *flow;
    struct buf received; /* bytes that the stack has handed over */
    bool eof, write_ended, read_ended;
    int error;      /* errno, told once */
    size_t wanted;  /* bytes that a blocked call waits for */
    uint32_t edges; /* counts what happened, for edge-triggered epoll */

    struct socket_option options[SOCKET_OPTIONS_MAX];
    size_t option_count;
    int linger; /* seconds; -1: off */
    uint64_t receive_timeout, send_timeout;
};

/* A blocked call: true when it can go on. */
typedef bool ready_fn(void *arg);

struct door {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct card *card;
    struct inet *inet; /* NULL: an address is yet to be known */
    struct address v4, v6;
    struct list sockets, epolls, waiters;
    uint64_t skipped; /* ns of the stack's time that no script sees */
    uint64_t calls;   /* so far: who waits sees that somebody else is there */
};

extern struct door door;

/* --- time and waiting (door.c) --- */

void door_lock(void);
void door_unlock(void);

/* Lets everything happen that is due now. */
void door_settle(void);

/* Waits (the lock is held) until ready, or until the deadline: false. */
bool door_wait(ready_fn *ready, void *arg, uint64_t deadline);

/* The deadline of a timeout in ms, as poll has it: negative is for ever. */
uint64_t door_deadline(int timeout_ms);

/* Opens the stack as soon as an address is known. */
bool door_open_stack(const struct address *local);

int errno_of(enum err e);

/* --- */

struct socket *socket_find(int fd);          /* NULL: EBADF is set */
short socket_events(const struct socket *s); /* as poll's revents */

int socket_socket(void *u, int domain, int type, int protocol);
int socket_bind(void *u, int fd, const struct sockaddr *address, socklen_t length);
int socket_listen(void *u, int fd, int backlog);
int socket_accept(void *u, int fd, struct sockaddr *address, socklen_t *length);
int socket_connect(void *u, int fd, const struct sockaddr *address, socklen_t length);
int socket_close(void *u, int fd);
void socket_close_all(void);

ssize_t stream_read(void *u, int fd, void *into, size_t count);
ssize_t stream_readv(void *u, int fd, const struct iovec *parts, int count);
ssize_t stream_recv(void *u, int fd, void *into, size_t length, int flags);
ssize_t stream_recvfrom(void *u, int fd, void *into, size_t length, int flags,
                        struct sockaddr *from, socklen_t *from_length);
ssize_t stream_recvmsg(void *u, int fd, struct msghdr *message, int flags);
ssize_t stream_write(void *u, int fd, const void *bytes, size_t count);
ssize_t stream_writev(void *u, int fd, const struct iovec *parts, int count);
ssize_t stream_send(void *u, int fd, const void *bytes, size_t length, int flags);
ssize_t stream_sendto(void *u, int fd, const void *bytes, size_t length, int flags,
                      const struct sockaddr *to, socklen_t to_length);
ssize_t stream_sendmsg(void *u, int fd, const struct msghdr *message, int flags);
int stream_shutdown(void *u, int fd, int how);
int stream_splice(void *u, int from, loff_t *from_at, int to, loff_t *to_at, size_t length,
                  unsigned flags);
void stream_own(struct socket *s, struct flow *f); /* the socket has a flow from now on */

int option_get(void *u, int fd, int level, int name, void *value, socklen_t *length);
int option_set(void *u, int fd, int level, int name, const void *value, socklen_t length);
int option_fcntl(void *u, int fd, int command, ...);
int option_ioctl(void *u, int fd, unsigned long request, ...);
void option_inherit(struct socket *child, const struct socket *listener);
void option_apply(struct socket *s); /* to its flow */

/* TCP_INFO and single facts of it; zeros without a connection. */
int info_fill(const struct socket *s, void *value, socklen_t *length);
uint32_t info_mss(const struct socket *s);
uint32_t info_path_mtu(const struct socket *s);
uint32_t info_readable(const struct socket *s);
uint64_t info_unsent(const struct socket *s);

int poll_poll(void *u, struct pollfd *fds, nfds_t count, int timeout);
int poll_epoll_create(void *u, int size);
int poll_epoll_ctl(void *u, int epoll, int operation, int fd, struct epoll_event *event);
int poll_epoll_wait(void *u, int epoll, struct epoll_event *events, int max, int timeout);
int poll_pipe(void *u, int ends[2]);
bool poll_close(int fd); /* whether it was an epoll's */
void poll_forget(int fd);

#endif
