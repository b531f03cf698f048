/*
 * Grant table, version 1 (xen/grant_table.h): which pages of ours which domain may reach.
 *
 * A grant is an entry of a table that Xen reads. Giving and ending one are writes to memory: the other
 * side can hold a page (mapped, or being copied) beyond the end that we wish; then the end is refused,
 * and the page must not be used for anything else.
 *
 * Pure: it knows the table's memory alone. There is one table (grant_open); tests make others.
 */
#ifndef PLATFORM_XEN_GRANT_H
#define PLATFORM_XEN_GRANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRANT_NONE     UINT32_MAX
#define GRANTS_FRAMES  4u /* pages of the table */
#define GRANTS_MAX     (GRANTS_FRAMES * 512u)
#define GRANT_RESERVED 8u /* the toolstack's own, of console and store */

struct grants {
    void *table;    /* of Xen's entries */
    uint32_t count; /* of them */
    uint32_t used;
    uint64_t refused; /* the table was full */
    uint64_t held;    /* ends that the other side refused */
    uint32_t free[GRANTS_MAX];
    uint32_t free_count;
};

void grants_init(struct grants *g, void *table, uint32_t count);

/* A number for a grant, which nobody else has. GRANT_NONE: there are no more (counted). */
uint32_t grant_take(struct grants *g);
/* The number may be used for another. It must not be given (grant_end has been true). */
void grant_return(struct grants *g, uint32_t number);

/* From now on that domain may read the page, and write it if `writable`. frame: guest_frame(). */
void grant_give(struct grants *g, uint32_t number, uint16_t domain, uint32_t frame, bool writable);
/* From now on it may not. False: it is just at it (counted). GRANT_NONE is never given. */
bool grant_end(struct grants *g, uint32_t number);

#endif
