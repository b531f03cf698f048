/*
 * The fetch driver in a simulated network: git:// and http://, whole and cut off at every byte, slow,
 * silent, out of memory, cancelled at every step; redirects, refusals, secrets.
 */
#include "tests/lib/git/fetch_place.h"

/* --- What works ----------------------------------------------------------------------------------- */

static void over_git(void **state)
{
    struct world *w = *state;
    speak_v2(&w->remote);
    assert_fetched(w, GIT);
    assert_string_equal(w->progress, "Counting objects: 1|done|");
    speak_v0(&w->remote);
    assert_fetched(w, GIT);
}

static void over_http(void **state)
{
    struct world *w = *state;
    for (int v2 = 0; v2 < 2; v2++)
        for (enum framing f = LENGTH; f <= KEPT_BUT_CLOSED; f++) {
            speak_http(&w->remote, f, v2);
            assert_fetched(w, HTTP);
            assert_int_equal(w->remote.accepted, f <= CHUNKS ? 1 : 2 + (unsigned)v2);
        }
}

static void in_every_kind_of_pieces(void **state)
{
    struct world *w = *state;
    struct sim_link links[] = {
        {.split = SIM_SPLIT_BYTES},
        {.split = SIM_SPLIT_RANDOM, .latency_min = CLOCK_MS, .latency_max = 90 * CLOCK_MS},
        {.bandwidth = 100, .latency_min = 500 * CLOCK_MS, .latency_max = 500 * CLOCK_MS},
        {.read_delay = 20 * CLOCK_SEC},
    };
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        sim_net_links(w->net, links[i]);
        speak_v2(&w->remote);
        assert_fetched(w, GIT);
        speak_v0(&w->remote);
        assert_fetched(w, GIT);
        speak_http(&w->remote, CHUNKS, true);
        assert_fetched(w, HTTP);
        speak_http(&w->remote, KEPT_BUT_CLOSED, false);
        assert_fetched(w, HTTP);
    }
}

static void what_is_asked(void **state)
{
    struct world *w = *state;
    struct oid have = {{0x22, 0x22}};
    memset(have.bytes, 0x22, 20);
    speak_v2(&w->remote);
    assert_int_equal(open_fetch(w, GIT, &have, 1), OK);
    memset(&have, 0, sizeof(have)); /* it was copied */
    assert_true(sim_run(is_over, w, clock_monotonic() + 60 * CLOCK_SEC));
    struct slice requests = slice_of(w->remote.requests, w->remote.requests_len);
    assert_true(slice_search(requests, SLICE("host=git.example\0\0version=2\0")) < requests.len);
    assert_true(slice_search(requests, SLICE("ref-prefix HEAD\n")) < requests.len);
    assert_true(slice_search(requests, SLICE("want " ONE "\n")) < requests.len);
    assert_true(slice_search(requests, SLICE("have " TWO "\n")) < requests.len);
    assert_true(slice_search(requests, SLICE("thin-pack\n")) < requests.len);
}

static void nothing_new(void **state)
{
    struct world *w = *state;
    w->head_answer = ERR_EXISTS;
    for (int kind = 0; kind < 3; kind++) {
        if (kind == 0)
            speak_v2(&w->remote);
        else if (kind == 1)
            speak_v0(&w->remote);
        else
            speak_http(&w->remote, LENGTH, true);
        assert_int_equal(fetch(w, kind == 2 ? HTTP : GIT), OK);
        assert_string_equal(w->pack, "");
        sim_run(NULL, NULL, clock_monotonic() + CLOCK_SEC);
        struct slice requests = slice_of(w->remote.requests, w->remote.requests_len);
        assert_true(slice_ends(requests, SLICE("0000")));
        assert_int_equal(slice_search(requests, SLICE("want ")), requests.len);
    }
}

static void the_owner_refuses(void **state)
{
    struct world *w = *state;
    w->head_answer = ERR_MEMORY;
    speak_v2(&w->remote);
    assert_int_equal(fetch(w, GIT), ERR_MEMORY);
    w->head_answer = OK;
    w->pack_answer = ERR_MISMATCH;
    assert_int_equal(fetch(w, GIT), ERR_MISMATCH);
    assert_string_equal(w->pack, "PACK");
    speak_http(&w->remote, CHUNKS, true);
    assert_int_equal(fetch(w, HTTP), ERR_MISMATCH);
}

