/* Fields that every answer of a service carries: the handler's, and those of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/http/service.h"
#include "platform/sim/client.h"
#include "platform/sim/net.h"
#include "signatures/clock.h"
#include "signatures/memory.h"

static void on_request(void *owner, struct http_exchange *x, const struct http_request *request,
                       struct slice body)
{
    (void)owner, (void)request, (void)body;
    http_answer(x, &(struct http_reply){.status = 200, .fields = SLICE("A: b\r\n")});
}

static void check(const char *request, const char *status)
{
    static const struct http_handler handler = {.on_request = on_request,
                                                .fields = SLICE_INIT("C: d\r\n")};
    struct http_service *service;
    struct endpoint local = {.port = 80};
    sim_reset(1);
    struct sim_net *net = sim_net_open(1);
    struct stack *host = sim_net_host(net, "192.0.2.1");
    struct stack *visitor = sim_net_host(net, "192.0.2.2");
    assert_int_equal(http_service_open(host, local, NULL, &handler, NULL, &service), OK);
    struct sim_client *c = sim_client_open(visitor, "192.0.2.1", 80);
    sim_client_text(c, request);
    sim_run(NULL, NULL, clock_monotonic() + CLOCK_SEC);
    struct slice got = sim_client_received(c);
    assert_true(slice_starts(got, slice_text(status)));
    assert_true(slice_search(got, SLICE("\r\nC: d\r\n")) < got.len);
    sim_client_close(c);
    http_service_close(service, 0, NULL);
    sim_run(NULL, NULL, clock_monotonic() + CLOCK_SEC);
    assert_int_equal(sim_net_close(net), 0);
    assert_int_equal(memory_stats().blocks, 0);
}

static void test_common_fields(void **state)
{
    (void)state;
    check("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\n");
    check("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_common_fields)};
    return cmocka_run_group_tests_name("lib/http/common", tests, NULL, NULL);
}
