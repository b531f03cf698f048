/* The block device of a machine: the first of that number that a driver has (driver.h), or, where the program
 * is given none, nothing (platform/alone). Which of both is decided when the image is linked. */
#ifndef PLATFORM_PVH_STORAGE_H
#define PLATFORM_PVH_STORAGE_H

#include "runtime/buf.h"
#include "signatures/block.h"

/* Opens the device that --disk says. Otherwise a line in error. */
enum err machine_storage_open(struct block **into, struct buf *error);

#endif
