/* see oid.h */
#include "lib/git/oid.h"

bool oid_is_zero(const struct oid *o)
{
    static const struct oid zero;
    return oid_equal(o, &zero);
}

bool oid_from_raw(enum oid_kind kind, struct slice raw, struct oid *into)
{
    if (raw.len != oid_bytes(kind))
        return false;
    memset(into, 0, sizeof(*into));
    memcpy(into->bytes, raw.ptr, raw.len);
    return true;
}

bool oid_from_hex(enum oid_kind kind, struct slice hex, struct oid *into)
{
    if (hex.len != 2 * oid_bytes(kind))
        return false;
    memset(into, 0, sizeof(*into));
    for (size_t i = 0; i < hex.len / 2; i++) {
        uint64_t value;
        if (!slice_hex(slice_of(hex.ptr + 2 * i, 2), UINT8_MAX, &value))
            return false;
        into->bytes[i] = (uint8_t)value;
    }
    return true;
}

void oid_to_hex(enum oid_kind kind, const struct oid *o, char into[OID_HEX_MAX])
{
    static const char digits[] = "0123456789abcdef";
    size_t n = oid_bytes(kind);
    for (size_t i = 0; i < n; i++) {
        into[2 * i] = digits[o->bytes[i] >> 4];
        into[2 * i + 1] = digits[o->bytes[i] & 15];
    }
    into[2 * n] = '\0';
}
