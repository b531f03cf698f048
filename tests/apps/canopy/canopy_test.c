/*
 * The whole of canopy in the simulation: a git remote, readers, pushes, and a network that delays,
 * splits and cuts; a different one for each seed, the same one each time for the same seed.
 *
 * Whatever the network does, every answer that arrives whole is a page of exactly one generation,
 * no reader goes back in time, the last push is served in the end, and everything is given back.
 */
#include "apps/canopy/web.h"
#include "platform/sim/signer.h"
#include "tests/support/pki.h"
#include "tests/apps/canopy/scene.h"

#define SECTION_MAX ((size_t)64 << 10)

static void any_network_ends_in_the_newest_content(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        run_seed(seed, (struct slice){NULL, 0}, (struct slice){NULL, 0});
    printf("%u seeds: %u pages, %u answers of 503, %u whole packs\n", SEEDS, total_pages,
           total_waited, total_served);
    assert_true(total_waited > 0 && total_served > SEEDS);
}

/* --- long work --- */

/* A world in which everything takes long. */
static bool slow(void *unused)
{
    (void)unused;
    sim_clock_advance(2 * CLOCK_SEC);
    return slice_search(sim_console(), SLICE("content: at commit ")) < sim_console().len;
}

static void long_work_says_how_far_it_is(void **state)
{
    (void)state;
    static const char *const arguments[] = {"-p", "80", "-l", "info"};
    static const char *const lines[] = {"content: receiving: ", " of 43 objects, ",
                                        "content: making pages: ", " of 80\n"};
    struct scene s;
    shell(
        "git init -q -b main large && cd large && mkdir static && for n in $(seq 40); do"
        "  head -c 20000 /dev/urandom >static/$n;"
        " done && git add -A && git commit -qm large && git bundle create -q ../large.bundle main");
    struct slice large = read_file("large.bundle");
    uint64_t blocks = memory_stats().blocks;
    configure(arguments, 4);
    open_scene(&s, 7);
    struct world world = {.stack = s.canopy, .content = large};
    assert_int_equal(program.start(&world), OK);
    assert_true(sim_run(slow, NULL, clock_monotonic() + 3600 * CLOCK_SEC));
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (slice_search(sim_console(), slice_text(lines[i])) == sim_console().len)
            fail_msg("nobody said '%s':\n%.*s", lines[i], SLICE_ARG(sim_console()));
    close_scene(&s);
    assert_int_equal(memory_stats().blocks, blocks);
    free((void *)(uintptr_t)large.ptr);
}

/* A remote that is gone is asked again after 1, 2, 4 ... seconds and up to half as many more, but no
 * more rarely than every 300 to 450: for as long as it takes. */
static void retries_go_on_at_a_bounded_pace(void **state)
{
    (void)state;
    static const char *const arguments[] = {"-r", "git://remote/site", "-p", "80", "-l", "warning"};
    const uint64_t hours = 12 * 3600;
    struct scene s;
    unsigned retries = 0;
    configure(arguments, 6);
    open_scene(&s, 7);
    sim_net_link(s.net, s.canopy, s.remote, (struct sim_link){.refuse = true});
    struct world world = {.stack = s.canopy};
    assert_int_equal(program.start(&world), OK);
    sim_run(NULL, NULL, clock_monotonic() + hours * CLOCK_SEC);
    for (struct slice rest = sim_console(), line; slice_line(&rest, &line);)
        retries += slice_search(line, SLICE("warning content: ")) < line.len;
    assert_in_range(retries, 10 + (hours - 1000) / 450, 10 + hours / 300);
    close_scene(&s);
}

/* --- short of memory --- */

struct question {
    const char *request;
    const char *whole; /* what an answer of that status holds */
    int status;
    bool secure; /* with TLS; what is asked is the port without */
};

static const struct question questions[] = {
    {"GET /status HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n", "\ntimers: ", 200, false},
    {"GET /Posts/ HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n", "\r\nLocation: /Posts\r\n",
     301, false},
    {"GET /nowhere HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n", "no page at this address",
     404, false},
    {"GET /static/noise.bin HTTP/1.1\r\nHost: c\r\nRange: bytes=5-9\r\nConnection: close\r\n\r\n",
     "\r\nContent-Range: bytes 5-9/60000\r\n", 206, false},
    {"DELETE /About HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n", "\r\nAllow: GET, HEAD\r\n",
     405, false},
    {"GET /%41bout HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n", "About of generation 0", 200,
     false},
    {"GET /About?a=b HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n",
     "\r\nLocation: https://c/About?a=b\r\n", 301, true},
};

