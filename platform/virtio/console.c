/* See console.h. Text is gathered in a page, which is lent to the device when the loop comes round, when it
 * is full, and when all has to be out. */
#include "platform/virtio/console.h"

#include "platform/pvh/cpu.h"
#include "platform/pvh/machine.h"
#include "platform/pvh/memory.h"
#include "platform/pvh/poll.h"
#include "platform/pvh/stop.h"
#include "platform/virtio/device.h"
#include "signatures/clock.h"

#define RECEIVE  0u /* queues */
#define SEND     1u
#define SLOTS    4u /* pages of text */
#define INPUT    64u
#define PATIENCE (100 * CLOCK_MS) /* with a host that does not read, once */
#define CTRL_C   3

static struct virtio *device; /* NULL: there is none, or it is broken */
static struct queue receive, send;
static uint8_t *text, *input;
static size_t length;    /* of what is gathered in the slot */
static unsigned slot;    /* that is gathered in */
static unsigned lent;    /* slots that the device has */
static bool deaf;        /* nobody reads: what does not fit is dropped */
static uint64_t dropped; /* bytes */
static struct poll poll;

static uint8_t *slot_at(void)
{
    return text + (size_t)slot * PAGE_SIZE;
}

static void collect(void)
{
    uint16_t number;
    uint32_t written;
    while (queue_take(&send, &number, &written)) {
        lent--;
        deaf = false;
    }
}

/* Waits until the device has fewer slots than that. */
static void wait_below(unsigned count)
{
    uint64_t until = clock_monotonic() + PATIENCE;
    collect();
    while (lent >= count && !deaf && !send.broken) {
        cpu_pause();
        collect();
        deaf = clock_monotonic() > until;
    }
}

/* The device takes slots in their order, and the next one is free. */
static void lend(void)
{
    const struct queue_part part = {machine_physical(slot_at()), (uint32_t)length};
    uint16_t number;
    if (!length || lent == SLOTS - 1 || !queue_add(&send, &part, 1, 0, &number))
        return;
    virtio_tell(device, SEND, &send);
    lent++;
    slot = (slot + 1) % SLOTS;
    length = 0;
}

bool virtio_console_write(struct slice bytes)
{
    while (device && bytes.len) {
        size_t n = slice_take(bytes, PAGE_SIZE - length).len;
        memcpy(slot_at() + length, bytes.ptr, n);
        length += n;
        bytes = slice_drop(bytes, n);
        if (length < PAGE_SIZE)
            break;
        wait_below(SLOTS - 1);
        lend();
        if (length == PAGE_SIZE) { /* nobody reads */
            dropped += bytes.len;
            break;
        }
    }
    return device;
}

void virtio_console_flush(void)
{
    if (!device)
        return;
    wait_below(SLOTS - 1);
    lend();
    wait_below(1);
}

void virtio_console_status(struct buf *into)
{
    if (device)
        buf_printf(into, "virtio-console dropped: %llu\n", (unsigned long long)dropped);
}

/* --- what is typed --- */

static void offer(void)
{
    const struct queue_part part = {machine_physical(input), INPUT};
    uint16_t number;
    queue_add(&receive, &part, 0, 1, &number);
    virtio_tell(device, RECEIVE, &receive);
}

static bool hear(void)
{
    uint16_t number;
    uint32_t written;
    if (!queue_take(&receive, &number, &written))
        return false;
    if (slice_find(slice_of(input, written), CTRL_C) < written)
        stop_ask();
    offer();
    return true;
}

/* --- beginning, and beginning anew --- */

static bool begin(struct virtio *v)
{
    if (!virtio_begin(v, VIRTIO_F_EVENT_IDX) || !virtio_queue(v, RECEIVE, 2, 1, &receive) ||
        !virtio_queue(v, SEND, SLOTS, 1, &send))
        return false;
    virtio_ready(v);
    return true;
}

static void give_up(void)
{
    virtio_reset(device);
    device = NULL;
}

/* What it was lent is lost. */
static void look_at_change(void)
{
    if (!virtio_take_change(device) || !virtio_needs_reset(device))
        return;
    lent = 0;
    if (virtio_restart(device) && begin(device))
        offer();
    else
        give_up();
}

static bool run(struct poll *p)
{
    (void)p;
    if (device)
        look_at_change();
    if (!device)
        return false;
    collect();
    lend();
    bool heard = hear();
    if (send.broken || receive.broken)
        give_up();
    return heard;
}

/* Of text that was written we want to hear only while more waits for a page. */
static bool await(struct poll *p)
{
    (void)p;
    return device && (queue_await(&receive) || (length && queue_await(&send)));
}

void virtio_console_open(void)
{
    struct virtio *v = virtio_take(VIRTIO_CONSOLE, 0);
    if (!v)
        return;
    text = memory_pages(SLOTS);
    input = memory_pages(1);
    if (!text || !input || !begin(v))
        return;
    device = v;
    offer();
    poll = (struct poll){.run = run, .await = await};
    poll_add(&poll);
}
