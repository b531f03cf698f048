/*
 * The whole of canopy in the simulation: a git remote, readers, pushes, and a network that delays,
 * splits and cuts; a different one for each seed, the same one each time for the same seed.
 *
 * Whatever the network does, every answer that arrives whole is a page of exactly one generation,
 * no reader goes back in time, the last push is served in the end, and everything is given back.
 */
#include "platform/sim/client.h"
#include "platform/sim/net.h"
#include "platform/sim/signer.h"
#include "runtime/loop.h"
#include "signatures/clock.h"
#include "signatures/memory.h"
#include "signatures/program.h"
#include "signatures/timer.h"
#include "tests/support/gitserver.h"
#include "tests/support/pki.h"
#include "tests/support/shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define GENERATIONS 6
#define READERS     4
#define SEEDS       60
#define SECTION_MAX ((size_t)64 << 10)
#define PATIENCE    (600 * CLOCK_SEC) /* virtual */

static char commits[GENERATIONS][41];
static struct slice packs[GENERATIONS];
static struct slice bundle; /* of generation 0 */
static unsigned total_pages, total_waited, total_served;

static struct slice read_file(const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", scratch(), name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    size_t size = (size_t)ftell(f);
    rewind(f);
    void *bytes = malloc(size);
    assert_int_equal(fread(bytes, 1, size, f), size);
    fclose(f);
    return slice_of(bytes, size);
}

static int make_repository(void **state)
{
    (void)state;
    shell("git init -q -b main site && mkdir -p site/Posts site/static");
    shell("head -c 60000 /dev/urandom >site/static/noise.bin");
    for (int g = 0; g < GENERATIONS; g++) {
        shell("cd site && for page in About Posts/A Posts/B Posts/C; do"
              "  printf -- '---\\ntitle: T\\n---\\n\\n%%s of generation %d\\n' $page >$page;"
              " done && git add -A && git commit -qm %d",
              g, g);
        shell("cd site && git rev-parse HEAD | git pack-objects -q --revs --stdout >../pack%d", g);
        snprintf(commits[g], sizeof(commits[g]), "%s", shell_output("git -C site rev-parse HEAD"));
        char name[16];
        snprintf(name, sizeof(name), "pack%d", g);
        packs[g] = read_file(name);
    }
    shell("cd site && git bundle create -q ../bundle HEAD~%d..HEAD~%d 2>/dev/null ||"
          " (git branch first HEAD~%d && git bundle create -q ../bundle first)",
          GENERATIONS, GENERATIONS - 1, GENERATIONS - 1);
    bundle = read_file("bundle");
    return 0;
}

/* --- one reader: asks for one page after the other, and checks what it gets --- */

struct reader {
    struct stack *stack;
    struct sim_random random;
    struct sim_client *client;
    const char *page;
    uint64_t asked_at;
    int newest; /* generation seen */
    unsigned pages, waited, broken;
};

static const char *const pages[] = {"About", "Posts/A", "Posts/B", "Posts/C"};

static void ask(struct reader *r)
{
    char request[128];
    if (!r->client)
        r->client = sim_client_open(r->stack, "10.0.0.1", 80);
    r->page = pages[sim_random_range(&r->random, 0, 3)];
    snprintf(request, sizeof(request), "GET /%s HTTP/1.1\r\nHost: canopy\r\n\r\n", r->page);
    sim_client_text(r->client, request);
    r->asked_at = clock_monotonic();
}

static void check_page(struct reader *r, struct slice body)
{
    char expected[64];
    snprintf(expected, sizeof(expected), "%s of generation ", r->page);
    size_t at = slice_search(body, slice_text(expected));
    assert_true(at < body.len);
    int generation = slice_drop(body, at + strlen(expected)).ptr[0] - '0';
    assert_true(generation >= r->newest && generation < GENERATIONS);
    r->newest = generation;
    r->pages++;
}

