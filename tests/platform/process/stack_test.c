/* What only sockets do: half-closed peers, descriptors that run out, peers that do not read, names
 * that take long. The other side is the host's own sockets, used plainly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/process/flow.h"
#include "platform/process/stack.h"
#include "runtime/loop.h"
#include "signatures/clock.h"
#include "signatures/memory.h"

/* --- a server whose flows do as a test says --- */

struct owner {
    struct flow *flow;
    size_t received;
    bool eof;
    enum err ended;
};

static struct listener *listener;
static struct owner owners[64];
static size_t accepted;
static struct process_stack_counters before;

static void on_data(void *owner, struct slice bytes)
{
    struct owner *o = owner;
    o->received += bytes.len;
}

static void on_eof(void *owner)
{
    ((struct owner *)owner)->eof = true;
}

static void on_room(void *owner)
{
    (void)owner;
}

static void on_end(void *owner, enum err why)
{
    ((struct owner *)owner)->ended = why;
}

static const struct flow_events events = {on_data, on_eof, on_room, on_end};

static void on_accept(void *arg, struct flow *f)
{
    (void)arg;
    struct owner *o = &owners[accepted++];
    *o = (struct owner){.flow = f};
    flow_own(f, &events, o);
}

static void spin(unsigned ms)
{
    uint64_t until = clock_monotonic() + ms * CLOCK_MS;
    do
        loop_round(until);
    while (clock_monotonic() < until);
}

static int setup(void **state)
{
    (void)state;
    struct endpoint local = {.address = address_v4(127, 0, 0, 1)};
    accepted = 0;
    before = process_stack_counters();
    return stack_listen(process_stack(), local, on_accept, NULL, &listener) == OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    stack_unlisten(process_stack(), listener);
    for (size_t i = 0; i < accepted; i++)
        if (owners[i].flow)
            flow_close(owners[i].flow);
    for (int i = 0; i < 200 && process_stack_counters().open; i++)
        spin(10);
    socket_patience =
        (struct socket_patience){FLOW_CLOSE_NS, FLOW_DRAIN_NS, CONNECT_NS, RESOLVE_NS};
    process_stack_limit(FLOWS_MAX);
    spin(5);
    struct process_stack_counters now = process_stack_counters();
    return now.open == 0 && now.segments == 0 && loop_timers() == 0 ? 0 : -1;
}

