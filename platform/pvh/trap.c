/* See trap.h. */
#include "platform/pvh/trap.h"

#include "platform/pvh/apic.h"
#include "platform/pvh/cpu.h"
#include "platform/pvh/power.h"
#include "platform/pvh/stacks.h"
#include "platform/pvh/symbols.h"
#include "runtime/format.h"
#include "signatures/console.h"

#define CODE_SELECTOR 8u
#define DATA_SELECTOR 16u
#define TASK_SELECTOR 24u
#define GATE          0x8e00u /* present, interrupts off */
#define FAULT_STACK   1u      /* in the task segment's table of stacks */
#define CALLS_MAX     32
#define PAGE_FAULT    14
#define DOUBLE_FAULT  8

struct gate {
    uint16_t offset_low, selector, stack, offset_middle;
    uint32_t offset_high, reserved;
};

struct task_segment {
    uint32_t reserved;
    uint64_t stacks[3], reserved_2, fault_stacks[7], reserved_3;
    uint16_t reserved_4, ports;
} __attribute__((packed));

struct pointer {
    uint16_t size;
    const void *base;
} __attribute__((packed));

extern const uint8_t trap_stubs[] __attribute__((visibility("hidden")));
void trap_handle(struct trap_frame *f) __attribute__((visibility("hidden")));

static uint64_t segments[5];
static struct gate gates[TRAP_VECTORS];
static struct task_segment task;
static uint32_t pending;

static const char *const names[TRAP_EXCEPTIONS] = {
    "division by zero or overflow",
    "debug trap",
    "non-maskable interrupt",
    "breakpoint",
    "overflow",
    "bound exceeded",
    "invalid instruction (a check failed, or code is damaged)",
    "no floating point unit",
    "double fault",
    "",
    "invalid task segment",
    "segment not present",
    "stack segment fault",
    "general protection fault",
    "page fault",
    "",
    "floating point error",
    "misaligned access",
    "machine check",
    "SIMD floating point error",
    "virtualization exception",
    "control protection exception"};

/* --- printing --- */

static void put(void *arg, const char *piece, size_t len)
{
    (void)arg;
    console_write(slice_of(piece, len));
}

static void __attribute__((format(printf, 1, 2))) say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    format_to(put, NULL, format, arguments);
    va_end(arguments);
}

static void say_place(const char *what, uint64_t address)
{
    uint64_t offset;
    const char *name = symbols_find(address, &offset);
    if (name)
        say("  %s %016llx %s+0x%llx\n", what, (unsigned long long)address, name,
            (unsigned long long)offset);
    else
        say("  %s %016llx\n", what, (unsigned long long)address);
}

static bool on_a_stack(uint64_t at)
{
    uint64_t low = (uint64_t)stacks.program, fault = (uint64_t)stacks.fault;
    return at % 8 == 0 && ((at >= low && at + 16 <= low + sizeof stacks.program) ||
                           (at >= fault && at + 16 <= fault + sizeof stacks.fault));
}

void trap_print_calls(uint64_t rip, uint64_t frame)
{
    say_place("in  ", rip);
    for (int i = 0; i < CALLS_MAX && on_a_stack(frame); i++) {
        const uint64_t *at = (const uint64_t *)frame;
        if (!at[1])
            break;
        say_place("from", at[1]);
        if (at[0] <= frame)
            break;
        frame = at[0];
    }
}

static const char *page_story(uint64_t error, uint64_t address)
{
    if (address < PAGE_SIZE)
        return "through a null pointer";
    if (address - (uint64_t)stacks.guard < PAGE_SIZE ||
        address - (uint64_t)stacks.fault_guard < PAGE_SIZE)
        return "below the end of the stack";
    if (error & 16)
        return error & 1 ? "code in memory that is not executable" : "code where nothing is";
    if (error & 1)
        return error & 2 ? "write to memory that is read-only" : "read of protected memory";
    return error & 2 ? "write where nothing is" : "read where nothing is";
}

