/* See rng.h. It is always asked for one buffer ahead, so that nobody waits but at the start. */
#include "platform/virtio/rng.h"

#include <string.h>

#include "platform/pvh/cpu.h"
#include "platform/pvh/machine.h"
#include "platform/pvh/memory.h"
#include "platform/virtio/device.h"
#include "runtime/log.h"
#include "signatures/clock.h"

#define QUEUE 0u

static struct virtio *device; /* NULL: there is none */
static struct queue queue;
static uint8_t *bytes;
static uint32_t count; /* of bytes that came */
static bool asked;

static void ask(void)
{
    const struct queue_part part = {machine_physical(bytes), RNG_MOST};
    uint16_t number;
    asked = queue_add(&queue, &part, 0, 1, &number);
    virtio_tell(device, QUEUE, &queue);
}

static void collect(void)
{
    uint16_t number;
    if (!asked || !queue_take(&queue, &number, &count))
        return;
    asked = false;
}

/* Until bytes are there. */
static void wait_for(uint64_t patience)
{
    uint64_t until = clock_monotonic() + patience;
    collect();
    while (asked && !queue.broken && clock_monotonic() < until) {
        cpu_pause();
        collect();
    }
}

void virtio_rng_open(void)
{
    struct virtio *v = virtio_take(VIRTIO_ENTROPY, 0);
    bytes = v ? memory_pages(1) : NULL;
    if (!bytes || !virtio_begin(v, VIRTIO_F_EVENT_IDX) || !virtio_queue(v, QUEUE, 2, 1, &queue))
        return;
    device = v;
    virtio_ready(v);
    ask();
}

static void give_up(void)
{
    log_error("virtio", "the source of random bytes breaks the rules of its queue: it is not used");
    virtio_reset(device);
    device = NULL;
}

static size_t take(uint8_t *into, size_t len)
{
    size_t n = len < count ? len : count;
    memcpy(into, bytes, n);
    memset(bytes, 0, RNG_MOST);
    count = 0;
    ask();
    return n;
}

size_t virtio_rng_draw(void *into, size_t len, uint64_t patience)
{
    uint8_t *at = into;
    size_t had = 0;
    if (!device)
        return 0;
    for (bool more = true; more && had < len;) {
        wait_for(patience);
        more = !asked && count > 0;
        if (more)
            had += take(at + had, len - had);
    }
    if (queue.broken)
        give_up();
    else if (!asked) /* it had nothing to give: perhaps it has by the next time */
        ask();
    return had;
}