/* Whether a whole answer is there; then it is checked. */
static bool answered(struct reader *r)
{
    struct slice all = sim_client_received(r->client);
    size_t head = slice_search(all, SLICE("\r\n\r\n"));
    size_t length_at = slice_search(all, SLICE("Content-Length: "));
    if (head == all.len || length_at > head)
        return false;
    struct slice number = slice_drop(all, length_at + 16);
    uint64_t length;
    assert_true(slice_decimal(slice_take(number, slice_find(number, '\r')), 1 << 20, &length));
    struct slice body = slice_drop(all, head + 4);
    if (body.len < length)
        return false;
    assert_int_equal(body.len, length);
    if (slice_starts(all, SLICE("HTTP/1.1 200 ")))
        check_page(r, body);
    else if (slice_starts(all, SLICE("HTTP/1.1 503 ")) && r->newest < 0)
        r->waited++;
    else
        fail_msg("an answer that should not be: %.*s", SLICE_ARG(slice_take(all, 200)));
    return true;
}

static void leave(struct reader *r)
{
    sim_client_close(r->client);
    r->client = NULL;
}

static void read_on(struct reader *r)
{
    if (!r->client) {
        ask(r);
    } else if (answered(r)) {
        if (sim_random_chance(&r->random, 20)) {
            leave(r);
        } else {
            sim_client_forget(r->client);
            ask(r);
        }
    } else if (sim_client_over(r->client) || clock_monotonic() - r->asked_at > 120 * CLOCK_SEC) {
        r->broken++;
        leave(r);
    }
}

/* --- the world --- */

struct scene {
    struct sim_net *net;
    struct stack *canopy, *remote, *readers_host;
    struct gitserver *server;
    struct reader readers[READERS];
    struct sim_random random;
    int generation;
    uint64_t next_push;
    struct sim_client *pusher;
};

static struct sim_link some_link(struct sim_random *r, bool may_cut)
{
    struct sim_link link = {.latency_min = CLOCK_MS, .latency_max = CLOCK_MS};
    link.latency_max += sim_random_range(r, 0, 100) * CLOCK_MS;
    link.split = (enum sim_split)sim_random_range(r, SIM_SPLIT_NOT, SIM_SPLIT_RANDOM);
    if (sim_random_chance(r, 30))
        link.bandwidth = sim_random_range(r, 100000, 1000000);
    if (may_cut && sim_random_chance(r, 40)) {
        link.cut = (enum sim_cut)sim_random_range(r, SIM_CUT_RESET, SIM_CUT_SILENCE);
        link.cut_after = sim_random_range(r, 0, 80000);
    }
    if (may_cut && sim_random_chance(r, 10))
        link.refuse = true;
    return link;
}

static void push(struct scene *s)
{
    if (s->generation + 1 < GENERATIONS)
        s->generation++;
    gitserver_set(s->server, commits[s->generation], packs[s->generation]);
    if (s->pusher)
        sim_client_close(s->pusher);
    s->pusher = sim_client_open(s->readers_host, "10.0.0.1", 80);
    sim_client_text(s->pusher, "POST /push HTTP/1.1\r\nHost: canopy\r\nContent-Length: 2\r\n"
                               "Connection: close\r\n\r\n{}");
}

static void configure(const char *const *arguments, size_t count)
{
    struct buf error;
    buf_init(&error, SETTINGS_ERROR_MAX);
    settings_preset(program_settings);
    assert_int_equal(settings_arguments(program_settings, count, arguments, NULL, NULL, &error),
                     OK);
    buf_deinit(&error);
}

static void open_scene(struct scene *s, uint64_t seed)
{
    sim_reset(seed);
    *s = (struct scene){.net = sim_net_open(seed)};
    sim_random_seed(&s->random, seed);
    s->canopy = sim_net_host(s->net, "10.0.0.1");
    s->remote = sim_net_host(s->net, "10.0.0.2");
    s->readers_host = sim_net_host(s->net, "10.0.0.3");
    sim_net_name(s->net, "remote", "10.0.0.2");
    sim_net_link(s->net, s->canopy, s->readers_host, some_link(&s->random, false));
    s->server = gitserver_open(s->remote);
    gitserver_set(s->server, commits[0], packs[0]);
    for (size_t i = 0; i < READERS; i++) {
        s->readers[i] = (struct reader){.stack = s->readers_host, .newest = -1};
        sim_random_seed(&s->readers[i].random, seed * 100 + i);
    }
}

/* One look at the world between the program's handlers: readers read, and now and then somebody
 * pushes or the path to the remote changes. Done when all readers have seen the last generation. */
