/*
 * The signer of a process: that it signs, and that nobody else could. The serving process of the last
 * tests is this program again, started anew, so that it never had the keys in its memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <openssl/bytestring.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/tls/tls.h"
#include "platform/process/signer.h"
#include "platform/process/stack.h"
#include "runtime/keyring.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "signatures/clock.h"
#include "signatures/memory.h"
#include "tests/support/pki.h"

#define KINDS 4

/* The address sanitizer locks no memory, and has shadows of huge size, which are not searched. */
#ifdef __SANITIZE_ADDRESS__
#define LOCKED_MIN 0
#define REGION_MAX ((size_t)16 << 20)
#else
#define LOCKED_MIN 1024
#define REGION_MAX ((size_t)1 << 30)
#endif

static struct pki keys[KINDS];
static const char *const names[KINDS] = {"p256", "rsa", "p384", "ed"};
static const uint16_t schemes[KINDS] = {SIGNER_ECDSA_P256_SHA256, SIGNER_RSA_PSS_SHA256,
                                        SIGNER_ECDSA_P384_SHA384, SIGNER_PURE_ED25519};

/* --- sections --- */

static void put_sections(struct buf *section, struct buf *certs)
{
    struct pki_entry entries[KINDS];
    for (int i = 0; i < KINDS; i++)
        entries[i] = (struct pki_entry){names[i], {&keys[i], NULL}};
    buf_init(section, KEYRING_KEYS_SIZE);
    buf_init(certs, KEYRING_CERTS_SIZE);
    pki_keys(section, entries, KINDS);
    pki_certs(certs, entries, KINDS);
}

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

/* The only child of a process. */
static pid_t child_of(pid_t parent)
{
    char path[64];
    int child = 0;
    sprintf(path, "/proc/%d/task/%d/children", parent, parent);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%d", &child), 1);
    fclose(f);
    return child;
}

static long status_of(pid_t pid, const char *field)
{
    char path[64], line[256];
    long value = -1;
    sprintf(path, "/proc/%d/status", pid);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        if (strncmp(line, field, strlen(field)) == 0)
            value = strtol(line + strlen(field) + 1, NULL, 10);
    fclose(f);
    return value;
}

static void check_process(pid_t child)
{
    char path[64];
    int descriptors = 0;
    sprintf(path, "/proc/%d/fd", child);
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (e->d_name[0] != '.') {
            assert_string_equal(e->d_name, "0");
            descriptors++;
        }
    closedir(d);
    assert_int_equal(descriptors, 1);
    assert_int_equal(status_of(child, "Seccomp:"), 2);
    assert_int_equal(status_of(child, "NoNewPrivs:"), 1);
    assert_true(status_of(child, "VmLck:") >= LOCKED_MIN);
    struct rlimit core;
    assert_int_equal(prlimit(child, RLIMIT_CORE, NULL, &core), 0);
    assert_int_equal(core.rlim_max, 0);
}

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

static bool gone(pid_t pid)
{
    for (int i = 0; i < 200; i++) {
        if (kill(pid, 0) < 0)
            return true;
        usleep(10000);
    }
    return false;
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

/* --- whether the serving process knows the keys --- */

/* The serving process: sections in descriptors 3 and 4, port to descriptor 5. */
static void take(void *owner, struct flow *f)
{
    static const struct flow_events none;
    (void)owner;
    (void)none;
    flow_close(f);
}

static int serve(void)
{
    struct signer *signer;
    struct tls_server *server;
    struct listener *l;
    struct buf error;
    void *section = mmap(NULL, KEYRING_KEYS_SIZE, PROT_READ, MAP_PRIVATE, 3, 0);
    void *certs = mmap(NULL, KEYRING_CERTS_SIZE, PROT_READ, MAP_PRIVATE, 4, 0);
    close(3);
    buf_init(&error, 512);
    if (signer_start(slice_of(section, KEYRING_KEYS_SIZE), &signer, &error))
        return 1;
    const struct tls_server_config config = {.signer = signer,
                                             .certificates = slice_of(certs, KEYRING_CERTS_SIZE)};
    struct endpoint local = {.address = address_v4(127, 0, 0, 1)};
    if (tls_server_open(&config, &server, &error) ||
        stack_listen(tls_server_stack(server, process_stack()), local, take, NULL, &l))
        return 1;
    uint16_t port = process_listener_port(tls_listener_below(l));
    if (write(5, &port, sizeof port) != sizeof port)
        return 1;
    return loop_run();
}

static int file_of(struct slice bytes, size_t size)
{
    int fd = memfd_create("section", 0);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.ptr, bytes.len), bytes.len);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    return fd;
}

