/*
 * The fetch driver over https:// in a simulated network: whole, in pieces, cut off, cancelled, out of
 * memory; whom it trusts; redirects and secrets across hosts and schemes.
 */
#include "tests/lib/git/fetch_place.h"

#include "platform/sim/signer.h"
#include "tests/support/pki.h"

#define HTTPS "https://git.example/r"

static struct pki ca, leaf;
static struct signer *signer;
static struct service {
    struct tls_server *server;
    struct stack *stack;
    struct listener *listener;
} services[2]; /* at there, and elsewhere */

static int make_certificates(void **state)
{
    (void)state;
    ca = pki_make(&(struct pki_request){.name = "CA", .authority = true}, NULL);
    leaf = pki_make(
        &(struct pki_request){.name = "git", .hosts = "DNS:git.example,DNS:other.example"}, &ca);
    return 0;
}

static int free_certificates(void **state)
{
    (void)state;
    pki_free(&ca);
    pki_free(&leaf);
    return 0;
}

static struct service serve(struct stack *below, struct remote *remote)
{
    static const struct pki_entry entry = {"server", {&leaf, &ca, NULL}};
    struct endpoint local = {ADDRESS_ANY, 443, 0};
    struct service s;
    struct buf keys, certs, error;
    buf_init(&keys, 1 << 16);
    buf_init(&certs, 1 << 16);
    buf_init(&error, 512);
    pki_keys(&keys, &entry, 1);
    pki_certs(&certs, &entry, 1);
    if (!signer)
        signer = sim_signer_open(buf_slice(&keys));
    struct tls_server_config config = {.signer = signer, .certificates = buf_slice(&certs)};
    assert_int_equal(tls_server_open(&config, &s.server, &error), OK);
    s.stack = tls_server_stack(s.server, below);
    assert_int_equal(stack_listen(s.stack, local, remote_accept, remote, &s.listener), OK);
    buf_deinit(&keys);
    buf_deinit(&certs);
    buf_deinit(&error);
    return s;
}

static struct tls_client *trust(struct slice anchors)
{
    struct tls_client *client;
    struct tls_client_config config = {.anchors = anchors};
    assert_int_equal(tls_client_open(&config, &client), OK);
    return client;
}

static int setup_https(void **state)
{
    if (setup(state))
        return -1;
    struct world *w = *state;
    sim_clock_set_wall(PKI_NOW * (int64_t)CLOCK_SEC);
    services[0] = serve(w->there, &w->remote);
    services[1] = serve(w->elsewhere, &w->other);
    w->tls = trust(ca.cert);
    return 0;
}

static int teardown_https(void **state)
{
    struct world *w = *state;
    sim_memory_fail_nth(0);
    sim_net_links(w->net, (struct sim_link){.latency_min = 0});
    remote_forget(&w->remote);
    remote_forget(&w->other);
    sim_run(NULL, NULL, clock_monotonic() + 60 * CLOCK_SEC);
    tls_client_close(w->tls);
    for (size_t i = 0; i < 2; i++) {
        stack_unlisten(services[i].stack, services[i].listener);
        tls_server_close(services[i].server);
    }
    sim_signer_close(signer);
    signer = NULL;
    return teardown(state);
}

/* What the TLS library keeps for ever is taken by a first fetch, whose memory is not counted. */
static int warm_up(void **state)
{
    make_certificates(state);
    assert_int_equal(setup_https(state), 0);
    struct world *w = *state;
    speak_http(&w->remote, LENGTH, true);
    assert_int_equal(fetch(w, HTTPS), OK);
    (void)teardown_https(state);
    return 0;
}

static void in_every_kind_of_pieces(void **state)
{
    static const enum framing framings[] = {LENGTH, CHUNKS, UNTIL_CLOSE, LENGTH_THEN_CLOSE,
                                            KEPT_BUT_CLOSED};
    struct world *w = *state;
    for (int split = SIM_SPLIT_NOT; split <= SIM_SPLIT_BYTES; split++) {
        sim_net_links(w->net, (struct sim_link){.split = (enum sim_split)split});
        for (size_t i = 0; i < sizeof framings / sizeof *framings; i++) {
            speak_http(&w->remote, framings[i], i % 2 == 0);
            assert_fetched(w, HTTPS);
        }
    }
}