/* --- What goes wrong ------------------------------------------------------------------------------ */

static void speak(struct world *w, int kind, const char **url)
{
    *url = kind < 2 ? GIT : HTTP;
    if (kind == 0)
        speak_v2(&w->remote);
    else if (kind == 1)
        speak_v0(&w->remote);
    else
        speak_http(&w->remote, kind == 2 ? CHUNKS : KEPT_BUT_CLOSED, true);
}

/* Wherever the connection is cut, there is one end, an error that says why, or all was there. */
static void cut_at_every_byte(void **state)
{
    static const enum sim_cut cuts[] = {SIM_CUT_RESET, SIM_CUT_EOF, SIM_CUT_SILENCE};
    struct world *w = *state;
    const char *url;
    for (int kind = 0; kind < 4; kind++) {
        speak(w, kind, &url);
        for (size_t i = 0; i < 3; i++) {
            unsigned failed = 0, whole = 0;
            for (uint64_t n = 0; n < 3000; n++) {
                sim_net_links(w->net, (struct sim_link){.cut = cuts[i], .cut_after = n});
                enum err e = fetch(w, url);
                assert_int_equal(w->dones, 1);
                failed += e != OK;
                whole += e == OK;
                if (e == OK)
                    assert_string_equal(w->pack, "PACK-the-pack-");
                else
                    assert_int_equal(strncmp(w->line, url, strlen(url)), 0);
                if (cuts[i] == SIM_CUT_SILENCE && e != OK) /* a closing peer loses patience first */
                    assert_int_equal(e, kind == 3 && e == ERR_RESET ? ERR_RESET : ERR_TIMEOUT);
                assert_true(w->took <= 4 * GIT_FETCH_IDLE_SEC * CLOCK_SEC);
            }
            assert_true(failed > 100 && whole > 20);
        }
    }
}

static void cancelled_in_every_event(void **state)
{
    struct world *w = *state;
    const char *url;
    for (int kind = 0; kind < 4; kind++) {
        speak(w, kind, &url);
        for (w->cancel_at = 1; w->cancel_at < 20; w->cancel_at++) {
            assert_int_equal(open_fetch(w, url, NULL, 0), OK);
            sim_run(is_over, w, clock_monotonic() + 60 * CLOCK_SEC);
            assert_null(w->fetch);
            assert_true(w->dones == 1 || w->events == w->cancel_at);
        }
    }
}

static void cancelled_at_any_time(void **state)
{
    struct world *w = *state;
    const char *url;
    sim_net_links(w->net, (struct sim_link){.latency_min = 5 * CLOCK_MS,
                                            .latency_max = 9 * CLOCK_MS,
                                            .split = SIM_SPLIT_RANDOM});
    for (int kind = 0; kind < 4; kind++) {
        speak(w, kind, &url);
        for (uint64_t ms = 0; ms < 100; ms++) {
            assert_int_equal(open_fetch(w, url, NULL, 0), OK);
            sim_run(is_over, w, clock_monotonic() + ms * CLOCK_MS);
            if (w->fetch)
                git_fetch_cancel(w->fetch);
            w->fetch = NULL;
            unsigned seen = w->events + w->dones;
            sim_run(NULL, NULL, clock_monotonic() + CLOCK_SEC);
            assert_int_equal(w->events + w->dones, seen);
        }
    }
}

static void without_memory(void **state)
{
    struct world *w = *state;
    const char *url;
    for (int kind = 0; kind < 4; kind++) {
        unsigned whole = 0;
        speak(w, kind, &url);
        for (uint64_t n = 1; n < 60; n++) {
            sim_memory_fail_nth(0);
            w->dones = 0;
            remote_forget(&w->remote);
            struct buf error;
            buf_init(&error, 1024);
            sim_memory_fail_nth(n);
            w->events = w->heads = 0;
            w->pack[0] = '\0';
            struct git_remote remote = {.url = slice_text(url)};
            enum err e =
                git_fetch_open(w->here, &remote, NULL, 0, OID_SHA1, &events, w, &w->fetch, &error);
            if (e == OK)
                assert_true(sim_run(is_over, w, clock_monotonic() + 3600 * CLOCK_SEC));
            else
                w->fetch = NULL;
            sim_memory_fail_nth(0);
            assert_int_equal(w->dones, e == OK);
            whole += e == OK && w->why == OK;
            if (e == OK && w->why == OK)
                assert_string_equal(w->pack, "PACK-the-pack-");
            buf_deinit(&error);
        }
        assert_true(whole > 0);
    }
}

