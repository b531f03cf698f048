/* Media types of files, by the extension of their names (RFC 9110, 8.3). */
#ifndef LIB_SITE_MEDIA_H
#define LIB_SITE_MEDIA_H

#include "runtime/slice.h"

/* The type for a file name; "application/octet-stream" where the extension says nothing. */
const char *media_type(struct slice name);

/* Text in the widest sense: whether gzip is worth trying. */
bool media_compressible(const char *type);

/* Whether the type has a charset parameter that we should give. */
bool media_has_charset(const char *type);

#endif
