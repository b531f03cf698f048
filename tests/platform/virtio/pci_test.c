/* PCI, and virtio over it, in a made-up configuration: BARs, bridges and capabilities; a function that says
 * of its parts what cannot be is not used. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "platform/pvh/interrupt.h"
#include "platform/pvh/machine.h"
#include "platform/pvh/memory.h"
#include "platform/pvh/paging.h"
#include "platform/pvh/pci.h"
#include "platform/pvh/poll.h"
#include "platform/pvh/trap.h"
#include "platform/virtio/device.h"

#define BASE      UINT64_C(0x1200000000)
#define BAR_SIZE  0x4000u
#define FUNCTIONS 4

/* One function's configuration: bytes, and which bits of its BARs hold. */
struct made_up {
    uint8_t bus, slot, function;
    uint32_t words[64];
    uint32_t held[6];
};

static struct made_up functions[FUNCTIONS];
static size_t function_count;
static uint8_t memory[BAR_SIZE] __attribute__((aligned(4096)));
static unsigned mapped, scanned;
struct machine machine;

/* --- in the place of a machine --- */

void pci_open(void)
{
}

bool pci_segment(uint16_t index, uint8_t *first, uint8_t *last)
{
    *first = 0;
    *last = 255;
    return index == 0;
}

static struct made_up *find(struct pci_function f)
{
    for (size_t i = 0; i < function_count; i++)
        if (functions[i].bus == f.bus && functions[i].slot == f.slot &&
            functions[i].function == f.function)
            return &functions[i];
    return NULL;
}

uint32_t pci_read(struct pci_function f, uint32_t at)
{
    const struct made_up *m = find(f);
    assert_true(at % 4 == 0 && at < 256);
    scanned += at == 0;
    return m ? m->words[at / 4] : UINT32_MAX;
}

void pci_write(struct pci_function f, uint32_t at, uint32_t value)
{
    struct made_up *m = find(f);
    assert_non_null(m);
    if (at >= 0x10 && at < 0x28) {
        assert_int_equal(m->words[1] & 3, 0); /* it decodes nothing meanwhile */
        uint32_t held = m->held[(at - 0x10) / 4], flags = m->words[at / 4] & ~held & 15;
        m->words[at / 4] = (value & held) | flags;
        return;
    }
    if (at == 4) /* ones clear what is in the upper half */
        value = (value & 0xffff) | (m->words[1] & 0xffff0000 & ~value);
    m->words[at / 4] = value;
}

volatile void *paging_map_device(uint64_t physical, size_t size)
{
    mapped++;
    if (physical >> 52) /* no processor reaches it */
        return NULL;
    assert_true(physical >= BASE && physical - BASE + size <= BAR_SIZE);
    return memory + (physical - BASE);
}

uint64_t interrupt_message_address(void)
{
    return 0xfee01000;
}

void virtio_find_mmio(const char *command_line)
{
    (void)command_line;
}

void *memory_pages(size_t pages)
{
    return test_calloc(pages, PAGE_SIZE);
}

void poll_add(struct poll *p)
{
    (void)p;
}

bool trap_take(uint32_t vector)
{
    (void)vector;
    return false;
}

/* --- functions --- */

static void set8(struct made_up *m, uint32_t at, uint8_t value)
{
    memcpy((uint8_t *)m->words + at, &value, 1);
}

static struct made_up *add(uint8_t bus, uint8_t slot, uint32_t id)
{
    struct made_up *m = &functions[function_count++];
    *m = (struct made_up){.bus = bus, .slot = slot};
    m->words[0] = id;
    m->words[1] = 1u << 20; /* it has capabilities */
    return m;
}

/* A BAR of 64 bits: numbers 4 and 5. */
static void set_bar(struct made_up *m, uint64_t address, uint64_t size)
{
    m->words[8] = (uint32_t)address | 4;
    m->words[9] = (uint32_t)(address >> 32);
    m->held[4] = (uint32_t) ~(size - 1) & ~15u;
    m->held[5] = (uint32_t)(~(size - 1) >> 32);
}

static void set_part(struct made_up *m, uint32_t at, uint8_t next, uint8_t kind, uint32_t offset,
                     uint32_t size)
{
    set8(m, at, PCI_CAP_VENDOR);
    set8(m, at + 1, next);
    set8(m, at + 3, kind);
    set8(m, at + 4, 4);
    m->words[at / 4 + 2] = offset;
    m->words[at / 4 + 3] = size;
}

