/* The service over a simulated network: answers, bodies and their order, in virtual time. */
#include "tests/lib/http/service_place.h"

#define OK_OF(length, body) \
    "HTTP/1.1 200 OK\r\n" DATE "Content-Length: " #length "\r\nX-Test: yes\r\n\r\n" body

/* One request, its answer to the last byte. */
static void check_exactly(const char *request, const char *answer, bool stays)
{
    open_place();
    struct sim_client *c = visit();
    sim_client_text(c, request);
    run_for(CLOCK_MS);
    expect_text(c, answer);
    assert_int_equal(sim_client_over(c), !stays);
    sim_client_close(c);
    close_place();
}

static void test_answers(void **state)
{
    (void)state;
    check_exactly("GET /text HTTP/1.1\r\n" H "\r\n", OK_OF(10, "GET /text:"), true);
    check_exactly("HEAD /text HTTP/1.1\r\n" H "\r\n", OK_OF(11, ""), true);
    check_exactly("GET /text HTTP/1.1\r\n" H "Connection: close\r\n\r\n",
                  "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 10\r\nX-Test: yes\r\n"
                  "Connection: close\r\n\r\nGET /text:",
                  false);
    check_exactly("GET /text HTTP/1.0\r\n\r\n",
                  "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 10\r\nX-Test: yes\r\n"
                  "Connection: close\r\n\r\nGET /text:",
                  false);
    check_exactly("GET /text HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
                  "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 10\r\nX-Test: yes\r\n"
                  "Connection: keep-alive\r\n\r\nGET /text:",
                  true);
    check_exactly("GET /304 HTTP/1.1\r\n" H "\r\n", "HTTP/1.1 304 Not Modified\r\n" DATE "\r\n",
                  true);
    check_exactly("GET /204 HTTP/1.1\r\n" H "\r\n", "HTTP/1.1 204 No Content\r\n" DATE "\r\n",
                  true);
    check_exactly(
        "GET /close HTTP/1.1\r\n" H "\r\n",
        "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 7\r\nConnection: close\r\n\r\nspecial", false);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *in, *line;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"},
        {"\x16\x03\x01\x02", "HTTP/1.1 400 Bad Request\r\n"},
        {"CONNECT a:1 HTTP/1.1\r\n" H "\r\n", "HTTP/1.1 501 Not Implemented\r\n"},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 505 HTTP Version Not Supported\r\n"},
        {"POST / HTTP/1.1\r\n" H "Content-Length: 1001\r\n\r\n",
         "HTTP/1.1 413 Content Too Large\r\n"},
        {"POST / HTTP/1.1\r\n" H "Expect: x\r\n\r\n", "HTTP/1.1 417 Expectation Failed\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_place();
        struct sim_client *c = visit();
        sim_client_text(c, cases[i].in);
        run_for(CLOCK_MS);
        assert_true(slice_starts(sim_client_received(c), slice_text(cases[i].line)));
        assert_true(slice_search(sim_client_received(c), SLICE("\r\nConnection: close\r\n")) <
                    sim_client_received(c).len);
        assert_true(sim_client_over(c));
        assert_int_equal(counters()->malformed, 1);
        sim_client_close(c);
        close_place();
    }
}

static void error_page(void *owner, uint16_t status, struct http_reply *into)
{
    (void)owner;
    (void)status;
    into->fields = SLICE("X-Page: mine\r\n");
    into->body = SLICE("sorry");
}

static void test_error_page(void **state)
{
    (void)state;
    pages = error_page;
    check_exactly("GET / HTTP/1.1\r\n\r\n",
                  "HTTP/1.1 400 Bad Request\r\n" DATE "Content-Length: 5\r\nX-Page: mine\r\n"
                  "Connection: close\r\n\r\nsorry",
                  false);
    pages = NULL;
}

static void test_common_fields(void **state)
{
    (void)state;
    common = SLICE("X-Always: a\r\n");
    check_exactly("GET /text HTTP/1.1\r\n" H "\r\n\n",
                  "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 10\r\nX-Test: yes\r\n"
                  "X-Always: a\r\n\r\nGET /text:"
                  "HTTP/1.1 400 Bad Request\r\n" DATE "Content-Length: 17\r\n"
                  "Content-Type: text/plain\r\nX-Always: a\r\nConnection: close\r\n\r\n"
                  "400 Bad Request\r\n",
                  false);
    common = (struct slice){NULL, 0};
}

/* What is told of requests that the handler never saw. */
static void test_refusals_are_recorded(void **state)
{
    (void)state;
    open_place();
    struct sim_client *c = visit(), *d = visit();
    sim_client_text(c, "POST /p HTTP/1.1\r\n" H "User-Agent: u\r\nContent-Length: 5000\r\n\r\n");
    run_for(CLOCK_MS);
    sim_client_text(d, "\n");
    run_for(CLOCK_MS);
    buf_byte(&here.log, 0);
    assert_string_equal((const char *)here.log.ptr, "POST /p 413 23 |u\n- - 400 17 |\n");
    assert_int_equal(counters()->responses_4xx, 2);
    assert_int_equal(counters()->requests, 0);
    sim_client_close(c);
    sim_client_close(d);
    close_place();
}

