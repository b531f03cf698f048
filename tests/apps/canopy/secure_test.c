/*
 * Certificates over months of virtual time: which of two is served, what is said of the days that
 * are left, and what is refused.
 */
#include "apps/canopy/secure.h"
#include "lib/x509/x509.h"
#include "platform/sim/net.h"
#include "platform/sim/signer.h"
#include "runtime/keyring.h"
#include "runtime/loop.h"
#include "tests/support/blocks.h"
#include "tests/support/pki.h"
#include "tests/support/site.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DAY (24 * 60 * 60 * CLOCK_SEC)

static struct pki ca;
static struct secure secure;
static struct signer *signer;
static struct sim_net *net;
static struct world world;
static bool stopped;
static uint64_t fail_nth;       /* allocation of the start; 0: none */
static uint64_t requests;       /* of memory, of the start */
static const struct pki *spare; /* the signer has its key as well */

static int make_authority(void **state)
{
    (void)state;
    ca = pki_make(&(struct pki_request){.name = "CA", .authority = true}, NULL);
    return 0;
}

static int free_authority(void **state)
{
    (void)state;
    pki_free(&ca);
    return 0;
}

/* A certificate for a.example from and until so many days from the beginning. */
static struct pki make_leaf(int from, int until)
{
    return pki_make(&(struct pki_request){.name = "a.example",
                                          .hosts = "DNS:a.example",
                                          .not_before = PKI_NOW + from * PKI_DAY,
                                          .not_after = PKI_NOW + until * PKI_DAY},
                    &ca);
}

static struct buf section_of(const struct pki *leaf, const char *name)
{
    struct buf section;
    buf_init(&section, KEYRING_CERTS_SIZE);
    pki_certs(&section, &(struct pki_entry){name, {leaf, &ca, NULL}}, 1);
    return section;
}

static enum err start(const struct pki *leaf)
{
    struct buf keys, certs = section_of(leaf, "server");
    buf_init(&keys, KEYRING_KEYS_SIZE);
    const struct pki_entry entries[] = {{"server", {leaf, NULL}}, {"spare", {spare, NULL}}};
    pki_keys(&keys, entries, spare ? 2 : 1);
    sim_reset(1);
    sim_clock_set_wall(PKI_NOW * (int64_t)CLOCK_SEC);
    net = sim_net_open(1);
    signer = sim_signer_open(buf_slice(&keys));
    world = (struct world){.stack = sim_net_host(net, "192.0.2.1"),
                           .signer = signer,
                           .certificates = buf_slice(&certs)};
    sim_memory_fail_nth(fail_nth);
    enum err e = secure_start(&secure, &world);
    requests = sim_memory_requests();
    sim_memory_fail_nth(0);
    buf_deinit(&keys);
    buf_deinit(&certs);
    return e;
}

static void on_stopped(void)
{
    stopped = true;
}

static void stop(void)
{
    stopped = false;
    secure_stop(&secure, 5, on_stopped);
    sim_run(NULL, NULL, clock_monotonic() + CLOCK_SEC);
    assert_true(stopped);
    sim_signer_close(signer);
    assert_int_equal(sim_net_close(net), 0);
    assert_int_equal(loop_timers(), 0);
}

static void pass(uint64_t days)
{
    sim_run(NULL, NULL, clock_monotonic() + days * DAY);
}

static size_t said(const char *words)
{
    struct slice text = sim_console();
    size_t count = 0;
    for (size_t at; (at = slice_search(text, slice_text(words))) < text.len; count++)
        text = slice_drop(text, at + 1);
    return count;
}

/* Whether this is what new connections get. */
static bool serves(const struct pki *leaf)
{
    struct keyring ring;
    struct keyring_entry entry;
    assert_int_equal(keyring_open(&ring, KEYRING_CERTS, buf_slice(&secure.certificates.served)),
                     OK);
    assert_true(keyring_next(&ring, &entry));
    return slice_starts(entry.bytes, leaf->cert);
}

