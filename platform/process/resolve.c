/*
 * Looking names up. What the host's resolver does (files, DNS, whatever it is set up for) may take
 * long, and it blocks: so a child process asks it, and answers over a pipe. Numeric addresses and
 * localhost (RFC 6761, 6.3) need no asking.
 */
#include "platform/process/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/process/flow.h"
#include "platform/process/socket.h"
#include "platform/process/wait.h"
#include "runtime/loop.h"
#include "runtime/pool.h"
#include "signatures/clock.h"

/* What the child writes, at once (it is less than PIPE_BUF). */
struct answer {
    uint32_t why; /* enum err */
    uint32_t count;
    struct address addresses[RESOLVE_ADDRESSES_MAX];
};

struct resolve {
    struct source source;
    struct timer patience;
    struct task soon; /* tells what was known at once, or gives a finished one's memory */
    resolve_fn *tell; /* NULL: told or cancelled */
    void *owner;
    int fd;    /* the pipe's end, or -1 */
    pid_t pid; /* the child, or 0 */
    struct answer answer;
};

static struct pool resolves;

/* --- in the child --- */

static enum err error_of(int result)
{
    switch (result) {
    case EAI_NONAME:
    case EAI_NODATA:
        return ERR_NOT_FOUND;
    case EAI_AGAIN: /* no server answered */
        return ERR_UNREACHABLE;
    case EAI_MEMORY:
        return ERR_MEMORY;
    default:
        return ERR_IO;
    }
}

static void ask(const char *name, struct answer *a)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int result = getaddrinfo(name, NULL, &hints, &list);
    if (result) {
        a->why = error_of(result);
        return;
    }
    for (const struct addrinfo *i = list; i && a->count < RESOLVE_ADDRESSES_MAX; i = i->ai_next) {
        struct sockaddr_storage address = {0};
        if (i->ai_addrlen > sizeof address)
            continue;
        memcpy(&address, i->ai_addr, i->ai_addrlen);
        a->addresses[a->count++] = socket_endpoint(&address).address;
    }
    if (a->count == 0)
        a->why = ERR_NOT_FOUND;
}

/* The child shares nothing with its parent but the pipe, says so with one byte, and does not outlive it. */
static void child(int pipe_end, pid_t parent, const char *name)
{
    const int kept = 3;
    struct answer a = {0};
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    if (pipe_end != kept)
        dup2(pipe_end, kept);
    close_range(kept + 1, ~0u, 0);
    if (write(kept, "", 1) != 1)
        _exit(1);
    ask(name, &a);
    _exit(write(kept, &a, sizeof a) == (ssize_t)sizeof a ? 0 : 1);
}

/* --- in the parent --- */

static void end_child(struct resolve *r)
{
    if (r->pid) {
        kill(r->pid, SIGKILL);
        while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
            ;
        r->pid = 0;
    }
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
}

/* The memory goes when nobody can hold an event for it any more. */
static void retire(struct resolve *r)
{
    timer_stop(&r->patience);
    end_child(r);
    r->tell = NULL;
    task_post(&r->soon);
}

static void tell(struct resolve *r)
{
    resolve_fn *to = r->tell;
    struct answer a = r->answer;
    void *owner = r->owner;
    retire(r);
    if (a.why)
        to(owner, (enum err)a.why, NULL, 0);
    else
        to(owner, OK, a.addresses, a.count);
}

static void on_soon(struct task *t)
{
    struct resolve *r = CONTAINER(t, struct resolve, soon);
    if (r->tell)
        tell(r);
    else
        pool_give(&resolves, r);
}

static void on_patience_lost(struct timer *t)
{
    struct resolve *r = CONTAINER(t, struct resolve, patience);
    r->answer = (struct answer){.why = ERR_TIMEOUT};
    tell(r);
}

