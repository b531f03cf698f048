/*
 * Loaded into `xl dump-core` and `xl save`: libxc asks Xen for each page below the end of the PVH guest's
 * special ones, nearly 4 GiB, of which the guest has a few MiB. An emulated dom0 takes an hour, or a minute,
 * to hear so often that a page is not there; here it hears it at once of all from GUEST_PAGES on to the
 * special ones.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define SPECIAL 0xfe000u    /* pages; those of Xen begin a little above */
#define NO_PAGE 0xf0000000u /* XEN_DOMCTL_PFINFO_XTAB (xen/domctl.h) */

typedef void *map_range(void *xch, uint32_t domain, int size, int protection, unsigned long frame);
typedef int get_types(void *xch, uint32_t domain, unsigned count, unsigned long *frames);

map_range xc_map_foreign_range;
get_types xc_get_pfn_type_batch;

static bool is_absent(unsigned long frame)
{
    static unsigned long end;
    if (!end)
        end = strtoul(getenv("GUEST_PAGES"), NULL, 10);
    return frame >= end && frame < SPECIAL;
}

void *xc_map_foreign_range(void *xch, uint32_t domain, int size, int protection,
                           unsigned long frame)
{
    static map_range *map;
    if (!map)
        map = (map_range *)dlsym(RTLD_NEXT, "xc_map_foreign_range");
    return is_absent(frame) ? NULL : map(xch, domain, size, protection, frame);
}

/* frames: each becomes what kind of page it is. */
int xc_get_pfn_type_batch(void *xch, uint32_t domain, unsigned count, unsigned long *frames)
{
    static get_types *get;
    unsigned absent = 0;
    if (!get)
        get = (get_types *)dlsym(RTLD_NEXT, "xc_get_pfn_type_batch");
    while (absent < count && is_absent(frames[absent]))
        absent++;
    if (absent < count)
        return get(xch, domain, count, frames);
    for (unsigned i = 0; i < count; i++)
        frames[i] = NO_PAGE;
    return 0;
}
