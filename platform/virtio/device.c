/* See device.h: what all transports share. */
#include "platform/virtio/device.h"

#include "platform/pvh/machine.h"
#include "platform/pvh/memory.h"
#include "runtime/log.h"

#define SOURCE      "virtio"
#define RESET_TRIES 100000

static struct virtio devices[VIRTIO_DEVICES_MAX];
static size_t count;

bool virtio_add(const struct virtio *v)
{
    if (count == VIRTIO_DEVICES_MAX)
        return false;
    devices[count++] = *v;
    return true;
}

void virtio_find(const char *command_line)
{
    virtio_find_pci();
    virtio_find_mmio(command_line);
}

struct virtio *virtio_take(uint32_t kind, uint32_t number)
{
    struct virtio *v = devices;
    for (size_t left = count; left; left--, v++)
        if (v->kind == kind && number-- == 0)
            break;
    if (v == devices + count || v->taken)
        return NULL;
    v->taken = true;
    return v;
}

static bool reset(struct virtio *v)
{
    v->ops->set_status(v, 0);
    for (int i = 0; i < RESET_TRIES; i++)
        if (v->ops->status(v) == 0)
            return true;
    return false;
}

static bool refused(struct virtio *v, const char *why)
{
    log_error(SOURCE, "a device of kind %u %s: it is not used", v->kind, why);
    v->ops->set_status(v, VIRTIO_FAILED);
    return false;
}

bool virtio_begin(struct virtio *v, uint64_t wanted)
{
    if (!reset(v))
        return refused(v, "does not reset");
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

bool virtio_queue(struct virtio *v, uint16_t number, uint16_t size, struct queue *into)
{
    uint16_t most = v->ops->queue_size(v, number);
    while (size > most)
        size /= 2;
    if (size == 0 || size > QUEUE_SIZE_MAX)
        return refused(v, "lacks a queue");
    struct queue_layout l = queue_layout(size);
    void *memory = memory_pages((l.bytes + PAGE_SIZE - 1) / PAGE_SIZE);
    if (!memory)
        return refused(v, "finds no memory for its queues");
    queue_init(into, memory, size, v->features & VIRTIO_F_EVENT_IDX);
    uint64_t base = machine_physical(memory);
    v->ops->queue_enable(v, number, size, base + l.descriptors, base + l.available, base + l.used);
    return true;
}

void virtio_ready(struct virtio *v)
{
    v->ops->set_status(v,
                       VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
}
