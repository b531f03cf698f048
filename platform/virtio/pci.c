/*
 * Virtio over PCI (Virtio 1.2, 4.1): devices of vendor 1af4 on the first bus, their parts found by the
 * capabilities of their configuration, interrupts by message (MSI-X), one for all.
 */
#include "platform/pvh/cpu.h"
#include "platform/pvh/interrupt.h"
#include "platform/pvh/paging.h"
#include "platform/virtio/device.h"

#define ADDRESS_PORT   0xcf8
#define DATA_PORT      0xcfc
#define SLOTS          32u
#define FUNCTIONS      8u
#define VENDOR         0x1af4u
#define KIND_MODERN    0x1040u /* device id less the kind */
#define KIND_OLD_NET   0x1000u /* one that speaks both ways */
#define COMMAND        0x04u
#define COMMAND_MEMORY 2u
#define COMMAND_MASTER 4u
#define COMMAND_NO_INT 0x400u
#define HEADER         0x0cu
#define BARS           0x10u
#define CAPABILITIES   0x34u
#define CAPABILITY_MAX 48
#define CAP_VENDOR     9u
#define CAP_MSIX       0x11u
#define MSIX_ENABLE    0x80000000u
#define BAR_SIZE_MAX   (1u << 20)

/* Virtio's own kinds of capabilities (4.1.4), and the places in the common one (4.1.4.3). */
enum { CAP_COMMON = 1, CAP_NOTIFY, CAP_ISR, CAP_DEVICE };
enum {
    C_FEATURES_PART = 0,
    C_FEATURES = 4,
    C_ACCEPTED_PART = 8,
    C_ACCEPTED = 12,
    C_CONFIG_VECTOR = 16,
    C_STATUS = 20,
    C_QUEUE = 22,
    C_QUEUE_SIZE = 24,
    C_QUEUE_VECTOR = 26,
    C_QUEUE_ENABLE = 28,
    C_QUEUE_NOTIFY = 30,
    C_DESCRIPTORS = 32,
    C_AVAILABLE = 40,
    C_USED = 48,
    C_SIZE = 56
};

struct place {
    uint32_t slot, function;
};

/* --- configuration space --- */

static void aim(struct place p, uint32_t at)
{
    port_write32(ADDRESS_PORT, 0x80000000u | p.slot << 11 | p.function << 8 | (at & 0xfc));
}

static uint32_t get(struct place p, uint32_t at)
{
    aim(p, at);
    return port_read32(DATA_PORT);
}

static void set(struct place p, uint32_t at, uint32_t value)
{
    aim(p, at);
    port_write32(DATA_PORT, value);
}

static uint8_t get8(struct place p, uint32_t at)
{
    return (uint8_t)(get(p, at) >> (at % 4 * 8));
}

/* Where a memory BAR lies; 0: it is none, or not set up. */
static uint64_t bar_address(struct place p, uint32_t bar)
{
    if (bar > 5)
        return 0;
    uint32_t low = get(p, BARS + bar * 4);
    if (low & 1)
        return 0;
    uint64_t high = (low & 6) == 4 && bar < 5 ? get(p, BARS + bar * 4 + 4) : 0;
    return high << 32 | (low & ~15u);
}

static volatile void *map_part(struct place p, uint32_t bar, uint32_t offset, uint32_t size)
{
    uint64_t base = bar_address(p, bar);
    if (!base || size == 0 || size > BAR_SIZE_MAX || offset > BAR_SIZE_MAX)
        return NULL;
    return paging_map_device(base + offset, size);
}

/* --- registers --- */

#define AT(type, v, offset) (*(volatile type *)(volatile void *)((v)->common + (offset)))

static uint64_t features(struct virtio *v)
{
    AT(uint32_t, v, C_FEATURES_PART) = 0;
    uint64_t low = AT(uint32_t, v, C_FEATURES);
    AT(uint32_t, v, C_FEATURES_PART) = 1;
    return low | (uint64_t)AT(uint32_t, v, C_FEATURES) << 32;
}

static void accept(struct virtio *v, uint64_t f)
{
    AT(uint32_t, v, C_ACCEPTED_PART) = 0;
    AT(uint32_t, v, C_ACCEPTED) = (uint32_t)f;
    AT(uint32_t, v, C_ACCEPTED_PART) = 1;
    AT(uint32_t, v, C_ACCEPTED) = (uint32_t)(f >> 32);
}

static uint8_t status(struct virtio *v)
{
    return AT(uint8_t, v, C_STATUS);
}

static void set_status(struct virtio *v, uint8_t s)
{
    AT(uint8_t, v, C_STATUS) = s;
}