static void nobody_there(void **state)
{
    struct world *w = *state;
    assert_int_equal(fetch(w, "git://nowhere.example/r"), ERR_NOT_FOUND);
    assert_string_equal(w->line, "git://nowhere.example/r: the host's name is not known");
    sim_net_links(w->net, (struct sim_link){.refuse = true});
    assert_int_equal(fetch(w, GIT), ERR_REFUSED);
    assert_string_equal(w->line, GIT ": connection refused");
    sim_net_links(w->net, (struct sim_link){.black_hole = true});
    assert_int_equal(fetch(w, GIT), ERR_TIMEOUT);
    assert_true(w->took <= GIT_FETCH_IDLE_SEC * CLOCK_SEC);
}

/* A remote that says nothing, and one that says as little as it can for as long as it can. */
static void drip(struct timer *t);
static struct timer dripping;
static struct world *dripped;

static void drip(struct timer *t)
{
    struct connection *c = dripped->remote.connections;
    if (!c || !c->flow)
        return;
    (void)flow_write(c->flow, SLICE("0005\x01"));
    timer_start(t, clock_monotonic() + 20 * CLOCK_SEC);
}

static void slow_remotes(void **state)
{
    struct world *w = *state;
    speak_v2(&w->remote);
    w->remote.answers[2].len = 0;
    assert_int_equal(fetch(w, GIT), ERR_TIMEOUT);
    assert_string_equal(w->line, GIT ": the remote does not answer");
    assert_in_range(w->took, GIT_FETCH_IDLE_SEC * CLOCK_SEC, (GIT_FETCH_IDLE_SEC + 1) * CLOCK_SEC);

    put_pkt(&w->remote.answers[2], "packfile");
    put_band(&w->remote.answers[2], 1, "PACK");
    dripped = w;
    timer_init(&dripping, drip);
    timer_start(&dripping, clock_monotonic() + 5 * CLOCK_SEC);
    assert_int_equal(fetch(w, GIT), ERR_TIMEOUT);
    assert_string_equal(w->line, GIT ": the fetch takes too long");
    assert_in_range(w->took, GIT_FETCH_MAX_SEC * CLOCK_SEC, (GIT_FETCH_MAX_SEC + 1) * CLOCK_SEC);
    timer_stop(&dripping);
}

/* The owner may rest for longer than a remote may, but not for ever. */
static void paused(void **state)
{
    struct world *w = *state;
    struct sim_link bytewise = {.split = SIM_SPLIT_BYTES};
    sim_net_link(w->net, w->here, w->there, bytewise);
    w->rests = 50 * CLOCK_SEC;
    speak_v2(&w->remote);
    assert_fetched(w, GIT);
    assert_true(w->took >= 2 * w->rests && w->took < GIT_FETCH_MAX_SEC * CLOCK_SEC);
    for (enum framing f = LENGTH; f <= CHUNKS; f++) {
        speak_http(&w->remote, f, true);
        assert_fetched(w, HTTP);
        assert_true(w->took >= 2 * w->rests);
    }
    speak_v2(&w->remote);
    w->rests = 2 * GIT_FETCH_MAX_SEC * CLOCK_SEC;
    assert_int_equal(fetch(w, GIT), ERR_TIMEOUT);
    assert_string_equal(w->line, GIT ": the fetch takes too long");
    timer_stop(&w->rest);
}

static void what_the_remote_says(void **state)
{
    struct world *w = *state;
    w->remote.http = false;
    w->remote.count = 0;
    put_pkt(add(&w->remote), "ERR access denied");
    assert_int_equal(fetch(w, GIT "#b"), ERR_DENIED);
    assert_string_equal(w->line, GIT ": the remote says: access denied");
    w->remote.count = 0;
    put(add(&w->remote), "SSH-2.0-OpenSSH_9.2\r\n");
    assert_int_equal(fetch(w, GIT), ERR_MALFORMED);
}

