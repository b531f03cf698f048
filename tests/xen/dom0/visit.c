/*
 * visit HOST PORT PATH COUNT ABREAST: asks for a page by HTTP so many times, each time by a connection of its
 * own, which the other side ends; so many of them are open at once. Says each answer's status. With few
 * system calls: they are dear where dom0 is emulated.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ABREAST_MAX 64
#define PATIENCE    10000 /* ms, with each step of a connection */

static char request[1024];

static void await(int s, short event)
{
    struct pollfd p = {.fd = s, .events = event};
    if (poll(&p, 1, PATIENCE) < 1)
        errx(1, "no answer within %d ms", PATIENCE);
}

static int begin(const struct sockaddr_in *to)
{
    int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (s < 0 || (connect(s, (const struct sockaddr *)to, sizeof *to) && errno != EINPROGRESS))
        err(1, "connecting");
    return s;
}

static void ask(int s)
{
    await(s, POLLOUT);
    if (send(s, request, strlen(request), MSG_NOSIGNAL) < 0)
        err(1, "sending");
}

static void hear(int s)
{
    char answer[16384];
    size_t have = 0;
    ssize_t n;
    do {
        await(s, POLLIN);
        n = recv(s, answer + have, sizeof answer - have, 0);
        if (n < 0)
            err(1, "receiving");
        have += (size_t)n;
    } while (n && have < sizeof answer);
    if (n)
        errx(1, "an answer is too long");
    answer[have] = '\0';
    printf("%.*s\n", (int)strcspn(answer, "\r\n"), answer);
    close(s);
}

int main(int argc, char **argv)
{
    if (argc != 6)
        errx(2, "usage: visit HOST PORT PATH COUNT ABREAST");
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2]))};
    int left = atoi(argv[4]), abreast = atoi(argv[5]), s[ABREAST_MAX];
    if (inet_pton(AF_INET, argv[1], &to.sin_addr) != 1 || abreast < 1 || abreast > ABREAST_MAX)
        errx(2, "an address, and 1 to %d abreast", ABREAST_MAX);
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
             argv[3], argv[1]);
    for (; left > 0; left -= abreast) {
        int n = left < abreast ? left : abreast;
        for (int i = 0; i < n; i++)
            s[i] = begin(&to);
        for (int i = 0; i < n; i++)
            ask(s[i]);
        for (int i = 0; i < n; i++)
            hear(s[i]);
    }
}
