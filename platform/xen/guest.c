/* See guest.h. The page that is shared with Xen, and those of the grant table, are put where pages of
 * ours were: there they are mapped, and their memory goes back to Xen. */
#include "platform/xen/guest.h"

#include "platform/pvh/cpu.h"
#include "platform/pvh/machine.h"
#include "platform/pvh/memory.h"
#include "platform/pvh/time.h"
#include "platform/xen/hypercall.h"
#include "runtime/log.h"

#define SOURCE      "xen"
#define LEAF_FIRST  0x40000000u
#define LEAF_LAST   0x40010000u
#define LEAF_STEP   0x100u
#define LEAF_PAGES  2u /* after the first: the calls' pages, and the MSR that places them */
#define SIGNATURE_B 0x566e6558u /* "XenVMMXenVMM" */
#define SIGNATURE_C 0x65584d4du
#define SIGNATURE_D 0x4d4d566eu
#define CPUID_GUEST (1u << 31)

static bool found;
static struct shared_info *shared;
static void *table; /* of grants */
static struct grants grants;

static uint32_t find_leaf(void)
{
    if (!(cpu_id(1, 0).c & CPUID_GUEST))
        return 0;
    for (uint32_t leaf = LEAF_FIRST; leaf < LEAF_LAST; leaf += LEAF_STEP) {
        struct cpuid r = cpu_id(leaf, 0);
        if (r.b == SIGNATURE_B && r.c == SIGNATURE_C && r.d == SIGNATURE_D)
            return leaf;
    }
    return 0;
}

/* Puts a page of Xen's where that one of ours is. */
static bool replace(const void *page, unsigned space, uint64_t number)
{
    struct xen_add_to_physmap a = {
        .domid = DOMID_SELF, .space = space, .idx = number, .gpfn = guest_frame(page)};
    return hypercall_on(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &a) == 0;
}

/* How many grants the table holds. */
static uint32_t place_pages(void)
{
    uint32_t frames = 0;
    if (!replace(shared, XENMAPSPACE_shared_info, 0))
        log_error(SOURCE, "the hypervisor shares no page with us: there are no devices");
    while (frames < GRANTS_FRAMES &&
           replace((uint8_t *)table + frames * PAGE_SIZE, XENMAPSPACE_grant_table, frames))
        frames++;
    time_use_pvclock((const volatile void *)&shared->vcpu_info[0].time,
                     (const volatile void *)&shared->wc_version);
    return frames * (PAGE_SIZE / sizeof(struct grant_entry_v1));
}

void guest_begin(void)
{
    uint32_t leaf = find_leaf();
    if (!leaf)
        return;
    uint64_t page = machine.image + ((uint64_t)hypercall_page - machine.image_at);
    cpu_write_msr(cpu_id(leaf + LEAF_PAGES, 0).b, page);
    shared = memory_pages(1);
    table = memory_pages(GRANTS_FRAMES);
    found = shared && table;
    if (found)
        grants_init(&grants, table, place_pages());
}

/* Time is that of the page, whichever domain it is. The table is empty, but its numbers stay with whoever has
 * them, and gives them again. */
void guest_resume(void)
{
    if (place_pages() < grants.count)
        log_error(SOURCE, "the hypervisor has a smaller grant table here: devices may fail");
}

bool guest_of_xen(void)
{
    return found;
}

struct shared_info *guest_shared(void)
{
    return shared;
}

struct grants *guest_grants(void)
{
    return &grants;
}

uint64_t guest_parameter(uint32_t which)
{
    struct xen_hvm_param p = {.domid = DOMID_SELF, .index = which};
    return hypercall_on(__HYPERVISOR_hvm_op, HVMOP_get_param, &p) ? 0 : p.value;
}

uint32_t guest_frame(const void *page)
{
    return (uint32_t)(machine_physical(page) / PAGE_SIZE);
}

bool guest_shutdown(unsigned reason)
{
    struct sched_shutdown s = {.reason = reason};
    return hypercall_on(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &s) != 0;
}
