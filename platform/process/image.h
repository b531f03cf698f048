/* The image's own file, as it is on disk now: it may have been replaced since the start. */
#ifndef PLATFORM_PROCESS_IMAGE_H
#define PLATFORM_PROCESS_IMAGE_H

#include "runtime/buf.h"

/* To be called at the start, while the file that runs is still known by its path. */
void image_remember(void);

/* Appends a section of the file that lies there now. False: there is no such image, which was
 * logged. */
bool image_read(const char *section, struct buf *into);

#endif
