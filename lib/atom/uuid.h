/*
 * UUIDs (RFC 9562) that are derived, never drawn: the same names give the same id for ever.
 */
#ifndef LIB_ATOM_UUID_H
#define LIB_ATOM_UUID_H

#include "runtime/slice.h"

#define UUID_TEXT_LEN 36

struct uuid {
    uint8_t bytes[16];
};

/* "981361ca-e71d-4997-a52c-baeee78e4156", in either case, with or without "urn:uuid:" before it. */
bool uuid_parse(struct slice text, struct uuid *into);

/* Lower case, with a NUL. */
void uuid_format(const struct uuid *id, char into[UUID_TEXT_LEN + 1]);

/* The id of a name within a space: version 8 with SHA-256, as in RFC 9562, appendix B.2. */
struct uuid uuid_named(const struct uuid *space, struct slice name);

#endif
