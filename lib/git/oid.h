/*
 * Object ids: the hash of an object's type, length and bytes (gitformat: SHA-1 or SHA-256).
 */
#ifndef LIB_GIT_OID_H
#define LIB_GIT_OID_H

#include "runtime/slice.h"

enum oid_kind { OID_SHA1, OID_SHA256 };

#define OID_BYTES_MAX 32
#define OID_HEX_MAX   65 /* with the NUL */

/* Bytes beyond the kind's length are zero, so that ids compare as wholes. */
struct oid {
    uint8_t bytes[OID_BYTES_MAX];
};

static inline size_t oid_bytes(enum oid_kind kind)
{
    return kind == OID_SHA1 ? 20 : 32;
}

static inline bool oid_equal(const struct oid *a, const struct oid *b)
{
    return memcmp(a->bytes, b->bytes, OID_BYTES_MAX) == 0;
}

bool oid_is_zero(const struct oid *o);

/* From exactly oid_bytes(kind) raw bytes, or twice as many hexadecimal digits. */
bool oid_from_raw(enum oid_kind kind, struct slice raw, struct oid *into);
bool oid_from_hex(enum oid_kind kind, struct slice hex, struct oid *into);

/* Lower-case hexadecimal digits and a NUL. */
void oid_to_hex(enum oid_kind kind, const struct oid *o, char into[OID_HEX_MAX]);

#endif
