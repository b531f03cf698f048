/* Says how the processor is set up, and uses its widest registers. */
#include "runtime/log.h"
#include "runtime/loop.h"
#include "signatures/program.h"

#define CPUID_AVX (1u << 28)
#define OSXSAVE   (UINT64_C(1) << 18)

static uint64_t read_cr0(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}

static uint64_t read_cr4(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}

static uint64_t read_efer(void)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(0xc0000080));
    return low | (uint64_t)high << 32;
}

static uint32_t read_xcr0(void)
{
    uint32_t low = 0, high;
    if (read_cr4() & OSXSAVE)
        __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static bool add_with_avx(void)
{
    uint32_t a = 1, b, c, d;
    float one[8] = {1, 1, 1, 1, 1, 1, 1, 1}, two[8];
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    if (!(c & CPUID_AVX))
        return false;
    __asm__ volatile("vmovups %1, %%ymm0\n\t"
                     "vaddps %%ymm0, %%ymm0, %%ymm0\n\t"
                     "vmovups %%ymm0, %0\n\t"
                     "vzeroupper"
                     : "=m"(two)
                     : "m"(one)
                     : "xmm0");
    return two[7] > 1.9f && two[7] < 2.1f;
}

static enum err start(const struct world *w)
{
    (void)w;
    log_info("processor", "cr0 %llx cr4 %llx efer %llx xcr0 %x avx %d",
             (unsigned long long)read_cr0(), (unsigned long long)read_cr4(),
             (unsigned long long)read_efer(), read_xcr0(), add_with_avx());
    loop_stop(0);
    return OK;
}

const struct program program = {.name = "processor", .summary = "looks", .start = start};
const struct setting_group *const program_settings[] = {&settings_logs_group, NULL};
