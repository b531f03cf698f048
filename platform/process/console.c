/*
 * The console of a process: standard output. Text is gathered, so that a busy round costs one
 * system call; a hook of the loop sends it off before the program waits.
 *
 * A reader that went away costs its text, never the program; one that does not read (and whose pipe
 * is non-blocking) is waited for shortly.
 */
#include "signatures/console.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <unistd.h>

#include "runtime/loop.h"

#define GATHERED_MAX ((size_t)64 * 1024)
#define PATIENCE_MS  200

static uint8_t gathered[GATHERED_MAX];
static size_t length;
static bool broken;      /* nobody will ever read again */
static uint64_t dropped; /* bytes */

static bool wait_writable(void)
{
    struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&p, 1, PATIENCE_MS) == 1;
}

/* What is left: bytes that nobody takes. */
static size_t send_out(const uint8_t *at, size_t left)
{
    while (left && !broken) {
        ssize_t n = write(STDOUT_FILENO, at, left);
        if (n >= 0) {
            at += n;
            left -= (size_t)n;
        } else if (errno == EAGAIN) {
            if (!wait_writable())
                return left;
        } else if (errno != EINTR) {
            broken = errno != ENOSPC;
            return left;
        }
    }
    return left;
}

void console_flush(void)
{
    if (length == 0)
        return;
    size_t len = length;
    length = 0;
    dropped += send_out(gathered, len);
}

static void flush_hook(struct loop_hook *h)
{
    (void)h;
    console_flush();
}

void console_write(struct slice bytes)
{
    static struct loop_hook hook;
    if (!hook.run)
        loop_hook_add(&hook, flush_hook);
    if (bytes.len > GATHERED_MAX - length)
        console_flush();
    if (bytes.len > GATHERED_MAX) {
        dropped += send_out(bytes.ptr, bytes.len);
        return;
    }
    if (bytes.len)
        memcpy(gathered + length, bytes.ptr, bytes.len);
    length += bytes.len;
}

void console_status(struct buf *into)
{
    buf_printf(into, "console dropped: %llu\n", (unsigned long long)dropped);
}
