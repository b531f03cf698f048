/*
 * The serving process's side of the signer; see signer.h.
 *
 * What is asked for in one round of the loop is gathered, and goes out from a hook of the loop: a few
 * packets of up to SIGNER_BATCH requests. At most SIGNER_PACKETS are under way, so that neither
 * side's socket is ever full; the others wait in a list.
 */
#include "platform/process/signer.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/crypto/keys.h"
#include "platform/process/signer_wire.h"
#include "platform/process/socket.h"
#include "platform/process/wait.h"
#include "runtime/list.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/panic.h"
#include "signatures/memory.h"

#define SOURCE "signer"

struct signing {
    struct list link;  /* among those that wait, or that were sent */
    signer_fn *answer; /* NULL: cancelled */
    void *owner;
    struct wire_request request;
    uint8_t message[];
};

struct process_signer {
    struct signer signer; /* first: the handle */
    struct source source;
    struct loop_hook hook;
    struct list waiting, sent; /* struct signing, in order */
    struct signer_key keys[SIGNER_KEYS_MAX];
    size_t count;
    struct process_signer_counters counters;
    uint32_t next_id;
    uint32_t under_way; /* packets */
    pid_t pid;
    int fd; /* -1: the child is gone, or never was */
};

static struct process_signer *self(const struct signer *s)
{
    return (struct process_signer *)(uintptr_t)s;
}

static void end_signing(struct process_signer *s, struct signing *g, enum err why,
                        struct slice signature)
{
    signer_fn *to = g->answer;
    void *owner = g->owner;
    list_remove(&g->link);
    memory_free(g);
    s->counters.waiting--;
    s->counters.answered++;
    s->counters.failed += why != OK;
    if (to)
        to(owner, why, signature);
}

/* All who wait are told; whoever asks from now on is, too. */
static void give_up(struct process_signer *s, enum err why)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    while (!list_empty(&s->sent))
        end_signing(s, CONTAINER(s->sent.next, struct signing, link), why, SLICE(""));
    while (!list_empty(&s->waiting))
        end_signing(s, CONTAINER(s->waiting.next, struct signing, link), why, SLICE(""));
}

/* Without keys there is nothing to serve: a supervisor starts all of it again. */
static void on_loss(struct process_signer *s)
{
    log_error(SOURCE, "the process of the private keys is gone: no TLS without it, ending");
    give_up(s, ERR_IO);
    loop_stop(EXIT_FAILURE);
}

/* --- requests --- */

static bool batch(const struct process_signer *s, uint8_t *packet, size_t *len, struct list *taken)
{
    *len = 0;
    for (unsigned n = 0; n < SIGNER_BATCH && !list_empty(&s->waiting); n++) {
        struct signing *g = CONTAINER(s->waiting.next, struct signing, link);
        size_t whole = sizeof g->request + g->request.len;
        memcpy(packet + *len, &g->request, sizeof g->request);
        memcpy(packet + *len + sizeof g->request, g->message, g->request.len);
        *len += whole;
        list_remove(&g->link);
        list_append(taken, &g->link);
    }
    return *len > 0;
}

static void send_waiting(struct process_signer *s)
{
    uint8_t packet[WIRE_REQUESTS_MAX];
    size_t len;
    while (s->fd >= 0 && s->under_way < SIGNER_PACKETS && batch(s, packet, &len, &s->sent)) {
        ssize_t n;
        do
            n = send(s->fd, packet, len, MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);
        if (n != (ssize_t)len) {
            on_loss(s);
            return;
        }
        s->under_way++;
        s->counters.packets++;
    }
}

static void on_round(struct loop_hook *h)
{
    struct process_signer *s = CONTAINER(h, struct process_signer, hook);
    if (!list_empty(&s->waiting))
        send_waiting(s);
}

static enum err sign(struct signer *signer, size_t index, uint16_t scheme, struct slice message,
                     signer_fn *answer, void *owner, struct signing **into)
{
    struct process_signer *s = self(signer);
    if (s->fd < 0)
        return ERR_IO;
    if (message.len > SIGNER_MESSAGE_MAX)
        return ERR_LIMIT;
    if (index >= s->count || !keys_fits(s->keys[index].algorithm, scheme))
        return ERR_ARGUMENT;
    struct signing *g =
        s->counters.waiting < SIGNER_WAITING_MAX ? memory_alloc(sizeof *g + message.len) : NULL;
    if (!g) {
        s->counters.refused++;
        return ERR_FULL;
    }
    g->answer = answer;
    g->owner = owner;
    g->request =
        (struct wire_request){s->next_id++, (uint16_t)index, scheme, (uint32_t)message.len};
    memcpy(g->message, message.ptr, message.len);
    list_append(&s->waiting, &g->link);
    s->counters.asked++;
    s->counters.waiting++;
    *into = g;
    return OK;
}

/* Its answer, if it was sent, is still read. */
static void cancel(struct signer *signer, struct signing *g)
{
    (void)signer;
    g->answer = NULL;
}

/* --- answers --- */

/* Answers come in the order of requests. False: this is not one. */
static bool take_answer(struct process_signer *s, struct slice *packet)
{
    struct wire_answer a;
    if (list_empty(&s->sent) || packet->len < sizeof a)
        return false;
    struct signing *g = CONTAINER(s->sent.next, struct signing, link);
    memcpy(&a, packet->ptr, sizeof a);
    struct slice signature = slice_take(slice_drop(*packet, sizeof a), a.len);
    if (a.id != g->request.id || signature.len != a.len || a.why >= ERR_COUNT_)
        return false;
    *packet = slice_drop(*packet, sizeof a + a.len);
    end_signing(s, g, (enum err)a.why, signature);
    return true;
}