static void say_registers(const struct trap_frame *f)
{
    say("  rax %016llx  rbx %016llx  rcx %016llx  rdx %016llx\n", (unsigned long long)f->rax,
        (unsigned long long)f->rbx, (unsigned long long)f->rcx, (unsigned long long)f->rdx);
    say("  rsi %016llx  rdi %016llx  rbp %016llx  rsp %016llx\n", (unsigned long long)f->rsi,
        (unsigned long long)f->rdi, (unsigned long long)f->rbp, (unsigned long long)f->rsp);
    say("  r8  %016llx  r9  %016llx  r10 %016llx  r11 %016llx\n", (unsigned long long)f->r8,
        (unsigned long long)f->r9, (unsigned long long)f->r10, (unsigned long long)f->r11);
    say("  r12 %016llx  r13 %016llx  r14 %016llx  r15 %016llx\n", (unsigned long long)f->r12,
        (unsigned long long)f->r13, (unsigned long long)f->r14, (unsigned long long)f->r15);
    say("  flags %08llx  error %llx  cr2 %016llx  cr3 %016llx\n", (unsigned long long)f->flags,
        (unsigned long long)f->error, (unsigned long long)cpu_read_cr2(),
        (unsigned long long)cpu_read_cr3());
}

static void __attribute__((noreturn)) stop(const struct trap_frame *f)
{
    static bool stopping;
    uint64_t address = cpu_read_cr2();
    if (stopping) /* while printing */
        power_crash();
    stopping = true;
    say("\nfault: %s", names[f->vector] ? names[f->vector] : "unknown exception");
    if (f->vector == PAGE_FAULT)
        say(", %s, at %016llx", page_story(f->error, address), (unsigned long long)address);
    say("\n");
    say_registers(f);
    trap_print_calls(f->rip, f->rbp);
    console_flush();
    power_crash();
}

void trap_handle(struct trap_frame *f)
{
    if (f->vector < TRAP_EXCEPTIONS)
        stop(f);
    pending |= 1u << (f->vector - TRAP_EXCEPTIONS);
    apic_done();
}

bool trap_take(uint32_t vector)
{
    uint32_t bit = 1u << (vector - TRAP_EXCEPTIONS), was = pending;
    pending &= ~bit;
    return was & bit;
}

/* --- setting up --- */

static void set_gate(unsigned vector)
{
    uint64_t stub = (uint64_t)trap_stubs + vector * TRAP_STUB_SIZE;
    bool own_stack = vector == DOUBLE_FAULT || vector == PAGE_FAULT || vector == 2 || vector == 18;
    gates[vector] = (struct gate){
        .offset_low = (uint16_t)stub,
        .selector = CODE_SELECTOR,
        .stack = (uint16_t)(GATE | (own_stack ? FAULT_STACK : 0)),
        .offset_middle = (uint16_t)(stub >> 16),
        .offset_high = (uint32_t)(stub >> 32),
    };
}

static void set_task(void)
{
    uint64_t base = (uint64_t)&task, limit = sizeof task - 1;
    task.fault_stacks[FAULT_STACK - 1] = (uint64_t)stacks.fault + sizeof stacks.fault;
    task.ports = sizeof task;
    segments[3] =
        limit | (base & 0xffffff) << 16 | UINT64_C(0x89) << 40 | (base >> 24 & 0xff) << 56;
    segments[4] = base >> 32;
}

void trap_open(void)
{
    segments[1] = UINT64_C(0x00af9b000000ffff);
    segments[2] = UINT64_C(0x00cf93000000ffff);
    set_task();
    for (unsigned i = 0; i < TRAP_VECTORS; i++)
        set_gate(i);
    struct pointer segment_table = {sizeof segments - 1, segments};
    struct pointer gate_table = {sizeof gates - 1, gates};
    __asm__ volatile("lgdt %0\n\t"
                     "pushq %3\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\tmovl %4, %%eax\n\t"
                     "movl %%eax, %%ss\n\t"
                     "movl %%eax, %%ds\n\t"
                     "movl %%eax, %%es\n\t"
                     "lidt %1\n\t"
                     "ltr %w2" ::"m"(segment_table),
                     "m"(gate_table), "r"(TASK_SELECTOR), "i"(CODE_SELECTOR), "i"(DATA_SELECTOR)
                     : "rax", "memory");
}