static void days_left_are_said_each_day(void **state)
{
    (void)state;
    struct pki leaf = make_leaf(-1, 35);
    assert_int_equal(start(&leaf), OK);
    pass(4);
    assert_int_equal(said("days left"), 0);
    pass(2);
    assert_true(said("certificate server (CN=a.example) has 30 days left, until 2026-07-06") +
                    said("has 29 days left") >=
                1);
    sim_console_clear();
    pass(20);
    assert_int_equal(said("warning tls: the certificate server"), 20);
    assert_int_equal(said("has 20 days left"), 1);
    pass(12);
    assert_true(said("has 0 days left") >= 1);
    assert_true(said("EXPIRED on 2026-07-06: clients refuse it") >= 1);
    stop();
    pki_free(&leaf);
}

/* A chain for a key that the signer does not have, no chain, and what is none. */
static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct pki leaf = make_leaf(-1, 20), other = make_leaf(-1, 90);
    assert_int_equal(start(&leaf), OK);
    struct buf section = section_of(&other, "server");
    const struct slice wrong[] = {buf_slice(&section), SLICE("RINGCERTnonsense"), SLICE("")};
    for (size_t i = 0; i < 3; i++) {
        secure_reload(&secure, wrong[i]);
        assert_true(serves(&leaf));
        assert_int_equal(said("the new certificates are refused, the old ones stay"), i + 1);
    }
    buf_deinit(&section);
    section = section_of(&leaf, "renamed");
    secure_reload(&secure, buf_slice(&section));
    assert_int_equal(said("new certificates are in use"), 1);
    buf_deinit(&section);
    stop();
    pki_free(&leaf);
    pki_free(&other);
}

/* --- the repository's --- */

#define SERVER ".config/tls/server.pem"

/* A commit that has this chain in this file. */
static struct content commit_with(const struct pki *leaf, const char *path)
{
    struct content c;
    struct buf pem;
    buf_init(&pem, 1 << 16);
    pem_write(&pem, "CERTIFICATE", leaf->cert);
    pem_write(&pem, "CERTIFICATE", ca.cert);
    work_begin();
    work_put(path, buf_slice(&pem));
    work_commit(WORK_EPOCH);
    buf_deinit(&pem);
    content_load(&c);
    return c;
}

/* The same key, another certificate. */
static struct pki renew(const struct pki *leaf, int until)
{
    return pki_make(&(struct pki_request){.name = "",
                                          .hosts = "DNS:a.example",
                                          .not_after = PKI_NOW + until * PKI_DAY,
                                          .key = leaf->key},
                    &ca);
}

/* What TLS cannot take is refused, and does not stand in the way of what the image brings next. */
static void one_that_is_not_for_servers(void **state)
{
    (void)state;
    struct pki leaf = make_leaf(-1, 20), renewed = renew(&leaf, 40);
    struct pki unfit = pki_make(&(struct pki_request){.name = "a.example",
                                                      .hosts = "DNS:a.example",
                                                      .not_after = PKI_NOW + 90 * PKI_DAY,
                                                      .usage = "critical,keyAgreement"},
                                &ca);
    struct content content = commit_with(&unfit, SERVER);
    spare = &unfit;
    assert_int_equal(start(&leaf), OK);
    secure_follow(&secure, content.store, &content.history.commit);
    assert_true(serves(&leaf));
    assert_true(slice_search(slice_text(secure.certificates.problem),
                             SLICE("its key may not sign")) < strlen(secure.certificates.problem));
    struct buf section = section_of(&renewed, "server");
    secure_reload(&secure, buf_slice(&section));
    assert_true(serves(&renewed));
    pass(15);
    assert_true(said("certificate server (a.example) has 30 days left") +
                    said("certificate server (a.example) has 29 days left") >=
                1);
    buf_deinit(&section);
    content_free(&content);
    stop();
    spare = NULL;
    pki_free(&leaf);
    pki_free(&renewed);
    pki_free(&unfit);
}

/* The one before ends within the same day: it is not served a moment longer than an hour after there is
 * another. */
