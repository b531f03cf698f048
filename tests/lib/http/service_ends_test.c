/* How conversations end: peers that leave, deadlines, too many at once, the end of the service. */
#include "tests/lib/http/service_place.h"

/* --- ends --- */

static void test_eof(void **state)
{
    (void)state;
    open_place();
    /* Behind its requests a client may say that it has no more: it gets its answers. */
    struct sim_client *c = visit();
    sim_client_text(c, "GET /later HTTP/1.1\r\n" H "\r\nGET /text/2 HTTP/1.1\r\n" H "\r\n");
    run_for(CLOCK_MS);
    sim_client_finish(c);
    run_for(CLOCK_MS);
    answer_text(here.later[0], 200, "one");
    run_for(CLOCK_MS);
    assert_int_equal(counters()->responses_2xx, 2);
    assert_int_equal(counters()->open, 0);
    sim_client_close(c);
    close_place();
}

static void test_gone(void **state)
{
    (void)state;
    open_place();
    struct sim_client *c = visit();
    sim_client_text(c, "GET /later HTTP/1.1\r\n" H "User-Agent: u\r\n\r\n");
    run_for(CLOCK_MS);
    sim_client_abort(c);
    run_for(CLOCK_MS);
    assert_int_equal(counters()->open, 1); /* until the handler has answered */
    answer_text(here.later[0], 200, "too late");
    assert_int_equal(here.released, 1);
    assert_int_equal(counters()->open, 0);
    assert_int_equal(counters()->lost, 1);
    buf_byte(&here.log, 0);
    assert_string_equal((const char *)here.log.ptr, "GET /later 200 0 |u\n");
    sim_client_close(c);
    close_place();
}

/* Gone while an answer waits for room. */
static void test_gone_waiting(void **state)
{
    (void)state;
    open_place();
    struct sim_client *c = visit();
    sim_client_pause(c, true);
    for (int n = 0; n < 3; n++)
        sim_client_text(c, "GET /big HTTP/1.1\r\n" H "\r\n");
    run_for(CLOCK_MS);
    assert_int_equal(here.lent, 2);
    sim_client_abort(c);
    run_for(CLOCK_MS);
    assert_int_equal(here.released, 2);
    assert_int_equal(counters()->open, 0);
    assert_int_equal(counters()->lost, 1);
    sim_client_close(c);
    close_place();
}

/* The connection is cut after every number of bytes. */
static void test_cut(void **state)
{
    (void)state;
    static const enum sim_cut cuts[] = {SIM_CUT_RESET, SIM_CUT_EOF, SIM_CUT_SILENCE};
    for (uint64_t at = 1; at < 200; at++) {
        open_place();
        sim_net_links(here.net, (struct sim_link){.cut = cuts[at % 3], .cut_after = at});
        struct sim_client *c = visit();
        sim_client_text(c, "POST /text HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc"
                           "GET /big HTTP/1.1\r\n" H "\r\n");
        run_for(CLOCK_SEC);
        sim_client_close(c);
        run_for(300 * CLOCK_SEC);
        assert_int_equal(counters()->open, 0);
        close_place();
    }
}

/* --- deadlines --- */

static const struct http_limits quick = {
    .connections = 4,
    .head_seconds = 5,
    .body_seconds = 7,
    .idle_seconds = 20,
    .send_seconds = 10,
    .requests = 3,
};

/* Sends a byte every second; returns after how many seconds it was over. */
static unsigned drip(struct sim_client *c, const char *text)
{
    unsigned seconds = 0;
    while (!sim_client_over(c) && seconds < 100) {
        if (*text)
            sim_client_send(c, slice_of(text++, 1));
        run_for(CLOCK_SEC);
        seconds++;
    }
    return seconds;
}

static void test_slow_head(void **state)
{
    (void)state;
    open_with(&quick);
    struct sim_client *c = visit();
    assert_in_range(drip(c, "GET /text HTTP/1.1\r\nHost: abcdefghijklmnopq\r\n\r\n"), 5, 6);
    assert_true(slice_starts(sim_client_received(c), SLICE("HTTP/1.1 408 Request Timeout\r\n")));
    assert_int_equal(counters()->timeouts, 1);
    sim_client_close(c);
    close_place();
}

