/* PEM and certificates: what is read, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/x509/x509.h"
#include "platform/sim/sim.h"
#include "signatures/memory.h"
#include "tests/support/pki.h"

static struct pki ca, leaf, other;

/* --- PEM --- */

static void check_pem(const char *text, enum err why, const char *label, const char *bytes)
{
    struct slice rest = slice_text(text);
    struct pem_block block;
    struct buf der;
    buf_init(&der, 1 << 20);
    enum err e = pem_next(&rest, &block, &der);
    if (e != why)
        fail_msg("%s: %s, not %s", text, err_text(e), err_text(why));
    if (!e) {
        assert_true(slice_is(block.label, label));
        assert_true(slice_is(buf_slice(&der), bytes));
    }
    buf_deinit(&der);
}

static void test_pem(void **state)
{
    (void)state;
    check_pem("-----BEGIN A-----\naGVsbG8=\n-----END A-----\n", OK, "A", "hello");
    check_pem("-----BEGIN A B-----\r\naGVsbG8h\r\n-----END A B-----", OK, "A B", "hello!");
    check_pem("text\n\n-----BEGIN A-----\naGVs\nbG8=\n-----END A-----\n", OK, "A", "hello");
    check_pem("-----BEGIN A-----\n aGVs bG8= \n-----END A-----\n", ERR_MALFORMED, "", "");
    check_pem("-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X\n\naGVsbA==\n-----END A-----",
              OK, "A", "hell");
    check_pem("", ERR_NOT_FOUND, "", "");
    check_pem("no block", ERR_NOT_FOUND, "", "");
    check_pem("-----BEGIN A-----\n-----END A-----\n", ERR_MALFORMED, "", "");
    check_pem("-----BEGIN A-----\naGVsbG8=\n", ERR_MALFORMED, "", "");
    check_pem("-----BEGIN A-----\naGVsbG8=\n-----END B-----\n", ERR_MALFORMED, "", "");
    check_pem("-----BEGIN A-----\naGVsbG8\n-----END A-----\n", ERR_MALFORMED, "", "");
    check_pem("-----BEGIN A-----\naGVsbG=8\n-----END A-----\n", ERR_MALFORMED, "", "");
    check_pem("-----BEGIN A-----\naGV$bG8=\n-----END A-----\n", ERR_MALFORMED, "", "");
    check_pem("-----BEGIN A-----\n====\n-----END A-----\n", ERR_MALFORMED, "", "");
}

static void test_pem_round_trip(void **state)
{
    (void)state;
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    for (size_t n = 1; n < sizeof bytes; n++) {
        struct buf text, der;
        struct pem_block block;
        buf_init(&text, 1 << 20);
        buf_init(&der, 1 << 20);
        pem_write(&text, "SOME THING", slice_of(bytes, n));
        struct slice rest = buf_slice(&text), line, lines = rest;
        while (slice_line(&lines, &line))
            assert_true(line.len <= 64);
        assert_int_equal(pem_next(&rest, &block, &der), OK);
        assert_true(slice_equal(buf_slice(&der), slice_of(bytes, n)));
        assert_int_equal(pem_next(&rest, &block, &der), ERR_NOT_FOUND);
        buf_deinit(&text);
        buf_deinit(&der);
    }
}

static void test_pem_certificates(void **state)
{
    (void)state;
    struct buf text, der;
    size_t count;
    buf_init(&text, 1 << 20);
    buf_init(&der, 1 << 20);
    buf_text(&text, "A chain:\n");
    pem_write(&text, "CERTIFICATE", leaf.cert);
    buf_text(&text, "and who issued it\n");
    pem_write(&text, "CERTIFICATE", ca.cert);
    assert_int_equal(pem_certificates(buf_slice(&text), &der, &count), OK);
    assert_int_equal(count, 2);
    assert_int_equal(der.len, leaf.cert.len + ca.cert.len);
    pem_write(&text, "PRIVATE KEY", leaf.key);
    buf_clear(&der);
    assert_int_equal(pem_certificates(buf_slice(&text), &der, &count), ERR_ARGUMENT);
    assert_int_equal(pem_certificates(SLICE("nothing"), &der, &count), ERR_NOT_FOUND);

    /* A block beyond the limit. */
    uint8_t *large = calloc(1, PEM_BLOCK_MAX + 100);
    buf_clear(&text);
    buf_clear(&der);
    pem_write(&text, "CERTIFICATE", slice_of(large, PEM_BLOCK_MAX + 100));
    assert_int_equal(pem_certificates(buf_slice(&text), &der, &count), ERR_LIMIT);
    free(large);
    buf_deinit(&text);
    buf_deinit(&der);
}

