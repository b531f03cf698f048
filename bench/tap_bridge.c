/*
 * A cable between two TAPs: `tap_bridge NETNS TAP NETNS TAP` (a namespace is a path below /proc) copies
 * frames from each to the other until its standard input ends. Says "ready".
 *
 * It puts Linux's own TCP behind a TAP, as a virtual machine would: segments of 64 KiB and open
 * checksums pass as they are, each with one read and one write.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FRAME_MAX   (65536 + 256)
#define FRAMES_ONCE 64
#define OFFLOADS    (TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN)

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int open_tap(const char *namespace, const char *name)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
    int space = open(namespace, O_RDONLY | O_CLOEXEC);
    if (space < 0 || setns(space, CLONE_NEWNET) < 0)
        die(namespace);
    close(space);
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0 || ioctl(fd, TUNSETOFFLOAD, OFFLOADS) < 0)
        die(name);
    return fd;
}

static void copy(int from, int to)
{
    static char frame[FRAME_MAX];
    for (int i = 0; i < FRAMES_ONCE; i++) {
        ssize_t n = read(from, frame, sizeof frame);
        if (n <= 0 || (write(to, frame, (size_t)n) < 0 && errno != EAGAIN && errno != EIO))
            return;
    }
}

int main(int count, char **arguments)
{
    if (count != 5) {
        fprintf(stderr, "usage: tap_bridge NETNS TAP NETNS TAP\n");
        return 2;
    }
    int a = open_tap(arguments[1], arguments[2]), b = open_tap(arguments[3], arguments[4]);
    struct pollfd on[3] = {{a, POLLIN, 0}, {b, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    puts("ready");
    fflush(stdout);
    while (poll(on, 3, -1) >= 0 && !on[2].revents) {
        if (on[0].revents)
            copy(a, b);
        if (on[1].revents)
            copy(b, a);
    }
    return 0;
}
