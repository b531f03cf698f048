/*
 * The start of a process: configuration out of the image, then arguments, then the program, then the
 * loop. SIGTERM and SIGINT ask the program to end; a second one ends it. SIGHUP asks it to look again
 * at its certificates.
 */
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "platform/process/block.h"
#include "platform/process/image.h"
#include "platform/process/network.h"
#include "platform/process/signer.h"
#include "platform/process/wait.h"
#include "runtime/buf.h"
#include "runtime/format.h"
#include "runtime/keyring.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/panic.h"
#include "runtime/settings_block.h"
#include "signatures/clock.h"
#include "signatures/console.h"
#include "signatures/program.h"

#define HELP_MAX     ((size_t)64 * 1024)
#define STATUS_USAGE 2
#define LARGE_BLOCK  (512 * 1024)
#define LAST_BYTES   (5 * CLOCK_SEC) /* for what closed flows still send, from when we were to end */

/* Sections of the image, laid there when it was linked. */
extern const uint8_t ringlet_config_start[], ringlet_config_end[];
extern const uint8_t ringlet_content_start[], ringlet_content_end[];
extern const uint8_t ringlet_prepared_start[], ringlet_prepared_end[];
extern const uint8_t ringlet_keys_start[], ringlet_keys_end[]; /* gone once the signer stands */
extern const uint8_t ringlet_certs_start[], ringlet_certs_end[];
extern const uint8_t ringlet_anchors_start[], ringlet_anchors_end[];

static struct slice section(const uint8_t *start, const uint8_t *end)
{
    return slice_of(start, (size_t)((uintptr_t)end - (uintptr_t)start));
}

static int print_help(void)
{
    struct buf text;
    char usage[128];
    buf_init(&text, HELP_MAX);
    format_text(usage, sizeof usage, "%s [SETTING]...", program.name);
    buf_printf(&text, "%s: %s\n\n", program.name, program.summary);
    settings_help(&text, usage, program_settings);
    console_write(buf_slice(&text));
    console_flush();
    buf_deinit(&text);
    return EXIT_SUCCESS;
}

static bool wants_help(int count, char **arguments)
{
    for (int i = 1; i < count; i++)
        if (slice_is(slice_text(arguments[i]), "--help") ||
            slice_is(slice_text(arguments[i]), "-h"))
            return true;
    return false;
}

static enum err read_settings(int count, char **arguments, struct buf *error)
{
    settings_preset(program_settings);
    enum err e = settings_configuration(program_settings,
                                        section(ringlet_config_start, ringlet_config_end), error);
    if (e)
        return e;
    e = settings_arguments(program_settings, count > 1 ? (size_t)count - 1 : 0,
                           (const char *const *)arguments + 1, NULL, NULL, error);
    return e ? e : settings_check(program_settings, error);
}

/* On standard error, since the console is the program's. */
static int give_up(struct buf *error, const char *advice, int status)
{
    struct buf text;
    buf_init(&text, HELP_MAX);
    buf_printf(&text, "%s: %.*s\n", program.name, SLICE_ARG(buf_slice(error)));
    if (advice)
        buf_printf(&text, "Try: %s %s\n", program.name, advice);
    ssize_t ignored = write(STDERR_FILENO, text.ptr, text.len);
    (void)ignored;
    buf_deinit(&text);
    buf_deinit(error);
    return status;
}

/* --- signals --- */

static struct source signals;
static int signal_fd = -1;
static struct world world;
static struct signer *signer;
static uint64_t asked_at; /* monotonic; 0: not to end yet */

/* The image's file may have been replaced by one with other certificates. */
static void reload(void)
{
    struct buf certificates;
    struct world now = world;
    buf_init(&certificates, KEYRING_CERTS_SIZE);
    if (image_read(".ringlet.certs", &certificates)) {
        now.certificates = buf_slice(&certificates);
        program.reload(&now);
    }
    buf_deinit(&certificates);
}

static void on_signal(struct source *s, uint32_t events)
{
    bool asked = asked_at > 0;
    struct signalfd_siginfo info;
    (void)s;
    (void)events;
    if (read(signal_fd, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    if (info.ssi_signo == SIGHUP) {
        reload();
        return;
    }
    if (asked || !program.stop) {
        loop_stop(asked ? 128 + (int)info.ssi_signo : 0);
        return;
    }
    asked_at = clock_monotonic();
    program.stop();
}

static void watch_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (program.reload)
        sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    signals.ready = on_signal;
    if (signal_fd < 0 || !source_add(signal_fd, &signals, EPOLLIN))
        panic("signalfd failed");
}

/* In this memory are tokens, and what sessions are sealed with: there is no core dump of it, and who
 * runs as the same user may neither read it nor take the process over. */
static void keep_to_itself(void)
{
    if (prctl(PR_SET_DUMPABLE, 0) != 0)
        panic("the process cannot be hidden");
}

/* Large blocks come from the kernel and go back to it, however many there were before: growing one
 * moves pages instead of bytes, and what a reload took is given back. */
static void keep_memory_small(void)
{
    mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
}

/* Each connection is a descriptor; the usual soft limit of 1024 is for those who use select(2). */
static void raise_descriptors(void)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
        l.rlim_cur = l.rlim_max;
        setrlimit(RLIMIT_NOFILE, &l);
    }
}

/* A flow that was closed sends what is queued: the program has ended, but not yet the process. */
static int send_last_bytes(int status)
{
    uint64_t until = (asked_at ? asked_at : clock_monotonic()) + LAST_BYTES;
    while (!process_network_end() && clock_monotonic() < until) {
        loop_round(until);
        if (loop_stopped(&status))
            break;
    }
    process_network_close();
    return status;
}

int main(int count, char **arguments)
{
    struct buf error;
    if (wants_help(count, arguments))
        return print_help();
    keep_to_itself();
    buf_init(&error, SETTINGS_ERROR_MAX);
    /* First of all: what comes later never had the keys in its memory. */
    if (signer_start(section(ringlet_keys_start, ringlet_keys_end), &signer, &error))
        return give_up(&error, NULL, EXIT_FAILURE);
    if (read_settings(count, arguments, &error))
        return give_up(&error, "--help", STATUS_USAGE);
    if (settings_logs.len)
        log_configure(settings_logs);
    keep_memory_small();
    raise_descriptors();
    image_remember();
    watch_signals();

    struct stack *stack;
    struct block *block = NULL;
    if (process_network_open(slice_text(program.name), &stack, &error) ||
        (settings_block.len && process_block_open(settings_block, &block, &error)))
        return give_up(&error, NULL, EXIT_FAILURE);
    buf_deinit(&error);
    world = (struct world){
        .stack = stack,
        .block = block,
        .content = section(ringlet_content_start, ringlet_content_end),
        .prepared = section(ringlet_prepared_start, ringlet_prepared_end),
        .certificates = section(ringlet_certs_start, ringlet_certs_end),
        .anchors = section(ringlet_anchors_start, ringlet_anchors_end),
        .signer = signer,
    };
    int status = program.start(&world) ? EXIT_FAILURE : send_last_bytes(loop_run());
    console_flush();
    return status;
}
