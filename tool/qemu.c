/*
 * See qemu.h. QEMU is told what to do over its monitor's protocol (QMP: lines of JSON), by a socket that
 * it inherits: nobody else reaches it. It is in a process group of its own, so that Ctrl-C reaches us
 * alone.
 */
#include "tool/qemu.h"

#include "platform/pvh/power.h"
#include "tool/tool.h"
#include "tool/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONTROL_FD 3

struct qemu {
    pid_t process;
    int control, signals;
    unsigned asked; /* how often we were asked to end */
};

/* --- the start --- */

static void __attribute__((noreturn))
become(const struct words *w, int control, const sigset_t *mask)
{
    int nothing = open("/dev/null", O_RDONLY);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0)
        _exit(127);
    if (control == CONTROL_FD ? fcntl(control, F_SETFD, 0) < 0 : dup2(control, CONTROL_FD) < 0)
        _exit(127);
    sigprocmask(SIG_SETMASK, mask, NULL);
    execvp(w->at[0], w->at);
    if (errno == ENOENT)
        tool_error("%s is not installed: it starts virtual machines (Debian: apt install "
                   "qemu-system-x86)",
                   w->at[0]);
    else
        tool_error("cannot start %s: %s", w->at[0], strerror(errno));
    _exit(127);
}

static bool start(struct qemu *q, const struct words *w)
{
    sigset_t wanted, before;
    int ends[2];
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGCHLD);
    sigprocmask(SIG_BLOCK, &wanted, &before);
    q->signals = signalfd(-1, &wanted, SFD_CLOEXEC);
    if (q->signals < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        tool_error("cannot watch a machine: %s", strerror(errno));
        return false;
    }
    q->control = ends[0];
    q->process = fork();
    if (q->process == 0)
        become(w, ends[1], &before);
    if (q->process < 0)
        tool_error("cannot start a process: %s", strerror(errno));
    close(ends[1]);
    return q->process > 0;
}

/* --- while it runs --- */

static void tell(struct qemu *q, const char *command)
{
    struct slice line = slice_text(command);
    if (send(q->control, line.ptr, line.len, MSG_NOSIGNAL) < 0 && errno != EPIPE)
        tool_error("the machine is out of reach: %s", strerror(errno));
}

static void ask_to_end(struct qemu *q)
{
    if (q->asked++ == 0)
        tell(q, "{\"execute\":\"system_powerdown\"}\n");
    else
        kill(q->process, SIGKILL);
}

/* What QEMU answers is of no interest, but it has to go somewhere. */
static void read_answers(struct qemu *q, struct pollfd *p)
{
    char bytes[4096];
    if (read(q->control, bytes, sizeof bytes) <= 0)
        p->fd = -1;
}

static void read_signal(struct qemu *q)
{
    struct signalfd_siginfo s;
    if (read(q->signals, &s, sizeof s) == (ssize_t)sizeof s && s.ssi_signo != SIGCHLD)
        ask_to_end(q);
}

/* Whether it has ended; *status is then what waitpid says. */
static bool ended(const struct qemu *q, int *status)
{
    return waitpid(q->process, status, WNOHANG) == q->process;
}

static int watch(struct qemu *q)
{
    struct pollfd files[] = {{.fd = q->signals, .events = POLLIN},
                             {.fd = q->control, .events = POLLIN}};
    int status;
    tell(q, "{\"execute\":\"qmp_capabilities\"}\n");
    while (!ended(q, &status)) {
        int ready = poll(files, 2, q->asked ? QEMU_PATIENCE_SEC * 1000 : -1);
        if (ready == 0) {
            tool_error("the program has not powered off within %d seconds: its machine is ended",
                       QEMU_PATIENCE_SEC);
            ask_to_end(q);
        }
        if (ready > 0 && files[0].revents)
            read_signal(q);
        if (ready > 0 && files[1].revents)
            read_answers(q, &files[1]);
    }
    return status;
}

static int result(const struct qemu *q, int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == POWER_STATUS(POWER_CRASHED))
        tool_error("the program crashed: what it said last tells where");
    else if (WIFSIGNALED(status) && q->asked < 2)
        tool_error("%s was ended by signal %d", VM_QEMU, WTERMSIG(status));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}

int qemu_run(const struct words *command)
{
    struct words w = {.count = 0};
    struct qemu q = {.process = -1};
    const char *const ours[] = {
        "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
        "-chardev", "socket,id=control,fd=3",      "-mon",    "chardev=control,mode=control"};
    for (size_t i = 0; i < command->count; i++)
        words_add(&w, "%s", command->at[i]);
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        words_add(&w, "%s", ours[i]);
    int status = start(&q, &w) ? result(&q, watch(&q)) : 1;
    words_free(&w);
    return status;
}
