/* What is read out of ACPI's tables, and that nothing of it is believed beyond its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "platform/pvh/acpi_tables.h"
#include "platform/pvh/aml.h"

#define BYTES(...) slice_of((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static uint8_t table[300];

static struct slice finish(size_t len)
{
    uint8_t sum = 0;
    memcpy(table + 4, &(uint32_t){(uint32_t)len}, 4);
    table[9] = 0;
    for (size_t i = 0; i < len; i++)
        sum = (uint8_t)(sum + table[i]);
    table[9] = (uint8_t)-sum;
    return slice_of(table, len);
}

static void put(size_t at, uint64_t value, size_t size)
{
    memcpy(table + at, &value, size);
}

static void test_checksum(void **state)
{
    (void)state;
    memset(table, 7, sizeof table);
    struct slice t = finish(100);
    assert_true(acpi_valid(t));
    assert_false(acpi_valid(slice_take(t, 99)));
    table[50]++;
    assert_false(acpi_valid(t));
    assert_false(acpi_valid(finish(35))); /* not even a header */
    assert_false(acpi_valid((struct slice){0}));
}

static void test_root(void **state)
{
    (void)state;
    size_t width;
    uint8_t p[36] = "RSD PTR ";
    p[16] = 0x34, p[17] = 0x12;
    p[8] = 0;
    uint8_t sum = 0;
    for (size_t i = 0; i < 20; i++)
        sum = (uint8_t)(sum + p[i]);
    p[8] = (uint8_t)-sum;
    assert_int_equal(acpi_root(slice_of(p, 36), &width), 0x1234);
    assert_int_equal(width, 4);
    assert_int_equal(acpi_root(slice_of(p, 35), &width), 0);
    p[18] = 1;
    assert_int_equal(acpi_root(slice_of(p, 36), &width), 0); /* damaged */
    p[18] = 0;
    p[15] = 2, p[28] = 1; /* revision 2: at 4 GiB */
    p[8] = (uint8_t)(p[8] - 2);
    p[32] = (uint8_t)(-1);
    assert_int_equal(acpi_root(slice_of(p, 36), &width), UINT64_C(0x100000000));
    assert_int_equal(width, 8);
    p[32]++;
    assert_int_equal(acpi_root(slice_of(p, 36), &width), 0);
}

static void test_fixed(void **state)
{
    (void)state;
    struct acpi_fixed f;
    memset(table, 0, sizeof table);
    put(40, 0x7fe0000, 4);
    put(46, 9, 2);
    put(48, 0xb2, 4);
    put(52, 0xf1, 1);
    put(56, 0x600, 4);
    put(64, 0x604, 4);
    put(88, 4, 1);
    acpi_read_fixed(finish(116), &f); /* of revision 1 */
    assert_true(f.dsdt == 0x7fe0000 && f.interrupt == 9 && f.command_port == 0xb2 &&
                f.enable == 0xf1);
    assert_true(f.button && !f.reduced && f.event_size == 4);
    assert_true(f.events[0].space == ACPI_PORT && f.events[0].address == 0x600);
    assert_true(f.controls[0].address == 0x604 && f.controls[1].space == ACPI_NOWHERE);
    assert_true(f.reset.space == ACPI_NOWHERE);
    /* The wide fields go before. */
    put(140, UINT64_C(0x100007000), 8);
    put(172, 1, 1);
    put(176, 0xb004, 8);
    put(112, 1u << 4 | 1u << 10, 4);
    put(117 - 1, 1, 1);
    put(120, 0xcf9, 8);
    put(128, 6, 1);
    acpi_read_fixed(finish(268), &f);
    assert_true(f.dsdt == UINT64_C(0x100007000) && f.controls[0].address == 0xb004 && !f.button);
    assert_true(f.reset.address == 0xcf9 && f.reset_value == 6);
    put(176, 0x12345, 8); /* no port */
    acpi_read_fixed(finish(268), &f);
    assert_int_equal(f.controls[0].address, 0x604);
    put(112, 1u << 20, 4); /* without fixed parts */
    put(244, 0, 1);
    put(248, 0xfea00100, 8);
    acpi_read_fixed(finish(268), &f);
    assert_true(f.reduced && f.events[0].space == ACPI_NOWHERE && !f.button);
    assert_true(f.sleep.space == ACPI_MEMORY && f.sleep.address == 0xfea00100);
}

