/* epoll, with deadlines in nanoseconds where the kernel has them (5.11). See wait.h. */
#include "platform/process/wait.h"

#include <errno.h>
#include <sys/epoll.h>
#include <time.h>

#include "runtime/panic.h"
#include "signatures/clock.h"
#include "signatures/wait.h"

#define EVENTS_MAX 256 /* fetched at once */

static int epoll = -1;
static bool no_sleep;
static bool milliseconds_only; /* the kernel does not know epoll_pwait2 */

static int epoll_fd(void)
{
    if (epoll < 0)
        epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        panic("epoll_create1 failed");
    return epoll;
}

static bool control(int operation, int fd, struct source *s, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = s};
    return epoll_ctl(epoll_fd(), operation, fd, &e) == 0;
}

bool source_add(int fd, struct source *s, uint32_t events)
{
    return control(EPOLL_CTL_ADD, fd, s, events);
}

bool source_change(int fd, struct source *s, uint32_t events)
{
    return control(EPOLL_CTL_MOD, fd, s, events);
}

void source_remove(int fd)
{
    control(EPOLL_CTL_DEL, fd, NULL, 0);
}

void wait_not(void)
{
    no_sleep = true;
}

/* How long to sleep, in nanoseconds. */
static uint64_t duration(uint64_t deadline)
{
    if (no_sleep || deadline == 0)
        return 0;
    if (deadline == WAIT_FOREVER)
        return WAIT_FOREVER;
    uint64_t now = clock_monotonic();
    return deadline > now ? deadline - now : 0;
}

static int wait_milliseconds(struct epoll_event *events, uint64_t ns)
{
    const uint64_t most = 60 * 60 * CLOCK_SEC; /* the loop comes back by itself */
    if (ns == WAIT_FOREVER)
        return epoll_wait(epoll_fd(), events, EVENTS_MAX, -1);
    if (ns > most)
        ns = most;
    return epoll_wait(epoll_fd(), events, EVENTS_MAX, (int)((ns + CLOCK_MS - 1) / CLOCK_MS));
}

static int wait_events(struct epoll_event *events, uint64_t ns)
{
    if (milliseconds_only || ns == 0 || ns == WAIT_FOREVER)
        return wait_milliseconds(events, ns);
    struct timespec t = {.tv_sec = (time_t)(ns / CLOCK_SEC), .tv_nsec = (long)(ns % CLOCK_SEC)};
    int count = epoll_pwait2(epoll_fd(), events, EVENTS_MAX, &t, NULL);
    if (count >= 0 || (errno != ENOSYS && errno != EPERM))
        return count;
    milliseconds_only = true;
    return wait_milliseconds(events, ns);
}

void wait_until(uint64_t deadline)
{
    struct epoll_event events[EVENTS_MAX];
    int count = wait_events(events, duration(deadline));
    no_sleep = false;
    if (count < 0 && errno != EINTR)
        panic("waiting for events failed");
    for (int i = 0; i < count; i++) {
        struct source *s = events[i].data.ptr;
        s->ready(s, events[i].events);
    }
}