static void test_slow_body(void **state)
{
    (void)state;
    open_with(&quick);
    struct sim_client *c = visit();
    sim_client_text(c, "POST /text HTTP/1.1\r\n" H "Content-Length: 20\r\n\r\n");
    assert_in_range(drip(c, "01234567890123456789"), 7, 8);
    assert_true(slice_starts(sim_client_received(c), SLICE("HTTP/1.1 408 Request Timeout\r\n")));
    sim_client_close(c);
    close_place();
}

/* Idle: told nothing, from the start and between requests. */
static void test_idle(void **state)
{
    (void)state;
    open_with(&quick);
    struct sim_client *c = visit();
    assert_in_range(drip(c, ""), 20, 21);
    assert_int_equal(sim_client_received(c).len, 0);
    sim_client_close(c);
    c = visit();
    run_for(15 * CLOCK_SEC);
    sim_client_text(c, "GET /text HTTP/1.1\r\n" H "\r\n");
    run_for(15 * CLOCK_SEC);
    assert_false(sim_client_over(c));
    assert_in_range(drip(c, ""), 5, 6);
    assert_int_equal(counters()->timeouts, 0); /* that is no fault */
    sim_client_close(c);
    close_place();
}

/* A client that reads nothing goes after one to two send_seconds; one that reads slowly stays. */
static void test_slow_reader(void **state)
{
    (void)state;
    open_with(&quick);
    struct sim_client *c = visit();
    sim_client_pause(c, true);
    sim_client_text(c, "GET /big HTTP/1.1\r\n" H "\r\n");
    run_for(9 * CLOCK_SEC);
    assert_int_equal(counters()->open, 1);
    run_for(12 * CLOCK_SEC);
    assert_int_equal(counters()->open, 0);
    assert_int_equal(counters()->timeouts, 1);
    assert_int_equal(here.released, 1);
    sim_client_close(c);
    c = visit();
    sim_client_text(c, "GET /big HTTP/1.1\r\n" H "\r\n");
    while (sim_client_received(c).len < BIG) { /* a piece every nine seconds */
        sim_client_pause(c, false);
        size_t before = sim_client_received(c).len;
        while (sim_client_received(c).len == before)
            loop_round(clock_monotonic() + CLOCK_SEC);
        sim_client_pause(c, true);
        run_for(9 * CLOCK_SEC);
        assert_int_equal(counters()->open, 1);
    }
    assert_true(clock_monotonic() > 300 * CLOCK_SEC);
    assert_int_equal(counters()->timeouts, 1);
    sim_client_close(c);
    close_place();
}

/* A handler may take its time. */
static void test_slow_handler(void **state)
{
    (void)state;
    open_with(&quick);
    struct sim_client *c = visit();
    sim_client_text(c, "GET /later HTTP/1.1\r\n" H "\r\n");
    run_for(500 * CLOCK_SEC);
    assert_int_equal(counters()->open, 1);
    answer_text(here.later[0], 200, "done");
    run_for(CLOCK_SEC);
    assert_true(slice_ends(sim_client_received(c), SLICE("done")));
    sim_client_close(c);
    close_place();
}

static void test_requests_limit(void **state)
{
    (void)state;
    open_with(&quick);
    struct sim_client *c = visit();
    for (int i = 0; i < 5; i++)
        sim_client_text(c, "GET /204 HTTP/1.1\r\n" H "\r\n");
    run_for(CLOCK_MS);
    expect_text(c, "HTTP/1.1 204 No Content\r\n" DATE "\r\nHTTP/1.1 204 No Content\r\n" DATE
                   "\r\nHTTP/1.1 204 No Content\r\n" DATE "Connection: close\r\n\r\n");
    assert_true(sim_client_over(c));
    sim_client_close(c);
    close_place();
}

/* --- many --- */