static void on_answer(struct source *s, uint32_t events)
{
    struct resolve *r = CONTAINER(s, struct resolve, source);
    (void)events;
    if (!r->tell)
        return;
    struct answer a;
    ssize_t n = read(r->fd, &a, sizeof a);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    bool sound = n == (ssize_t)sizeof a && a.why < ERR_COUNT_ && a.count <= RESOLVE_ADDRESSES_MAX;
    r->answer = sound ? a : (struct answer){.why = ERR_IO};
    tell(r);
}

/* Until the child has let go of what was ours: of a connection that it still had, and we have closed, the
 * kernel would go on to report events, for memory that is another's by then. */
static void wait_for_child(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    uint8_t let_go;
    while (poll(&p, 1, -1) < 0 && errno == EINTR)
        ;
    ssize_t ignored = read(fd, &let_go, 1); /* none: it is gone, as will be seen */
    (void)ignored;
}

static enum err start_child(struct resolve *r, const char *name)
{
    int ends[2];
    pid_t parent = getpid();
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return socket_error(errno);
    r->pid = fork();
    if (r->pid == 0)
        child(ends[1], parent, name);
    close(ends[1]);
    r->fd = ends[0];
    if (r->pid < 0) {
        r->pid = 0;
        return ERR_MEMORY;
    }
    wait_for_child(r->fd);
    return source_add(r->fd, &r->source, EPOLLIN) ? OK : ERR_FULL;
}

/* Letters, digits, '-', '_' and dots: nothing else is asked for. */
static bool valid(struct slice name)
{
    if (name.len == 0 || name.len > RESOLVE_NAME_MAX || name.ptr[0] == '-')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i], letter = c | 0x20;
        if (!(letter >= 'a' && letter <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_' &&
            c != '.')
            return false;
    }
    return true;
}

static bool is_localhost(struct slice name)
{
    if (slice_ends(name, SLICE(".")))
        name.len--;
    size_t start = name.len > 10 ? name.len - 10 : 0;
    return slice_equal_nocase(name, SLICE("localhost")) ||
           slice_equal_nocase(slice_drop(name, start), SLICE(".localhost"));
}

/* True where the answer (in r) needs no asking. */
static bool known(struct resolve *r, struct slice name)
{
    struct answer *a = &r->answer;
    if (address_parse(name, &a->addresses[0])) {
        a->count = 1;
    } else if (is_localhost(name)) {
        a->addresses[0] = (struct address){{[15] = 1}};
        a->addresses[1] = address_v4(127, 0, 0, 1);
        a->count = 2;
    } else if (!valid(name)) {
        a->why = ERR_NOT_FOUND;
    } else {
        return false;
    }
    return true;
}

static enum err begin(struct resolve *r, struct slice name)
{
    char text[RESOLVE_NAME_MAX + 1];
    if (known(r, name)) {
        task_post(&r->soon);
        return OK;
    }
    memcpy(text, name.ptr, name.len);
    text[name.len] = 0;
    if (!timer_start(&r->patience, clock_monotonic() + socket_patience.resolve))
        return ERR_MEMORY;
    return start_child(r, text);
}

enum err resolve_start(struct stack *s, struct slice name, resolve_fn *answer, void *owner,
                       struct resolve **into)
{
    (void)s;
    if (!resolves.name)
        pool_init(&resolves, "resolves", sizeof(struct resolve), RESOLVES_MAX);
    struct resolve *r = pool_take(&resolves);
    if (!r) {
        socket_counters.resolves_refused++;
        return ERR_FULL;
    }
    *r = (struct resolve){.source = {on_answer}, .tell = answer, .owner = owner, .fd = -1};
    timer_init(&r->patience, on_patience_lost);
    task_init(&r->soon, on_soon);
    enum err e = begin(r, name);
    if (e)
        retire(r);
    else
        *into = r;
    return e;
}

void resolve_cancel(struct stack *s, struct resolve *r)
{
    (void)s;
    retire(r);
}