/* A good card, as QEMU lays it out: to be spoilt. */
static struct made_up *add_card(uint8_t slot)
{
    struct made_up *m = add(0, slot, 0x10411af4);
    set_bar(m, BASE, BAR_SIZE);
    set8(m, 0x34, 0x40);
    set_part(m, 0x40, 0x50, 1, 0, 0x1000);
    set_part(m, 0x50, 0x64, 4, 0x2000, 0x1000);
    set_part(m, 0x64, 0x80, 2, 0x3000, 0x800);
    m->words[0x74 / 4] = 4; /* bytes from one place to be told at to the next */
    set8(m, 0x80, PCI_CAP_MSIX);
    m->words[0x80 / 4] |= 1u << 16;  /* two entries */
    m->words[0x84 / 4] = 0x3800 | 4; /* its table */
    return m;
}

static int setup(void **state)
{
    static uint8_t slot;
    (void)state;
    function_count = 0;
    mapped = scanned = 0;
    memset(memory, 0, sizeof memory);
    add_card(slot++ % 32); /* each is another device to virtio_add */
    return 0;
}

static struct virtio *found(void)
{
    virtio_find("");
    return virtio_take(VIRTIO_NET, 0);
}

/* The latest: those of tests before have been taken. */
static struct virtio *found_new(void)
{
    struct virtio *v = NULL;
    virtio_find("");
    for (uint32_t n = 0; n < VIRTIO_DEVICES_MAX && !v; n++)
        v = virtio_take(VIRTIO_NET, n);
    return v;
}

static void test_good(void **state)
{
    (void)state;
    struct virtio *v = found();
    assert_non_null(v);
    assert_int_equal(v->notify_size, 0x800);
    assert_ptr_equal(v->device_config, memory + 0x2000);
    const uint32_t entry[8] = {0xfee01000, 0, INTERRUPT_VECTOR, 0,
                               0xfee01000, 0, INTERRUPT_CONFIG, 0};
    assert_memory_equal(memory + 0x3800, entry, sizeof entry);
    assert_int_equal(functions[0].words[0x80 / 4] >> 31, 1);
    assert_int_equal(functions[0].words[1] & 0xffff, 0x406);
    assert_int_equal(functions[0].words[8], (uint32_t)BASE | 4); /* as it was */
}

static bool enable(struct virtio *v, uint16_t offset)
{
    memcpy(memory + 30, &offset, 2); /* queue_notify_off */
    memset(memory + 26, 0, 2);
    return v->ops->queue_enable(v, 1, 16, 0, 0, 0);
}

static void test_notify_place(void **state)
{
    (void)state;
    struct virtio *v = found_new();
    assert_non_null(v);
    assert_true(enable(v, 0));
    assert_true(enable(v, 0x800 / 4 - 1));
    assert_false(enable(v, 0x800 / 4));
    assert_false(enable(v, 0xffff));
    v->notify_multiplier = 3; /* no place for two bytes */
    assert_false(enable(v, 1));
    v->notify_multiplier = UINT32_MAX;
    assert_false(enable(v, 0xffff));
    v->notify_multiplier = 0;
    assert_true(enable(v, 0xffff));
    assert_int_equal(v->notify_offsets[1], 0);
}

static void expect_refused(void)
{
    mapped = 0;
    assert_null(found_new());
}

static void test_parts_beyond(void **state)
{
    (void)state;
    struct made_up *m = &functions[0], good = *m;
    const struct {
        uint32_t at, value;
    } bad[] = {
        {0x40 + 8, BAR_SIZE},         /* the common part begins at the end */
        {0x40 + 8, 0xfffff000},       /* wraps around */
        {0x40 + 8, 2},                /* is not aligned */
        {0x40 + 12, 55},              /* is too short */
        {0x40 + 12, UINT32_MAX},      /* is longer than the BAR */
        {0x40 + 4, 6},                /* lies in a BAR that there is not */
        {0x40 + 4, 5},                /* in the upper half of one */
        {0x40 + 4, 0},                /* in one that is not set up */
        {0x64 + 8, BAR_SIZE - 0x7fc}, /* where it is told goes beyond */
        {0x64 + 12, 1},               /* is too short */
        {0x84, (BAR_SIZE - 16) | 4},  /* half of the messages lie beyond */
        {0x84, 0xfffffff8 | 4},
        {0x84, 7},
        {0x80, 0}, /* there are none */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        *m = good;
        m->words[bad[i].at / 4] = bad[i].value;
        expect_refused();
    }
}