/* A head that would be too long is not sent in part: the connection ends. */
static void test_wide(void **state)
{
    (void)state;
    open_place();
    struct sim_client *c = visit();
    sim_client_text(c, "GET /wide HTTP/1.1\r\n" H "\r\n");
    run_for(CLOCK_MS);
    expect_text(c, "");
    assert_true(sim_client_over(c));
    buf_byte(&here.log, 0);
    assert_string_equal((const char *)here.log.ptr, "GET /wide 500 0 |\n");
    sim_client_close(c);
    close_place();
}

/* --- bodies --- */

static void test_bodies(void **state)
{
    (void)state;
    static const char post[] = "POST /p HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello"
                               "POST /q HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
                               "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"
                               "POST /r HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n";
    static const char answers[] =
        OK_OF(13, "POST /p:hello") OK_OF(14, "POST /q:abcdef") OK_OF(8, "POST /r:");
    static const enum sim_split splits[] = {SIM_SPLIT_NOT, SIM_SPLIT_BYTES, SIM_SPLIT_RANDOM};
    for (size_t i = 0; i < 3; i++) {
        open_place();
        sim_net_links(here.net, (struct sim_link){.split = splits[i]});
        struct sim_client *c = visit();
        sim_client_text(c, post);
        run_for(CLOCK_MS);
        expect_text(c, answers);
        sim_client_close(c);
        close_place();
    }
}

static void test_body_limit(void **state)
{
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        open_place();
        here.body_limit = 5;
        struct sim_client *c = visit();
        sim_client_text(c,
                        "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
        run_for(CLOCK_MS);
        sim_client_text(c, more ? "3\r\ndef\r\n0\r\n\r\n" : "2\r\nde\r\n0\r\n\r\n");
        run_for(CLOCK_MS);
        assert_true(slice_starts(sim_client_received(c),
                                 more ? SLICE("HTTP/1.1 413 ") : SLICE("HTTP/1.1 200 ")));
        sim_client_close(c);
        close_place();
    }
}

/* Bodies that never end: at some point the next one is refused, and the others go on. */
static void test_bodies_together(void **state)
{
    (void)state;
    enum { CLIENTS = 34 };
    struct sim_client *clients[CLIENTS];
    unsigned refused = 0;
    open_place();
    here.body_limit = BIG;
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = visit();
        sim_client_text(clients[i], "POST /p HTTP/1.1\r\n" H "Content-Length: 2097153\r\n\r\n");
        for (size_t sent = 0; sent < (size_t)2 << 20; sent += 1 << 16) {
            sim_client_send(clients[i], slice_of(big, 1 << 16));
            run_for(CLOCK_MS);
        }
    }
    for (size_t i = 0; i < CLIENTS; i++)
        refused += slice_starts(sim_client_received(clients[i]), SLICE("HTTP/1.1 503 "));
    assert_int_equal(refused, CLIENTS - (HTTP_BODIES_MAX >> 21));
    assert_int_equal(http_service_counters(here.service)->bodies_refused, refused);
    assert_int_equal(http_service_counters(here.service)->malformed, 0);
    sim_client_abort(clients[0]);
    run_for(CLOCK_MS);
    struct sim_client *late = visit();
    sim_client_text(late, "POST /p HTTP/1.1\r\n" H "Content-Length: 1000\r\n\r\n");
    for (size_t i = 0; i < 10; i++) {
        sim_client_send(late, slice_of(big, 100));
        run_for(CLOCK_MS);
    }
    assert_true(slice_starts(sim_client_received(late), SLICE("HTTP/1.1 200 ")));
    for (size_t i = 0; i < CLIENTS; i++)
        sim_client_close(clients[i]);
    sim_client_close(late);
    close_place();
}