static void test_interrupts(void **state)
{
    (void)state;
    struct acpi_interrupts i;
    memset(table, 0, sizeof table);
    static const uint8_t entries[] = {
        0, 8,  0, 0, 1,  0, 0,    0,                  /* a processor */
        1, 12, 0, 0, 0,  0, 0xc0, 0xfe, 0,   0, 0, 0, /* at fec00000, from 0 on */
        1, 12, 1, 0, 0,  0, 0xc1, 0xfe, 24,  0, 0, 0, /* at fec10000, from 24 on */
        2, 10, 0, 9, 9,  0, 0,    0,    0xd, 0,       /* 9: high, level */
        2, 10, 0, 5, 20, 0, 0,    0,    0xf, 0,       /* 5 leads to 20: low, level */
        1, 5,  0, 0, 0,                               /* too short */
    };
    memcpy(table + 44, entries, sizeof entries);
    acpi_read_interrupts(finish(44 + sizeof entries), &i);
    assert_int_equal(i.ioapic_count, 2);
    assert_true(i.ioapics[1].address == 0xfec10000 && i.ioapics[1].base == 24);
    assert_int_equal(i.override_count, 2);
    assert_true(i.overrides[0].source == 9 && i.overrides[0].level && !i.overrides[0].low);
    assert_true(i.overrides[1].line == 20 && i.overrides[1].level && i.overrides[1].low);
    for (size_t len = 0; len < 44 + sizeof entries; len++) /* cut anywhere */
        acpi_read_interrupts(slice_of(table, len), &i);
    memset(table + 44, 0, 200); /* entries of no length */
    acpi_read_interrupts(finish(244), &i);
    assert_int_equal(i.ioapic_count, 0);
    for (size_t k = 0; k < 20; k++) /* more than there is room for */
        memcpy(table + 44 + k * 12, entries + 8, 12);
    acpi_read_interrupts(finish(44 + 20 * 12), &i);
    assert_int_equal(i.ioapic_count, ACPI_IOAPICS_MAX);
}

static void test_segments(void **state)
{
    (void)state;
    struct acpi_segment s[ACPI_SEGMENTS_MAX];
    memset(table, 0, sizeof table);
    for (size_t k = 0; k < 12; k++) {
        put(44 + k * 16, 0xb0000000 + k * 0x10000000, 8);
        put(44 + k * 16 + 8, k, 2);
        put(44 + k * 16 + 11, 255, 1);
    }
    put(44, 0xb0000123, 8);  /* not a page's address */
    put(44 + 16 + 10, 9, 1); /* buses 9.. */
    put(44 + 16 + 11, 8, 1); /* ..8 */
    assert_int_equal(acpi_read_segments(finish(44 + 12 * 16), s), ACPI_SEGMENTS_MAX);
    assert_true(s[0].address == 0xd0000000 && s[0].number == 2 && s[0].last == 255);
    assert_int_equal(acpi_read_segments(finish(44 + 3 * 16 - 1), s), 0);
}

/* --- code --- */

static void test_power_off(void **state)
{
    (void)state;
    uint8_t types[2];
    assert_true(
        aml_power_off(BYTES(0x08, '_', 'S', '5', '_', 0x12, 6, 4, 0x0a, 5, 0x0a, 6, 0, 0), types));
    assert_true(types[0] == 5 && types[1] == 6);
    assert_true(
        aml_power_off(BYTES(0x08, '\\', '_', 'S', '5', '_', 0x12, 6, 4, 0, 1, 0, 0), types));
    assert_true(types[0] == 0 && types[1] == 1);
    assert_true(aml_power_off(BYTES(0x08, '_', 'S', '5', '_', 0x12, 0x46, 0, 1, 0x0a, 7), types));
    assert_true(types[0] == 7 && types[1] == 0);
    /* Not a name; too large; cut. */
    assert_false(aml_power_off(BYTES(0x10, '_', 'S', '5', '_', 0x12, 6, 4, 0, 0, 0, 0), types));
    assert_false(
        aml_power_off(BYTES(0x08, '_', 'S', '5', '_', 0x12, 6, 4, 0x0a, 8, 0, 0, 0), types));
    assert_false(aml_power_off(BYTES(0x08, '_', 'S', '5', '_', 0x12, 6, 4, 0x0a), types));
    assert_false(aml_power_off(BYTES(0x08, '_', 'S', '5', '_', 0x12, 6, 0), types));
    assert_false(aml_power_off(BYTES('_', 'S', '5', '_'), types));
}

#define MEMORY32 0x86, 9, 0, 1, 0, 2, 0, 0xfe, 0, 2, 0, 0
#define MEMORY64                                                                                  \
    0x8a, 0x2b, 0, 0, 0xc, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xf, 0, 0, 1, \
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0
#define INTERRUPT 0x89, 6, 0, 1, 1, 16, 0, 0, 0

