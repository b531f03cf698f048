/*
 * first_answer ADDRESS PATH SECONDS: asks for it by HTTP until the first answer 200, and prints how many
 * milliseconds that took. A new connection begins every fifty milliseconds, for the first one's SYN may be
 * lost. Runs in a machine that has nothing: linked statically.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TRIES   40 /* connections at a time */
#define STEP_MS 50
#define REQUEST "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
#define ANSWER  "HTTP/1.1 200 "

static struct pollfd tries[TRIES];
static char request[256];

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void begin(struct pollfd *t, const struct sockaddr_in *to)
{
    if (t->fd >= 0)
        close(t->fd);
    t->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    t->events = POLLOUT;
    connect(t->fd, (const struct sockaddr *)to, sizeof *to);
}

/* Asks where a connection stands, and reads where one has been asked. Whoever says something else, that
 * it is not ready for example, is asked again by another connection. */
static int answered(struct pollfd *t)
{
    char said[sizeof ANSWER] = "";
    if (t->revents & POLLOUT) {
        if (send(t->fd, request, strlen(request), MSG_NOSIGNAL) == (ssize_t)strlen(request))
            t->events = POLLIN;
    } else if (t->revents & POLLIN) {
        if (read(t->fd, said, sizeof said - 1) == sizeof said - 1 && strcmp(said, ANSWER) == 0)
            return 1;
        close(t->fd);
        *t = (struct pollfd){.fd = -1};
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(80)};
    if (argc != 4 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
        return 2;
    double began = now_ms(), end = began + atof(argv[3]) * 1e3;
    snprintf(request, sizeof request, REQUEST, argv[2]);
    for (size_t i = 0; i < TRIES; i++)
        tries[i].fd = -1;
    for (size_t n = 0; now_ms() < end; n++) {
        struct pollfd *oldest = &tries[n % TRIES];
        if (oldest->events != POLLIN || oldest->revents & (POLLERR | POLLHUP))
            begin(oldest, &to);
        poll(tries, TRIES, 0);
        for (size_t i = 0; i < TRIES; i++) {
            if (tries[i].fd >= 0 && answered(&tries[i])) {
                printf("%.0f\n", now_ms() - began);
                return 0;
            }
        }
        usleep(STEP_MS * 1000);
    }
    fprintf(stderr, "no answer from %s\n", argv[1]);
    return 1;
}
