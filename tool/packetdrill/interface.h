/*
 * The table of functions that packetdrill calls instead of system calls when it is started with
 * --so_filename: the binary layout is google/packetdrill's, version of 2015 and later. All answer as
 * the system calls of their names do, with errno.
 */
#ifndef TOOL_PACKETDRILL_INTERFACE_H
#define TOOL_PACKETDRILL_INTERFACE_H

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>

struct packetdrill_interface {
    void *userdata; /* handed to each */
    void (*free)(void *userdata);
    int (*socket)(void *userdata, int domain, int type, int protocol);
    int (*bind)(void *userdata, int fd, const struct sockaddr *address, socklen_t length);
    int (*listen)(void *userdata, int fd, int backlog);
    int (*accept)(void *userdata, int fd, struct sockaddr *address, socklen_t *length);
    int (*connect)(void *userdata, int fd, const struct sockaddr *address, socklen_t length);
    ssize_t (*read)(void *userdata, int fd, void *into, size_t count);
    ssize_t (*readv)(void *userdata, int fd, const struct iovec *parts, int count);
    ssize_t (*recv)(void *userdata, int fd, void *into, size_t length, int flags);
    ssize_t (*recvfrom)(void *userdata, int fd, void *into, size_t length, int flags,
                        struct sockaddr *from, socklen_t *from_length);
    ssize_t (*recvmsg)(void *userdata, int fd, struct msghdr *message, int flags);
    ssize_t (*write)(void *userdata, int fd, const void *bytes, size_t count);
    ssize_t (*writev)(void *userdata, int fd, const struct iovec *parts, int count);
    ssize_t (*send)(void *userdata, int fd, const void *bytes, size_t length, int flags);
    ssize_t (*sendto)(void *userdata, int fd, const void *bytes, size_t length, int flags,
                      const struct sockaddr *to, socklen_t to_length);
    ssize_t (*sendmsg)(void *userdata, int fd, const struct msghdr *message, int flags);
    int (*fcntl)(void *userdata, int fd, int command, ...);
    int (*ioctl)(void *userdata, int fd, unsigned long request, ...);
    int (*close)(void *userdata, int fd);
    int (*shutdown)(void *userdata, int fd, int how);
    int (*getsockopt)(void *userdata, int fd, int level, int name, void *value, socklen_t *length);
    int (*setsockopt)(void *userdata, int fd, int level, int name, const void *value,
                      socklen_t length);
    int (*poll)(void *userdata, struct pollfd *fds, nfds_t count, int timeout);
    /* A bare IP packet for the stack. 0, or -1. */
    int (*netdev_send)(void *userdata, const void *packet, size_t length);
    /* The next packet that the stack sends, and when it did: waits for it. *length: the room in
     * `into`; afterwards the packet's length, 0 where none comes. 0, or -1. */
    int (*netdev_receive)(void *userdata, void *into, size_t *length, long long *time_us);
    int (*usleep)(void *userdata, useconds_t us);
    int (*gettimeofday)(void *userdata, struct timeval *time, struct timezone *zone);
    int (*epoll_create)(void *userdata, int size);
    int (*epoll_ctl)(void *userdata, int epoll, int operation, int fd, struct epoll_event *event);
    int (*epoll_wait)(void *userdata, int epoll, struct epoll_event *events, int max, int timeout);
    int (*pipe)(void *userdata, int ends[2]);
    int (*splice)(void *userdata, int from, loff_t *from_at, int to, loff_t *to_at, size_t length,
                  unsigned flags);
};

/* flags: what --so_flags says: "local=ADDRESS" (twice, for both families), separated by commas. */
void packetdrill_interface_init(const char *flags, struct packetdrill_interface *into);

#endif
