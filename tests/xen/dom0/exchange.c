/*
 * exchange HOST PORT [MOST]: sends its input over TCP, then says that this was all; what comes is its output,
 * to the end or MOST bytes. Without an input (<&-) it only listens. Many bytes at a time: to dom0, which is
 * emulated, a system call is dear, and busybox's nc makes thousands of them.
 */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROOM (1u << 18)

static char sending[ROOM], coming[ROOM];

static int reach(const char *host, const char *port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (s < 0 || inet_pton(AF_INET, host, &to.sin_addr) != 1 ||
        connect(s, (struct sockaddr *)&to, sizeof to))
        err(1, "%s port %s", host, port);
    return s;
}

static ssize_t have, sent; /* of what is to be sent */

/* False: the input has ended, and the other side was told. */
static bool read_some(int s)
{
    sent = 0;
    have = read(STDIN_FILENO, sending, sizeof sending);
    if (have < 0)
        err(1, "reading");
    if (have == 0)
        shutdown(s, SHUT_WR);
    return have > 0;
}

static void send_some(int s)
{
    ssize_t n = send(s, sending + sent, (size_t)(have - sent), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0)
        err(1, "sending");
    sent += n;
}

static void pass_on(ssize_t len)
{
    for (ssize_t n, at = 0; at < len; at += n)
        if ((n = write(STDOUT_FILENO, coming + at, (size_t)(len - at))) < 0)
            err(1, "writing");
}

enum { OTHER, INPUT };

int main(int argc, char **argv)
{
    if (argc < 3)
        errx(2, "usage: exchange HOST PORT [MOST]");
    size_t left = argc > 3 ? strtoul(argv[3], NULL, 10) : SIZE_MAX;
    bool open = fcntl(STDIN_FILENO, F_GETFD) >= 0;
    struct pollfd p[2] = {[OTHER] = {.fd = reach(argv[1], argv[2])}, [INPUT] = {.events = POLLIN}};
    while (left) {
        bool idle = sent == have;
        p[OTHER].events = idle ? POLLIN : POLLIN | POLLOUT;
        p[INPUT].fd = open && idle ? STDIN_FILENO : -1;
        if (poll(p, 2, -1) < 0)
            err(1, "waiting");
        if (p[INPUT].revents)
            open = read_some(p[OTHER].fd);
        if (p[OTHER].revents & POLLOUT)
            send_some(p[OTHER].fd);
        if (!(p[OTHER].revents & ~POLLOUT))
            continue;
        ssize_t n = recv(p[OTHER].fd, coming, left < sizeof coming ? left : sizeof coming, 0);
        if (n < 0)
            err(1, "receiving");
        if (n == 0)
            return 0;
        pass_on(n);
        left -= (size_t)n;
    }
}