/* --- certificates --- */

static void test_read(void **state)
{
    (void)state;
    struct x509 x;
    assert_int_equal(x509_read(leaf.cert, &x), OK);
    assert_string_equal(x.subject, "CN=leaf, O=Test");
    assert_string_equal(x.issuer, "CN=Test CA, O=Test");
    assert_int_equal(x.not_before, PKI_NOW - 50 * PKI_DAY);
    assert_int_equal(x.not_after, PKI_NOW + 50 * PKI_DAY);
    assert_int_equal(x.key, X509_KEY_ECDSA_P256);
    assert_int_equal(x.key_bits, 256);
    assert_false(x.authority);
    assert_false(x.self_issued);
    assert_true(x.spki.ptr > leaf.cert.ptr && x.spki.ptr < leaf.cert.ptr + leaf.cert.len);
    assert_int_equal(x509_read(ca.cert, &x), OK);
    assert_true(x.authority);
    assert_true(x.self_issued);
    assert_int_equal(x.name_count, 0);
}

/* What a stranger's certificate calls itself is shown on terminals. */
static void test_text_is_harmless(void **state)
{
    (void)state;
    const struct pki_request r = {.name = "a\x1b[1m\xc2\x9b"
                                          "2J \xc3\x9b\xc2\xa0"};
    struct pki p = pki_make(&r, NULL);
    struct x509 x;
    assert_int_equal(x509_read(p.cert, &x), OK);
    assert_string_equal(x.subject, "CN=a?[1m?2J \xc3\x9b\xc2\xa0, O=Test");
    pki_free(&p);
}

static void test_kinds(void **state)
{
    (void)state;
    const struct {
        enum signer_algorithm algorithm;
        enum x509_key key;
        uint32_t bits; /* 0: whatever the library calls it */
    } kinds[] = {{SIGNER_RSA, X509_KEY_RSA, 2048},
                 {SIGNER_ECDSA_P384, X509_KEY_ECDSA_P384, 384},
                 {SIGNER_ED25519, X509_KEY_ED25519, 0}};
    for (size_t i = 0; i < 3; i++) {
        const struct pki_request r = {.name = "k", .algorithm = kinds[i].algorithm};
        struct pki p = pki_make(&r, &ca);
        struct x509 x;
        assert_int_equal(x509_read(p.cert, &x), OK);
        assert_int_equal(x.key, kinds[i].key);
        if (kinds[i].bits)
            assert_int_equal(x.key_bits, kinds[i].bits);
        pki_free(&p);
    }
}

static void test_called(void **state)
{
    (void)state;
    struct x509 x;
    char called[X509_TEXT_MAX];
    assert_int_equal(x509_read(leaf.cert, &x), OK);
    assert_string_equal(x509_called(&x, called), "CN=leaf, O=Test");
    x.subject[0] = 0;
    assert_string_equal(x509_called(&x, called), "a.example");
    x.name_count = 0;
    assert_string_equal(x509_called(&x, called), "nameless");
}

