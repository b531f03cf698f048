/*
 * tls_handshakes PORT SECONDS full|resumed [CONNECTIONS]: TLS 1.3 handshakes with 127.0.0.1, as many as
 * this core can do; prints how many in how many seconds.
 * tls_handshakes PORT COUNT hold: that many handshakes, then the connections stay idle until standard input
 * ends; prints the count when all stand.
 *
 * A connection shakes hands, says that it has nothing to say, and counts when the server has closed:
 * then both have finished. For resumed ones a first connection asks for a page, to get a ticket.
 *
 * X25519 only. Nobody is verified: that is the client's work, and it would take time from the load.
 * (The server's signature is, since the library has no way to leave that out.)
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#define CONNECTIONS 32
#define EVENTS_MAX  256

enum mode { FULL, RESUMED, HOLD };

struct connection {
    SSL *ssl;
    int fd;
    bool done; /* shook hands */
};

static SSL_CTX *context;
static SSL_SESSION *session;
static struct sockaddr_in server = {.sin_family = AF_INET};
static enum mode mode;
static int poller;
static unsigned long finished, resumed;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int keep_session(SSL *ssl, SSL_SESSION *fresh)
{
    (void)ssl;
    if (session)
        return 0;
    session = fresh;
    return 1;
}

static void open_context(void)
{
    static const int groups[] = {NID_X25519};
    context = SSL_CTX_new(TLS_client_method());
    if (!context || !SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) ||
        !SSL_CTX_set1_groups(context, groups, 1))
        die("context");
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keep_session);
}

/* The end comes by a reset, so that no port is kept waiting. */
static void end(struct connection *c)
{
    const struct linger hard = {.l_onoff = 1};
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    SSL_free(c->ssl);
    close(c->fd);
}

static void begin(struct connection *c)
{
    int on = 1;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&server, sizeof server) != 0)
        die("connect");
    if (setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        die("TCP_NODELAY");
    c->done = false;
    c->ssl = SSL_new(context);
    if (!c->ssl || !SSL_set_fd(c->ssl, c->fd) || !SSL_set_tlsext_host_name(c->ssl, "localhost"))
        die("connection");
    if (mode == RESUMED && session)
        SSL_set_session(c->ssl, session);
    SSL_set_connect_state(c->ssl);
}

static void get_ticket(void)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    struct connection c;
    char answer[4096];
    begin(&c);
    if (SSL_do_handshake(c.ssl) != 1 || SSL_write(c.ssl, request, sizeof request - 1) <= 0)
        die("a first request");
    while (SSL_read(c.ssl, answer, sizeof answer) > 0)
        continue;
    end(&c);
    if (!session) {
        fprintf(stderr, "tls_handshakes: the server gives no tickets\n");
        exit(1);
    }
}

/* Goes on with the handshake; behind it, waits for the server's end. True: all is done. */
static bool shake(struct connection *c)
{
    uint8_t byte;
    if (c->done) {
        int got = SSL_read(c->ssl, &byte, 1);
        return got > 0 || SSL_get_error(c->ssl, got) != SSL_ERROR_WANT_READ;
    }
    int got = SSL_do_handshake(c->ssl);
    if (got == 1) {
        c->done = true;
        resumed += (unsigned)SSL_session_reused(c->ssl);
        if (mode != HOLD)
            SSL_shutdown(c->ssl);
        return mode == HOLD;
    }
    int why = SSL_get_error(c->ssl, got);
    if (why != SSL_ERROR_WANT_READ) {
        fprintf(stderr, "tls_handshakes: a handshake failed (%d)\n", why);
        exit(1);
    }
    return false;
}

/* The hello goes out; the rest when there is an answer, unless that was here at once. */
static bool begin_polled(struct connection *c)
{
    begin(c);
    if (fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0)
        die("O_NONBLOCK");
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &e) != 0)
        die("epoll");
    return shake(c);
}

static void load(double seconds, unsigned long count)
{
    struct epoll_event events[EVENTS_MAX];
    struct connection *all = calloc(count, sizeof *all);
    if (!all)
        die("memory");
    if (mode == RESUMED)
        get_ticket();
    double began = now(), until = began + seconds;
    for (unsigned long i = 0; i < count; i++)
        begin_polled(&all[i]);
    while (now() < until) {
        int n = epoll_wait(poller, events, EVENTS_MAX, 1000);
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (!shake(c))
                continue;
            finished++;
            end(c);
            begin_polled(c);
        }
    }
    printf("handshakes %lu resumed %lu seconds %.3f\n", finished, resumed, now() - began);
}

static void hold(unsigned long count)
{
    struct connection *all = calloc(count, sizeof *all);
    char rest[64];
    if (!all)
        die("memory");
    for (unsigned long i = 0; i < count; i++) {
        struct epoll_event e;
        bool stands = begin_polled(&all[i]);
        while (!stands) {
            if (epoll_wait(poller, &e, 1, 10000) != 1)
                die("no answer");
            stands = shake(e.data.ptr);
        }
        epoll_ctl(poller, EPOLL_CTL_DEL, all[i].fd, NULL);
    }
    printf("handshakes %lu\n", count);
    fflush(stdout);
    while (read(STDIN_FILENO, rest, sizeof rest) > 0)
        continue;
    for (unsigned long i = 0; i < count; i++)
        end(&all[i]);
}

int main(int argc, char **argv)
{
    struct rlimit l;
    if (argc < 4 || argc > 5) {
        fprintf(stderr, "usage: tls_handshakes PORT SECONDS full|resumed [CONNECTIONS]\n"
                        "       tls_handshakes PORT COUNT hold\n");
        return 2;
    }
    mode = strcmp(argv[3], "hold") == 0 ? HOLD : strcmp(argv[3], "resumed") == 0 ? RESUMED : FULL;
    server.sin_port = htons((uint16_t)atoi(argv[1]));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
        l.rlim_cur = l.rlim_max;
        setrlimit(RLIMIT_NOFILE, &l);
    }
    poller = epoll_create1(0);
    open_context();
    if (mode == HOLD)
        hold(strtoul(argv[2], NULL, 10));
    else
        load(atof(argv[2]), argc == 5 ? strtoul(argv[4], NULL, 10) : CONNECTIONS);
    return 0;
}
