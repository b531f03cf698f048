/*
 * A wire that harms: forwards Ethernet frames between two interfaces of its network namespace, and on
 * the way delays, loses, doubles, reorders and corrupts them, as a seed says.
 *
 *   wire A B [--loss %] [--burst FRAMES] [--duplicate %] [--reorder %] [--late MS] [--corrupt %]
 *            [--delay MS] [--jitter MS] [--rate MBIT] [--queue KIB] [--mtu BYTES] [--seed N] [--all]
 *
 * ARP, and what IPv6 has in its place, is delayed and no more, unless --all: it comes when it likes,
 * and would shift what the seed does to the rest.
 *
 * Says "ready" when it forwards; ends when its standard input does (or at SIGTERM), and prints what it
 * did, direction by direction: NAME VALUE a line, named ab_ and ba_.
 *
 * Frames have to come as a card would put them on a cable: of MTU size, with checksums. Where that is
 * not so (offloads of the sending interface are on), `oversized` and `unsummed` count it.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "tests/system/wire/harm.h"
#include "tests/system/wire/port.h"
#include "tests/system/wire/transit.h"

#define ETHERNET_HEADER 14u
#define NS              1000000000u
#define IDLE            NS /* sleeps no longer */

struct counters {
    uint64_t received, bytes, sent, lost, duplicated, reordered, corrupted;
    uint64_t overflowed; /* the queue before the rate was full */
    uint64_t too_big;    /* for --mtu */
    uint64_t oversized, unsummed;
    uint64_t overrun;      /* we were too slow to take it */
    uint64_t shed, unsent; /* too many on their way; refused by the interface */
    uint64_t latest;       /* ns that a frame was sent after it was due, at worst */
    uint64_t lateness;     /* in all */
};

struct direction {
    const char *name;
    struct port *from, *to;
    struct transit transit;
    struct dice dice;
    struct counters count;
    uint64_t link_free; /* when the rate lets the next frame through */
    uint64_t last_due;  /* of those that keep their order */
};

static struct harm harm = {.late = 5000000, .queue = 256 * 1024};
static bool harms_all;
static struct port ports[2];
static struct direction directions[2] = {{.name = "ab", .from = &ports[0], .to = &ports[1]},
                                         {.name = "ba", .from = &ports[1], .to = &ports[0]}};
static volatile sig_atomic_t stopped;

static uint64_t read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * NS + (uint64_t)t.tv_nsec;
}

/* --- what comes in --- */

/* When the last bit of it has left through the rate; 0: the queue is full. */
static uint64_t leaves(struct direction *d, uint64_t at, size_t len)
{
    if (!harm.rate)
        return at;
    uint64_t start = d->link_free > at ? d->link_free : at;
    if ((start - at) * harm.rate / 8 / NS + len > harm.queue)
        return 0;
    return d->link_free = start + len * 8 * NS / harm.rate;
}

static uint64_t due_at(struct direction *d, uint64_t leaving, const struct fate *f)
{
    uint64_t due = leaving + harm.delay + f->jitter;
    due -= due < leaving + harm.jitter ? due - leaving : harm.jitter; /* never before it came */
    if (f->reordered)
        return due + harm.late;
    if (due < d->last_due)
        due = d->last_due;
    return d->last_due = due;
}

static void put(struct direction *d, const struct arrived *a, const struct fate *f, uint64_t due)
{
    struct frame *frame = transit_take(&d->transit);
    if (!frame) {
        d->count.shed++;
        return;
    }
    frame->due = due;
    frame->len = a->len;
    memcpy(frame->bytes, a->bytes, a->len);
    if (f->corrupted && a->len > ETHERNET_HEADER) {
        uint64_t bit = f->bit % ((a->len - ETHERNET_HEADER) * 8);
        frame->bytes[ETHERNET_HEADER + bit / 8] ^= (uint8_t)(1u << bit % 8);
        d->count.corrupted++;
    }
    transit_put(&d->transit);
}

/* ARP; ICMPv6, with or without hop-by-hop options before it. */
static bool finds_neighbours(const struct arrived *a)
{
    const uint8_t *b = a->bytes;
    if (a->len < ETHERNET_HEADER + 7)
        return false;
    return (b[12] == 0x08 && b[13] == 0x06) ||
           (b[12] == 0x86 && b[13] == 0xdd && (b[20] == 0 || b[20] == 58));
}