static pid_t spawn(uint16_t *port)
{
    struct buf section, certs;
    int ends[2];
    put_sections(&section, &certs);
    int k = file_of(buf_slice(&section), KEYRING_KEYS_SIZE);
    int c = file_of(buf_slice(&certs), KEYRING_CERTS_SIZE);
    buf_deinit(&section);
    buf_deinit(&certs);
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(k, 63);
        dup2(c, 64);
        dup2(ends[1], 65);
        dup2(63, 3);
        dup2(64, 4);
        dup2(65, 5);
        close_range(6, ~0u, 0);
        execl("/proc/self/exe", "serve", (char *)NULL);
        _exit(1);
    }
    close(k);
    close(c);
    close(ends[1]);
    assert_int_equal(read(ends[0], port, sizeof *port), sizeof *port);
    close(ends[0]);
    return pid;
}

static enum ssl_verify_result_t take_all(SSL *ssl, uint8_t *alert)
{
    (void)ssl;
    (void)alert;
    return ssl_verify_ok;
}

static bool shake_hands(uint16_t port, uint16_t scheme, uint16_t version)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    SSL_CTX *context = SSL_CTX_new(TLS_with_buffers_method());
    SSL_CTX_set_custom_verify(context, SSL_VERIFY_PEER, take_all);
    SSL_CTX_set_max_proto_version(context, version);
    SSL_CTX_set_verify_algorithm_prefs(context, &scheme, 1);
    SSL *ssl = SSL_new(context);
    static const char *const hosts[] = {"p256", "rsa", "p384", "ed"};
    for (int i = 0; i < KINDS; i++)
        if (schemes[i] == scheme)
            SSL_set_tlsext_host_name(ssl, hosts[i]);
    bool ok = connect(fd, (struct sockaddr *)&to, sizeof to) == 0 && SSL_set_fd(ssl, fd) == 1 &&
              SSL_connect(ssl) == 1;
    SSL_free(ssl);
    SSL_CTX_free(context);
    close(fd);
    return ok;
}

/* --- needles: what a key is made of, in every form that a program may have it in --- */

struct needle {
    uint8_t bytes[32];
    size_t len;
};
static struct needle needles[64];
static size_t needle_count;

/* The number, and its words in the order of the machine. One in 256 begins with a zero, which is
 * not written. */
static void add_number(const BIGNUM *n)
{
    uint8_t bytes[512];
    size_t len = BN_bn2bin(n, bytes);
    assert_in_range(len, 24, sizeof bytes);
    struct needle *a = &needles[needle_count++], *b = &needles[needle_count++];
    a->len = b->len = 16; /* from the middle: a part gives it away as well */
    memcpy(a->bytes, bytes + len / 2 - 8, 16);
    for (size_t i = 0; i < 16; i++)
        b->bytes[i] = a->bytes[15 - i];
}