/* Behind the last answer that is owed nothing is looked for: the event would come again. */
static void on_answers(struct source *source, uint32_t events)
{
    struct process_signer *s = CONTAINER(source, struct process_signer, source);
    uint8_t packet[WIRE_ANSWERS_MAX];
    (void)events;
    do {
        ssize_t n = recv(s->fd, packet, sizeof packet, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        struct slice rest = slice_of(packet, n > 0 ? (size_t)n : 0);
        bool ok = rest.len > 0 && s->under_way > 0;
        s->under_way -= ok;
        while (ok && rest.len && s->fd >= 0)
            ok = take_answer(s, &rest);
        if (!ok && s->fd >= 0)
            on_loss(s);
    } while (s->fd >= 0 && s->under_way > 0);
    send_waiting(s);
}

/* --- the start --- */

static bool receive(int fd, void *into, size_t size, size_t *len)
{
    ssize_t n;
    do
        n = recv(fd, into, size, 0);
    while (n < 0 && errno == EINTR);
    *len = n > 0 ? (size_t)n : 0;
    return n > 0;
}

static struct slice copy(struct slice bytes)
{
    void *ptr = memory_alloc(bytes.len);
    if (ptr)
        memcpy(ptr, bytes.ptr, bytes.len);
    return slice_of(ptr, ptr ? bytes.len : 0);
}

static bool receive_key(struct process_signer *s)
{
    uint8_t packet[WIRE_KEY_MAX];
    struct wire_key head;
    size_t len;
    if (!receive(s->fd, packet, sizeof packet, &len) || len < sizeof head)
        return false;
    memcpy(&head, packet, sizeof head);
    if (head.algorithm >= SIGNER_ALGORITHMS_END_ ||
        len != sizeof head + (size_t)head.name_len + head.spki_len)
        return false;
    struct signer_key *k = &s->keys[s->count++];
    k->algorithm = (enum signer_algorithm)head.algorithm;
    k->name = copy(slice_of(packet + sizeof head, head.name_len));
    k->spki = copy(slice_of(packet + sizeof head + head.name_len, head.spki_len));
    return k->name.ptr && k->spki.ptr;
}

static enum err greet(struct process_signer *s, struct buf *error)
{
    struct wire_hello hello;
    uint8_t line[512];
    size_t len;
    if (!receive(s->fd, &hello, sizeof hello, &len) || len != sizeof hello)
        hello = (struct wire_hello){ERR_IO, 0};
    if (hello.why && receive(s->fd, line, sizeof line, &len))
        buf_put(error, slice_of(line, len));
    if (hello.why)
        return hello.why < ERR_COUNT_ ? (enum err)hello.why : ERR_IO;
    bool ok = hello.count <= SIGNER_KEYS_MAX;
    for (uint32_t i = 0; ok && i < hello.count; i++)
        ok = receive_key(s);
    return ok ? OK : ERR_IO;
}

static enum err fork_child(struct process_signer *s, struct slice section)
{
    int ends[2];
    pid_t parent = getpid();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return socket_error(errno);
    s->pid = fork();
    if (s->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        signer_child(ends[1], section);
    }
    s->fd = ends[0];
    close(ends[1]);
    return s->pid < 0 ? ERR_MEMORY : OK;
}

static size_t count(const struct signer *s)
{
    return self(s)->count;
}

static struct signer_key key(const struct signer *s, size_t index)
{
    assert_always(index < self(s)->count);
    return self(s)->keys[index];
}

static const struct signer_ops ops = {.count = count, .key = key, .sign = sign, .cancel = cancel};

/* Whether the section holds anything is told by its first byte, which is no secret. */
static enum err start(struct process_signer *s, struct slice section, struct buf *error)
{
    if (section.len == 0 || section.ptr[0] == 0)
        return OK;
    enum err e = fork_child(s, section);
    if (munmap((void *)(uintptr_t)section.ptr, section.len) < 0)
        panic("the pages of the private keys stay where they are");
    if (!e)
        e = greet(s, error);
    if (!e && !source_add(s->fd, &s->source, EPOLLIN))
        e = ERR_FULL;
    if (e && error->len == 0)
        buf_printf(error, "the process of the private keys does not start: %s", err_text(e));
    if (!e)
        loop_hook_add(&s->hook, on_round);
    return e;
}

enum err signer_start(struct slice section, struct signer **into, struct buf *error)
{
    struct process_signer *s = memory_zalloc(sizeof *s);
    if (!s)
        return ERR_MEMORY;
    s->signer.ops = &ops;
    s->source.ready = on_answers;
    s->fd = -1;
    list_init(&s->waiting);
    list_init(&s->sent);
    enum err e = start(s, section, error);
    if (e)
        signer_stop(&s->signer);
    else
        *into = &s->signer;
    return e;
}

void signer_stop(struct signer *signer)
{
    struct process_signer *s = self(signer);
    give_up(s, ERR_CANCELLED);
    if (s->pid > 0) {
        kill(s->pid, SIGKILL);
        while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    for (size_t i = 0; i < s->count; i++) {
        memory_free((void *)(uintptr_t)s->keys[i].name.ptr);
        memory_free((void *)(uintptr_t)s->keys[i].spki.ptr);
    }
    if (s->hook.run)
        list_remove(&s->hook.link);
    memory_free(s);
}

struct process_signer_counters process_signer_counters(const struct signer *s)
{
    return self(s)->counters;
}