static struct sockaddr_in server_address(void)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons(process_listener_port(listener)),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int plain_connect(void)
{
    struct sockaddr_in a = server_address();
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct timeval patience = {.tv_sec = 5};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

/* --- the tests --- */

static void test_half_closed_peer_is_answered(void **state)
{
    (void)state;
    char answer[8] = "";
    int fd = plain_connect();
    assert_int_equal(write(fd, "ask", 3), 3);
    shutdown(fd, SHUT_WR);
    spin(20);
    assert_true(owners[0].eof && owners[0].received == 3 && !owners[0].ended);
    assert_int_equal(flow_write(owners[0].flow, SLICE("answer")), OK);
    flow_close(owners[0].flow);
    owners[0].flow = NULL;
    spin(20);
    assert_int_equal(read(fd, answer, sizeof answer), 6);
    assert_int_equal(read(fd, answer, sizeof answer), 0);
    close(fd);
    assert_int_equal(process_stack_counters().open, 0);
}

/* One system call for what was written in pieces: the reader sees them together. */
static void test_writes_are_gathered(void **state)
{
    (void)state;
    char answer[64];
    int fd = plain_connect();
    spin(10);
    for (int i = 0; i < 5; i++) {
        flow_write(owners[0].flow, SLICE("abc"));
        flow_lend(owners[0].flow, SLICE("defg"), (struct loan){0});
    }
    spin(10);
    assert_int_equal(read(fd, answer, sizeof answer), 35);
    close(fd);
}

static void test_peer_reset_is_told(void **state)
{
    (void)state;
    const struct linger none = {.l_onoff = 1};
    int fd = plain_connect();
    spin(10);
    flow_pause(owners[0].flow, true); /* also to one that does not read */
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close(fd);
    spin(10);
    assert_int_equal(owners[0].ended, ERR_RESET);
    assert_int_equal(flow_write(owners[0].flow, SLICE("x")), ERR_RESET);
}

static void test_limit_sheds_the_newest(void **state)
{
    (void)state;
    char c;
    int fds[5];
    process_stack_limit(3);
    for (int i = 0; i < 5; i++)
        fds[i] = plain_connect();
    spin(20);
    assert_int_equal(accepted, 3);
    assert_int_equal(process_stack_counters().refused - before.refused, 2);
    for (int i = 3; i < 5; i++) {
        assert_int_equal(read(fds[i], &c, 1), -1);
        assert_int_equal(errno, ECONNRESET);
    }
    assert_int_equal(write(fds[0], "x", 1), 1); /* those who are in go on */
    spin(10);
    assert_int_equal(owners[0].received, 1);
    flow_close(owners[2].flow);
    owners[2].flow = NULL;
    spin(10);
    int late = plain_connect(); /* and who left made room */
    spin(10);
    assert_int_equal(accepted, 4);
    close(late);
    for (int i = 0; i < 5; i++)
        close(fds[i]);
}

static void test_out_of_descriptors(void **state)
{
    (void)state;
    char c;
    static int fillers[4096];
    struct rlimit was, low;
    int count = 0;
    int fds[3];
    for (int i = 0; i < 3; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(fds[i] >= 0);
    }
    getrlimit(RLIMIT_NOFILE, &was);
    low = was;
    low.rlim_cur = 256;
    setrlimit(RLIMIT_NOFILE, &low);
    while (count < 4096 && (fillers[count] = dup(0)) >= 0)
        count++;
    assert_int_equal(errno, EMFILE);
    struct sockaddr_in a = server_address();
    for (int i = 0; i < 3; i++)
        assert_int_equal(connect(fds[i], (struct sockaddr *)&a, sizeof a), 0);
    spin(20);
    assert_int_equal(accepted, 0);
    assert_int_equal(process_stack_counters().refused - before.refused, 3);
    for (int i = 0; i < 3; i++) { /* nobody is left hanging */
        assert_int_equal(read(fds[i], &c, 1), -1);
        assert_int_equal(errno, ECONNRESET);
        close(fds[i]);
    }
    while (count > 0)
        close(fillers[--count]);
    setrlimit(RLIMIT_NOFILE, &was);
    int fd = plain_connect();
    spin(10);
    assert_int_equal(accepted, 1);
    close(fd);
}

/* When not even the reserve is to be had: the loop does not spin, and it goes on afterwards. */
static void test_nothing_can_be_accepted(void **state)
{
    (void)state;
    struct rlimit was, none;
    struct sockaddr_in a = server_address();
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    getrlimit(RLIMIT_NOFILE, &was);
    none = was;
    none.rlim_cur = 0; /* what is open stays open */
    setrlimit(RLIMIT_NOFILE, &none);
    connect(fd, (struct sockaddr *)&a, sizeof a);
    unsigned rounds = 0;
    for (uint64_t until = clock_monotonic() + 120 * CLOCK_MS; clock_monotonic() < until; rounds++)
        loop_round(until);
    setrlimit(RLIMIT_NOFILE, &was);
    assert_true(rounds < 20);
    assert_int_equal(accepted, 0);
    spin(100);
    assert_int_equal(accepted, 1);
    close(fd);
}

/* A closed flow whose peer reads nothing is cut off in the end. */
static void test_closing_is_bounded(void **state)
{
    (void)state;
    static const uint8_t block[64 * 1024];
    int small = 4096, fd = plain_connect();
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    spin(10);
    for (int i = 0; i < 1000; i++) {
        flow_lend(owners[0].flow, slice_of(block, sizeof block), (struct loan){0});
        if (i % 16 == 0)
            spin(1);
    }
    assert_true(process_stack_counters().segments > 0);
    socket_patience.close = 100 * CLOCK_MS;
    flow_close(owners[0].flow);
    owners[0].flow = NULL;
    spin(50);
    assert_int_equal(process_stack_counters().open, 1);
    spin(100);
    assert_int_equal(process_stack_counters().open, 0);
    assert_int_equal(process_stack_counters().closing_cut - before.closing_cut, 1);
    close(fd);
}

/* But not one that reads slowly. */
static void test_closing_waits_for_slow_reader(void **state)
{
    (void)state;
    static uint8_t block[64 * 1024];
    size_t total = 0, lent = 0;
    int fd = plain_connect();
    spin(10);
    while (flow_lend(owners[0].flow, slice_of(block, sizeof block), (struct loan){0}) == OK) {
        lent += sizeof block;
        spin(1);
    }
    socket_patience.close = 60 * CLOCK_MS;
    flow_close(owners[0].flow);
    owners[0].flow = NULL;
    for (unsigned rest = 0;;) {
        ssize_t n = recv(fd, block, sizeof block, MSG_DONTWAIT);
        if (n == 0)
            break;
        assert_true(n > 0 || errno == EAGAIN);
        total += n > 0 ? (size_t)n : 0;
        if (n < 0 || ++rest % 8 == 0) /* half a megabyte, then a break of a third of the patience */
            spin(20);
    }
    assert_int_equal(total, lent);
    close(fd);
}

/* Who goes on sending to a flow that was closed gets what was sent, then the end, then is cut. */
static void test_draining_is_bounded(void **state)
{
    (void)state;
    char answer[16];
    static const uint8_t block[64 * 1024];
    int fd = plain_connect();
    fcntl(fd, F_SETFL, O_NONBLOCK);
    spin(10);
    flow_pause(owners[0].flow, true);
    flow_write(owners[0].flow, SLICE("too much"));
    socket_patience.drain = 100 * CLOCK_MS;
    flow_close(owners[0].flow);
    owners[0].flow = NULL;
    spin(20);
    assert_int_equal(process_stack_counters().open, 1);
    assert_true(write(fd, block, sizeof block) > 0);
    spin(20);
    assert_int_equal(read(fd, answer, sizeof answer), 8);
    assert_int_equal(read(fd, answer, sizeof answer), 0);
    spin(100);
    assert_int_equal(process_stack_counters().open, 0); /* patience is over */
    close(fd);

    fd = plain_connect(); /* the same with more than we care to discard */
    fcntl(fd, F_SETFL, O_NONBLOCK);
    spin(10);
    flow_pause(owners[1].flow, true);
    socket_patience.drain = 10 * CLOCK_SEC;
    flow_close(owners[1].flow);
    owners[1].flow = NULL;
    size_t sent = 0;
    while (process_stack_counters().open && sent < 4 * FLOW_DRAIN_MAX) {
        ssize_t n = write(fd, block, sizeof block);
        sent += n > 0 ? (size_t)n : 0;
        loop_round(clock_monotonic() + CLOCK_MS);
    }
    assert_int_equal(process_stack_counters().open, 0);
    close(fd);
}

/* --- connecting --- */

struct answer {
    unsigned count;
    enum err why;
};

static void on_connect(void *owner, enum err why, struct flow *f)
{
    struct answer *a = owner;
    a->count++;
    a->why = why;
    if (f)
        flow_abort(f);
}

/* A listener whose queue is full does not answer. */
static void test_connect_times_out(void **state)
{
    (void)state;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fillers[8];
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 0), 0);
    getsockname(fd, (struct sockaddr *)&a, &len);
    for (int i = 0; i < 8; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        connect(fillers[i], (struct sockaddr *)&a, sizeof a);
    }
    struct answer answer = {0};
    struct connect *c;
    struct endpoint remote = {.address = address_v4(127, 0, 0, 1), .port = ntohs(a.sin_port)};
    socket_patience.connect = 50 * CLOCK_MS;
    assert_int_equal(stack_connect(process_stack(), remote, on_connect, &answer, &c), OK);
    spin(30);
    assert_int_equal(answer.count, 0);
    spin(50);
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.why, ERR_TIMEOUT);
    for (int i = 0; i < 8; i++)
        close(fillers[i]);
    close(fd);
}

