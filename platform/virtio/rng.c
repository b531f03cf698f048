/* See rng.h. It is always asked for one buffer ahead, so that nobody waits but at the start. */
#include "platform/virtio/rng.h"

#include <string.h>

#include "platform/pvh/cpu.h"
#include "platform/pvh/machine.h"
#include "platform/pvh/memory.h"
#include "platform/virtio/device.h"
#include "runtime/log.h"
#include "signatures/clock.h"

#define SOURCE "virtio"
#define QUEUE  0u

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

static bool begin(struct virtio *v)
{
    if (!virtio_begin(v, VIRTIO_F_EVENT_IDX) || !virtio_queue(v, QUEUE, 2, 1, &queue))
        return false;
    virtio_ready(v);
    return true;
}

void virtio_rng_open(void)
{
    struct virtio *v = virtio_take(VIRTIO_ENTROPY, 0);
    bytes = v ? memory_pages(1) : NULL;
    if (!bytes || !begin(v))
        return;
    device = v;
    ask();
}

static void give_up(const char *why)
{
    log_error(SOURCE, "the source of random bytes %s: it is not used any more", why);
    virtio_reset(device);
    device = NULL;
}

static void look_at_change(void)
{
    if (!virtio_take_change(device) || !virtio_needs_reset(device))
        return;
    if (!virtio_restart(device) || !begin(device)) {
        give_up("needs a reset too often");
        return;
    }
    log_warning(SOURCE, "the source of random bytes needs a reset: it is begun anew");
    ask();
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
    if (device)
        look_at_change();
    if (!device)
        return 0;
    for (bool more = true; more && had < len;) {
        wait_for(patience);
        more = !asked && count > 0;
        if (more)
            had += take(at + had, len - had);
    }
    if (queue.broken)
        give_up("breaks the rules of its queue");
    else if (!asked) /* it had nothing to give: perhaps it has by the next time */
        ask();
    return had;
}