/* --- HTTP ----------------------------------------------------------------------------------------- */

static void answer_http(struct remote *r, const char *text)
{
    r->http = true;
    put(add(r), "%s", text);
}

static void statuses(void **state)
{
    static const struct {
        const char *status;
        enum err why;
        const char *line;
    } cases[] = {
        {"401 Unauthorized", ERR_DENIED, "asks for a name"},
        {"403 Forbidden", ERR_DENIED, "does not permit"},
        {"404 Not Found", ERR_NOT_FOUND, "no such repository"},
        {"500 Oops", ERR_IO, "answered 500"},
        {"503 Later", ERR_IO, "answered 503"},
        {"418 Teapot", ERR_UNSUPPORTED, "answered 418"},
        {"206 Partial", ERR_UNSUPPORTED, "answered 206"},
        {"302 Found", ERR_UNSUPPORTED, "redirect"},
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[128];
        snprintf(text, sizeof(text), "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n", cases[i].status);
        w->remote.count = 0;
        answer_http(&w->remote, text);
        assert_int_equal(fetch(w, HTTP), cases[i].why);
        if (!strstr(w->line, cases[i].line))
            fail_msg("%s", w->line);
    }
}

static void no_smart_server(void **state)
{
    static const char *const texts[] = {
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\n"
        "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\n"
        "Content-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\n"
        "Content-Length: 12\r\n\r\n000eversion ",
        "nonsense\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        w->remote.count = 0;
        answer_http(&w->remote, texts[i]);
        assert_int_not_equal(fetch(w, HTTP), OK);
        assert_int_not_equal(w->why, ERR_TIMEOUT);
        assert_true(w->line[0]);
    }
}

static void more_than_asked_for(void **state)
{
    struct answer inner = {.len = 0};
    struct world *w = *state;
    w->remote.count = 0;
    w->remote.http = true;
    put_capabilities(&inner);
    put(&inner, "0000");
    add_response(&w->remote, LENGTH, "advertisement", &inner);
    assert_int_equal(fetch(w, HTTP), ERR_MALFORMED);
}

/* A redirect moves all that follows; credentials stay with the host that they are for. */
static void redirects(void **state)
{
    static const char *const places[] = {
        "http://other.example/moved/info/refs?service=git-upload-pack",
        "http://x:y@other.example:80/moved/info/refs?service=git-upload-pack#z",
        "//other.example/moved/info/refs?service=git-upload-pack",
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        w->remote.count = 0;
        w->remote.http = true;
        put(add(&w->remote), "HTTP/1.1 30%d Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
            i == 0 ? 1 : 7, places[i]);
        speak_http(&w->other, LENGTH, true);
        assert_fetched(w, "http://n:secret@git.example/r");
        struct slice here = slice_of(w->remote.requests, w->remote.requests_len);
        struct slice there = slice_of(w->other.requests, w->other.requests_len);
        assert_true(slice_search(here, SLICE("Authorization: Basic bjpzZWNyZXQ=\r\n")) < here.len);
        assert_int_equal(slice_search(there, SLICE("Authorization")), there.len);
        assert_true(
            slice_starts(there, SLICE("GET /moved/info/refs?service=git-upload-pack HTTP")));
        assert_true(slice_search(there, SLICE("POST /moved/git-upload-pack HTTP")) < there.len);
        assert_true(slice_search(there, SLICE("Host: other.example\r\n")) < there.len);
    }
}

static void redirects_on_one_host(void **state)
{
    static const char *const places[] = {"/new/info/refs?service=git-upload-pack",
                                         "../../new/info/refs?service=git-upload-pack",
                                         "refs?service=git-upload-pack"};
    static const char *const targets[] = {
        "GET /new/info/refs?service=git-upload-pack ",
        "GET /r/info/../../new/info/refs?service=git-upload-pack ",
        "GET /r/info/refs?service=git-upload-pack "};
    struct world *w = *state;
    for (size_t i = 0; i < 3; i++) {
        struct remote after = {.count = 0};
        speak_http(&after, LENGTH, true);
        w->remote.count = 0;
        w->remote.http = true;
        put(add(&w->remote), "HTTP/1.1 302 Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
            places[i]);
        for (size_t k = 0; k < 3; k++)
            *add(&w->remote) = after.answers[k];
        assert_fetched(w, "http://n:secret@git.example/r");
        struct slice requests = slice_of(w->remote.requests, w->remote.requests_len);
        assert_true(slice_search(requests, slice_text(targets[i])) < requests.len);
        size_t count = 0;
        for (struct slice rest = requests; rest.len > 0; count++)
            rest = slice_drop(rest, slice_search(rest, SLICE("bjpzZWNyZXQ=")) + 1);
        assert_int_equal(count, 4 + 1);
    }
}

