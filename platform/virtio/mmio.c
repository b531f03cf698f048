/*
 * Virtio over MMIO (Virtio 1.2, 4.2.2). Where the devices are is told by the command line, in a word
 * virtio_mmio.device=SIZE@ADDRESS:INTERRUPT for each (Firecracker, QEMU's microvm without ACPI), or by
 * ACPI's DSDT, as devices of the hardware id LNRO0005 (QEMU's microvm).
 */
#include "platform/pvh/acpi.h"
#include "platform/pvh/aml.h"
#include "platform/pvh/interrupt.h"
#include "platform/pvh/paging.h"
#include "platform/virtio/device.h"
#include "platform/virtio/mmio_word.h"

#define MAGIC           0x74726976u
#define VERSION         2u
#define R_MAGIC         0x000u
#define R_VERSION       0x004u
#define R_KIND          0x008u
#define R_FEATURES      0x010u
#define R_FEATURES_PART 0x014u
#define R_ACCEPTED      0x020u
#define R_ACCEPTED_PART 0x024u
#define R_QUEUE         0x030u
#define R_QUEUE_MOST    0x034u
#define R_QUEUE_SIZE    0x038u
#define R_QUEUE_READY   0x044u
#define R_NOTIFY        0x050u
#define R_INTERRUPT     0x060u
#define R_ACKNOWLEDGE   0x064u
#define R_STATUS        0x070u
#define R_DESCRIPTORS   0x080u
#define R_AVAILABLE     0x090u
#define R_USED          0x0a0u
#define R_GENERATION    0x0fcu
#define R_CONFIG        0x100u
#define MAPPED_MAX      4096u

static uint32_t read(const struct virtio *v, uint32_t at)
{
    return *(volatile uint32_t *)(volatile void *)(v->common + at);
}

static void write(const struct virtio *v, uint32_t at, uint32_t value)
{
    *(volatile uint32_t *)(volatile void *)(v->common + at) = value;
}

static void write_address(const struct virtio *v, uint32_t at, uint64_t address)
{
    write(v, at, (uint32_t)address);
    write(v, at + 4, (uint32_t)(address >> 32));
}

static uint64_t features(struct virtio *v)
{
    write(v, R_FEATURES_PART, 0);
    uint64_t low = read(v, R_FEATURES);
    write(v, R_FEATURES_PART, 1);
    return low | (uint64_t)read(v, R_FEATURES) << 32;
}

static void accept(struct virtio *v, uint64_t f)
{
    write(v, R_ACCEPTED_PART, 0);
    write(v, R_ACCEPTED, (uint32_t)f);
    write(v, R_ACCEPTED_PART, 1);
    write(v, R_ACCEPTED, (uint32_t)(f >> 32));
}

static uint8_t status(struct virtio *v)
{
    return (uint8_t)read(v, R_STATUS);
}

static void set_status(struct virtio *v, uint8_t s)
{
    write(v, R_STATUS, s);
}

static uint16_t queue_size(struct virtio *v, uint16_t queue)
{
    write(v, R_QUEUE, queue);
    uint32_t most = read(v, R_QUEUE_MOST);
    return most > UINT16_MAX ? UINT16_MAX : (uint16_t)most;
}

static bool queue_enable(struct virtio *v, uint16_t queue, uint16_t size, uint64_t descriptors,
                         uint64_t available, uint64_t used)
{
    write(v, R_QUEUE, queue);
    if (read(v, R_QUEUE_READY))
        return false;
    write(v, R_QUEUE_SIZE, size);
    write_address(v, R_DESCRIPTORS, descriptors);
    write_address(v, R_AVAILABLE, available);
    write_address(v, R_USED, used);
    write(v, R_QUEUE_READY, 1);
    return true;
}

static void notify(struct virtio *v, uint16_t queue)
{
    write(v, R_NOTIFY, queue);
}

static uint32_t config(struct virtio *v, size_t offset, size_t size)
{
    bool there = offset + size <= v->device_config_size;
    return there ? virtio_field(v->common + R_CONFIG + offset, size) : 0;
}

static uint8_t generation(struct virtio *v)
{
    return (uint8_t)read(v, R_GENERATION);
}

static uint32_t acknowledge(struct virtio *v)
{
    uint32_t what = read(v, R_INTERRUPT);
    if (what)
        write(v, R_ACKNOWLEDGE, what);
    return what;
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

static void look(struct mmio_place p)
{
    uint32_t size = p.size < MAPPED_MAX ? (uint32_t)p.size : MAPPED_MAX;
    struct virtio v = {.ops = &ops, .place = p.address};
    if (p.address % 4 || size <= R_CONFIG)
        return;
    v.common = paging_map_device(p.address, size);
    v.device_config_size = size - R_CONFIG;
    if (!v.common || read(&v, R_MAGIC) != MAGIC || read(&v, R_VERSION) != VERSION)
        return;
    v.kind = read(&v, R_KIND);
    if (v.kind && interrupt_route(p.line, INTERRUPT_VECTOR, INTERRUPT_EDGE))
        virtio_add(&v);
}

static void find_on_command_line(struct slice rest)
{
    struct mmio_place p;
    while (mmio_next_word(&rest, &p))
        look(p);
}

static void find_in_acpi(void)
{
    struct aml_device d;
    struct slice code;
    for (size_t n = 0; (code = acpi_code(n)).len; n++)
        while (aml_next_device(&code, SLICE("LNRO0005"), &d))
            if (d.interrupts)
                look((struct mmio_place){d.address, d.size, d.interrupt});
}

void virtio_find_mmio(const char *command_line)
{
    find_on_command_line(slice_text(command_line));
    find_in_acpi();
}
