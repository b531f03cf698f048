/* See generation.h. The pages are the host's, who may write them at any time. */
#include "platform/pvh/generation.h"

#include "platform/pvh/acpi.h"
#include "platform/pvh/aml.h"
#include "platform/pvh/paging.h"

#define GENERATION_SIZE 16u

struct life {
    uint8_t id[GENERATION_SIZE];
    uint64_t vmclock[2];
};

static const volatile uint8_t *id, *vmclock; /* NULL: not told */
static struct life now;

static void copy(uint8_t *into, const volatile uint8_t *from, size_t size)
{
    for (size_t i = 0; i < size; i++)
        into[i] = from[i];
}

static struct life look(void)
{
    struct life l = {0};
    uint8_t page[VMCLOCK_SIZE];
    if (id)
        copy(l.id, id, sizeof l.id);
    if (vmclock) {
        copy(page, vmclock, sizeof page);
        generation_of_vmclock(page, l.vmclock);
    }
    return l;
}

static void find_vmclock(struct slice code)
{
    struct aml_device d;
    uint8_t page[VMCLOCK_SIZE];
    uint64_t said[2];
    while (!vmclock && aml_next_device(&code, SLICE("VMCLOCK"), &d)) {
        const volatile uint8_t *at =
            d.size >= VMCLOCK_SIZE ? paging_map_table(d.address, VMCLOCK_SIZE) : NULL;
        if (!at)
            continue;
        copy(page, at, sizeof page);
        if (generation_of_vmclock(page, said))
            vmclock = at;
    }
}

void generation_open(void)
{
    struct slice code;
    uint64_t address;
    for (size_t n = 0; (code = acpi_code(n)).len; n++) {
        if (!id && aml_generation(code, &address))
            id = paging_map_table(address, GENERATION_SIZE);
        find_vmclock(code);
    }
    now = look();
}

bool generation_changed(void)
{
    if (!id && !vmclock)
        return false;
    struct life l = look();
    bool changed = memcmp(&l, &now, sizeof l) != 0;
    now = l;
    return changed;
}

struct slice generation_now(void)
{
    return slice_of(&now, sizeof now);
}
