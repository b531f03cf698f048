/* The flows of a process: the host's sockets, over loopback; IPv4, and IPv6 where there is any. */
#define PLACE_MANY 2000u
#include "tests/platform/flow_conformance.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/process/stack.h"

static bool use_v6;
static struct process_stack_counters before;

static struct stack *place_server(void)
{
    return process_stack();
}

static struct stack *place_client(void)
{
    return process_stack();
}

static struct address place_address(void)
{
    return use_v6 ? (struct address){{[15] = 1}} : address_v4(127, 0, 0, 1);
}

static uint16_t place_port(const struct listener *l)
{
    return process_listener_port(l);
}

static bool place_run(bool (*done)(void *arg), void *arg)
{
    uint64_t deadline = clock_monotonic() + 20 * CLOCK_SEC;
    while (!done(arg)) {
        if (clock_monotonic() > deadline)
            return false;
        loop_round(clock_monotonic() + 20 * CLOCK_MS);
    }
    return true;
}

static void place_settle(void)
{
    uint64_t until = clock_monotonic() + 30 * CLOCK_MS;
    while (clock_monotonic() < until)
        loop_round(until);
}

static int setup(void **state)
{
    (void)state;
    before = process_stack_counters();
    return 0;
}

static bool all_gone(void *arg)
{
    (void)arg;
    return process_stack_counters().open == before.open;
}

static int teardown(void **state)
{
    (void)state;
    bool gone = place_run(all_gone, NULL);
    struct process_stack_counters now = process_stack_counters();
    return gone && now.segments == before.segments && loop_timers() == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {FLOW_CONFORMANCE_TESTS(setup, teardown)};
    struct rlimit l;
    getrlimit(RLIMIT_NOFILE, &l);
    l.rlim_cur = l.rlim_max;
    setrlimit(RLIMIT_NOFILE, &l);
    int failed = _cmocka_run_group_tests("flow, process, IPv4", tests, sizeof tests / sizeof *tests,
                                         NULL, NULL);
    use_v6 = true;
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    const struct sockaddr_in6 loopback = {.sin6_family = AF_INET6,
                                          .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&loopback, sizeof loopback) == 0)
        failed += _cmocka_run_group_tests("flow, process, IPv6", tests,
                                          sizeof tests / sizeof *tests, NULL, NULL);
    close(fd);
    return failed;
}
