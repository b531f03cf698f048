/* See fpu.h. SMEP and SMAP: nothing here is a user's page, so they cost nothing. */
#include "platform/pvh/fpu.h"

#include "platform/pvh/cpu.h"

#define CR0_EMULATE   (1u << 2)
#define CR4_OSXSAVE   (1u << 18)
#define CR4_SMEP      (1u << 20)
#define CR4_SMAP      (1u << 21)
#define CR4_UMIP      (1u << 11)
#define CPUID_XSAVE   (1u << 26)
#define CPUID_AVX     (1u << 28)
#define CPUID_7_SMEP  (1u << 7)
#define CPUID_7_SMAP  (1u << 20)
#define CPUID_7_UMIP  (1u << 2) /* in ecx */
#define XCR0_X87_SSE  3u
#define XCR0_AVX      4u
#define MXCSR_DEFAULT 0x1f80u /* all exceptions masked */

void fpu_open(void)
{
    struct cpuid one = cpu_id(1, 0);
    struct cpuid seven = cpu_id(0, 0).a >= 7 ? cpu_id(7, 0) : (struct cpuid){0};
    uint32_t mxcsr = MXCSR_DEFAULT;
    uint64_t cr4 = cpu_read_cr4();
    cr4 |= one.c & CPUID_XSAVE ? CR4_OSXSAVE : 0;
    cr4 |= seven.b & CPUID_7_SMEP ? CR4_SMEP : 0;
    cr4 |= seven.b & CPUID_7_SMAP ? CR4_SMAP : 0;
    cr4 |= seven.c & CPUID_7_UMIP ? CR4_UMIP : 0;
    cpu_write_cr0(cpu_read_cr0() & ~(uint64_t)CR0_EMULATE);
    cpu_write_cr4(cr4);
    __asm__ volatile("fninit; ldmxcsr %0" ::"m"(mxcsr));
    if (one.c & CPUID_XSAVE)
        cpu_write_xcr0(XCR0_X87_SSE | (one.c & CPUID_AVX ? XCR0_AVX : 0));
}