static void test_devices(void **state)
{
    (void)state;
    struct aml_device d;
    struct slice id = SLICE("LNRO0005");
    struct slice code = BYTES('L', 'N', 'R', 'O', '0', '0', '0', '5', 0, 1, 2, MEMORY32, INTERRUPT,
                              'L', 'N', 'R', 'O', '0', '0', '0', '5', MEMORY64, 'L', 'N', 'R', 'O',
                              '0', '0', '0', '5', 0x86, 9, 0);
    assert_true(aml_next_device(&code, id, &d));
    assert_true(d.address == 0xfe000200 && d.size == 512 && d.interrupts && d.interrupt == 16);
    assert_true(aml_next_device(&code, id, &d));
    assert_true(d.address == UINT64_C(0x100000000) && d.size == 0x1000 && !d.interrupts);
    assert_true(aml_next_device(&code, id, &d)); /* cut off */
    assert_true(d.size == 0 && !d.interrupts);
    assert_false(aml_next_device(&code, id, &d));
}

static struct slice event_code(uint8_t space, uint8_t size, uint8_t mask_op)
{
    static uint8_t code[64];
    const uint8_t like_qemu[] = {INTERRUPT, 0x5b, 0x80, 'E',  'R',  'E',     'G',  space,
                                 0x0c,      0,    0,    0xa0, 0xfe, 0x0a,    size, 0x93,
                                 0x7b,      0x60, 0x0a, 2,    0,    mask_op, 2,    0x86,
                                 'P',       'W',  'R',  'B',  0x0a, 0x80};
    memcpy(code, like_qemu, sizeof like_qemu);
    return slice_of(code, sizeof like_qemu);
}

static void test_event_device(void **state)
{
    (void)state;
    struct aml_event e;
    struct aml_device d = {.code = event_code(0, 4, 0x0a)};
    assert_true(aml_button_event(&d, &e));
    assert_true(e.address == 0xfea00000 && e.size == 4 && e.button == 2);
    d.code = event_code(0, 1, 0x0a);
    assert_true(aml_button_event(&d, &e) && e.size == 1);
    d.code = event_code(1, 4, 0x0a); /* not in memory */
    assert_false(aml_button_event(&d, &e));
    d.code = event_code(0, 4, 0x60); /* which bit it is is not told */
    assert_false(aml_button_event(&d, &e));
    for (size_t len = 0; len < 30; len++) {
        d.code = slice_take(event_code(0, 4, 0x0a), len);
        assert_false(aml_button_event(&d, &e));
    }
    /* As cloud-hypervisor has it: by its whole path, the bit is 8. */
    d.code = BYTES(0x5b, 0x80, 'G', 'D', 'S', 'T', 0, 0x0e, 0, 0, 0, 0, 0x10, 0, 0, 0, 0x01, 0xa0,
                   0x12, 0x93, 0x61, 0x0a, 8, 0x86, '\\', 0x2e, '_', 'S', 'B', '_', 'P', 'W', 'R',
                   'B', 0x0a, 0x80);
    assert_true(aml_button_event(&d, &e));
    assert_true(e.address == UINT64_C(0x1000000000) && e.size == 1 && e.button == 8);
}

static void test_generation(void **state)
{
    (void)state;
    uint64_t address;
    assert_true(aml_generation(BYTES(0x08, 'V', 'G', 'I', 'A', 0x0c, 0, 0x10, 0xfe, 7, 'V', 'M',
                                     '_', 'G', 'e', 'n', '_', 'C', 'o', 'u', 'n', 't', 'e', 'r'),
                               &address));
    assert_int_equal(address, 0x7fe1000 + 40);
    assert_true(aml_generation(BYTES('V', 'M', '_', 'G', 'e', 'n', '_', 'C', 'o', 'u', 'n', 't',
                                     'e', 'r', 0x08, 'A', 'D', 'D', 'R', 0x12, 12, 2, 0x0c, 0xf0,
                                     0xff, 0xff, 0xbf, 0x01),
                               &address));
    assert_true(address == UINT64_C(0x1bffffff0));
    assert_false(aml_generation(BYTES(0x08, 'V', 'G', 'I', 'A', 0x0c, 0, 0x10, 0xfe, 7), &address));
    assert_false(aml_generation(BYTES('V', 'M', '_', 'G', 'e', 'n', '_', 'C', 'o', 'u', 'n', 't',
                                      'e', 'r', 0x08, 'V', 'G', 'I', 'A', 0x0c, 0),
                                &address));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checksum),   cmocka_unit_test(test_root),
        cmocka_unit_test(test_fixed),      cmocka_unit_test(test_interrupts),
        cmocka_unit_test(test_segments),   cmocka_unit_test(test_power_off),
        cmocka_unit_test(test_devices),    cmocka_unit_test(test_event_device),
        cmocka_unit_test(test_generation),
    };
    return cmocka_run_group_tests_name("platform/pvh/acpi_test", tests, NULL, NULL);
}