static void the_next_is_valid_from_noon_on(void **state)
{
    (void)state;
    const int64_t hour = PKI_DAY / 24;
    struct pki leaf = pki_make(&(struct pki_request){.name = "a.example",
                                                     .hosts = "DNS:a.example",
                                                     .not_after = PKI_NOW + 15 * hour},
                               &ca);
    struct pki next = pki_make(&(struct pki_request){.name = "a.example",
                                                     .hosts = "DNS:a.example",
                                                     .not_before = PKI_NOW + 12 * hour,
                                                     .not_after = PKI_NOW + 90 * PKI_DAY,
                                                     .key = leaf.key},
                               &ca);
    struct content content = commit_with(&next, SERVER);
    assert_int_equal(start(&leaf), OK);
    secure_follow(&secure, content.store, &content.history.commit);
    sim_run(NULL, NULL, clock_monotonic() + 11 * (uint64_t)hour * CLOCK_SEC);
    assert_true(serves(&leaf));
    sim_run(NULL, NULL, clock_monotonic() + 3 * (uint64_t)hour * CLOCK_SEC);
    assert_true(serves(&next));
    content_free(&content);
    stop();
    pki_free(&leaf);
    pki_free(&next);
}

/* Whoever names files does not write lines of /status, and no host of .config/root drives a terminal. */
static void names_are_one_line(void **state)
{
    (void)state;
    struct pki leaf = make_leaf(-1, 20), renewed = renew(&leaf, 40);
    struct content content = commit_with(&renewed, ".config/tls/a\nmemory refused: 0.pem");
    struct buf status;
    buf_init(&status, 1 << 16);
    assert_int_equal(start(&leaf), OK);
    secure_follow(&secure, content.store, &content.history.commit);
    secure_problems(&secure, &status);
    secure_status(&secure, &status);
    assert_int_equal(slice_search(buf_slice(&status), SLICE("\nmemory refused")), status.len);
    assert_true(slice_search(buf_slice(&status), SLICE("a name with control")) < status.len);
    content_free(&content);
    work_text(".config/root", "https://a\x1b[2J\n");
    work_commit(WORK_EPOCH);
    content_load(&content);
    secure_follow(&secure, content.store, &content.history.commit);
    buf_clear(&status);
    secure_problems(&secure, &status);
    assert_int_equal(slice_find(buf_slice(&status), 0x1b), status.len);
    assert_true(slice_search(buf_slice(&status), SLICE("is for a\\x1b[2J, which")) < status.len);
    buf_deinit(&status);
    content_free(&content);
    stop();
    pki_free(&leaf);
    pki_free(&renewed);
}

/* With a little more memory each time: the old or the new, never what was before both. */
static void without_memory_those_of_before_stay(void **state)
{
    (void)state;
    struct pki leaf = make_leaf(-1, 20), old = renew(&leaf, 40), new = renew(&leaf, 60);
    struct buf image = section_of(&leaf, "server");
    struct content first = commit_with(&old, SERVER), second = commit_with(&new, SERVER);
    unsigned refused = 0;
    assert_int_equal(start(&leaf), OK);
    for (uint64_t room = 64; !serves(&new); room += 256) {
        secure_follow(&secure, first.store, &first.history.commit);
        assert_true(serves(&old));
        sim_memory_limit(memory_stats().bytes + room);
        secure_follow(&secure, second.store, &second.history.commit);
        sim_memory_limit(0);
        assert_true(serves(&old) || serves(&new));
        refused += serves(&old) && secure.certificates.problem[0];
        sim_memory_limit(memory_stats().bytes + room);
        secure_reload(&secure, buf_slice(&image));
        sim_memory_limit(0);
        assert_true(slice_equal(buf_slice(&secure.certificates.image), buf_slice(&image)));
        assert_true(serves(&old) || serves(&new));
    }
    assert_true(refused > 3);
    assert_int_equal(secure.certificates.problem[0], 0);
    stop();
    buf_deinit(&image);
    content_free(&first);
    content_free(&second);
    pki_free(&leaf);
    pki_free(&old);
    pki_free(&new);
}

/* The last requests of a start are for reading what is served, where it does without: before them comes
 * that for the stack. */
static void without_memory_for_its_stack_it_does_not_start(void **state)
{
    (void)state;
    struct pki leaf = make_leaf(-1, 20);
    enum err e = start(&leaf);
    uint64_t nth = requests;
    for (; e == OK; nth--) {
        assert_non_null(secure.stack);
        stop();
        fail_nth = nth;
        e = start(&leaf);
    }
    fail_nth = 0;
    assert_int_equal(e, ERR_MEMORY);
    assert_int_equal(said("cannot serve HTTPS: out of memory"), 1);
    sim_signer_close(signer);
    assert_int_equal(sim_net_close(net), 0);
    assert_int_equal(loop_timers(), 0);
    pki_free(&leaf);
}

