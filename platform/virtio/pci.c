/*
 * Virtio over PCI (Virtio 1.2, 4.1): devices of vendor 1af4, their parts found by the capabilities of their
 * configuration; interrupts by message (MSI-X): one for all queues, one for what else changes.
 *
 * A device says in which BAR a part lies, where and how long: it is used if it lies within.
 */
#include "platform/pvh/pci.h"

#include "platform/pvh/interrupt.h"
#include "platform/pvh/paging.h"
#include "platform/virtio/device.h"
#include "runtime/log.h"

#define VENDOR        0x1af4u
#define KIND_MODERN   0x1040u /* device id less the kind */
#define KIND_OLD      0x1000u
#define KINDS         64u
#define SUBSYSTEM     0x2cu
#define PART_MAX      (1u << 16) /* bytes of a part that are looked at */
#define MSIX_ENABLE   0x80000000u
#define MSIX_MASK_ALL 0x40000000u
#define MSIX_ENTRY    16u
#define MSIX_LAST     0x7ffu /* of the control word: index of the last entry */
#define NO_MESSAGE    0xffffu
#define PLACE_PCI     (UINT64_C(1) << 63) /* no address of MMIO */

/* Virtio's own kinds of capabilities (4.1.4), and the places in the common one (4.1.4.3). */
enum { CAP_COMMON = 1, CAP_NOTIFY, CAP_ISR, CAP_DEVICE };
enum {
    C_FEATURES_PART = 0,
    C_FEATURES = 4,
    C_ACCEPTED_PART = 8,
    C_ACCEPTED = 12,
    C_CONFIG_MESSAGE = 16,
    C_STATUS = 20,
    C_GENERATION = 21,
    C_QUEUE = 22,
    C_QUEUE_SIZE = 24,
    C_QUEUE_MESSAGE = 26,
    C_QUEUE_ENABLE = 28,
    C_QUEUE_NOTIFY = 30,
    C_DESCRIPTORS = 32,
    C_AVAILABLE = 40,
    C_USED = 48,
    C_SIZE = 56
};

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

/* Where the queue is told of has to lie in the part for it. A message that the device cannot send is taken
 * back by it (4.1.5.1.2). */
static bool queue_enable(struct virtio *v, uint16_t queue, uint16_t size, uint64_t descriptors,
                         uint64_t available, uint64_t used)
{
    AT(uint16_t, v, C_QUEUE) = queue;
    uint64_t notify = (uint64_t)AT(uint16_t, v, C_QUEUE_NOTIFY) * v->notify_multiplier;
    if (notify % 2 || notify + 2 > v->notify_size)
        return false;
    v->notify_offsets[queue] = (uint32_t)notify;
    AT(uint16_t, v, C_CONFIG_MESSAGE) = v->config_message;
    AT(uint16_t, v, C_QUEUE_SIZE) = size;
    AT(uint16_t, v, C_QUEUE_MESSAGE) = 0;
    if (AT(uint16_t, v, C_QUEUE_MESSAGE) == NO_MESSAGE ||
        AT(uint16_t, v, C_CONFIG_MESSAGE) == NO_MESSAGE)
        return false;
    set64(v, C_DESCRIPTORS, descriptors);
    set64(v, C_AVAILABLE, available);
    set64(v, C_USED, used);
    AT(uint16_t, v, C_QUEUE_ENABLE) = 1;
    return true;
}

static void notify(struct virtio *v, uint16_t queue)
{
    *(volatile uint16_t *)(volatile void *)(v->notifications + v->notify_offsets[queue]) = queue;
}

static uint32_t config(struct virtio *v, size_t offset, size_t size)
{
    bool there = offset + size <= v->device_config_size;
    return there ? virtio_field(v->device_config + offset, size) : 0;
}

static uint8_t generation(struct virtio *v)
{
    return AT(uint8_t, v, C_GENERATION);
}

/* Messages need none. */
static uint32_t acknowledge(struct virtio *v)
{
    (void)v;
    return 0;
}

static const struct virtio_ops ops = {
    .features = features,
    .accept = accept,
    .status = status,
    .set_status = set_status,
    .queue_size = queue_size,
    .queue_enable = queue_enable,
    .notify = notify,
    .config = config,
    .generation = generation,
    .acknowledge = acknowledge,
};

/* --- finding --- */

struct found {
    struct virtio device;
    struct pci_function function;
    struct pci_bar bars[PCI_BARS];
};

static volatile uint8_t *map_part(const struct found *f, unsigned bar, uint32_t offset,
                                  uint32_t size)
{
    uint64_t physical = bar < PCI_BARS ? pci_bar_part(&f->bars[bar], offset, size) : 0;
    return physical ? paging_map_device(physical, size < PART_MAX ? size : PART_MAX) : NULL;
}