static bool live(void *arg)
{
    struct scene *s = arg;
    bool done = s->generation == GENERATIONS - 1;
    for (size_t i = 0; i < READERS; i++) {
        read_on(&s->readers[i]);
        done = done && s->readers[i].newest == GENERATIONS - 1;
    }
    if (clock_monotonic() < s->next_push)
        return done;
    s->next_push = clock_monotonic() + sim_random_range(&s->random, 100, 20000) * CLOCK_MS;
    bool last = s->generation == GENERATIONS - 1;
    sim_net_link(s->net, s->canopy, s->remote, some_link(&s->random, !last));
    push(s);
    return done;
}

static bool stopped(void *arg)
{
    int status = 1;
    (void)arg;
    bool yes = loop_stopped(&status);
    assert_true(!yes || status == 0);
    return yes;
}

static void close_scene(struct scene *s)
{
    program.stop();
    assert_true(sim_run(stopped, NULL, clock_monotonic() + 60 * CLOCK_SEC));
    for (size_t i = 0; i < READERS; i++)
        if (s->readers[i].client)
            leave(&s->readers[i]);
    if (s->pusher)
        sim_client_close(s->pusher);
    gitserver_close(s->server);
    sim_run(NULL, NULL, clock_monotonic() + 60 * CLOCK_SEC);
    assert_int_equal(sim_net_close(s->net), 0);
}

static void run_seed(uint64_t seed, struct slice baked)
{
    static const char *const arguments[] = {
        "-r", "git://remote/site", "-p", "80", "-l", "quiet", "--poll", "30"};
    struct scene s;
    uint64_t blocks = memory_stats().blocks;
    uint32_t timers = loop_timers();
    configure(arguments, sizeof(arguments) / sizeof(arguments[0]));
    open_scene(&s, seed);
    struct world world = {.stack = s.canopy, .content = baked};
    assert_int_equal(program.start(&world), OK);
    if (!sim_run(live, &s, clock_monotonic() + PATIENCE))
        fail_msg("seed %llu: the last push is not served", (unsigned long long)seed);
    unsigned read = 0;
    for (size_t i = 0; i < READERS; i++)
        read += s.readers[i].pages, total_waited += s.readers[i].waited;
    assert_true(read >= READERS);
    total_pages += read;
    total_served += gitserver_served(s.server);
    close_scene(&s);
    assert_int_equal(loop_timers(), timers);
    if (memory_stats().blocks != blocks)
        fail_msg("seed %llu: memory is left over", (unsigned long long)seed);
}

static void any_network_ends_in_the_newest_content(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        run_seed(seed, (struct slice){NULL, 0});
    printf("%u seeds: %u pages, %u answers of 503, %u whole packs\n", SEEDS, total_pages,
           total_waited, total_served);
    assert_true(total_waited > 0 && total_served > SEEDS);
}

static void baked_content_is_served_at_once(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS / 4; seed++)
        run_seed(seed, bundle);
}

static void without_a_remote_the_baked_content_stays(void **state)
{
    (void)state;
    static const char *const arguments[] = {"-p", "80", "-l", "quiet"};
    struct scene s;
    uint64_t blocks = memory_stats().blocks;
    configure(arguments, 4);
    open_scene(&s, 7);
    struct world world = {.stack = s.canopy, .content = bundle};
    assert_int_equal(program.start(&world), OK);
    while (s.readers[0].pages < 20)
        sim_run(NULL, NULL, clock_monotonic() + 10 * CLOCK_MS), read_on(&s.readers[0]);
    assert_int_equal(s.readers[0].newest, 0);
    assert_int_equal(s.readers[0].waited + s.readers[0].broken, 0);
    close_scene(&s);
    assert_int_equal(memory_stats().blocks, blocks);
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
        cmocka_unit_test(baked_content_is_served_at_once),
        cmocka_unit_test(without_a_remote_the_baked_content_stays),
        cmocka_unit_test(long_work_says_how_far_it_is),
        cmocka_unit_test(retries_go_on_at_a_bounded_pace),
        cmocka_unit_test(no_half_answers_when_memory_is_short),
        cmocka_unit_test(with_nothing_to_serve_it_does_not_start),
    };
    return cmocka_run_group_tests_name("canopy in the simulation", tests, make_repository, NULL);
}
