/* Xen's console against a dom0 that floods it, reads nothing, or says what cannot be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "platform/pvh/paging.h"
#include "platform/xen/console.h"
#include "platform/xen/guest.h"
#include "platform/xen/interface.h"
#include "platform/xen/ring.h"
#include "tests/platform/xen/dom0.h"

#define TURN_MOST 64u   /* bytes of what is typed that are taken at once */
#define IN        1024u /* bytes of the rings */
#define OUT       2048u

/* --- the machine --- */

static struct xencons_interface page __attribute__((used));
static uint32_t yields __attribute__((used));
static uint8_t reads __attribute__((used)); /* dom0, all that is there, whenever the guest yields */
static uint64_t frame;

/* A call keeps all registers but its own, so it is no function of C. Each has 32 bytes; that which yields is the
 * only one here. */
_Static_assert(__HYPERVISOR_sched_op == 29 &&
                   offsetof(struct xencons_interface, out_cons) == 3080 &&
                   offsetof(struct xencons_interface, out_prod) == 3084,
               "places below");
__asm__(".pushsection .text\n"
        ".globl hypercall_page\n"
        ".hidden hypercall_page\n"
        "hypercall_page:\n"
        ".fill 32 * 29, 1, 0xcc\n"
        "incl yields(%rip)\n"
        "cmpb $0, reads(%rip)\n"
        "je 1f\n"
        "movl page + 3084(%rip), %eax\n"
        "movl %eax, page + 3080(%rip)\n"
        "1: xorl %eax, %eax\n"
        "ret\n"
        ".popsection\n");

uint64_t guest_parameter(uint32_t which)
{
    return which == HVM_PARAM_CONSOLE_PFN ? frame : 2;
}

void *paging_map_shared(uint64_t physical, size_t size)
{
    (void)physical;
    return size == RING_PAGE ? &page : NULL;
}

/* --- */

static int setup(void **state)
{
    (void)state;
    dom0_begin();
    memset(&page, 0, sizeof page);
    frame = 77;
    yields = 0;
    reads = false;
    console_begin();
    dom0.poll->run(dom0.poll); /* what an earlier test left untold */
    dom0.notified = 0;
    return 0;
}

static uint64_t counted(const char *name)
{
    static uint64_t before[2];
    unsigned which = strcmp(name, "xen-console typed: ") == 0;
    struct buf b;
    buf_init(&b, 4096);
    xen_console_status(&b);
    buf_byte(&b, '\0');
    uint64_t now = strtoull(strstr((const char *)buf_slice(&b).ptr, name) + strlen(name), NULL, 10);
    buf_deinit(&b);
    uint64_t more = now - before[which];
    before[which] = now;
    return more;
}

static uint64_t dropped(void)
{
    return counted("xen-console dropped: ");
}

static uint64_t typed(void)
{
    return counted("xen-console typed: ");
}

static void lines_go_out(void **state)
{
    (void)state;
    assert_true(xen_console_write(SLICE("one\ntwo")));
    assert_int_equal(page.out_prod, 8);
    assert_memory_equal(page.out, "one\r\ntwo", 8);
    assert_int_equal(dom0.notified, 0); /* once a turn */
    dom0.poll->run(dom0.poll);
    dom0.poll->run(dom0.poll);
    assert_int_equal(dom0.notified, 1);
}

static void more_than_fits_waits_for_its_reader(void **state)
{
    static uint8_t text[5 * OUT];
    (void)state;
    memset(text, 'x', sizeof text);
    reads = true;
    dropped();
    xen_console_write(slice_of(text, sizeof text));
    assert_int_equal(page.out_prod, sizeof text);
    assert_int_equal(dropped(), 0);
    xen_console_flush();
    assert_int_equal(page.out_cons, sizeof text);
}

/* It is waited for once, and not long; then what does not fit is lost, until it reads again. */
static void nobody_reads(void **state)
{
    static uint8_t text[OUT + 100];
    (void)state;
    memset(text, 'x', sizeof text);
    dropped();
    xen_console_write(slice_of(text, sizeof text));
    uint32_t waited = yields;
    assert_true(waited > 0);
    assert_int_equal(dropped(), 100);
    for (unsigned i = 0; i < 1000; i++)
        xen_console_write(slice_of(text, 10));
    xen_console_flush();
    assert_int_equal(dropped(), 10000);
    assert_int_equal(yields, waited);
    page.out_cons = page.out_prod;
    xen_console_write(slice_of(text, sizeof text - 100));
    assert_int_equal(dropped(), 0);
    reads = true;
    xen_console_write(slice_of(text, 100));
    assert_int_equal(dropped(), 0);
}

static void a_flood_is_taken_a_bit_each_turn(void **state)
{
    uint32_t most = 0;
    (void)state;
    typed();
    for (unsigned i = 0; i < 10000; i++) {
        page.in_prod = page.in_cons + IN; /* as full as it gets */
        uint32_t before = page.in_cons;
        assert_true(dom0.poll->await(dom0.poll));
        assert_false(dom0.poll->run(dom0.poll)); /* the loop may sleep, were it for this alone */
        if (page.in_cons - before > most)
            most = page.in_cons - before;
        assert_int_equal(dom0.notified, i + 1);
    }
    assert_int_equal(most, TURN_MOST);
    assert_int_equal(typed(), 10000 * TURN_MOST);
    page.in_prod = page.in_cons;
    assert_false(dom0.poll->await(dom0.poll));
}

static void counters_that_cannot_be(void **state)
{
    (void)state;
    typed();
    dropped();
    page.in_prod = IN + 1;
    dom0.poll->run(dom0.poll);
    assert_int_equal(typed(), 0);
    assert_int_equal(page.in_cons, IN + 1); /* passed over */
    page.in_prod += 5;
    dom0.poll->run(dom0.poll);
    assert_int_equal(typed(), 5);
    page.out_cons = 7; /* more than there is was read */
    xen_console_write(SLICE("lost"));
    assert_int_equal(dropped(), 4);
    page.out_cons = page.out_prod;
    xen_console_write(SLICE("there"));
    assert_int_equal(dropped(), 0);
}

static void without_a_console(void **state)
{
    (void)state;
    frame = 0;
    console_resume();
    assert_false(xen_console_write(SLICE("x")));
    xen_console_flush();
    page.in_prod = page.in_cons + 5; /* the page may be anything now */
    assert_false(dom0.poll->await(dom0.poll));
    dom0.poll->run(dom0.poll);
    assert_int_equal(page.in_cons + 5, page.in_prod);
    assert_int_equal(dom0.notified, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
    const struct CMUnitTest tests[] = {
        TEST(lines_go_out),
        TEST(more_than_fits_waits_for_its_reader),
        TEST(nobody_reads),
        TEST(a_flood_is_taken_a_bit_each_turn),
        TEST(counters_that_cannot_be),
        TEST(without_a_console),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
