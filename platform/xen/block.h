/* Xen's block device, the front half (xen/io/blkif.h), behind signatures/block.h. What is under way when its
 * backend goes ends with ERR_RESET; it is connected again when that comes back. */
#ifndef PLATFORM_XEN_BLOCK_H
#define PLATFORM_XEN_BLOCK_H

#include "platform/xen/block_ring.h"

#define BLOCK_NUMBERS_MAX 16u /* xvda to xvdp */

/* The device xvda, where number is 0, and so on; NULL: there is none, or it cannot be used (said so). */
struct block *xen_block_open(uint32_t number);

#endif
