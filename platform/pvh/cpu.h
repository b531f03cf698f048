/* Single instructions of the processor that C has no words for. */
#ifndef PLATFORM_PVH_CPU_H
#define PLATFORM_PVH_CPU_H

#include <stdbool.h>
#include <stdint.h>

struct cpuid {
    uint32_t a, b, c, d;
};

static inline struct cpuid cpu_id(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid r;
    __asm__ volatile("cpuid"
                     : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
                     : "a"(leaf), "c"(subleaf));
    return r;
}

static inline uint64_t cpu_read_msr(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static inline void cpu_write_msr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
}

#define CPU_CONTROL(n)                                               \
    static inline uint64_t cpu_read_cr##n(void)                      \
    {                                                                \
        uint64_t value;                                              \
        __asm__ volatile("mov %%cr" #n ", %0" : "=r"(value));        \
        return value;                                                \
    }                                                                \
    static inline void cpu_write_cr##n(uint64_t value)               \
    {                                                                \
        __asm__ volatile("mov %0, %%cr" #n ::"r"(value) : "memory"); \
    }
CPU_CONTROL(0)
CPU_CONTROL(2)
CPU_CONTROL(3)
CPU_CONTROL(4)
#undef CPU_CONTROL

static inline void cpu_write_xcr0(uint64_t value)
{
    __asm__ volatile("xsetbv" ::"c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static inline void port_write8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static inline void port_write16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port));
}

static inline void port_write32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port));
}

static inline uint8_t port_read8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint16_t port_read16(uint16_t port)
{
    uint16_t value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint32_t port_read32(uint16_t port)
{
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

/* Ordered after what was read and written before. */
static inline uint64_t cpu_ticks(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

static inline void cpu_pause(void)
{
    __asm__ volatile("pause" ::: "memory");
}

static inline void cpu_interrupts_off(void)
{
    __asm__ volatile("cli" ::: "memory");
}

/* Interrupts are on from the instruction after the next, which halts: none can slip in between. */
static inline void cpu_sleep(void)
{
    __asm__ volatile("sti; hlt; cli" ::: "memory");
}

/* Lets in what waits. */
static inline void cpu_take_interrupts(void)
{
    __asm__ volatile("sti; nop; cli" ::: "memory");
}

/* Stops for good. */
static inline void __attribute__((noreturn)) cpu_stop(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

#endif
