/* See pages.h. */
#include "tests/platform/xen/pages.h"

#include "platform/xen/guest.h"

_Alignas(4096) uint8_t pages[PAGES_MAX][RING_PAGE];

uint32_t guest_frame(const void *page)
{
    return (uint32_t)((const uint8_t(*)[RING_PAGE])page - pages);
}