static void test_connect_failures_come_later(void **state)
{
    (void)state;
    struct answer answer = {0};
    struct connect *c;
    struct endpoint remote = {.port = 1};
    assert_true(address_parse(SLICE("fe80::1"), &remote.address)); /* link-local, without a zone */
    assert_int_equal(stack_connect(process_stack(), remote, on_connect, &answer, &c), OK);
    assert_int_equal(answer.count, 0);
    spin(20);
    assert_int_equal(answer.count, 1);
    assert_int_not_equal(answer.why, OK);
}

static void test_connects_are_bounded(void **state)
{
    (void)state;
    static struct connect *connects[CONNECTS_MAX];
    struct answer answer = {0};
    struct connect *one_more;
    struct endpoint remote = {.address = address_v4(127, 0, 0, 1)};
    remote.port = process_listener_port(listener);
    unsigned n = 0;
    while (n < CONNECTS_MAX &&
           stack_connect(process_stack(), remote, on_connect, &answer, &connects[n]) == OK)
        n++;
    assert_int_equal(n, CONNECTS_MAX);
    assert_int_equal(stack_connect(process_stack(), remote, on_connect, &answer, &one_more),
                     ERR_FULL);
    for (unsigned i = 0; i < n; i++)
        stack_cancel_connect(process_stack(), connects[i]);
    stack_unlisten(process_stack(), listener); /* those in its queue are reset by this */
    spin(20);
    assert_int_equal(answer.count, 0);
    struct endpoint local = {.address = address_v4(127, 0, 0, 1)};
    assert_int_equal(stack_listen(process_stack(), local, on_accept, NULL, &listener), OK);
}