/* Put into the repository's place by hand: choosing does not ask where it came from. */
static void one_that_is_not_valid_yet_waits(void **state)
{
    (void)state;
    struct pki leaf = make_leaf(-1, 20), later = make_leaf(3, 90);
    struct certificates c;
    struct buf now = section_of(&leaf, "server"), then = section_of(&later, "Server");
    certificates_init(&c, NULL);
    assert_int_equal(certificates_from_image(&c, buf_slice(&now)), OK);
    buf_put(&c.repository, buf_slice(&then));
    for (int day = 0; day < 6; day++) {
        struct keyring ring;
        struct keyring_entry entry;
        assert_int_equal(certificates_choose(&c, PKI_NOW + day * PKI_DAY + 1), OK);
        assert_int_equal(keyring_open(&ring, KEYRING_CERTS, buf_slice(&c.served)), OK);
        assert_true(keyring_next(&ring, &entry));
        assert_true(slice_starts(entry.bytes, day < 3 ? leaf.cert : later.cert));
        assert_true(slice_is(entry.name, "server"));
        assert_false(keyring_next(&ring, &entry));
    }
    certificates_deinit(&c);
    buf_deinit(&now);
    buf_deinit(&then);
    pki_free(&leaf);
    pki_free(&later);
}

static void more_names_than_there_may_be(void **state)
{
    (void)state;
    struct pki leaf = make_leaf(-1, 20);
    struct keyring_entry entries[KEYRING_ENTRIES_MAX];
    char names[KEYRING_ENTRIES_MAX][8];
    struct certificates c;
    certificates_init(&c, NULL);
    for (size_t i = 0; i < KEYRING_ENTRIES_MAX; i++) {
        snprintf(names[i], sizeof names[i], "n%zu", i);
        entries[i] = (struct keyring_entry){slice_text(names[i]), leaf.cert};
    }
    assert_int_equal(keyring_write(&c.image, KEYRING_CERTS, entries, KEYRING_ENTRIES_MAX), OK);
    assert_int_equal(certificates_choose(&c, PKI_NOW), OK);
    entries[0].name = SLICE("more");
    assert_int_equal(keyring_write(&c.repository, KEYRING_CERTS, entries, 1), OK);
    assert_int_equal(certificates_choose(&c, PKI_NOW), ERR_LIMIT);
    certificates_deinit(&c);
    pki_free(&leaf);
}

static void without_keys_it_does_not_start(void **state)
{
    (void)state;
    struct pki leaf = make_leaf(-1, 20);
    assert_int_equal(start(&leaf), OK);
    stop();
    sim_reset(1);
    net = sim_net_open(1);
    struct buf none;
    buf_init(&none, KEYRING_KEYS_SIZE);
    signer = sim_signer_open(buf_slice(&none));
    world = (struct world){.stack = sim_net_host(net, "192.0.2.1"), .signer = signer};
    assert_int_equal(secure_start(&secure, &world), ERR_ARGUMENT);
    assert_int_equal(said("the image holds no keys"), 1);
    sim_signer_close(signer);
    sim_net_close(net);
    pki_free(&leaf);
}

/* --- no memory for timers --- */

static struct timer others[4000];

static void on_other(struct timer *t)
{
    (void)t;
}

/* All places of timers but those that need memory. */
static size_t take_all_timers(void)
{
    size_t taken = 0;
    sim_memory_fail_every(1);
    for (bool more = true; more; taken += more) {
        assert_true(taken < sizeof others / sizeof *others);
        timer_init(&others[taken], on_other);
        more = timer_start(&others[taken], UINT64_MAX);
    }
    sim_memory_fail_every(0);
    return taken;
}

static void let_go_of_timers(size_t taken)
{
    for (size_t i = 0; i < taken; i++)
        timer_stop(&others[i]);
}

static void without_a_timer_it_does_not_start(void **state)
{
    (void)state;
    struct pki leaf = make_leaf(-1, 20);
    size_t taken = take_all_timers();
    fail_nth = 1; /* the timer's place is what it takes first */
    assert_int_equal(start(&leaf), ERR_MEMORY);
    fail_nth = 0;
    let_go_of_timers(taken);
    assert_int_equal(said("cannot be read: out of memory"), 1);
    sim_signer_close(signer);
    assert_int_equal(sim_net_close(net), 0);
    assert_int_equal(loop_timers(), 0);
    pki_free(&leaf);
}

