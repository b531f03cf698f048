/* See console.h. Dom0 is told of new bytes once a turn of the loop, and when the ring is full. */
#include "platform/xen/console.h"

#include "platform/pvh/cpu.h"
#include "platform/pvh/paging.h"
#include "platform/pvh/poll.h"
#include "platform/xen/byte_ring.h"
#include "platform/xen/event.h"
#include "platform/xen/guest.h"
#include "platform/xen/hypercall.h"
#include "platform/xen/ring.h"

#define PATIENCE (UINT64_C(1) << 31) /* ticks of the processor: about a second */

static struct byte_ring out, in;
static uint32_t channel;
static bool open, untold, stalled;
static uint64_t dropped, typed; /* bytes */

static void tell(void)
{
    if (untold)
        event_notify(channel);
    untold = false;
}

/* Lets others run until dom0 has taken something, or all; not for ever, and not again until it did. */
static bool wait_for_reader(bool all)
{
    uint64_t from = cpu_ticks();
    uint32_t was = *(volatile uint32_t *)out.theirs;
    tell();
    while (!stalled) {
        if (all ? byte_ring_drained(&out) : *(volatile uint32_t *)out.theirs != was)
            return true;
        stalled = cpu_ticks() - from > PATIENCE;
        (void)hypercall_on(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
    }
    return false;
}

static void put(struct slice bytes)
{
    while (bytes.len) {
        size_t n = byte_ring_put(&out, bytes);
        stalled &= n == 0;
        untold |= n > 0;
        bytes = slice_drop(bytes, n);
        if (bytes.len && !wait_for_reader(false)) {
            dropped += bytes.len;
            return;
        }
    }
}

/* The far end is a terminal: it needs to be told to go back to the line's beginning. */
bool xen_console_write(struct slice bytes)
{
    struct slice line;
    while (open && bytes.len) {
        bool ended = slice_cut(bytes, '\n', &line, &bytes);
        put(line);
        if (ended)
            put(SLICE("\r\n"));
    }
    return open;
}

void xen_console_flush(void)
{
    if (open)
        (void)wait_for_reader(true);
}

void xen_console_status(struct buf *into)
{
    buf_printf(into, "xen-console dropped: %llu\n", (unsigned long long)dropped);
    buf_printf(into, "xen-console typed: %llu\n", (unsigned long long)typed);
}

static bool run(struct poll *p)
{
    uint8_t bytes[64];
    (void)p;
    if (!open)
        return false;
    tell();
    /* Nobody reads it: it is taken, some of it each turn, so that dom0 is not kept waiting. */
    size_t taken = byte_ring_take(&in, bytes, sizeof bytes);
    typed += taken;
    if (taken)
        event_notify(channel);
    return false;
}

static bool await(struct poll *p)
{
    (void)p;
    return open && byte_ring_waits(&in);
}

static void attach(void)
{
    static struct xencons_interface *page;
    static uint64_t frame;
    uint64_t now_at = guest_parameter(HVM_PARAM_CONSOLE_PFN);
    if (now_at && now_at != frame)
        page = paging_map_shared(now_at * RING_PAGE, RING_PAGE);
    frame = now_at;
    open = now_at && page;
    if (!open)
        return;
    channel = (uint32_t)guest_parameter(HVM_PARAM_CONSOLE_EVTCHN);
    event_know(channel);
    byte_ring_init(&out, page->out, sizeof page->out, &page->out_cons, &page->out_prod);
    byte_ring_init(&in, page->in, sizeof page->in, &page->in_prod, &page->in_cons);
    stalled = false;
}

void console_begin(void)
{
    static struct poll poll = {.run = run, .await = await};
    attach();
    if (open)
        poll_add(&poll);
}

void console_resume(void)
{
    attach();
}
