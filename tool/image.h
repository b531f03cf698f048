/*
 * Image: a built program's file (ELF64, little endian; System V ABI), read for its own sections.
 */
#ifndef TOOL_IMAGE_H
#define TOOL_IMAGE_H

#include "runtime/slice.h"

struct image {
    struct slice file; /* mapped, read only */
};

/* False: cannot be read, or is no such file; the reason was printed. */
bool image_open(struct image *image, const char *path);
void image_close(struct image *image);

/* The bytes of a section, without the one byte that closes each of those whose length is their
 * content's (mk/image.S). False: the image has none of this name. */
bool image_section(const struct image *image, const char *name, struct slice *into);

/* The bytes of a section whose size is fixed, so that it can be written anew. False: the image has
 * none of this name and size. */
bool image_hole(const struct image *image, const char *name, size_t size, struct slice *into);

#endif
