/*
 * Virtio over MMIO (Virtio 1.2, 4.2.2). Where the devices are is told by the command line, in a word
 * virtio_mmio.device=SIZE@ADDRESS:INTERRUPT for each (Firecracker, QEMU's microvm without ACPI), or by
 * ACPI's DSDT, as devices of the hardware id LNRO0005 (QEMU's microvm).
 */
#include <string.h>

#include "platform/pvh/acpi.h"
#include "platform/pvh/interrupt.h"
#include "platform/pvh/paging.h"
#include "platform/virtio/device.h"
#include "runtime/slice.h"

#define MAGIC           0x74726976u
#define VERSION         2u
#define REGISTERS       0x200u
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
#define R_CONFIG        0x100u

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

static void queue_enable(struct virtio *v, uint16_t queue, uint16_t size, uint64_t descriptors,
                         uint64_t available, uint64_t used)
{
    write(v, R_QUEUE, queue);
    write(v, R_QUEUE_SIZE, size);
    write_address(v, R_DESCRIPTORS, descriptors);
    write_address(v, R_AVAILABLE, available);
    write_address(v, R_USED, used);
    write(v, R_QUEUE_READY, 1);
}

static void notify(struct virtio *v, uint16_t queue)
{
    write(v, R_NOTIFY, queue);
}

static uint8_t config(struct virtio *v, size_t offset)
{
    return offset < REGISTERS - R_CONFIG ? v->common[R_CONFIG + offset] : 0;
}

static void acknowledge(struct virtio *v)
{
    uint32_t what = read(v, R_INTERRUPT);
    if (what)
        write(v, R_ACKNOWLEDGE, what);
}

static const struct virtio_ops ops = {features,     accept, status, set_status, queue_size,
                                      queue_enable, notify, config, acknowledge};

static void look(uint64_t address, uint32_t line)
{
    struct virtio v = {.ops = &ops, .common = paging_map_device(address, REGISTERS)};
    if (read(&v, R_MAGIC) != MAGIC || read(&v, R_VERSION) != VERSION)
        return;
    v.kind = read(&v, R_KIND);
    if (v.kind && virtio_add(&v))
        interrupt_route(line);
}

/* "SIZE@ADDRESS:LINE"; what is not of this form is not for us. */
static void read_word(struct slice word)
{
    struct slice size, rest, address, line;
    uint64_t at, number;
    if (!slice_cut(word, '@', &size, &rest) || !slice_cut(rest, ':', &address, &line) ||
        !slice_starts(address, SLICE("0x")) ||
        !slice_hex(slice_drop(address, 2), UINT64_MAX / 2, &at))
        return;
    line = slice_take(line, slice_find(line, ':')); /* an id may follow */
    if (slice_decimal(line, 255, &number))
        look(at, (uint32_t)number);
}

static void find_on_command_line(struct slice rest)
{
    static const struct slice key = SLICE_INIT("virtio_mmio.device=");
    struct slice word;
    while (rest.len) {
        slice_cut(rest, ' ', &word, &rest);
        if (slice_starts(word, key))
            read_word(slice_drop(word, key.len));
    }
}

/* --- ACPI: the resources that follow a device's id (ACPI 6.5, 6.4) --- */

static uint32_t number(struct slice s, size_t at)
{
    uint32_t value = 0;
    for (size_t i = 4; i-- > 0;)
        value = value << 8 | (at + i < s.len ? s.ptr[at + i] : 0);
    return value;
}

/* A 32-bit memory range of fixed place, and the first of the extended interrupts behind it. */
static void read_resources(struct slice s)
{
    static const uint8_t memory[] = {0x86, 9, 0}, interrupt[] = {0x89, 6, 0};
    struct slice range = slice_drop(s, slice_search(s, slice_of(memory, sizeof memory)));
    struct slice line =
        slice_drop(range, slice_search(range, slice_of(interrupt, sizeof interrupt)));
    if (line.len >= 9)
        look(number(range, 4), number(line, 5));
}

static void find_in_acpi(void)
{
    static const struct slice id = SLICE_INIT("LNRO0005");
    struct slice rest = acpi_table("DSDT");
    while ((rest = slice_drop(rest, slice_search(rest, id))).len) {
        rest = slice_drop(rest, id.len);
        read_resources(slice_take(rest, slice_search(rest, id)));
    }
}

void virtio_find_mmio(const char *command_line)
{
    find_on_command_line(slice_text(command_line));
    find_in_acpi();
}