static void add_needles(const struct pki *p)
{
    CBS cbs;
    CBS_init(&cbs, p->key.ptr, p->key.len);
    EVP_PKEY *key = EVP_parse_private_key(&cbs);
    if (EVP_PKEY_id(key) == EVP_PKEY_EC) {
        add_number(EC_KEY_get0_private_key(EVP_PKEY_get0_EC_KEY(key)));
    } else if (EVP_PKEY_id(key) == EVP_PKEY_RSA) {
        const RSA *rsa = EVP_PKEY_get0_RSA(key);
        const BIGNUM *numbers[] = {RSA_get0_d(rsa),    RSA_get0_p(rsa),    RSA_get0_q(rsa),
                                   RSA_get0_dmp1(rsa), RSA_get0_dmq1(rsa), RSA_get0_iqmp(rsa)};
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
            add_number(numbers[i]);
    } else {
        struct needle *n = &needles[needle_count++];
        n->len = sizeof n->bytes;
        assert_int_equal(EVP_PKEY_get_raw_private_key(key, n->bytes, &n->len), 1);
    }
    EVP_PKEY_free(key);
}

static unsigned count_in(const uint8_t *bytes, size_t len)
{
    unsigned found = 0;
    for (size_t i = 0; i < needle_count; i++)
        if (memmem(bytes, len, needles[i].bytes, needles[i].len))
            found++;
    return found;
}

/* All that the process can read, its file mappings too. */
static unsigned search(pid_t pid)
{
    char path[64], line[512];
    unsigned found = 0;
    size_t searched = 0;
    sprintf(path, "/proc/%d/mem", pid);
    int mem = open(path, O_RDONLY);
    assert_true(mem >= 0);
    sprintf(path, "/proc/%d/maps", pid);
    FILE *maps = fopen(path, "r");
    while (fgets(line, sizeof line, maps)) {
        unsigned long from, to;
        assert_int_equal(sscanf(line, "%lx-%lx", &from, &to), 2);
        if (to - from > REGION_MAX || strstr(line, "[v"))
            continue; /* vvar */
        uint8_t *copy = malloc(to - from);
        ssize_t n = pread(mem, copy, to - from, (off_t)from);
        if (n > 0) {
            searched += (size_t)n;
            found += count_in(copy, (size_t)n);
        }
        free(copy);
    }
    fclose(maps);
    close(mem);
    assert_true(searched > 1000000);
    return found;
}

static void test_memory_of_the_serving_process(void **state)
{
    (void)state;
    uint16_t port;
    pid_t pid = spawn(&port);
    for (int i = 0; i < KINDS; i++)
        add_needles(&keys[i]);
    for (int round = 0; round < 5; round++)
        for (int i = 0; i < KINDS; i++) {
            assert_true(shake_hands(port, schemes[i], TLS1_3_VERSION));
            assert_true(shake_hands(port, schemes[i], TLS1_2_VERSION));
        }
    assert_int_equal(search(pid), 0);
    pid_t child = child_of(pid);
    check_process(child);
    if (getuid() == 0) /* the search does find what is there */
        assert_true(search(child) >= KINDS);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_true(gone(child));
}

int main(int count, char **arguments)
{
    if (count == 1 && strcmp(arguments[0], "serve") == 0)
        return serve();
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
        cmocka_unit_test(test_memory_of_the_serving_process),
    };
    const enum signer_algorithm kinds[KINDS] = {SIGNER_ECDSA_P256, SIGNER_RSA, SIGNER_ECDSA_P384,
                                                SIGNER_ED25519};
    const int64_t now = clock_wall() / (int64_t)CLOCK_SEC;
    for (int i = 0; i < KINDS; i++) {
        const struct pki_request r = {.name = names[i],
                                      .algorithm = kinds[i],
                                      .not_before = now - PKI_DAY,
                                      .not_after = now + PKI_DAY};
        keys[i] = pki_make(&r, NULL);
    }
    log_configure(SLICE("quiet"));
    int failed = cmocka_run_group_tests_name("signer", tests, NULL, NULL);
    for (int i = 0; i < KINDS; i++)
        pki_free(&keys[i]);
    return failed;
}
