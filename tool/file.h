/* Whole files: read at once, and written beside their place before they take it. */
#ifndef TOOL_FILE_H
#define TOOL_FILE_H

#include "runtime/buf.h"

#include <sys/types.h>

/* Appends a file's bytes; at most into->max. NULL, or why not (a few words, as of strerror). */
const char *file_read(const char *path, struct buf *into);

/* All of the bytes; false: errno says why not. */
bool file_write(int fd, struct slice bytes);

/* The parts, one after the other, in a file of this mode that takes the place of `path` whole or not
 * at all. False: the reason was printed. */
bool file_replace(const char *path, mode_t mode, const struct slice *parts, size_t count);

#endif