static uint16_t queue_size(struct virtio *v, uint16_t queue)
{
    AT(uint16_t, v, C_QUEUE) = queue;
    return AT(uint16_t, v, C_QUEUE_SIZE);
}

/* 64-bit fields may be written in two halves (4.1.3.1). */
static void set64(struct virtio *v, uint32_t at, uint64_t value)
{
    AT(uint32_t, v, at) = (uint32_t)value;
    AT(uint32_t, v, at + 4) = (uint32_t)(value >> 32);
}

static void queue_enable(struct virtio *v, uint16_t queue, uint16_t size, uint64_t descriptors,
                         uint64_t available, uint64_t used)
{
    AT(uint16_t, v, C_QUEUE) = queue;
    AT(uint16_t, v, C_QUEUE_SIZE) = size;
    AT(uint16_t, v, C_QUEUE_VECTOR) = 0;
    set64(v, C_DESCRIPTORS, descriptors);
    set64(v, C_AVAILABLE, available);
    set64(v, C_USED, used);
    v->notify_offsets[queue % 4] = AT(uint16_t, v, C_QUEUE_NOTIFY);
    AT(uint16_t, v, C_QUEUE_ENABLE) = 1;
}

static void notify(struct virtio *v, uint16_t queue)
{
    size_t at = (size_t)v->notify_offsets[queue % 4] * v->notify_multiplier;
    *(volatile uint16_t *)(volatile void *)(v->notifications + at) = queue;
}

static uint8_t config(struct virtio *v, size_t offset)
{
    return offset < v->device_config_size ? v->device_config[offset] : 0;
}

static void acknowledge(struct virtio *v)
{
    (void)v; /* messages need none */
}

static const struct virtio_ops ops = {features,     accept, status, set_status, queue_size,
                                      queue_enable, notify, config, acknowledge};

/* --- finding --- */

static void read_part(struct virtio *v, struct place p, uint32_t cap)
{
    uint32_t bar = get8(p, cap + 4), offset = get(p, cap + 8), size = get(p, cap + 12);
    switch (get8(p, cap + 3)) {
    case CAP_COMMON:
        v->common = size >= C_SIZE ? map_part(p, bar, offset, size) : NULL;
        break;
    case CAP_NOTIFY:
        v->notifications = map_part(p, bar, offset, size);
        v->notify_multiplier = get(p, cap + 16);
        break;
    case CAP_DEVICE:
        v->device_config = map_part(p, bar, offset, size);
        v->device_config_size = v->device_config ? size : 0;
        break;
    default:
        break;
    }
}

/* One message for all, in the first entry of its table. */
static bool enable_messages(struct place p, uint32_t cap)
{
    uint32_t table = get(p, cap + 4);
    volatile uint32_t *entry = map_part(p, table & 7, table & ~7u, 16);
    if (!entry)
        return false;
    entry[0] = (uint32_t)interrupt_message_address();
    entry[1] = (uint32_t)(interrupt_message_address() >> 32);
    entry[2] = interrupt_message_data();
    entry[3] = 0;
    set(p, cap, (get(p, cap) | MSIX_ENABLE) & ~0x40000000u);
    return true;
}

static void look(struct place p, uint32_t kind)
{
    struct virtio v = {.ops = &ops, .kind = kind};
    bool messages = false;
    set(p, COMMAND, (get(p, COMMAND) & 0xffff) | COMMAND_MEMORY | COMMAND_MASTER | COMMAND_NO_INT);
    uint32_t cap = get8(p, CAPABILITIES) & 0xfcu;
    for (int i = 0; cap && i < CAPABILITY_MAX; i++, cap = get8(p, cap + 1) & 0xfcu) {
        if (get8(p, cap) == CAP_VENDOR)
            read_part(&v, p, cap);
        else if (get8(p, cap) == CAP_MSIX)
            messages = enable_messages(p, cap);
    }
    if (v.common && v.notifications && messages)
        virtio_add(&v);
}

static void look_at_function(struct place p)
{
    uint32_t id = get(p, 0), device = id >> 16;
    if ((id & 0xffff) != VENDOR)
        return;
    if (device >= KIND_MODERN && device < KIND_MODERN + 64)
        look(p, device - KIND_MODERN);
    else if (device == KIND_OLD_NET)
        look(p, VIRTIO_NET);
}

void virtio_find_pci(void)
{
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        struct place p = {slot, 0};
        if ((get(p, 0) & 0xffff) == 0xffff)
            continue;
        uint32_t functions = get8(p, HEADER + 2) & 0x80 ? FUNCTIONS : 1;
        for (; p.function < functions; p.function++)
            look_at_function(p);
    }
}