/* The first of a kind that can be used is (4.1.4.1). Registers are as wide as they are aligned. */
static void use_part(const struct found *f, uint32_t cap, uint32_t least, volatile uint8_t **into,
                     uint32_t *into_size)
{
    uint32_t offset = pci_read(f->function, cap + 8), size = pci_read(f->function, cap + 12);
    if (*into || offset % 4 || size < least)
        return;
    *into = map_part(f, pci_read8(f->function, cap + 4), offset, size);
    if (*into)
        *into_size = size < PART_MAX ? size : PART_MAX;
}

static void read_part(struct found *f, uint32_t cap)
{
    struct virtio *v = &f->device;
    bool first = !v->notifications;
    switch (pci_read8(f->function, cap + 3)) {
    case CAP_COMMON:
        use_part(f, cap, C_SIZE, &v->common, &v->common_size);
        break;
    case CAP_NOTIFY:
        use_part(f, cap, 2, &v->notifications, &v->notify_size);
        if (first)
            v->notify_multiplier = pci_read(f->function, cap + 16);
        break;
    case CAP_DEVICE:
        use_part(f, cap, 1, &v->device_config, &v->device_config_size);
        break;
    default:
        break;
    }
}

static void write_message(volatile uint32_t *entry, uint32_t vector)
{
    entry[0] = (uint32_t)interrupt_message_address();
    entry[1] = (uint32_t)(interrupt_message_address() >> 32);
    entry[2] = vector;
    entry[3] = 0;
}

/* Queues have the first entry of the table, all else the second, if there is one. */
static bool enable_messages(struct found *f, uint32_t cap)
{
    uint32_t control = pci_read(f->function, cap), table = pci_read(f->function, cap + 4);
    uint32_t entries = control >> 16 & MSIX_LAST ? 2 : 1;
    volatile uint8_t *at = map_part(f, table & 7, table & ~7u, entries * MSIX_ENTRY);
    if (!at)
        return false;
    for (uint32_t i = 0; i < entries; i++)
        write_message((volatile uint32_t *)(volatile void *)(at + (size_t)i * MSIX_ENTRY),
                      i ? INTERRUPT_CONFIG : INTERRUPT_VECTOR);
    f->device.config_message = (uint16_t)(entries - 1);
    f->device.one_message = entries == 1;
    pci_write(f->function, cap, (control | MSIX_ENABLE) & ~MSIX_MASK_ALL);
    return true;
}

/* Which capability is that of the messages; 0: none. */
static uint32_t read_capabilities(struct found *f)
{
    uint32_t messages = 0, cap = 0;
    for (unsigned i = 0; i < PCI_CAPABILITIES_MAX; i++) {
        cap = pci_next_capability(f->function, cap);
        if (!cap)
            break;
        uint8_t what = pci_read8(f->function, cap);
        if (what == PCI_CAP_VENDOR)
            read_part(f, cap);
        else if (what == PCI_CAP_MSIX && !messages)
            messages = cap;
    }
    return messages;
}

static void look(struct pci_function f, uint32_t kind)
{
    struct found it = {.device = {.ops = &ops, .kind = kind}, .function = f};
    const struct virtio *v = &it.device;
    it.device.place = PLACE_PCI | (uint64_t)f.segment << 16 | (uint64_t)f.bus << 8 |
                      (uint64_t)f.slot << 3 | f.function;
    pci_read_bars(f, it.bars);
    uint32_t messages = read_capabilities(&it);
    pci_enable(f);
    if (v->common && v->notifications && messages && enable_messages(&it, messages))
        virtio_add(v);
    else
        log_warning("virtio",
                    "the device of kind %u at %02x:%02x.%u is not used: it is older than virtio "
                    "1.0, without MSI-X, or says of its parts what cannot be",
                    kind, f.bus, f.slot, f.function);
}

/* Those that speak the old way as well (1000 and on) have their kind where the subsystem is told. */
static void look_at_function(struct pci_function f, uint32_t id)
{
    uint32_t device = id >> 16;
    if ((id & 0xffff) != VENDOR)
        return;
    if (device > KIND_MODERN && device < KIND_MODERN + KINDS)
        look(f, device - KIND_MODERN);
    else if (device >= KIND_OLD && device < KIND_OLD + KINDS)
        look(f, pci_read(f, SUBSYSTEM) >> 16);
}

void virtio_find_pci(void)
{
    pci_open();
    pci_find(look_at_function);
}
