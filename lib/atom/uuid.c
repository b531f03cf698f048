/* See uuid.h. */
#include "lib/atom/uuid.h"

#include "lib/hash/sha256.h"
#include "runtime/format.h"

static bool dash_before(size_t byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

bool uuid_parse(struct slice text, struct uuid *into)
{
    struct slice urn = SLICE("urn:uuid:");
    if (slice_equal_nocase(slice_take(text, urn.len), urn))
        text = slice_drop(text, urn.len);
    if (text.len != UUID_TEXT_LEN)
        return false;
    for (size_t i = 0; i < sizeof into->bytes; i++) {
        if (dash_before(i)) {
            if (text.ptr[0] != '-')
                return false;
            text = slice_drop(text, 1);
        }
        uint64_t byte;
        if (!slice_hex(slice_take(text, 2), 255, &byte))
            return false;
        into->bytes[i] = (uint8_t)byte;
        text = slice_drop(text, 2);
    }
    return true;
}

void uuid_format(const struct uuid *id, char into[UUID_TEXT_LEN + 1])
{
    for (size_t i = 0; i < sizeof id->bytes; i++) {
        if (dash_before(i))
            *into++ = '-';
        format_text(into, 3, "%02x", id->bytes[i]);
        into += 2;
    }
}

struct uuid uuid_named(const struct uuid *space, struct slice name)
{
    struct sha256 hash;
    uint8_t digest[SHA256_BYTES];
    sha256_init(&hash);
    sha256_update(&hash, slice_of(space->bytes, sizeof space->bytes));
    sha256_update(&hash, name);
    sha256_final(&hash, digest);
    struct uuid id;
    memcpy(id.bytes, digest, sizeof id.bytes);
    id.bytes[6] = (uint8_t)(0x80 | (id.bytes[6] & 0x0F)); /* version */
    id.bytes[8] = (uint8_t)(0x80 | (id.bytes[8] & 0x3F)); /* variant */
    return id;
}