static struct buf keys, certificates;

static void make_pair(void)
{
    struct pki leaf = pki_make(&(struct pki_request){.name = "c", .hosts = "DNS:c"}, NULL);
    const struct pki_entry entry = {"server", {&leaf, NULL}};
    buf_init(&keys, SECTION_MAX);
    buf_init(&certificates, SECTION_MAX);
    pki_keys(&keys, &entry, 1);
    pki_certs(&certificates, &entry, 1);
    pki_free(&leaf);
}

/* Asks while the n-th allocation fails. The answer's status; 0 where the connection just ended. */
static int ask_short_of_memory(const struct question *q, uint64_t n)
{
    static const char *const arguments[] = {"-p", "80", "-l", "quiet", "--tls", "443"};
    struct scene s;
    int status = 0;
    configure(arguments, q->secure ? 6 : 4);
    open_scene(&s, 7);
    struct world world = {.stack = s.canopy, .content = bundle};
    if (q->secure) {
        world.signer = sim_signer_open(buf_slice(&keys));
        world.certificates = buf_slice(&certificates);
    }
    assert_int_equal(program.start(&world), OK);
    sim_run(NULL, NULL, clock_monotonic() + CLOCK_SEC);
    s.pusher = sim_client_open(s.readers_host, "10.0.0.1", 80);
    sim_run(NULL, NULL, clock_monotonic() + CLOCK_SEC);
    sim_client_text(s.pusher, q->request);
    sim_memory_fail_nth(n);
    sim_run(sim_client_over, s.pusher, clock_monotonic() + 60 * CLOCK_SEC);
    sim_memory_fail_nth(0);
    struct slice answer = sim_client_received(s.pusher);
    if (slice_search(answer, SLICE("\r\n\r\n")) < answer.len) {
        status = atoi((const char *)answer.ptr + sizeof("HTTP/1.1 ") - 1);
        const char *whole = status == 500   ? "Internal server error"
                            : status == 503 ? "moment"
                                            : q->whole;
        assert_true(status == q->status || status == 500 || status == 503);
        if (slice_search(answer, slice_text(whole)) == answer.len)
            fail_msg("%s, allocation %u: %.*s", q->request, (unsigned)n, SLICE_ARG(answer));
    }
    close_scene(&s);
    if (q->secure)
        sim_signer_close(world.signer);
    return status;
}

/* Whatever cannot be allocated, no answer is half of one: it is whole, or the page of a 500 or 503, or
 * the connection ends. */
static void no_half_answers_when_memory_is_short(void **state)
{
    (void)state;
    make_pair();
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) /* libssl keeps some */
        assert_int_equal(ask_short_of_memory(&questions[i], 0), questions[i].status);
    uint64_t blocks = memory_stats().blocks;
    unsigned errors = 0;
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        int status = 0;
        for (uint64_t n = 1; status != questions[i].status || n < 12; n++) {
            status = ask_short_of_memory(&questions[i], n);
            errors += status == 500;
            assert_true(n < 100);
        }
    }
    assert_true(errors > 0);
    assert_int_equal(memory_stats().blocks, blocks);
    buf_deinit(&keys);
    buf_deinit(&certificates);
}

/* --- updates go on --- */

#define TIMERS 64 /* that run from the start: one more needs memory */

static void on_dummy(struct timer *t)
{
    (void)t;
}

static bool has_news(void *unused)
{
    char line[64];
    (void)unused;
    snprintf(line, sizeof(line), "content: at commit %.10s", commits[1]);
    return slice_search(sim_console(), slice_text(line)) < sim_console().len;
}

/* Content in the image, and news of it at the remote; the n-th allocation fails. False: there were fewer. */
static bool update_short_of_memory(uint64_t n)
{
    static const char *const arguments[] = {"-r", "git://remote/site", "-p", "80", "-l", "info"};
    static struct timer dummies[TIMERS];
    struct scene s;
    configure(arguments, 6);
    open_scene(&s, 7);
    gitserver_set(s.server, commits[1], packs[1]);
    for (size_t i = 0; i < TIMERS; i++) {
        timer_init(&dummies[i], on_dummy);
        assert_true(timer_start(&dummies[i], clock_monotonic() + 2 * PATIENCE));
    }
    struct world world = {.stack = s.canopy, .content = bundle};
    assert_int_equal(program.start(&world), OK);
    sim_memory_fail_nth(n);
    if (!sim_run(has_news, NULL, clock_monotonic() + PATIENCE))
        fail_msg("allocation %u: the news is not fetched:\n%.*s", (unsigned)n,
                 SLICE_ARG(sim_console()));
    bool reached = sim_memory_requests() >= n;
    sim_memory_fail_nth(0);
    for (size_t i = 0; i < TIMERS; i++)
        timer_stop(&dummies[i]);
    close_scene(&s);
    return reached;
}

