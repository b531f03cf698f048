/* See device.h: what all transports share. */
#include "platform/virtio/device.h"

#include "platform/pvh/interrupt.h"
#include "platform/pvh/machine.h"
#include "platform/pvh/memory.h"
#include "platform/pvh/poll.h"
#include "platform/pvh/trap.h"
#include "runtime/log.h"

#define SOURCE            "virtio"
#define RESET_TRIES       100000
#define CONFIG_TRIES      16
#define ACKNOWLEDGE_TRIES 8

static struct virtio devices[VIRTIO_DEVICES_MAX];
static size_t count;

void virtio_add(const struct virtio *v)
{
    for (size_t i = 0; i < count; i++)
        if (devices[i].place == v->place)
            return;
    if (count == VIRTIO_DEVICES_MAX)
        log_warning(SOURCE, "there are more than %u devices: one of kind %u is not used",
                    VIRTIO_DEVICES_MAX, v->kind);
    else {
        devices[count] = *v;
        devices[count++].look_at = UINT64_MAX;
    }
}

/* --- interrupts: of all devices together --- */

/* Until it says nothing any more: what it says between the look and the answer raises no interrupt where a line's
 * edge is one, and nor does anything after it. */
static bool has_changed(struct virtio *v)
{
    uint32_t said = 0, more = 1;
    for (int i = 0; i < ACKNOWLEDGE_TRIES && more; i++) {
        more = v->ops->acknowledge(v);
        said |= more;
    }
    return v->one_message || (said & VIRTIO_INTERRUPT_OTHER);
}

/* Now and then: reading the status leaves the guest. */
static bool was_reset(struct virtio *v, uint64_t now)
{
    if (now < v->look_at)
        return false;
    v->look_at = now + VIRTIO_LOOK_EVERY;
    return virtio_needs_reset(v);
}

static bool run(struct poll *p)
{
    bool any = false, config = trap_take(INTERRUPT_CONFIG), queues = trap_take(INTERRUPT_VECTOR);
    uint64_t now = clock_monotonic();
    (void)p;
    for (size_t i = 0; i < count; i++) {
        struct virtio *v = &devices[i];
        bool said = v->taken && (config || queues) && (has_changed(v) || config);
        if (!said && !was_reset(v, now))
            continue;
        v->changed = any = true;
    }
    return any;
}

static bool await(struct poll *p)
{
    (void)p;
    return false;
}

void virtio_find(const char *command_line)
{
    static struct poll poll = {.run = run, .await = await};
    virtio_find_pci();
    virtio_find_mmio(command_line);
    if (count)
        poll_add(&poll);
}

struct virtio *virtio_take(uint32_t kind, uint32_t number)
{
    for (struct virtio *v = devices; v < devices + count; v++) {
        if (v->kind != kind || number-- > 0)
            continue;
        if (v->taken)
            return NULL;
        v->taken = true;
        return v;
    }
    return NULL;
}

uint32_t virtio_count(uint32_t kind)
{
    uint32_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += devices[i].kind == kind;
    return n;
}

bool virtio_take_change(struct virtio *v)
{
    bool changed = v->changed;
    v->changed = false;
    return changed;
}

/* --- beginning --- */

bool virtio_reset(struct virtio *v)
{
    v->look_at = UINT64_MAX;
    v->ops->set_status(v, 0);
    for (int i = 0; i < RESET_TRIES; i++)
        if (v->ops->status(v) == 0)
            return true;
    return false;
}

bool virtio_needs_reset(struct virtio *v)
{
    uint8_t status = v->ops->status(v);
    return (status & VIRTIO_NEEDS_RESET) || !(status & VIRTIO_DRIVER_OK);
}

bool virtio_restart(struct virtio *v)
{
    uint64_t now = clock_monotonic();
    if (now - v->restarts_since > VIRTIO_RESTARTS_TIME) {
        v->restarts_since = now;
        v->restarts = 0;
    }
    return v->restarts++ < VIRTIO_RESTARTS_MAX && virtio_reset(v);
}

static bool refused(struct virtio *v, const char *why)
{
    log_error(SOURCE, "a device of kind %u %s: it is not used", v->kind, why);
    v->ops->set_status(v, VIRTIO_FAILED);
    return false;
}

bool virtio_begin(struct virtio *v, uint64_t wanted)
{
    if (!virtio_reset(v))
        return refused(v, "does not reset");
    v->ops->set_status(v, VIRTIO_ACKNOWLEDGE);
    v->ops->set_status(v, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    uint64_t offered = v->ops->features(v);
    if (!(offered & VIRTIO_F_VERSION_1))
        return refused(v, "is older than virtio 1.0");
    v->features = offered & (wanted | VIRTIO_F_VERSION_1);
    v->ops->accept(v, v->features);
    v->ops->set_status(v, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
    if (!(v->ops->status(v) & VIRTIO_FEATURES_OK))
        return refused(v, "does not agree to its own features");
    return true;
}

static void *pages_for(size_t bytes)
{
    return memory_pages((bytes + PAGE_SIZE - 1) / PAGE_SIZE);
}

/* Memory of the ring, and of the tables that its descriptors may lead to. */
static bool first_time(struct virtio *v, uint16_t size, uint16_t parts, struct queue *q)
{
    void *memory = pages_for(queue_layout(size).bytes), *tables = NULL;
    bool indirect = parts > 1 && (v->features & VIRTIO_F_INDIRECT_DESC);
    if (memory && indirect)
        tables = pages_for(queue_tables_bytes(size, parts));
    if (!memory || (indirect && !tables))
        return refused(v, "finds no memory for its queues");
    queue_init(q, memory, size, v->features & VIRTIO_F_EVENT_IDX);
    if (tables)
        queue_use_tables(q, tables, machine_physical(tables), parts);
    return true;
}

bool virtio_queue(struct virtio *v, uint16_t number, uint16_t size, uint16_t parts, struct queue *q)
{
    uint16_t most = v->ops->queue_size(v, number);
    while (size > most)
        size /= 2;
    if (size == 0 || size > QUEUE_SIZE_MAX || number >= VIRTIO_QUEUES_MAX)
        return refused(v, "lacks a queue");
    if (q->size && size < q->size)
        return refused(v, "has a queue that was longer before");
    if (q->size)
        queue_again(q);
    else if (!first_time(v, size, parts, q))
        return false;
    struct queue_layout l = queue_layout(q->size);
    uint64_t base = machine_physical(q->descriptors);
    if (!v->ops->queue_enable(v, number, q->size, base + l.descriptors, base + l.available,
                              base + l.used))
        return refused(v, "says of a queue what cannot be");
    return true;
}

void virtio_ready(struct virtio *v)
{
    v->look_at = clock_monotonic() + VIRTIO_LOOK_EVERY;
    v->ops->set_status(v,
                       VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
}

/* --- going on --- */

void virtio_tell(struct virtio *v, uint16_t number, struct queue *q)
{
    if (queue_tell(q))
        v->ops->notify(v, number);
}

uint32_t virtio_field(const volatile uint8_t *at, size_t size)
{
    const volatile void *field = at;
    return size == 4   ? *(const volatile uint32_t *)field
           : size == 2 ? *(const volatile uint16_t *)field
                       : *at;
}

uint32_t virtio_config(struct virtio *v, size_t offset, size_t size)
{
    uint32_t value = 0;
    for (int i = 0; i < CONFIG_TRIES; i++) {
        uint8_t before = v->ops->generation(v);
        value = v->ops->config(v, offset, size);
        if (v->ops->generation(v) == before)
            break;
    }
    return value;
}