static void test_continue(void **state)
{
    (void)state;
    open_place();
    struct sim_client *c = visit();
    sim_client_text(c,
                    "POST /p HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    run_for(CLOCK_MS);
    expect_text(c, "HTTP/1.1 100 Continue\r\n\r\n");
    sim_client_forget(c);
    sim_client_text(c, "hi");
    run_for(CLOCK_MS);
    expect_text(c, OK_OF(10, "POST /p:hi"));
    sim_client_close(c);
    close_place();
    /* Who sends at once needs no telling; who may not is not told to go on. */
    check_exactly("POST /p HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
                  OK_OF(10, "POST /p:hi"), true);
}

/* --- order, back-pressure --- */

static void test_pipeline(void **state)
{
    (void)state;
    open_place();
    struct buf in, out;
    buf_init(&in, SIZE_MAX);
    buf_init(&out, SIZE_MAX);
    for (int i = 100; i < 164; i++) {
        buf_printf(&in, "GET /text/%d HTTP/1.1\r\n" H "\r\n", i);
        buf_printf(&out, OK_OF(14, "GET /text/%d:"), i);
    }
    buf_byte(&out, 0);
    struct sim_client *c = visit();
    sim_client_send(c, buf_slice(&in));
    run_for(CLOCK_MS);
    expect_text(c, (const char *)out.ptr);
    assert_int_equal(counters()->requests, 64);
    buf_deinit(&in);
    buf_deinit(&out);
    sim_client_close(c);
    close_place();
}

/* Answers that come later hold back those behind them, whatever order the handler chooses. */
static void test_later(void **state)
{
    (void)state;
    open_place();
    struct sim_client *c = visit();
    sim_client_text(c, "GET /text/1 HTTP/1.1\r\n" H "\r\n"
                       "GET /later HTTP/1.1\r\n" H "Referer: r\r\nUser-Agent: u\r\n\r\n"
                       "GET /later HTTP/1.1\r\n" H "\r\n"
                       "GET /text/4 HTTP/1.1\r\n" H "\r\nGET /te");
    run_for(CLOCK_MS);
    expect_text(c, OK_OF(12, "GET /text/1:"));
    assert_int_equal(here.later_count, 1);
    sim_client_text(c, "xt/5 HTTP/1.1\r\n" H "\r\n");
    run_for(CLOCK_MS);
    sim_client_forget(c);
    answer_text(here.later[0], 404, "none");
    assert_int_equal(here.later_count, 1); /* the next is not handed out from within our call */
    run_for(CLOCK_MS);
    assert_int_equal(here.later_count, 2);
    expect_text(c,
                "HTTP/1.1 404 Not Found\r\n" DATE "Content-Length: 4\r\nX-Test: yes\r\n\r\nnone");
    sim_client_forget(c);
    answer_text(here.later[1], 200, "two");
    run_for(CLOCK_MS);
    expect_text(c, OK_OF(3, "two") OK_OF(12, "GET /text/4:") OK_OF(12, "GET /text/5:"));
    buf_byte(&here.log, 0);
    assert_string_equal((const char *)here.log.ptr,
                        "GET /text/1 200 12 |\nGET /later 404 4 r|u\nGET /later 200 3 |\n"
                        "GET /text/4 200 12 |\nGET /text/5 200 12 |\n");
    sim_client_close(c);
    close_place();
}

static void test_big(void **state)
{
    (void)state;
    static const enum sim_split splits[] = {SIM_SPLIT_NOT, SIM_SPLIT_RANDOM};
    for (size_t i = 0; i < 2; i++) {
        open_place();
        sim_net_links(here.net, (struct sim_link){.split = splits[i],
                                                  .latency_min = CLOCK_MS,
                                                  .latency_max = 2 * CLOCK_MS});
        struct sim_client *c = visit();
        for (int n = 0; n < 5; n++)
            sim_client_text(c, "GET /big HTTP/1.1\r\n" H "\r\n");
        run_for(CLOCK_SEC);
        struct slice got = sim_client_received(c);
        for (int n = 0; n < 5; n++) {
            size_t head = slice_search(got, SLICE("\r\n\r\n")) + 4;
            got = slice_drop(got, head);
            assert_true(got.len >= BIG);
            assert_memory_equal(got.ptr, big, BIG);
            got = slice_drop(got, BIG);
        }
        assert_int_equal(got.len, 0);
        assert_int_equal(counters()->body_bytes, 5 * BIG);
        sim_client_close(c);
        close_place();
    }
}

/* While the answers are not taken, requests are not read; each is answered in the end. */
static void test_back_pressure(void **state)
{
    (void)state;
    open_place();
    struct sim_client *c = visit();
    sim_client_pause(c, true);
    for (int n = 0; n < 20; n++)
        sim_client_text(c, "GET /big HTTP/1.1\r\n" H "\r\n");
    run_for(CLOCK_SEC);
    assert_true(here.lent <= 2);
    sim_client_pause(c, false);
    run_for(CLOCK_SEC);
    assert_int_equal(here.lent, 20);
    assert_int_equal(counters()->responses_2xx, 20);
    sim_client_close(c);
    close_place();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_error_page),
        cmocka_unit_test(test_common_fields),
        cmocka_unit_test(test_refusals_are_recorded),
        cmocka_unit_test(test_wide),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_body_limit),
        cmocka_unit_test(test_bodies_together),
        cmocka_unit_test(test_continue),
        cmocka_unit_test(test_pipeline),
        cmocka_unit_test(test_later),
        cmocka_unit_test(test_big),
        cmocka_unit_test(test_back_pressure),
    };
    return cmocka_run_group_tests_name("http service", tests, NULL, NULL);
}
