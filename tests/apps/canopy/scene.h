/*
 * The world of canopy in the simulation: a git remote with generations of one site, visitors that check what
 * they read, pushes, and a network that delays, splits and cuts; a different one for each seed, the same one
 * each time for the same seed.
 */
#ifndef TESTS_APPS_CANOPY_SCENE_H
#define TESTS_APPS_CANOPY_SCENE_H

#include "platform/sim/client.h"
#include "platform/sim/net.h"
#include "runtime/loop.h"
#include "signatures/clock.h"
#include "signatures/memory.h"
#include "signatures/program.h"
#include "signatures/timer.h"
#include "tests/support/gitserver.h"
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
#define PATIENCE    (600 * CLOCK_SEC) /* virtual */

static char commits[GENERATIONS][41];
static struct slice packs[GENERATIONS];
static struct slice bundle; /* of generation 0 */
static unsigned total_pages, total_waited, total_served;

static inline struct slice read_file(const char *name)
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

static inline int make_repository(void **state)
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

struct visitor {
    struct stack *stack;
    struct sim_random random;
    struct sim_client *client;
    const char *page;
    uint64_t asked_at;
    int newest; /* generation seen */
    unsigned pages, waited, broken;
};

static const char *const pages[] = {"About", "Posts/A", "Posts/B", "Posts/C"};

static inline void ask(struct visitor *r)
{
    char request[128];
    if (!r->client)
        r->client = sim_client_open(r->stack, "10.0.0.1", 80);
    r->page = pages[sim_random_range(&r->random, 0, 3)];
    snprintf(request, sizeof(request), "GET /%s HTTP/1.1\r\nHost: canopy\r\n\r\n", r->page);
    sim_client_text(r->client, request);
    r->asked_at = clock_monotonic();
}

static inline void check_page(struct visitor *r, struct slice body)
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
static inline bool answered(struct visitor *r)
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

static inline void leave(struct visitor *r)
{
    sim_client_close(r->client);
    r->client = NULL;
}

static inline void read_on(struct visitor *r)
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
    struct visitor readers[READERS];
    struct sim_random random;
    int generation;
    uint64_t next_push;
    struct sim_client *pusher;
};

static inline struct sim_link some_link(struct sim_random *r, bool may_cut)
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

static inline void push(struct scene *s)
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

static inline void configure(const char *const *arguments, size_t count)
{
    struct buf error;
    buf_init(&error, SETTINGS_ERROR_MAX);
    settings_preset(program_settings);
    assert_int_equal(settings_arguments(program_settings, count, arguments, NULL, NULL, &error),
                     OK);
    buf_deinit(&error);
}

static inline void open_scene(struct scene *s, uint64_t seed)
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
        s->readers[i] = (struct visitor){.stack = s->readers_host, .newest = -1};
        sim_random_seed(&s->readers[i].random, seed * 100 + i);
    }
}

/* One look at the world between the program's handlers: readers read, and now and then somebody
 * pushes or the path to the remote changes. Done when all readers have seen the last generation. */
static inline bool live(void *arg)
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

static inline bool stopped(void *arg)
{
    int status = 1;
    (void)arg;
    bool yes = loop_stopped(&status);
    assert_true(!yes || status == 0);
    return yes;
}

static inline void close_scene(struct scene *s)
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

static inline void run_seed(uint64_t seed, struct slice baked, struct slice prepared)
{
    static const char *const arguments[] = {
        "-r", "git://remote/site", "-p", "80", "-l", "quiet", "--poll", "30"};
    struct scene s;
    uint64_t blocks = memory_stats().blocks;
    uint32_t timers = loop_timers();
    configure(arguments, sizeof(arguments) / sizeof(arguments[0]));
    open_scene(&s, seed);
    struct world world = {.stack = s.canopy, .content = baked, .prepared = prepared};
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

#endif
