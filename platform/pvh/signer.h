/* The signer of a machine: platform/keyroom, or platform/alone where the program is given none. */
#ifndef PLATFORM_PVH_SIGNER_H
#define PLATFORM_PVH_SIGNER_H

#include "runtime/buf.h"
#include "signatures/signer.h"

/* Reads the keys of the image's section; it may be wiped afterwards. Otherwise a line in error. */
enum err machine_signer_open(struct slice section, struct signer **into, struct buf *error);

#endif