static void redirects_to_nowhere(void **state)
{
    static const char *const places[] = {
        "http://other.example/login",
        "https://git.example/r/info/refs?service=git-upload-pack",
        "ssh://git.example/r/info/refs?service=git-upload-pack",
        "http://[/info/refs?service=git-upload-pack",
        "",
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        w->remote.count = 0;
        w->remote.http = true;
        put(add(&w->remote), "HTTP/1.1 302 Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
            places[i]);
        assert_int_equal(fetch(w, HTTP), ERR_UNSUPPORTED);
    }
    w->remote.count = 0;
    for (size_t i = 0; i <= GIT_REDIRECTS_MAX; i++)
        put(add(&w->remote), "HTTP/1.1 302 Moved\r\nLocation: "
                             "/a/info/refs?service=git-upload-pack\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(fetch(w, HTTP), ERR_LIMIT);
    assert_int_equal(w->remote.next, GIT_REDIRECTS_MAX + 1);
}

static void secrets_stay(void **state)
{
    struct world *w = *state;
    w->remote.count = 0;
    answer_http(&w->remote, "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(fetch(w, "http://name:secret@git.example/r"), ERR_DENIED);
    assert_null(strstr(w->line, "secret"));
    assert_null(strstr(w->line, "name:"));
    assert_non_null(strstr(w->line, "does not accept the name and password"));
}

static void urls_that_are_none(void **state)
{
    struct world *w = *state;
    assert_int_equal(open_fetch(w, "https://git.example/r", NULL, 0), ERR_UNSUPPORTED);
    assert_non_null(strstr(w->line, "nobody is trusted"));
    w->secret = SLICE("token");
    assert_int_equal(open_fetch(w, "http://git.example/r", NULL, 0), ERR_ARGUMENT);
    assert_non_null(strstr(w->line, "https:// only"));
    assert_int_equal(open_fetch(w, "ssh://git.example/r", NULL, 0), ERR_ARGUMENT);
    assert_int_equal(open_fetch(w, "", NULL, 0), ERR_ARGUMENT);
}

/* The longest URL still makes a line that fits. */
static void long_urls(void **state)
{
    static char url[GIT_URL_MAX + 1];
    struct world *w = *state;
    memset(url, 'a', sizeof(url) - 1);
    memcpy(url, "git://git.example/", 18);
    w->remote.http = false;
    w->remote.count = 0;
    put_pkt(add(&w->remote), "ERR none");
    assert_int_equal(fetch(w, url), ERR_DENIED);
    assert_non_null(strstr(w->line, ": the remote says: none"));
    memset(url, 'a', sizeof(url) - 1);
    memcpy(url, "http://git.example/", 19);
    w->remote.count = 0;
    answer_http(&w->remote, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(fetch(w, url), ERR_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(over_git),
        TEST(over_http),
        TEST(in_every_kind_of_pieces),
        TEST(what_is_asked),
        TEST(nothing_new),
        TEST(the_owner_refuses),
        TEST(cut_at_every_byte),
        TEST(cancelled_in_every_event),
        TEST(cancelled_at_any_time),
        TEST(without_memory),
        TEST(nobody_there),
        TEST(slow_remotes),
        TEST(paused),
        TEST(what_the_remote_says),
        TEST(statuses),
        TEST(no_smart_server),
        TEST(more_than_asked_for),
        TEST(redirects),
        TEST(redirects_on_one_host),
        TEST(redirects_to_nowhere),
        TEST(secrets_stay),
        TEST(urls_that_are_none),
        TEST(long_urls),
    };
    return cmocka_run_group_tests_name("git/fetch", tests, NULL, NULL);
}
