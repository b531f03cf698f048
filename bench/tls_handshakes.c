/*
 * tls_handshakes PORT SECONDS full|resumed [CONNECTIONS]: TLS 1.3 handshakes with 127.0.0.1, as many as
 * this core can do; prints how many in how many seconds.
 * tls_handshakes PORT COUNT hold: that many handshakes, then the connections stay idle until standard input
 * ends; prints the count when all stand.
 *
 * A connection shakes hands, says that it has nothing to say, and counts when the server has closed:
 * then both have finished. For resumed ones a first connection asks for a page, to get a ticket.
 *
 * X25519 only. It has to be quicker than the server: neither certificate nor signature is looked at,
 * and the host is asked for no more than one call for each flight that comes or goes.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#define CONNECTIONS 32
#define EVENTS_MAX  256
#define PIECE_MAX   (64 * 1024)

enum mode { FULL, RESUMED, HOLD };

struct connection {
    SSL *ssl;
    int fd;
    bool done; /* shook hands */
    bool over; /* the server has closed */
};

static SSL_CTX *context;
static BIO_METHOD *method;
static SSL_SESSION *session;
static struct sockaddr_in server = {.sin_family = AF_INET};
static enum mode mode;
static int poller;
static unsigned long finished, resumed;

/* What was received and not yet taken, and what is to be sent, of the connection that is at work. */
static char in[PIECE_MAX], out[PIECE_MAX];
static size_t in_at, in_len, out_len;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* --- between libssl and the socket --- */

static int take(BIO *bio, char *into, int size)
{
    size_t n = in_len - in_at < (size_t)size ? in_len - in_at : (size_t)size;
    BIO_clear_retry_flags(bio);
    if (n == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(into, in + in_at, n);
    in_at += n;
    return (int)n;
}

static int put(BIO *bio, const char *from, int size)
{
    (void)bio;
    if ((size_t)size > sizeof out - out_len)
        die("too much to send");
    memcpy(out + out_len, from, (size_t)size);
    out_len += (size_t)size;
    return size;
}

static long control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static void receive(struct connection *c, int flags)
{
    ssize_t n = recv(c->fd, in, sizeof in, flags);
    in_at = 0;
    in_len = n > 0 ? (size_t)n : 0;
    c->over = n == 0 || (n < 0 && errno != EAGAIN);
}

static void flush(struct connection *c)
{
    if (out_len && send(c->fd, out, out_len, MSG_NOSIGNAL) != (ssize_t)out_len)
        c->over = true;
    out_len = 0;
}

/* --- a connection --- */

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

/* The library has no way to leave this out; the linker has (--wrap, mk/tests.mk). */
int __wrap_EVP_DigestVerify(void *digest, const void *signature, size_t signature_len,
                            const void *message, size_t message_len);
int __wrap_EVP_DigestVerify(void *digest, const void *signature, size_t signature_len,
                            const void *message, size_t message_len)
{
    (void)digest, (void)signature, (void)signature_len, (void)message, (void)message_len;
    return 1;
}

static enum ssl_verify_result_t take_all(SSL *ssl, uint8_t *alert)
{
    (void)ssl;
    (void)alert;
    return ssl_verify_ok;
}

static void open_context(void)
{
    static const int groups[] = {NID_X25519};
    context = SSL_CTX_new(TLS_with_buffers_method());
    method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "socket");
    if (!context || !method || !SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) ||
        !SSL_CTX_set1_groups(context, groups, 1) || !BIO_meth_set_read(method, take) ||
        !BIO_meth_set_write(method, put) || !BIO_meth_set_ctrl(method, control))
        die("context");
    SSL_CTX_set_custom_verify(context, SSL_VERIFY_PEER, take_all);
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

/* The hello goes out. */
static void begin(struct connection *c)
{
    BIO *bio = BIO_new(method);
    *c = (struct connection){.ssl = SSL_new(context), .fd = socket(AF_INET, SOCK_STREAM, 0)};
    if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&server, sizeof server) != 0)
        die("connect");
    if (!c->ssl || !bio || !SSL_set_tlsext_host_name(c->ssl, "localhost"))
        die("connection");
    BIO_set_init(bio, 1);
    SSL_set_bio(c->ssl, bio, bio);
    if (mode == RESUMED && session)
        SSL_set_session(c->ssl, session);
    SSL_set_connect_state(c->ssl);
    in_at = in_len = 0;
    SSL_do_handshake(c->ssl);
    flush(c);
}

static void fail(const struct connection *c, int result)
{
    fprintf(stderr, "tls_handshakes: a handshake failed (%d)\n", SSL_get_error(c->ssl, result));
    ERR_print_errors_fp(stderr);
    exit(1);
}

/* Goes on with the handshake; behind it, waits for the server's end. True: all is done. */
static bool shake(struct connection *c)
{
    uint8_t byte;
    receive(c, MSG_DONTWAIT);
    if (c->done) {
        int got = c->over ? 0 : SSL_read(c->ssl, &byte, 1);
        return got > 0 || c->over || SSL_get_error(c->ssl, got) != SSL_ERROR_WANT_READ;
    }
    int got = SSL_do_handshake(c->ssl);
    if (got != 1 && (c->over || SSL_get_error(c->ssl, got) != SSL_ERROR_WANT_READ))
        fail(c, got);
    c->done = got == 1;
    if (c->done) {
        resumed += (unsigned)SSL_session_reused(c->ssl);
        if (mode != HOLD)
            SSL_shutdown(c->ssl);
    }
    flush(c);
    return c->done && mode == HOLD;
}

static void get_ticket(void)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    struct connection c;
    char answer[4096];
    for (begin(&c); SSL_do_handshake(c.ssl) != 1; receive(&c, 0))
        if (c.over)
            fail(&c, 0);
    SSL_write(c.ssl, request, sizeof request - 1);
    for (flush(&c); !c.over && !session; receive(&c, 0))
        while (SSL_read(c.ssl, answer, sizeof answer) > 0)
            continue;
    end(&c);
    if (!session) {
        fprintf(stderr, "tls_handshakes: the server gives no tickets\n");
        exit(1);
    }
}

static void begin_polled(struct connection *c)
{
    begin(c);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &e) != 0)
        die("epoll");
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
        begin_polled(&all[i]);
        do {
            if (epoll_wait(poller, &e, 1, 10000) != 1)
                die("no answer");
        } while (!shake(e.data.ptr));
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