static void test_bars(void **state)
{
    (void)state;
    struct made_up *m = &functions[0], good = *m;
    const struct {
        uint64_t address, size;
    } bad[] = {
        {0, BAR_SIZE},             /* not set up */
        {BASE + 0x1000, BAR_SIZE}, /* not where it can be */
        {BASE, 0x1000},            /* smaller than its parts */
        {UINT64_C(0xffffffffffffc000) & ~UINT64_C(0xfff), 0x1000},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        *m = good;
        set_bar(m, bad[i].address, bad[i].size);
        expect_refused();
    }
    *m = good;
    m->held[4] &= ~0x8000u; /* no power of two */
    expect_refused();
    *m = good;
    m->words[8] |= 1; /* of ports */
    expect_refused();
}

/* A list that leads back to its beginning ends. */
static void test_circle(void **state)
{
    (void)state;
    set8(&functions[0], 0x64 + 1, 0x40);
    expect_refused();
    set8(&functions[0], 0x34, 0x3c); /* and one that leads into the header */
    expect_refused();
    set8(&functions[0], 0x34, 0x40);
    set8(&functions[0], 0x64 + 1, 0x80);
    functions[0].words[1] = 0; /* it has none, it says */
    expect_refused();
}

/* The first part of a kind that can be used is. */
static void test_second_best(void **state)
{
    (void)state;
    struct made_up *m = &functions[0];
    set8(m, 0x80 + 1, 0x90);
    set_part(m, 0x90, 0, 1, 0x1000, 0x1000);
    m->words[(0x40 + 8) / 4] = BAR_SIZE;
    struct virtio *v = found_new();
    assert_non_null(v);
    assert_ptr_equal(v->common, memory + 0x1000);
}

/* Its own configuration where no byte can be: it is read as empty. */
static void test_configuration_beyond(void **state)
{
    (void)state;
    functions[0].words[(0x50 + 8) / 4] = BAR_SIZE;
    struct virtio *v = found_new();
    assert_non_null(v);
    assert_null(v->device_config);
    assert_int_equal(v->ops->config(v, 0, 1), 0);
}

/* What begins within it and ends beyond is not there. */
static void test_configuration_ends(void **state)
{
    static const uint8_t bytes[4] = {1, 2, 3, 4};
    (void)state;
    functions[0].words[(0x50 + 12) / 4] = 3;
    struct virtio *v = found_new();
    assert_non_null(v);
    memcpy((uint8_t *)(uintptr_t)v->device_config, bytes, sizeof bytes);
    assert_int_equal(v->ops->config(v, 0, 2), 0x201);
    assert_int_equal(v->ops->config(v, 2, 1), 3);
    assert_int_equal(v->ops->config(v, 2, 2), 0);
    assert_int_equal(v->ops->config(v, 0, 4), 0);
    assert_int_equal(v->ops->config(v, 3, 1), 0);
}

static unsigned seen;

static void count(struct pci_function f, uint32_t id)
{
    assert_int_equal(f.bus == 7, id == 0x10421af4);
    seen++;
}

static void test_bridge(void **state)
{
    (void)state;
    struct made_up *bridge = add(0, 5, 0x00011b36);
    set8(bridge, 0x0e, 0x81); /* of many functions */
    bridge->words[6] = 7u << 8 | 9u << 16;
    bridge->function = 0;
    add(7, 0, 0x10421af4);
    struct made_up *second = add(0, 5, 0x12341af4);
    second->function = 3;
    pci_find(count);
    assert_int_equal(seen, 3); /* and the card: bridges are none */
    bridge->words[6] = 0;      /* leads nowhere, or to itself */
    seen = 0;
    pci_find(count);
    assert_int_equal(seen, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_good, setup),
        cmocka_unit_test_setup(test_notify_place, setup),
        cmocka_unit_test_setup(test_parts_beyond, setup),
        cmocka_unit_test_setup(test_bars, setup),
        cmocka_unit_test_setup(test_circle, setup),
        cmocka_unit_test_setup(test_second_best, setup),
        cmocka_unit_test_setup(test_configuration_beyond, setup),
        cmocka_unit_test_setup(test_configuration_ends, setup),
        cmocka_unit_test_setup(test_bridge, setup),
    };
    return cmocka_run_group_tests_name("platform/virtio/pci_test", tests, NULL, NULL);
}
