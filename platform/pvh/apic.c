/* See apic.h. The x2APIC's registers are MSRs; those of the older one are memory. The timer waits for
 * a value of the timestamp counter where the processor can, else it counts down. */
#include "platform/pvh/apic.h"

#include "platform/pvh/cpu.h"
#include "platform/pvh/page.h"
#include "platform/pvh/paging.h"

#define MSR_BASE        0x1bu
#define MSR_DEADLINE    0x6e0u
#define MSR_X2APIC      0x800u
#define BASE_ENABLE     0x800u
#define BASE_X2APIC     0x400u
#define CPUID_X2APIC    (1u << 21)
#define CPUID_DEADLINE  (1u << 24)
#define REG_ID          0x02u
#define REG_END         0x0bu
#define REG_SPURIOUS    0x0fu
#define REG_TIMER       0x32u
#define REG_INITIAL     0x38u
#define REG_CURRENT     0x39u
#define REG_DIVIDE      0x3eu
#define SPURIOUS_ENABLE 0x100u
#define TIMER_DEADLINE  0x40000u
#define MASKED          0x10000u
#define DIVIDE_BY_1     0x0bu
#define CALIBRATE_PART  1000u /* of a second, at least */
#define SCALE           10    /* of rates, which are below 2^36, beside a count of 32 bits */

#define PIC_MASK_1 0x21
#define PIC_MASK_2 0xa1

static volatile uint32_t *registers; /* NULL: x2APIC */
static bool deadline;
static uint64_t timer_rate, tick_rate; /* a second; of the counting timer, 0: not known yet */
static uint64_t counting_from;         /* ticks */

static uint32_t read(uint32_t which)
{
    return registers ? registers[which * 4] : (uint32_t)cpu_read_msr(MSR_X2APIC + which);
}

static void write(uint32_t which, uint32_t value)
{
    if (registers)
        registers[which * 4] = value;
    else
        cpu_write_msr(MSR_X2APIC + which, value);
}

uint32_t apic_id(void)
{
    return registers ? read(REG_ID) >> 24 : read(REG_ID);
}

void apic_done(void)
{
    write(REG_END, 0);
}

/* How fast the timer counts is found out beside the timestamp counter: from the start on until it is needed,
 * which is so long that nobody has to wait. */
static void begin_counting(void)
{
    counting_from = cpu_ticks();
    write(REG_INITIAL, UINT32_MAX);
}

static void end_counting(void)
{
    uint64_t now = cpu_ticks();
    uint32_t left = read(REG_CURRENT);
    if (left == 0) { /* it got there long ago */
        begin_counting();
        now = counting_from;
    }
    while (now - counting_from < tick_rate / CALIBRATE_PART)
        now = cpu_ticks();
    uint64_t counted = UINT32_MAX - read(REG_CURRENT);
    timer_rate = counted * (tick_rate >> SCALE) / ((now - counting_from) >> SCALE);
    if (timer_rate == 0)
        timer_rate = 1;
    write(REG_INITIAL, 0);
    write(REG_TIMER, APIC_TIMER_VECTOR);
}

/* The old pair of interrupt controllers, which the firmware may have left on, is not used: its numbers
 * would be taken for exceptions. */
static void silence_8259(void)
{
    port_write8(PIC_MASK_1, 0xff);
    port_write8(PIC_MASK_2, 0xff);
}

void apic_open(uint64_t ticks_per_second)
{
    uint32_t features = cpu_id(1, 0).c;
    uint64_t base = cpu_read_msr(MSR_BASE);
    silence_8259();
    tick_rate = ticks_per_second;
    if (features & CPUID_X2APIC)
        cpu_write_msr(MSR_BASE, base | BASE_ENABLE | BASE_X2APIC);
    else {
        registers = paging_map_device(base & PAGE_ADDRESS, 4096);
        cpu_write_msr(MSR_BASE, base | BASE_ENABLE);
    }
    write(REG_SPURIOUS, SPURIOUS_ENABLE | APIC_SPURIOUS_VECTOR);
    write(REG_DIVIDE, DIVIDE_BY_1);
    deadline = features & CPUID_DEADLINE;
    write(REG_TIMER, deadline ? TIMER_DEADLINE | APIC_TIMER_VECTOR : MASKED);
    if (!deadline)
        begin_counting();
}

static uint32_t count_for(uint64_t ticks)
{
    uint64_t now = cpu_ticks();
    if (ticks <= now)
        return 1;
    uint64_t wait = ticks - now;
    if (wait > tick_rate) /* a second at most: an early interrupt does no harm */
        wait = tick_rate;
    uint64_t count = wait * timer_rate / tick_rate;
    return count == 0 ? 1 : count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
}

void apic_set_timer(uint64_t ticks)
{
    if (deadline) {
        cpu_write_msr(MSR_DEADLINE, ticks == UINT64_MAX ? 0 : ticks);
        return;
    }
    if (timer_rate == 0)
        end_counting();
    write(REG_INITIAL, ticks == UINT64_MAX ? 0 : count_for(ticks));
}
