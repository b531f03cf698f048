/* The signer of a process: that it signs, what it refuses, and what becomes of it. */
#include "tests/platform/process/signer_keys.h"

#include <openssl/bytestring.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "platform/process/signer.h"
#include "runtime/log.h"
#include "runtime/loop.h"

/* Whole pages, as in an image. */
static struct slice pages(struct slice bytes)
{
    void *at =
        mmap(NULL, KEYRING_KEYS_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(at, MAP_FAILED);
    memcpy(at, bytes.ptr, bytes.len);
    return slice_of(at, KEYRING_KEYS_SIZE);
}

static struct slice keys_section(void)
{
    struct buf section, certs;
    put_sections(&section, &certs);
    struct slice s = pages(buf_slice(&section));
    buf_deinit(&section);
    buf_deinit(&certs);
    return s;
}

static struct signer *start(void)
{
    struct signer *s;
    struct buf error;
    struct slice section = keys_section();
    buf_init(&error, 512);
    if (signer_start(section, &s, &error) != OK)
        fail_msg("%.*s", SLICE_ARG(buf_slice(&error)));
    buf_deinit(&error);
    unsigned char resident;
    assert_int_equal(mincore((void *)(uintptr_t)section.ptr, 1, &resident), -1); /* it is gone */
    return s;
}

/* --- signing --- */

struct answer {
    struct signing *signing;
    unsigned count;
    enum err why;
    uint8_t signature[SIGNER_SIGNATURE_MAX];
    size_t len;
};

static unsigned outstanding;

static void on_signature(void *owner, enum err why, struct slice signature)
{
    struct answer *a = owner;
    a->count++;
    a->why = why;
    a->len = signature.len;
    if (signature.len)
        memcpy(a->signature, signature.ptr, signature.len);
    outstanding--;
}

static void run(void)
{
    uint64_t until = clock_monotonic() + 10 * CLOCK_SEC;
    while (outstanding && clock_monotonic() < until)
        loop_round(clock_monotonic() + CLOCK_SEC / 10);
    assert_int_equal(outstanding, 0);
}

static enum err ask(struct signer *s, size_t key, uint16_t scheme, struct slice message,
                    struct answer *a)
{
    a->count = 0;
    enum err e = signer_sign(s, key, scheme, message, on_signature, a, &a->signing);
    outstanding += e == OK;
    assert_int_equal(a->count, 0);
    return e;
}

static EVP_PKEY *public_key(const struct signer_key *k)
{
    CBS cbs;
    CBS_init(&cbs, k->spki.ptr, k->spki.len);
    return EVP_parse_public_key(&cbs);
}

static bool verifies(const struct signer_key *k, struct slice message, const struct answer *a)
{
    EVP_PKEY *key = public_key(k);
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options;
    const EVP_MD *digest = k->algorithm == SIGNER_ED25519      ? NULL
                           : k->algorithm == SIGNER_ECDSA_P384 ? EVP_sha384()
                                                               : EVP_sha256();
    bool ok = EVP_DigestVerifyInit(c, &options, digest, NULL, key) == 1;
    if (k->algorithm == SIGNER_RSA)
        ok = ok && EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1;
    ok = ok && EVP_DigestVerify(c, a->signature, a->len, message.ptr, message.len) == 1;
    EVP_MD_CTX_free(c);
    EVP_PKEY_free(key);
    return ok;
}

static void test_signs(void **state)
{
    (void)state;
    struct signer *s = start();
    assert_int_equal(signer_count(s), KINDS);
    for (size_t i = 0; i < KINDS; i++) {
        struct signer_key k = signer_key(s, i);
        struct answer a;
        assert_true(slice_is(k.name, names[i]));
        assert_true(slice_equal(k.spki, pki_spki(&keys[i])));
        for (size_t len = 0; len <= SIGNER_MESSAGE_MAX; len += 128) {
            uint8_t message[SIGNER_MESSAGE_MAX];
            memset(message, (int)len, sizeof message);
            assert_int_equal(ask(s, i, schemes[i], slice_of(message, len), &a), OK);
            run();
            assert_int_equal(a.why, OK);
            assert_true(verifies(&k, slice_of(message, len), &a));
            assert_false(verifies(&k, SLICE("another"), &a));
        }
    }
    signer_stop(s);
}

static void test_refuses(void **state)
{
    (void)state;
    struct signer *s = start();
    struct answer a;
    uint8_t large[SIGNER_MESSAGE_MAX + 1] = {0};
    for (size_t i = 0; i < KINDS; i++)
        for (size_t other = 0; other < KINDS; other++)
            if (other != i)
                assert_int_equal(ask(s, i, schemes[other], SLICE("x"), &a), ERR_ARGUMENT);
    assert_int_equal(ask(s, KINDS, schemes[0], SLICE("x"), &a), ERR_ARGUMENT);
    assert_int_equal(ask(s, 0, 0x0203, SLICE("x"), &a), ERR_ARGUMENT); /* SHA-1 */
    assert_int_equal(ask(s, 0, schemes[0], slice_of(large, sizeof large), &a), ERR_LIMIT);
    signer_stop(s);
}

/* As many as may wait, and one more; some of them cancelled, at any stage. */
static void test_many(void **state)
{
    (void)state;
    struct signer *s = start();
    struct answer *a = calloc(SIGNER_WAITING_MAX + 1, sizeof *a);
    for (unsigned i = 0; i < SIGNER_WAITING_MAX; i++)
        assert_int_equal(ask(s, i % KINDS == 1 ? 0 : i % KINDS,
                             schemes[i % KINDS == 1 ? 0 : i % KINDS], SLICE("many"), &a[i]),
                         OK);
    assert_int_equal(ask(s, 0, schemes[0], SLICE("x"), &a[SIGNER_WAITING_MAX]), ERR_FULL);
    assert_int_equal(process_signer_counters(s).refused, 1);
    for (unsigned i = 0; i < SIGNER_WAITING_MAX; i++) {
        if (i % 7 == 3 && a[i].count == 0) {
            signer_cancel(s, a[i].signing);
            outstanding--;
        }
        if (i % 50 == 0)
            loop_round(0);
    }
    run();
    for (unsigned i = 0; i < SIGNER_WAITING_MAX; i++)
        assert_true(a[i].count == 1 || (a[i].count == 0 && i % 7 == 3));
    uint64_t until = clock_monotonic() + 10 * CLOCK_SEC;
    while (process_signer_counters(s).waiting && clock_monotonic() < until)
        loop_round(clock_monotonic() + CLOCK_SEC / 10);
    assert_int_equal(process_signer_counters(s).waiting, 0);
    assert_true(process_signer_counters(s).packets < SIGNER_WAITING_MAX / 4);
    free(a);
    signer_stop(s);
}

/* --- the process --- */

static void test_process(void **state)
{
    (void)state;
    struct signer *s = start();
    check_process(child_of(getpid()));
    signer_stop(s);
}

/* A dead signer: all are told, whoever asks later too, and the program ends. */
static void test_death(void **state)
{
    (void)state;
    struct signer *s = start();
    struct answer a, b;
    int status;
    kill(child_of(getpid()), SIGKILL);
    assert_int_equal(ask(s, 0, schemes[0], SLICE("x"), &a), OK);
    assert_int_equal(ask(s, 1, schemes[1], SLICE("x"), &b), OK);
    run();
    assert_int_equal(a.why, ERR_IO);
    assert_int_equal(b.why, ERR_IO);
    assert_true(loop_stopped(&status));
    assert_int_equal(status, EXIT_FAILURE);
    assert_int_equal(ask(s, 0, schemes[0], SLICE("x"), &a), ERR_IO);
    signer_stop(s);
}

static void test_dies_with_its_parent(void **state)
{
    (void)state;
    int ends[2];
    pid_t child = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t middle = fork();
    if (middle == 0) {
        start();
        child = child_of(getpid());
        _exit(write(ends[1], &child, sizeof child) == sizeof child ? 0 : 1);
    }
    assert_int_equal(read(ends[0], &child, sizeof child), sizeof child);
    waitpid(middle, NULL, 0);
    assert_true(gone(child));
    close(ends[0]);
    close(ends[1]);
}

/* --- keys that it does not take --- */

static void refused(struct slice bytes, enum err why, const char *line)
{
    struct signer *s;
    struct buf error;
    buf_init(&error, 512);
    assert_int_equal(signer_start(pages(bytes), &s, &error), why);
    char text[512];
    snprintf(text, sizeof text, "%.*s", SLICE_ARG(buf_slice(&error)));
    assert_string_equal(text, line);
    buf_deinit(&error);
}

static void refused_key(struct slice key, enum err why, const char *line)
{
    struct keyring_entry entry = {SLICE("bad"), key};
    struct buf section;
    buf_init(&section, KEYRING_KEYS_SIZE);
    assert_int_equal(keyring_write(&section, KEYRING_KEYS, &entry, 1), OK);
    refused(buf_slice(&section), why, line);
    buf_deinit(&section);
}

static void test_bad_keys(void **state)
{
    (void)state;
    const struct pki_request weak = {.name = "weak", .algorithm = SIGNER_RSA, .rsa_bits = 1024};
    struct pki w = pki_make(&weak, NULL);
    refused(SLICE("garbage"), ERR_MALFORMED, "the image's section of keys is damaged");
    refused(SLICE("RINGKEYS\0\0\0\1\xff\xff"), ERR_MALFORMED,
            "the image's section of keys is damaged");
    refused_key(SLICE("no key"), ERR_MALFORMED, "the key bad is no unencrypted PKCS#8 private key");
    refused_key(slice_take(keys[0].key, 40), ERR_MALFORMED,
                "the key bad is no unencrypted PKCS#8 private key");
    refused_key(w.key, ERR_UNSUPPORTED,
                "the key bad is an RSA key of less than 2048 or more than 8192 bits");
    pki_free(&w);
}

static void test_no_keys(void **state)
{
    (void)state;
    static const uint8_t zeros[64];
    struct signer *s;
    struct buf error;
    buf_init(&error, 512);
    assert_int_equal(signer_start(slice_of(zeros, sizeof zeros), &s, &error), OK);
    assert_int_equal(signer_count(s), 0);
    signer_stop(s);
}

static void test_no_locked_memory(void **state)
{
    (void)state;
    if (LOCKED_MIN == 0)
        skip();
    pid_t child = fork();
    if (child == 0) { /* not root, who may lock what he likes */
        const struct rlimit little = {65536, 65536};
        struct signer *s;
        struct buf error;
        struct slice section = keys_section();
        buf_init(&error, 512);
        if (setrlimit(RLIMIT_MEMLOCK, &little) || (getuid() == 0 && setuid(65534)))
            _exit(2);
        enum err e = signer_start(section, &s, &error);
        _exit(e == ERR_LIMIT && slice_starts(buf_slice(&error), SLICE("memory for private keys"))
                  ? 0
                  : 1);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signs),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_process),
        cmocka_unit_test(test_death),
        cmocka_unit_test(test_dies_with_its_parent),
        cmocka_unit_test(test_bad_keys),
        cmocka_unit_test(test_no_keys),
        cmocka_unit_test(test_no_locked_memory),
    };
    make_keys();
    log_configure(SLICE("quiet"));
    int failed = cmocka_run_group_tests_name("signer", tests, NULL, NULL);
    free_keys();
    return failed;
}
