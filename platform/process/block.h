/* A file as a block device: as long as it is when it is opened, in whole sectors. Private to this platform. */
#ifndef PLATFORM_PROCESS_BLOCK_H
#define PLATFORM_PROCESS_BLOCK_H

#include "signatures/block.h"

/* Opens the file of that name; one that may only be read is read only. Otherwise a line in error. */
enum err process_block_open(struct slice name, struct block **into, struct buf *error);

/* Nothing may be under way. */
void process_block_close(struct block *b);

#endif
