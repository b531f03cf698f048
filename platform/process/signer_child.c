/* The process that holds the keys; see signer.h. It trusts the other side no further than a client. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <openssl/rand.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/crypto/keys.h"
#include "platform/process/entropy.h"
#include "platform/process/signer_wire.h"
#include "platform/process/vault.h"

#define CHANNEL 0 /* the only descriptor that is left */

/* --- becoming unreadable and harmless --- */

/* The keys pass over the stack: the part that will be used is locked, too. */
static __attribute__((noinline)) bool lock_stack(void)
{
    volatile uint8_t room[SIGNER_STACK_LOCKED];
    for (size_t i = 0; i < sizeof room; i += 1024)
        room[i] = 0;
    return mlock((const void *)(uintptr_t)room, sizeof room) == 0;
}

static void forget_descriptors(int fd)
{
    if (fd != CHANNEL)
        dup2(fd, CHANNEL);
    close_range(CHANNEL + 1, ~0u, 0);
}

/* The terminal's Ctrl-C is for the program, which ends us when it is done. */
static void ignore_signals(void)
{
    const int those[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2, SIGQUIT};
    sigset_t none;
    for (size_t i = 0; i < sizeof those / sizeof those[0]; i++)
        signal(those[i], SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool hide(void)
{
    const struct rlimit none = {0, 0};
    return prctl(PR_SET_DUMPABLE, 0) == 0 && setrlimit(RLIMIT_CORE, &none) == 0;
}

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ONLY(value)                                     \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 1, 0), \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
#define ALLOW(number)                                    \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* read, write and exit; all else is the end. */
static bool confine(void)
{
    struct sock_filter rules[] = {
        LOAD(arch),
        ONLY(AUDIT_ARCH_X86_64),
        LOAD(nr),
        ALLOW(SYS_read),
        ALLOW(SYS_write),
        ALLOW(SYS_exit_group),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    const struct sock_fprog program = {sizeof rules / sizeof rules[0], rules};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Where both processes share a core, a request shall not take it from the one who asks: he has more to
 * ask, and goes to sleep when he has not. One change of processes is then for many signatures. */
static void wait_for_the_core(void)
{
    const struct sched_param none = {0};
    sched_setscheduler(0, SCHED_BATCH, &none); /* without it it is only slower */
}

/* --- the start --- */

static void send_or_exit(const void *packet, size_t len)
{
    ssize_t n;
    do
        n = write(CHANNEL, packet, len);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)len)
        _exit(1);
}

static void refuse(enum err why, struct slice line)
{
    const struct wire_hello hello = {why, 0};
    send_or_exit(&hello, sizeof hello);
    send_or_exit(line.ptr, line.len);
    _exit(1);
}

static void prepare(int fd)
{
    ignore_signals();
    forget_descriptors(fd);
    wait_for_the_core();
    if (!hide())
        refuse(ERR_DENIED, SLICE("the process of the private keys cannot be hidden"));
    if (!vault_open() || !lock_stack())
        refuse(ERR_LIMIT, SLICE("memory for private keys cannot be locked: the limit (ulimit -l, "
                                "LimitMEMLOCK=, --ulimit memlock=) has to be 2 MiB at least"));
}

static struct keys *read_keys(struct slice section)
{
    struct buf error;
    struct keys *k;
    buf_init(&error, 512);
    enum err e = keys_open(section, &k, &error);
    if (e)
        refuse(e, buf_slice(&error));
    return k;
}

static void send_key(struct signer_key k)
{
    uint8_t packet[WIRE_KEY_MAX];
    const struct wire_key head = {k.algorithm, (uint32_t)k.name.len, (uint32_t)k.spki.len};
    size_t len = sizeof head + k.name.len + k.spki.len;
    if (len > sizeof packet)
        _exit(1);
    memcpy(packet, &head, sizeof head);
    memcpy(packet + sizeof head, k.name.ptr, k.name.len);
    memcpy(packet + sizeof head + k.name.len, k.spki.ptr, k.spki.len);
    send_or_exit(packet, len);
}

static void introduce(const struct keys *k)
{
    const struct wire_hello hello = {OK, (uint32_t)keys_count(k)};
    send_or_exit(&hello, sizeof hello);
    for (size_t i = 0; i < keys_count(k); i++)
        send_key(keys_key(k, i));
}

/* What is made once and by system calls is made now: the library's generator, each key's tables. */
static void warm_up(const struct keys *k)
{
    static const uint16_t tries[] = {SIGNER_RSA_PSS_SHA256, SIGNER_ECDSA_P256_SHA256,
                                     SIGNER_ECDSA_P384_SHA384, SIGNER_PURE_ED25519};
    uint8_t signature[SIGNER_SIGNATURE_MAX];
    size_t len;
    RAND_bytes(signature, sizeof signature);
    for (size_t i = 0; i < keys_count(k); i++)
        for (size_t t = 0; t < sizeof tries / sizeof tries[0]; t++)
            keys_sign(k, i, tries[t], SLICE("warm"), signature, &len);
    entropy_seal();
}

/* --- the work --- */

static size_t answer(const struct keys *k, struct wire_request r, struct slice message,
                     uint8_t *into)
{
    struct wire_answer head = {.id = r.id};
    size_t len = 0;
    head.why = keys_sign(k, r.key, r.scheme, message, into + sizeof head, &len);
    if (head.why)
        len = 0;
    head.len = (uint32_t)len;
    memcpy(into, &head, sizeof head);
    return sizeof head + len;
}

/* A packet that does not hold what it says is the end. */
static void serve(const struct keys *k, struct slice packet)
{
    static uint8_t answers[WIRE_ANSWERS_MAX];
    size_t len = 0;
    for (unsigned n = 0; packet.len; n++) {
        struct wire_request r;
        if (n == SIGNER_BATCH || packet.len < sizeof r)
            _exit(1);
        memcpy(&r, packet.ptr, sizeof r);
        packet = slice_drop(packet, sizeof r);
        if (r.len > packet.len)
            _exit(1);
        len += answer(k, r, slice_take(packet, r.len), answers + len);
        packet = slice_drop(packet, r.len);
    }
    send_or_exit(answers, len);
}

void signer_child(int fd, struct slice section)
{
    static uint8_t packet[WIRE_REQUESTS_MAX];
    prepare(fd);
    const struct keys *k = read_keys(section);
    munmap((void *)(uintptr_t)section.ptr, section.len);
    warm_up(k);
    if (!confine())
        refuse(ERR_DENIED, SLICE("the process of the private keys cannot be confined (seccomp)"));
    introduce(k);
    for (;;) {
        ssize_t n = read(CHANNEL, packet, sizeof packet);
        if (n > 0)
            serve(k, slice_of(packet, (size_t)n));
        else if (n == 0 || errno != EINTR)
            _exit(0);
    }
}