static struct fate fate_of(struct direction *d, const struct arrived *a)
{
    if (!harms_all && finds_neighbours(a))
        return (struct fate){.jitter = harm.jitter};
    return harm_next(&harm, &d->dice);
}

static void carry(struct direction *d, const struct arrived *a, uint64_t at)
{
    struct fate f = fate_of(d, a);
    uint64_t leaving = leaves(d, at, a->len);
    d->count.received++;
    d->count.bytes += a->len;
    d->count.unsummed += a->unsummed;
    if (a->cut)
        d->count.oversized++;
    else if (harm.mtu && a->len > harm.mtu + ETHERNET_HEADER)
        d->count.too_big++;
    else if (!leaving)
        d->count.overflowed++;
    else if (f.lost)
        d->count.lost++;
    else {
        uint64_t due = due_at(d, leaving, &f);
        d->count.reordered += f.reordered;
        d->count.duplicated += f.duplicated;
        put(d, a, &f, due);
        if (f.duplicated)
            put(d, a, &f, due);
    }
}

/* The kernel's stamps are of its other clock. */
static void take(struct direction *d)
{
    uint64_t now = read_clock(CLOCK_MONOTONIC), ahead = read_clock(CLOCK_REALTIME) - now;
    struct arrived a;
    while (port_peek(d->from, &a)) {
        uint64_t at = a.at - ahead;
        carry(d, &a, at < now && now - at < NS ? at : now);
        port_taken(d->from);
    }
}

/* --- what goes out --- */

static unsigned gather(struct direction *d, uint64_t now, struct iovec *frames)
{
    unsigned n = 0;
    const struct frame *first;
    while (n < PORT_SEND_MAX && (first = transit_first(&d->transit)) && first->due <= now) {
        uint64_t late = now - first->due;
        d->count.latest = late > d->count.latest ? late : d->count.latest;
        d->count.lateness += late;
        struct frame *f = transit_remove_first(&d->transit);
        frames[n++] = (struct iovec){f->bytes, f->len};
    }
    return n;
}

static void give(struct direction *d)
{
    struct iovec frames[PORT_SEND_MAX];
    unsigned n = gather(d, read_clock(CLOCK_MONOTONIC), frames);
    for (unsigned done = 0; done < n;) {
        unsigned sent = port_send(d->to, frames + done, n - done);
        d->count.sent += sent;
        d->count.unsent += sent == 0;
        done += sent ? sent : 1;
    }
}

static uint64_t next_due(void)
{
    uint64_t next = UINT64_MAX;
    for (int i = 0; i < 2; i++) {
        const struct frame *first = transit_first(&directions[i].transit);
        if (first && first->due < next)
            next = first->due;
    }
    return next;
}

/* --- the whole --- */

static void stop(int number)
{
    (void)number;
    stopped = 1;
}

static void sleep_until(uint64_t due, const sigset_t *signals)
{
    struct pollfd on[3] = {{.fd = ports[0].fd, .events = POLLIN},
                           {.fd = ports[1].fd, .events = POLLIN},
                           {.fd = STDIN_FILENO, .events = POLLIN}};
    uint64_t now = read_clock(CLOCK_MONOTONIC), ns = due > now ? due - now : 0;
    ns = ns < IDLE ? ns : IDLE;
    struct timespec t = {.tv_sec = (time_t)(ns / NS), .tv_nsec = (long)(ns % NS)};
    char text[256];
    if (ppoll(on, 3, &t, signals) > 0 && on[2].revents &&
        read(STDIN_FILENO, text, sizeof text) <= 0)
        stopped = 1;
}

static void forward(void)
{
    sigset_t none;
    sigemptyset(&none);
    while (!stopped) {
        for (int i = 0; i < 2; i++)
            take(&directions[i]);
        for (int i = 0; i < 2; i++)
            give(&directions[i]);
        sleep_until(next_due(), &none);
    }
}