static void test_names(void **state)
{
    (void)state;
    struct x509 x;
    char name[64];
    assert_int_equal(x509_read(leaf.cert, &x), OK);
    assert_int_equal(x.name_count, 4); /* the mail address is none */
    const char *expected[] = {"a.example", "*.b.example", "192.0.2.1", "2001:db8::1"};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(x509_name(&x, i, name, sizeof name), strlen(expected[i]));
        assert_string_equal(name, expected[i]);
    }
    assert_int_equal(x509_name(&x, 4, name, sizeof name), 0);
    assert_int_equal(x509_name(&x, 0, name, 4), 3);
    assert_string_equal(name, "a.e");

    const struct {
        const char *host;
        bool fits;
    } cases[] = {
        {"a.example", true},    {"A.EXAMPLE", true},   {"a.example.", true},
        {"b.example", false},   {"x.b.example", true}, {"x.y.b.example", false},
        {".b.example", false},  {"192.0.2.1", true},   {"192.0.2.2", false},
        {"2001:db8::1", true},  {"leaf", false},       {"2001:0db8:0::1", true},
        {"2001:db8::2", false}, {"", false},           {"a.example.org", false},
        {"xa.example", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (x509_is_for(&x, slice_text(cases[i].host)) != cases[i].fits)
            fail_msg("%s", cases[i].host);
}

static void check_wildcard(const char *hosts, const char *host, bool fits)
{
    const struct pki_request r = {.name = "w", .hosts = hosts};
    struct pki p = pki_make(&r, &ca);
    struct x509 x;
    assert_int_equal(x509_read(p.cert, &x), OK);
    if (x509_is_for(&x, slice_text(host)) != fits)
        fail_msg("%s for %s", hosts, host);
    pki_free(&p);
}

static void test_strange_names(void **state)
{
    (void)state;
    check_wildcard("DNS:*.example", "a.example", false); /* a whole top-level domain */
    check_wildcard("DNS:*", "example", false);
    check_wildcard("DNS:a*.b.example", "ax.b.example", false);
    check_wildcard("DNS:*.*.b.example", "x.y.b.example", false);
    check_wildcard("DNS:192.0.2.1", "192.0.2.1", false); /* an address is not a DNS name */
}

static void test_many_names(void **state)
{
    (void)state;
    char *hosts = malloc(64 * (X509_NAMES_MAX + 10));
    size_t len = 0;
    for (unsigned i = 0; i < X509_NAMES_MAX + 5; i++)
        len += (size_t)sprintf(hosts + len, "%sDNS:n%u.example.org", i ? "," : "", i);
    const struct pki_request r = {.name = "many", .hosts = hosts};
    struct pki p = pki_make(&r, &ca);
    struct x509 x;
    assert_int_equal(x509_read(p.cert, &x), OK);
    assert_int_equal(x.name_count, X509_NAMES_MAX);
    assert_true(x.names_cut);
    assert_true(x509_is_for(&x, SLICE("n127.example.org")));
    assert_false(x509_is_for(&x, SLICE("n128.example.org")));
    pki_free(&p);
    free(hosts);
}

/* Cut off anywhere, with a byte more, or a bit changed: refused, or read without harm. */
static void test_damage(void **state)
{
    (void)state;
    struct x509 x;
    uint8_t *copy = malloc(leaf.cert.len + 1);
    for (size_t n = 0; n < leaf.cert.len; n++) {
        uint8_t *exact = malloc(n + 1);
        memcpy(exact, leaf.cert.ptr, n);
        assert_int_equal(x509_read(slice_of(exact, n), &x), ERR_MALFORMED);
        free(exact);
    }
    memcpy(copy, leaf.cert.ptr, leaf.cert.len);
    copy[leaf.cert.len] = 0;
    assert_int_equal(x509_read(slice_of(copy, leaf.cert.len + 1), &x), ERR_MALFORMED);
    for (size_t i = 0; i < leaf.cert.len; i++)
        for (uint8_t bit = 1; bit; bit = (uint8_t)(bit << 3)) {
            char name[16];
            copy[i] ^= bit;
            if (x509_read(slice_of(copy, leaf.cert.len), &x) == OK)
                for (size_t n = 0; n < x.name_count; n++)
                    x509_name(&x, n, name, sizeof name);
            copy[i] ^= bit;
        }
    free(copy);
    uint8_t *large = calloc(1, X509_CERTIFICATE_MAX + 1);
    assert_int_equal(x509_read(slice_of(large, X509_CERTIFICATE_MAX + 1), &x), ERR_LIMIT);
    free(large);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct x509 x;
    uint64_t before = memory_stats().blocks;
    for (uint64_t nth = 1; nth < 400; nth++) {
        sim_memory_fail_nth(nth);
        x509_read(leaf.cert, &x);
        sim_memory_fail_nth(0);
        assert_int_equal(memory_stats().blocks, before);
    }
    assert_int_equal(x509_read(leaf.cert, &x), OK);
}

/* --- chains --- */

static enum err check_chain(const struct pki *const *list, size_t count, size_t *index)
{
    struct buf chain;
    size_t found;
    buf_init(&chain, 1 << 20);
    for (size_t i = 0; i < count; i++)
        buf_put(&chain, list[i]->cert);
    enum err e = x509_chain_check(buf_slice(&chain), &found, index);
    if (!e)
        assert_int_equal(found, count);
    buf_deinit(&chain);
    return e;
}

static void test_chains(void **state)
{
    (void)state;
    const struct pki_request r = {.name = "Middle", .authority = true};
    const struct pki_request l = {.name = "l", .hosts = "DNS:l.example"};
    struct pki middle = pki_make(&r, &ca), low = pki_make(&l, &middle);
    size_t index;
    const struct pki *good[] = {&low, &middle, &ca};
    const struct pki *disorder[] = {&low, &ca, &middle};
    const struct pki *gap[] = {&low, &ca};
    const struct pki *reverse[] = {&ca, &leaf};
    const struct pki *not_ca[] = {&low, &other};
    const struct pki *twice[] = {&leaf, &leaf};
    for (size_t n = 1; n <= 3; n++)
        assert_int_equal(check_chain(good, n, &index), OK);
    assert_int_equal(check_chain(disorder, 3, &index), ERR_MISMATCH);
    assert_int_equal(index, 1);
    assert_int_equal(check_chain(gap, 2, &index), ERR_MISMATCH);
    assert_int_equal(check_chain(reverse, 2, &index), ERR_MISMATCH);
    assert_int_equal(check_chain(not_ca, 2, &index), ERR_MISMATCH);
    assert_int_equal(check_chain(twice, 2, &index), ERR_MISMATCH);
    assert_int_equal(check_chain(good, 0, &index), ERR_NOT_FOUND);
    size_t count;
    assert_int_equal(x509_chain_check(SLICE("garbage"), &count, &index), ERR_MALFORMED);
    const struct pki *many[X509_CHAIN_MAX + 1];
    for (size_t i = 0; i <= X509_CHAIN_MAX; i++)
        many[i] = &ca; /* each issued itself */
    assert_int_equal(check_chain(many, X509_CHAIN_MAX, &index), OK);
    assert_int_equal(check_chain(many, X509_CHAIN_MAX + 1, &index), ERR_LIMIT);
    pki_free(&middle);
    pki_free(&low);
}

static void test_days(void **state)
{
    (void)state;
    struct x509 x;
    assert_int_equal(x509_read(leaf.cert, &x), OK);
    assert_int_equal(x509_days_left(&x, PKI_NOW), 50);
    assert_int_equal(x509_days_left(&x, PKI_NOW + 1), 49);
    assert_int_equal(x509_days_left(&x, x.not_after), 0);
    assert_int_equal(x509_days_left(&x, x.not_after + 1), -1);
    assert_int_equal(x509_days_left(&x, x.not_after + PKI_DAY), -1);
    assert_int_equal(x509_days_left(&x, x.not_after + PKI_DAY + 1), -2);
}

static uint64_t blocks;

static int same_memory(void **state)
{
    (void)state;
    return memory_stats().blocks == blocks ? 0 : -1;
}

#define TEST(name) cmocka_unit_test_teardown(name, same_memory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pem),
        TEST(test_pem_round_trip),
        TEST(test_pem_certificates),
        TEST(test_read),
        TEST(test_text_is_harmless),
        TEST(test_kinds),
        TEST(test_called),
        TEST(test_names),
        TEST(test_strange_names),
        TEST(test_many_names),
        TEST(test_damage),
        TEST(test_no_memory),
        TEST(test_chains),
        TEST(test_days),
    };
    const struct pki_request r[] = {
        {.name = "Test CA", .authority = true},
        {.name = "leaf",
         .hosts = "DNS:a.example,email:who@a.example,DNS:*.b.example,IP:192.0.2.1,IP:2001:db8::1"},
        {.name = "other"},
    };
    void *none = NULL;
    sim_reset(1);
    ca = pki_make(&r[0], NULL);
    leaf = pki_make(&r[1], &ca);
    other = pki_make(&r[2], &ca);
    test_kinds(&none); /* what the library takes once is taken */
    test_chains(&none);
    blocks = memory_stats().blocks;
    int failed = cmocka_run_group_tests_name("x509", tests, NULL, NULL);
    pki_free(&ca);
    pki_free(&leaf);
    pki_free(&other);
    return failed;
}
