/*
 * Load of TLS handshakes: `tls_load PORT full|resumed|tls12 SECONDS CONNECTIONS` connects to the port
 * on this machine again and again, that many at once, each to the end of the handshake and one byte of
 * answer to a small request, and prints how many were finished per second.
 *
 * `tls_load PORT idle 0 COUNT` opens so many and keeps them, says so, and waits to be ended.
 *
 * libssl itself, without certificates being looked at: what is measured is the other side.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct connection {
    SSL *ssl;
    int fd;
    bool asked;
};

static SSL_CTX *context;
static SSL_SESSION *ticket;
static bool resume, idle;
static int poller;
static struct sockaddr_in server;
static unsigned long finished, resumed, failed;

static enum ssl_verify_result_t take_all(SSL *ssl, uint8_t *alert)
{
    (void)ssl;
    (void)alert;
    return ssl_verify_ok;
}

static int keep_ticket(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    if (!resume || ticket)
        return 0;
    ticket = session;
    return 1;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void begin(struct connection *c)
{
    const int on = 1;
    const struct linger none = {1, 0}; /* ports are used up otherwise */
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0)
        die("socket");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    if (connect(c->fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS)
        die("connect");
    c->ssl = SSL_new(context);
    c->asked = false;
    SSL_set_fd(c->ssl, c->fd);
    if (resume && ticket)
        SSL_set_session(c->ssl, ticket);
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &e);
}

static void end(struct connection *c, bool ok)
{
    finished += ok;
    failed += !ok;
    resumed += ok && SSL_session_reused(c->ssl);
    if (idle)
        return;
    SSL_free(c->ssl);
    close(c->fd);
    begin(c);
}

/* True: it waits. */
static bool waits(struct connection *c, int result)
{
    int why = SSL_get_error(c->ssl, result);
    ERR_clear_error();
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
        return true;
    end(c, false);
    return false;
}

static void advance(struct connection *c)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    char answer[4096];
    if (!c->asked) {
        int r = SSL_connect(c->ssl);
        if (r <= 0) {
            waits(c, r);
            return;
        }
        c->asked = true;
        SSL_write(c->ssl, request, sizeof request - 1);
    }
    int n = SSL_read(c->ssl, answer, sizeof answer);
    if (n > 0)
        end(c, true);
    else
        waits(c, n);
}

static void run(double until, unsigned long target)
{
    struct epoll_event events[64];
    while (now() < until && finished < target) {
        int n = epoll_wait(poller, events, 64, 100);
        for (int i = 0; i < n; i++)
            advance(events[i].data.ptr);
    }
}

static void set_up(const char *mode, uint16_t port)
{
    const uint16_t scheme = SSL_SIGN_ECDSA_SECP256R1_SHA256;
    server = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    resume = strcmp(mode, "resumed") == 0;
    idle = strcmp(mode, "idle") == 0;
    context = SSL_CTX_new(TLS_with_buffers_method());
    SSL_CTX_set_custom_verify(context, SSL_VERIFY_PEER, take_all);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keep_ticket);
    SSL_CTX_set1_groups_list(context, "X25519:P-256");
    SSL_CTX_set_verify_algorithm_prefs(context, &scheme, 1);
    if (strcmp(mode, "tls12") == 0)
        SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    poller = epoll_create1(0);
    struct rlimit l;
    getrlimit(RLIMIT_NOFILE, &l);
    l.rlim_cur = l.rlim_max;
    setrlimit(RLIMIT_NOFILE, &l);
}

static void keep(unsigned long count, struct connection *all)
{
    for (unsigned long i = 0; i < count; i++) {
        begin(&all[i]);
        run(now() + 10, i + 1);
    }
    printf("%lu idle\n", finished);
    fflush(stdout);
    pause();
}

int main(int count, char **arguments)
{
    if (count != 5) {
        fprintf(stderr, "usage: tls_load PORT full|resumed|tls12|idle SECONDS CONNECTIONS\n");
        return 2;
    }
    double seconds = atof(arguments[3]);
    unsigned long many = strtoul(arguments[4], NULL, 10);
    struct connection *all = calloc(many, sizeof *all);
    if (!all)
        die("connections");
    set_up(arguments[2], (uint16_t)atoi(arguments[1]));
    if (idle)
        keep(many, all);
    if (resume) { /* the first one brings the ticket */
        begin(&all[0]);
        run(now() + 10, 1);
        finished = resumed = 0;
    }
    for (unsigned long i = resume ? 1 : 0; i < many; i++)
        begin(&all[i]);
    double start = now();
    run(start + seconds, ~0ul);
    printf("%.0f handshakes/s, %lu of %lu resumed, %lu failed\n",
           (double)finished / (now() - start), resumed, finished, failed);
    return failed > finished / 100;
}