static void test_shed(void **state)
{
    (void)state;
    open_with(&quick);
    struct sim_client *c[8];
    for (int i = 0; i < 4; i++) {
        c[i] = visit();
        run_for(CLOCK_MS);
    }
    sim_client_text(c[0], "GET /204 HTTP/1.1\r\n" H "\r\n"); /* now 1 is the longest idle */
    run_for(CLOCK_MS);
    c[4] = visit();
    run_for(CLOCK_MS);
    for (int i = 0; i < 5; i++)
        assert_int_equal(sim_client_over(c[i]), i == 1);
    assert_int_equal(counters()->shed, 1);
    assert_int_equal(counters()->open, 4);
    /* Nobody idle: who has been asking longest gives way, in the head or in the body. */
    here.body_limit = 100;
    sim_client_text(c[3], "POST / HTTP/1.1\r\n" H "Content-Length: 10\r\n\r\n12345");
    run_for(CLOCK_MS);
    sim_client_text(c[0], "GET /later HTTP/1.1\r\n" H "\r\nGET /later HTTP/1.1\r\n" H "\r\n");
    sim_client_text(c[2], "GE");
    sim_client_pause(c[4], true);
    sim_client_text(c[4], "GET /big HTTP/1.1\r\n" H "\r\n");
    run_for(CLOCK_MS);
    sim_client_text(c[3], "6789"); /* that something comes does not make it a younger one */
    run_for(CLOCK_MS);
    c[5] = visit();
    run_for(CLOCK_MS);
    sim_client_text(c[5], "GET /later HTTP/1.1\r\n" H "\r\n");
    run_for(CLOCK_MS);
    for (int i = 0; i < 6; i++)
        assert_int_equal(sim_client_over(c[i]), i == 1 || i == 3);
    c[6] = visit();
    run_for(CLOCK_MS);
    assert_true(sim_client_over(c[2]));
    sim_client_text(c[6], "GET /later HTTP/1.1\r\n" H "\r\n");
    run_for(CLOCK_MS);
    assert_int_equal(counters()->shed, 3);
    assert_int_equal(counters()->refused, 0);
    /* All are being answered: the new one is refused. */
    c[7] = visit();
    run_for(CLOCK_MS);
    assert_true(sim_client_over(c[7]));
    assert_int_equal(counters()->refused, 1);
    assert_int_equal(counters()->open, 4);
    for (int i = 0; i < 3; i++)
        answer_text(here.later[i], 200, "a");
    run_for(CLOCK_MS);
    answer_text(here.later[3], 200, "b");
    for (int i = 0; i < 8; i++)
        sim_client_close(c[i]);
    close_place();
}

/* All places are taken by clients that never come to the end of their requests, and take each that is lost
 * again: whoever asks in one piece is answered. */
static void test_a_slow_crowd(void **state)
{
    (void)state;
    open_with(&quick);
    struct sim_client *crowd[12], *honest;
    for (int i = 0; i < 12; i++) {
        crowd[i] = visit();
        sim_client_text(crowd[i], "GET /text HTTP/1.1\r\nX: ");
        run_for(CLOCK_MS);
        if (i % 3 != 2)
            continue;
        honest = visit();
        sim_client_text(honest, "GET /text HTTP/1.1\r\n" H "\r\n");
        run_for(CLOCK_MS);
        assert_true(slice_ends(sim_client_received(honest), SLICE("GET /text:")));
        sim_client_close(honest);
        run_for(CLOCK_MS);
    }
    assert_int_equal(counters()->refused, 0);
    assert_int_equal(counters()->responses_2xx, 4);
    for (int i = 0; i < 12; i++)
        sim_client_close(crowd[i]);
    close_place();
}

#define MANY 10000

static void test_many(void **state)
{
    (void)state;
    open_place();
    static struct sim_client *c[MANY];
    for (int i = 0; i < MANY; i++)
        c[i] = visit();
    run_for(CLOCK_MS);
    uint64_t bytes = memory_stats().bytes - here.bytes;
    assert_int_equal(counters()->open, MANY);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++)
            sim_client_text(c[i], "GET /text HTTP/1.1\r\n" H "\r\n");
        run_for(CLOCK_MS);
    }
    assert_int_equal(counters()->responses_2xx, 3 * MANY);
    buf_deinit(&here.log);
    assert_in_range(memory_stats().bytes - here.bytes, 0,
                    bytes + 65536); /* idle ones hold nothing */
    assert_in_range(bytes / MANY, 0, 600);
    run_for(70 * CLOCK_SEC);
    assert_int_equal(counters()->open, 0);
    assert_int_equal(counters()->peak, MANY);
    for (int i = 0; i < MANY; i++)
        sim_client_close(c[i]);
    close_place();
}

/* --- closing the service --- */