/* --- a connection, both ends of it --- */

static struct tls_client *trusting;
static struct flow *ends[2]; /* the server's, the client's */

static void on_end(void *owner, enum err why)
{
    (void)why;
    flow_close(*(struct flow **)owner);
    *(struct flow **)owner = NULL;
}

static void keep(struct flow **end, struct flow *f)
{
    static const struct flow_events events = {.on_end = on_end};
    *end = f;
    flow_own(f, &events, end);
}

static void on_accept(void *owner, struct flow *f)
{
    (void)owner;
    keep(&ends[0], f);
}

static void on_secure(void *owner, enum err why, const char *reason, struct flow *f)
{
    (void)owner;
    if (why)
        fail_msg("%s", reason);
    keep(&ends[1], f);
}

static void on_connected(void *owner, enum err why, struct flow *f)
{
    static struct tls_connecting *handshake;
    (void)owner;
    assert_int_equal(why, OK);
    assert_int_equal(tls_connect(trusting, f, SLICE("a.example"), on_secure, NULL, &handshake), OK);
}

static void connect_one(void)
{
    const struct tls_client_config trust = {.anchors = ca.cert};
    struct endpoint at = {.port = 443}, to = {address_v4(192, 0, 2, 1), 443, 0};
    struct listener *listener;
    struct connect *connect;
    assert_int_equal(tls_client_open(&trust, &trusting), OK);
    assert_int_equal(stack_listen(secure.stack, at, on_accept, NULL, &listener), OK);
    struct stack *from = sim_net_host(net, "192.0.2.2");
    assert_int_equal(stack_connect(from, to, on_connected, NULL, &connect), OK);
    sim_run(NULL, NULL, clock_monotonic() + CLOCK_SEC);
    assert_int_equal(tls_server_counters(secure.server).open, 1);
    stack_unlisten(secure.stack, listener);
    tls_client_close(trusting);
}

/* Connections have their time to end all the same. */
static void without_memory_it_stops_in_good_order(void **state)
{
    (void)state;
    struct pki leaf = make_leaf(-1, 20);
    assert_int_equal(start(&leaf), OK);
    connect_one();
    size_t taken = take_all_timers();
    stopped = false;
    sim_memory_fail_every(1);
    secure_stop(&secure, 5, on_stopped);
    sim_run(NULL, NULL, clock_monotonic() + 4 * CLOCK_SEC);
    assert_false(stopped);
    sim_run(NULL, NULL, clock_monotonic() + 2 * CLOCK_SEC);
    assert_true(stopped);
    sim_memory_fail_every(0);
    let_go_of_timers(taken);
    flow_close(ends[1]);
    sim_run(NULL, NULL, clock_monotonic() + 60 * CLOCK_SEC);
    sim_signer_close(signer);
    assert_int_equal(sim_net_close(net), 0);
    assert_int_equal(loop_timers(), 0);
    pki_free(&leaf);
}

/* What the TLS library keeps for ever was taken by the first test. */
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_keys_it_does_not_start),
        cmocka_unit_test_setup_teardown(days_left_are_said_each_day, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_refused, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(one_that_is_not_for_servers, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(the_next_is_valid_from_noon_on, blocks_before,
                                        blocks_after),
        cmocka_unit_test_setup_teardown(names_are_one_line, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(without_memory_those_of_before_stay, blocks_before,
                                        blocks_after),
        cmocka_unit_test_setup_teardown(without_memory_for_its_stack_it_does_not_start,
                                        blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(one_that_is_not_valid_yet_waits, blocks_before,
                                        blocks_after),
        cmocka_unit_test_setup_teardown(without_a_timer_it_does_not_start, blocks_before,
                                        blocks_after),
        cmocka_unit_test_setup_teardown(without_memory_it_stops_in_good_order, blocks_before,
                                        blocks_after),
        cmocka_unit_test_setup_teardown(more_names_than_there_may_be, blocks_before, blocks_after),
    };
    return cmocka_run_group_tests_name("canopy/secure", tests, make_authority, free_authority);
}