/* One end each time, with a line; and never a pack that was not whole. */
static void cut_anywhere(void **state)
{
    static const enum sim_cut cuts[] = {SIM_CUT_RESET, SIM_CUT_EOF, SIM_CUT_SILENCE};
    struct world *w = *state;
    for (size_t i = 0; i < 3; i++) {
        unsigned failed = 0, whole = 0;
        speak_http(&w->remote, CHUNKS, true);
        for (uint64_t n = 0; n < 8000; n += 13) {
            sim_net_links(w->net, (struct sim_link){.cut = cuts[i], .cut_after = n});
            enum err e = fetch(w, HTTPS);
            assert_int_equal(w->dones, 1);
            failed += e != OK;
            whole += e == OK;
            if (e == OK)
                assert_string_equal(w->pack, "PACK-the-pack-");
            else
                assert_int_equal(strncmp(w->line, HTTPS ": ", strlen(HTTPS) + 2), 0);
        }
        assert_true(failed > 0 && whole > 0);
    }
}

static void cancelled_at_any_time(void **state)
{
    struct world *w = *state;
    sim_net_links(w->net, (struct sim_link){.latency_min = 5 * CLOCK_MS,
                                            .latency_max = 9 * CLOCK_MS,
                                            .split = SIM_SPLIT_RANDOM});
    speak_http(&w->remote, CHUNKS, true);
    for (uint64_t ms = 0; ms < 150; ms++) {
        assert_int_equal(open_fetch(w, HTTPS, NULL, 0), OK);
        sim_run(is_over, w, clock_monotonic() + ms * CLOCK_MS);
        if (w->fetch)
            git_fetch_cancel(w->fetch);
        w->fetch = NULL;
        unsigned seen = w->events + w->dones;
        sim_run(NULL, NULL, clock_monotonic() + CLOCK_SEC);
        assert_int_equal(w->events + w->dones, seen);
    }
}

/* Both sides take memory of the same place; whoever goes without, there is one end. */
static void without_memory(void **state)
{
    struct world *w = *state;
    unsigned whole = 0, failed = 0;
    for (uint64_t n = 1; n < 1200; n += n < 100 ? 1 : 7) {
        remote_forget(&w->remote);
        speak_http(&w->remote, CHUNKS, true);
        sim_memory_fail_nth(n);
        struct buf error;
        struct git_remote remote = {.url = SLICE(HTTPS), .tls = w->tls};
        buf_init(&error, 1024);
        w->events = w->heads = w->dones = 0;
        w->pack[0] = '\0';
        enum err e =
            git_fetch_open(w->here, &remote, NULL, 0, OID_SHA1, &events, w, &w->fetch, &error);
        if (e == OK)
            assert_true(sim_run(is_over, w, clock_monotonic() + 3600 * CLOCK_SEC));
        else
            w->fetch = NULL;
        sim_memory_fail_nth(0);
        assert_int_equal(w->dones, e == OK);
        bool fine = e == OK && w->why == OK;
        whole += fine;
        failed += !fine;
        if (fine)
            assert_string_equal(w->pack, "PACK-the-pack-");
        buf_deinit(&error);
    }
    assert_true(whole > 0 && failed > 0);
}

static void whom_to_trust(void **state)
{
    struct world *w = *state;
    struct tls_client *known = w->tls;
    struct pki stranger = pki_make(&(struct pki_request){.name = "X", .authority = true}, NULL);
    w->tls = trust(stranger.cert);
    speak_http(&w->remote, LENGTH, true);
    assert_int_equal(fetch(w, HTTPS), ERR_DENIED);
    assert_non_null(strstr(w->line, HTTPS ": "));
    assert_int_equal(w->remote.accepted, 0);
    tls_client_close(w->tls);
    w->tls = known;
    assert_int_equal(fetch(w, "https://192.0.2.2/r"), ERR_DENIED); /* is not its name */
    sim_clock_set_wall((PKI_NOW + 1000 * PKI_DAY) * (int64_t)CLOCK_SEC);
    assert_int_equal(fetch(w, HTTPS), ERR_DENIED);
    assert_non_null(strstr(w->line, "expired"));
    sim_clock_set_wall(PKI_NOW * (int64_t)CLOCK_SEC);
    assert_fetched(w, HTTPS);
    pki_free(&stranger);
}

static void silent_remotes(void **state)
{
    struct world *w = *state;
    sim_net_links(w->net, (struct sim_link){.cut = SIM_CUT_SILENCE, .cut_after = 100});
    assert_int_equal(fetch(w, HTTPS), ERR_TIMEOUT);
    assert_true(w->took <= GIT_FETCH_IDLE_SEC * CLOCK_SEC);
}