/* Whatever cannot be allocated once, the next update comes. */
static void updates_go_on_when_memory_was_short(void **state)
{
    (void)state;
    uint64_t blocks = memory_stats().blocks, n = 1;
    while (update_short_of_memory(n))
        n++;
    printf("%u allocations\n", (unsigned)n - 1);
    assert_in_range(n, 50, 5000);
    assert_int_equal(memory_stats().blocks, blocks);
}

/* --- pushes are answered --- */

static struct timer others[4000];

/* All places of timers but those that need memory. */
static size_t take_all_timers(void)
{
    size_t taken = 0;
    sim_memory_fail_every(1);
    for (bool more = true; more; taken += more) {
        assert_true(taken < sizeof(others) / sizeof(others[0]));
        timer_init(&others[taken], on_dummy);
        more = timer_start(&others[taken], clock_monotonic() + 2 * PATIENCE);
    }
    sim_memory_fail_every(0);
    return taken;
}

/* A push, of which the remote says nothing any more; the n-th allocation fails. False: there were fewer. */
static bool push_short_of_memory(uint64_t n)
{
    static const char *const arguments[] = {"-r", "git://remote/site", "-p", "80", "-l", "quiet"};
    const struct sim_link dead = {.cut = SIM_CUT_SILENCE};
    struct scene s;
    configure(arguments, 6);
    open_scene(&s, 7);
    struct world world = {.stack = s.canopy, .content = bundle};
    assert_int_equal(program.start(&world), OK);
    sim_run(NULL, NULL, clock_monotonic() + 60 * CLOCK_SEC);
    sim_net_link(s.net, s.canopy, s.remote, dead);
    s.pusher = sim_client_open(s.readers_host, "10.0.0.1", 80);
    sim_run(NULL, NULL, clock_monotonic() + CLOCK_SEC);
    size_t taken = take_all_timers();
    sim_client_text(s.pusher, "POST /push HTTP/1.1\r\nHost: canopy\r\nContent-Length: 2\r\n"
                              "Connection: close\r\n\r\n{}");
    sim_memory_fail_nth(n);
    if (!sim_run(sim_client_over, s.pusher,
                 clock_monotonic() + (WEB_HOOK_PATIENCE + 1) * CLOCK_SEC))
        fail_msg("allocation %u: the push is not answered", (unsigned)n);
    bool reached = sim_memory_requests() >= n;
    sim_memory_fail_nth(0);
    for (size_t i = 0; i < taken; i++)
        timer_stop(&others[i]);
    close_scene(&s);
    return reached;
}

static void pushes_are_answered_when_memory_is_short(void **state)
{
    (void)state;
    uint64_t blocks = memory_stats().blocks, n = 1;
    while (push_short_of_memory(n))
        n++;
    assert_in_range(n, 5, 500);
    assert_int_equal(memory_stats().blocks, blocks);
}

static void with_nothing_to_serve_it_does_not_start(void **state)
{
    (void)state;
    static const char *const arguments[] = {"-p", "80", "-l", "quiet"};
    struct scene s;
    configure(arguments, 4);
    open_scene(&s, 7);
    struct world world = {.stack = s.canopy};
    assert_int_equal(program.start(&world), ERR_ARGUMENT);
    close_scene(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_network_ends_in_the_newest_content),
        cmocka_unit_test(long_work_says_how_far_it_is),
        cmocka_unit_test(retries_go_on_at_a_bounded_pace),
        cmocka_unit_test(no_half_answers_when_memory_is_short),
        cmocka_unit_test(updates_go_on_when_memory_was_short),
        cmocka_unit_test(pushes_are_answered_when_memory_is_short),
        cmocka_unit_test(with_nothing_to_serve_it_does_not_start),
    };
    return cmocka_run_group_tests_name("canopy in the simulation", tests, make_repository, NULL);
}
