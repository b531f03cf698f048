/*
 * Whether the serving process knows the keys: all that it can read is searched for them. It is this
 * program again, started anew, so that it never had them in its memory.
 */
#include "tests/platform/process/signer_keys.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/bytestring.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "lib/tls/tls.h"
#include "platform/process/signer.h"
#include "platform/process/stack.h"
#include "runtime/log.h"
#include "runtime/loop.h"

/* The address sanitizer has shadows of huge size, which are not searched. */
#ifdef __SANITIZE_ADDRESS__
#define REGION_MAX ((size_t)16 << 20)
#else
#define REGION_MAX ((size_t)1 << 30)
#endif

static void take(void *owner, struct flow *f)
{
    (void)owner;
    flow_close(f);
}

/* The serving process: sections in descriptors 3 and 4, port to descriptor 5. */
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
        cmocka_unit_test(test_memory_of_the_serving_process),
    };
    log_configure(SLICE("quiet"));
    make_keys();
    int failed = cmocka_run_group_tests_name("signer_secrecy", tests, NULL, NULL);
    free_keys();
    return failed;
}