static void test_listeners_are_bounded(void **state)
{
    (void)state;
    struct listener *list[LISTENERS_MAX];
    struct endpoint local = {.address = address_v4(127, 0, 0, 1)};
    unsigned n = 0;
    while (n < LISTENERS_MAX &&
           stack_listen(process_stack(), local, on_accept, NULL, &list[n]) == OK)
        n++;
    assert_int_equal(n, LISTENERS_MAX - 1); /* one is the tests' own */
    assert_int_equal(stack_listen(process_stack(), local, on_accept, NULL, &list[n]), ERR_FULL);
    while (n > 0)
        stack_unlisten(process_stack(), list[--n]);
    spin(5);
    assert_int_equal(stack_listen(process_stack(), local, on_accept, NULL, &list[0]), OK);
    stack_unlisten(process_stack(), list[0]);
    assert_true(address_parse(SLICE("192.0.2.1"), &local.address)); /* not ours */
    assert_int_equal(stack_listen(process_stack(), local, on_accept, NULL, &list[0]),
                     ERR_UNREACHABLE);
}

/* --- names --- */

static void on_resolve(void *owner, enum err why, const struct address *addresses, size_t count)
{
    struct answer *a = owner;
    (void)addresses;
    (void)count;
    a->count++;
    a->why = why;
}

static bool no_children(void)
{
    return waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD;
}

/* Whatever the host's resolver says (there may be no network): it is said, and the loop went on. */
static void test_resolver_answers_later(void **state)
{
    (void)state;
    struct answer answer = {0};
    struct resolve *r;
    assert_int_equal(
        stack_resolve(process_stack(), SLICE("no-such-name.invalid"), on_resolve, &answer, &r), OK);
    for (int i = 0; i < 1200 && !answer.count; i++)
        spin(10);
    assert_int_equal(answer.count, 1);
    assert_true(answer.why == ERR_NOT_FOUND || answer.why == ERR_UNREACHABLE ||
                answer.why == ERR_TIMEOUT);
    assert_true(no_children());
}

/* What both had open and only we have closed would be held open, and watched, by the one who asks. */
static void test_resolver_holds_nothing_of_ours(void **state)
{
    (void)state;
    struct answer answer = {0};
    for (int i = 0; i < 50; i++) {
        struct resolve *r;
        int ends[2];
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        assert_int_equal(
            stack_resolve(process_stack(), SLICE("x.invalid"), on_resolve, &answer, &r), OK);
        close(ends[1]);
        struct pollfd reader = {.fd = ends[0], .events = POLLIN};
        assert_int_equal(poll(&reader, 1, 0), 1);
        assert_true(reader.revents & POLLHUP);
        close(ends[0]);
        stack_cancel_resolve(process_stack(), r);
        spin(1);
    }
    assert_true(no_children());
}

static void test_resolver_times_out(void **state)
{
    (void)state;
    struct answer answer = {0};
    struct resolve *r;
    socket_patience.resolve = 0;
    assert_int_equal(stack_resolve(process_stack(), SLICE("slow.invalid"), on_resolve, &answer, &r),
                     OK);
    loop_round(0);
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.why, ERR_TIMEOUT);
    assert_true(no_children());
    spin(2);
}

static void test_resolves_are_bounded(void **state)
{
    (void)state;
    struct answer answer = {0};
    struct resolve *list[RESOLVES_MAX], *one_more;
    for (unsigned i = 0; i < RESOLVES_MAX; i++)
        assert_int_equal(
            stack_resolve(process_stack(), SLICE("x.invalid"), on_resolve, &answer, &list[i]), OK);
    assert_int_equal(
        stack_resolve(process_stack(), SLICE("x.invalid"), on_resolve, &answer, &one_more),
        ERR_FULL);
    assert_int_equal(process_stack_counters().resolves_refused - before.resolves_refused, 1);
    for (unsigned i = 0; i < RESOLVES_MAX; i++)
        stack_cancel_resolve(process_stack(), list[i]);
    spin(10);
    assert_int_equal(answer.count, 0);
    assert_true(no_children());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_half_closed_peer_is_answered),
        TEST(test_writes_are_gathered),
        TEST(test_peer_reset_is_told),
        TEST(test_limit_sheds_the_newest),
        TEST(test_out_of_descriptors),
        TEST(test_nothing_can_be_accepted),
        TEST(test_closing_is_bounded),
        TEST(test_closing_waits_for_slow_reader),
        TEST(test_draining_is_bounded),
        TEST(test_connect_times_out),
        TEST(test_connect_failures_come_later),
        TEST(test_connects_are_bounded),
        TEST(test_listeners_are_bounded),
        TEST(test_resolver_answers_later),
        TEST(test_resolver_holds_nothing_of_ours),
        TEST(test_resolver_times_out),
        TEST(test_resolves_are_bounded),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("stack, process", tests, NULL, NULL);
}
