/* See shared.h. */
#include "platform/xen/shared.h"

#include <string.h>

#include "platform/pvh/memory.h"
#include "platform/xen/guest.h"
#include "platform/xen/ring.h"
#include "signatures/memory.h"

bool shared_renew(uint8_t **page, uint32_t *number, uint32_t *abandoned)
{
    struct grants *g = guest_grants();
    if (*page && !grant_end(g, *number)) {
        ++*abandoned;
        *page = NULL;
        *number = GRANT_NONE;
    }
    if (*number == GRANT_NONE)
        *number = grant_take(g);
    if (!*page && *number != GRANT_NONE)
        *page = memory_pages(1);
    if (!*page || *number == GRANT_NONE)
        return false;
    memset(*page, 0, RING_PAGE);
    return true;
}

void shared_free(uint8_t *page, uint32_t number)
{
    if (!grant_end(guest_grants(), number))
        return;
    grant_return(guest_grants(), number);
    memory_free(page);
}
