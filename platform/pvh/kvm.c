/* See kvm.h. Who the hypervisor is stands in the first of its leaves of CPUID; with others before it (those
 * of Hyper-V, for guests that know it), they begin 256 further. */
#include "platform/pvh/kvm.h"

#include <string.h>

#include "platform/pvh/cpu.h"
#include "platform/pvh/machine.h"
#include "platform/pvh/time.h"

#define CPUID_GUEST     (1u << 31)
#define LEAF_FIRST      0x40000000u
#define LEAF_LAST       0x4000ff00u
#define LEAF_STEP       0x100u
#define FEATURE_CLOCK   (1u << 3) /* with the numbers of MSRs below */
#define MSR_WALL_CLOCK  0x4b564d00u
#define MSR_SYSTEM_TIME 0x4b564d01u
#define ENABLE          1u

static struct pvclock_time time __attribute__((aligned(64))); /* within one page */
static struct pvclock_wall wall __attribute__((aligned(64)));

static bool has_clock(void)
{
    static const char name[12] = "KVMKVMKVM";
    if (!(cpu_id(1, 0).c & CPUID_GUEST))
        return false;
    for (uint32_t leaf = LEAF_FIRST; leaf <= LEAF_LAST; leaf += LEAF_STEP) {
        struct cpuid r = cpu_id(leaf, 0);
        const uint32_t said[3] = {r.b, r.c, r.d};
        if (memcmp(said, name, sizeof name) == 0)
            return cpu_id(leaf + 1, 0).a & FEATURE_CLOCK;
    }
    return false;
}

void kvm_clock_open(void)
{
    if (!has_clock())
        return;
    cpu_write_msr(MSR_WALL_CLOCK, machine_physical(&wall));
    cpu_write_msr(MSR_SYSTEM_TIME, machine_physical(&time) | ENABLE);
    time_use_pvclock(&time, &wall);
}