static void print(const struct direction *d)
{
    const struct counters *c = &d->count;
    const struct {
        const char *name;
        uint64_t value;
    } lines[] = {
        {"received", c->received},
        {"bytes", c->bytes},
        {"sent", c->sent},
        {"lost", c->lost},
        {"duplicated", c->duplicated},
        {"reordered", c->reordered},
        {"corrupted", c->corrupted},
        {"overflowed", c->overflowed},
        {"too_big", c->too_big},
        {"oversized", c->oversized},
        {"unsummed", c->unsummed},
        {"overrun", c->overrun + port_overruns(d->from)},
        {"shed", c->shed},
        {"unsent", c->unsent},
        {"latest_us", c->latest / 1000},
        {"mean_late_us", c->sent ? c->lateness / c->sent / 1000 : 0},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        printf("%s_%s %llu\n", d->name, lines[i].name, (unsigned long long)lines[i].value);
}

static uint64_t milliseconds(const char *text)
{
    return (uint64_t)(atof(text) * 1e6);
}

static void set_option(int letter, const char *value)
{
    double number = atof(value), share = number / 100;
    switch (letter) {
    case 'l':
        harm.loss = share;
        break;
    case 'b':
        harm.burst = number;
        break;
    case 'd':
        harm.duplicate = share;
        break;
    case 'r':
        harm.reorder = share;
        break;
    case 'L':
        harm.late = milliseconds(value);
        break;
    case 'c':
        harm.corrupt = share;
        break;
    case 'D':
        harm.delay = milliseconds(value);
        break;
    case 'j':
        harm.jitter = milliseconds(value);
        break;
    case 'R':
        harm.rate = (uint64_t)(number * 1e6);
        break;
    case 'q':
        harm.queue = (uint64_t)(number * 1024);
        break;
    case 'A':
        harms_all = true;
        break;
    case 'm':
        harm.mtu = (uint32_t)number;
        break;
    case 's':
        directions[0].dice.state = 2 * strtoull(value, NULL, 10);
        directions[1].dice.state = directions[0].dice.state + 1;
        break;
    default:
        exit(2);
    }
}

static void read_options(int count, char **arguments)
{
    static const struct option options[] = {
        {"loss", 1, NULL, 'l'},    {"burst", 1, NULL, 'b'},  {"duplicate", 1, NULL, 'd'},
        {"reorder", 1, NULL, 'r'}, {"late", 1, NULL, 'L'},   {"corrupt", 1, NULL, 'c'},
        {"delay", 1, NULL, 'D'},   {"jitter", 1, NULL, 'j'}, {"rate", 1, NULL, 'R'},
        {"queue", 1, NULL, 'q'},   {"mtu", 1, NULL, 'm'},    {"seed", 1, NULL, 's'},
        {"all", 0, NULL, 'A'},     {NULL, 0, NULL, 0}};
    int letter;
    while ((letter = getopt_long_only(count, arguments, "", options, NULL)) >= 0)
        set_option(letter, optarg ? optarg : "");
}

/* Ahead of what it serves, where that is permitted: a frame that is late because somebody computes
 * would be harm that nobody asked for. */
static void hurry(void)
{
    const struct sched_param first = {.sched_priority = 1};
    prctl(PR_SET_TIMERSLACK, 1);
    sched_setscheduler(0, SCHED_FIFO, &first);
}

static void watch_signals(void)
{
    const struct sigaction end = {.sa_handler = stop};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL); /* but while it sleeps */
    sigaction(SIGTERM, &end, NULL);
    sigaction(SIGINT, &end, NULL);
}

int main(int count, char **arguments)
{
    directions[0].dice.state = 2;
    directions[1].dice.state = 3;
    read_options(count, arguments);
    if (count - optind != 2) {
        fprintf(stderr, "usage: wire A B [--loss %%] [--delay MS] ...\n");
        return 2;
    }
    for (int i = 0; i < 2; i++)
        if (!port_open(&ports[i], arguments[optind + i]) || !transit_init(&directions[i].transit)) {
            fprintf(stderr, "wire: %s: %s\n", arguments[optind + i], strerror(errno));
            return 1;
        }
    watch_signals();
    hurry();
    puts("ready");
    fflush(stdout);
    forward();
    for (int i = 0; i < 2; i++)
        print(&directions[i]);
    return 0;
}