/* --- redirects, and who is told the secret ------------------------------------------------------ */

static void redirect_to(struct remote *r, const char *place)
{
    r->http = true;
    r->count = 0;
    put(add(r),
        "HTTP/1.1 302 Moved\r\nLocation: %s/info/refs?service=git-upload-pack\r\n"
        "Content-Length: 0\r\n\r\n",
        place);
}

static bool was_told(const struct remote *r, const char *what)
{
    struct slice all = slice_of(r->requests, r->requests_len);
    return slice_search(all, slice_text(what)) < all.len;
}

static void never_to_a_plain_scheme(void **state)
{
    static const char *const places[] = {"http://git.example/r", "http://other.example/r",
                                         "git://git.example/r"};
    struct world *w = *state;
    for (size_t i = 0; i < 3; i++) {
        redirect_to(&w->remote, places[i]);
        assert_true(fetch(w, HTTPS) != OK);
        assert_non_null(strstr(w->line, "redirects"));
        assert_int_equal(w->other.accepted, 0);
    }
}

static void redirects_between_hosts(void **state)
{
    struct world *w = *state;
    w->secret = SLICE("t0ken");
    redirect_to(&w->remote, "https://other.example/x");
    speak_http(&w->other, LENGTH, true);
    assert_fetched(w, HTTPS);
    assert_true(was_told(&w->remote, "Authorization: Bearer t0ken\r\n"));
    assert_false(was_told(&w->other, "Authorization") || was_told(&w->other, "t0ken"));
    redirect_to(&w->remote, "//other.example/x"); /* the same scheme */
    assert_fetched(w, HTTPS);
    w->secret = SLICE("");
    redirect_to(&w->remote, "https://other.example/x");
    assert_fetched(w, "http://n:secret@git.example/r"); /* to a better scheme */
    assert_false(was_told(&w->other, "Authorization"));
}

/* Twice as long as a URL may be. */
static void tokens_that_are_too_long(void **state)
{
    struct world *w = *state;
    static char token[2 * GIT_URL_MAX];
    memset(token, 't', sizeof(token));
    speak_http(&w->remote, LENGTH, true);
    w->secret = slice_of(token, sizeof(token) - sizeof("Bearer "));
    assert_fetched(w, HTTPS);
    w->secret = slice_of(token, sizeof(token));
    assert_int_equal(open_fetch(w, "https://name@git.example/r", NULL, 0), ERR_LIMIT);
    assert_null(strstr(w->line, "tttt"));
}

static void the_same_host_is_told_again(void **state)
{
    struct world *w = *state;
    struct remote after = {.count = 0};
    w->secret = SLICE("t0ken");
    speak_http(&after, LENGTH, true);
    redirect_to(&w->remote, "");
    for (size_t i = 0; i < 3; i++)
        *add(&w->remote) = after.answers[i];
    assert_fetched(w, HTTPS);
    size_t told = 0;
    struct slice rest = slice_of(w->remote.requests, w->remote.requests_len);
    for (size_t at; (at = slice_search(rest, SLICE("Bearer t0ken\r\n"))) < rest.len; told++)
        rest = slice_drop(rest, at + 1);
    assert_int_equal(told, 4);
    assert_int_equal(fetch(w, "https://n@git.example/r"), OK);
    assert_true(was_told(&w->remote, "Authorization: Basic bjp0MGtlbg==\r\n")); /* n:t0ken */
}

static void nobody_is_trusted(void **state)
{
    struct world *w = *state;
    struct tls_client *known = w->tls;
    w->tls = NULL;
    redirect_to(&w->remote, "https://other.example/x");
    assert_int_equal(fetch(w, HTTP), ERR_UNSUPPORTED);
    assert_non_null(strstr(w->line, "nobody is trusted"));
    w->tls = known;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_https, teardown_https)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(in_every_kind_of_pieces),
        TEST(cut_anywhere),
        TEST(cancelled_at_any_time),
        TEST(without_memory),
        TEST(whom_to_trust),
        TEST(silent_remotes),
        TEST(never_to_a_plain_scheme),
        TEST(redirects_between_hosts),
        TEST(tokens_that_are_too_long),
        TEST(the_same_host_is_told_again),
        TEST(nobody_is_trusted),
    };
    return cmocka_run_group_tests_name("git/https", tests, warm_up, free_certificates);
}