static void test_close(void **state)
{
    (void)state;
    open_place();
    struct sim_client *idle = visit(), *waiting = visit(), *half = visit();
    sim_client_text(waiting, "GET /later HTTP/1.1\r\n" H "\r\n");
    sim_client_text(half, "GET /text HTTP/1.1\r\n");
    run_for(CLOCK_MS);
    http_service_close(here.service, 60, on_closed);
    run_for(CLOCK_MS);
    assert_true(sim_client_over(idle));
    assert_false(sim_client_over(waiting));
    assert_false(here.closed);
    struct sim_client *late = visit();
    run_for(CLOCK_MS);
    assert_true(sim_client_over(late));
    sim_client_text(half, H "\r\n");
    answer_text(here.later[0], 200, "done");
    run_for(CLOCK_MS);
    assert_true(
        slice_ends(sim_client_received(half), SLICE("Connection: close\r\n\r\nGET /text:")));
    assert_true(slice_ends(sim_client_received(waiting), SLICE("Connection: close\r\n\r\ndone")));
    assert_true(here.closed);
    sim_client_close(idle);
    sim_client_close(waiting);
    sim_client_close(half);
    sim_client_close(late);
    close_place();
}

/* What is not done when the time is over is cut off; but a handler's answer is waited for. */
static void test_close_patience(void **state)
{
    (void)state;
    open_place();
    struct sim_client *waiting = visit(), *half = visit();
    sim_client_text(waiting, "GET /later HTTP/1.1\r\n" H "\r\n");
    sim_client_text(half, "GET /text HTTP/1.1\r\n");
    run_for(CLOCK_MS);
    http_service_close(here.service, 5, on_closed);
    run_for(6 * CLOCK_SEC);
    assert_true(sim_client_over(waiting));
    assert_true(sim_client_over(half));
    assert_false(here.closed);
    answer_text(here.later[0], 200, "done");
    assert_true(here.closed);
    sim_client_close(waiting);
    sim_client_close(half);
    close_place();
}

static void test_close_at_once(void **state)
{
    (void)state;
    open_place();
    http_service_close(here.service, 5, on_closed);
    assert_true(here.closed);
    close_place();
}

/* Closed by a handler, with requests behind the one that it is about to answer. */
static void test_close_inside(void **state)
{
    (void)state;
    open_place();
    struct sim_client *c = visit(), *idle = visit();
    run_for(CLOCK_MS);
    sim_client_text(c, "GET /stop HTTP/1.1\r\n" H "\r\nGET /204 HTTP/1.1\r\n" H "\r\n");
    run_for(CLOCK_MS);
    assert_true(here.closed);
    assert_true(sim_client_over(idle));
    assert_true(slice_ends(sim_client_received(c), SLICE("Connection: close\r\n\r\nspecial")));
    sim_client_close(c);
    sim_client_close(idle);
    close_place();
}

static void test_taken(void **state)
{
    (void)state;
    open_place();
    struct http_service *second = NULL;
    struct endpoint local = {.port = 80};
    assert_int_equal(http_service_open(here.host, local, NULL, &handler, &here, &second),
                     ERR_EXISTS);
    close_place();
}

/* --- without memory --- */

static void test_out_of_memory(void **state)
{
    (void)state;
    for (uint64_t nth = 1; nth < 40; nth++) {
        open_place();
        sim_memory_fail_nth(nth);
        struct sim_client *c = visit(), *d = visit();
        sim_client_text(c, "GET /la");
        run_for(CLOCK_MS);
        sim_client_text(c, "ter HTTP/1.1\r\n" H "\r\nGET /text HTTP/1.1\r\n" H "\r\n");
        sim_client_pause(d, true);
        sim_client_text(d,
                        "POST /big HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
        run_for(CLOCK_MS);
        sim_client_text(d, "0\r\n\r\nGET /big HTTP/1.1\r\n" H "\r\nGET /big HTTP/1.1\r\n" H "\r\n");
        run_for(CLOCK_MS);
        if (here.later_count > 0)
            answer_text(here.later[0], 200, "later");
        run_for(CLOCK_MS);
        sim_memory_fail_nth(0);
        sim_client_close(c);
        sim_client_close(d);
        close_place();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_close_inside),
        cmocka_unit_test(test_eof),
        cmocka_unit_test(test_gone),
        cmocka_unit_test(test_gone_waiting),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_slow_head),
        cmocka_unit_test(test_slow_body),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_slow_handler),
        cmocka_unit_test(test_requests_limit),
        cmocka_unit_test(test_shed),
        cmocka_unit_test(test_a_slow_crowd),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_close_patience),
        cmocka_unit_test(test_close_at_once),
        cmocka_unit_test(test_taken),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests_name("http service ends", tests, NULL, NULL);
}
