/* See keyring.h. */
#include "runtime/keyring.h"

#define MAGIC_LENGTH 8u
#define DER_LONG     0x80u /* in a length: how many bytes of length follow (X.690, 8.1.3.5) */
#define DER_TAG_LONG 0x1fu /* a tag of several bytes: none of our formats begins with one */

static struct slice magic_of(enum keyring_kind kind)
{
    return kind == KEYRING_KEYS ? SLICE("RINGKEYS") : SLICE("RINGCERT");
}

enum err keyring_open(struct keyring *k, enum keyring_kind kind, struct slice section)
{
    *k = (struct keyring){.rest = reader_of(section)};
    if (section.len == 0 || section.ptr[0] == 0)
        return OK;
    struct slice magic = read_bytes(&k->rest, MAGIC_LENGTH);
    k->left = read_be32(&k->rest);
    if (!k->rest.bad && slice_equal(magic, magic_of(kind)) && k->left <= KEYRING_ENTRIES_MAX)
        return OK;
    k->rest.bad = true;
    return ERR_MALFORMED;
}

bool keyring_next(struct keyring *k, struct keyring_entry *into)
{
    if (k->left == 0 || k->rest.bad)
        return false;
    k->left--;
    into->name = read_bytes(&k->rest, read_be16(&k->rest));
    into->bytes = read_bytes(&k->rest, read_be32(&k->rest));
    if (into->name.len > KEYRING_NAME_MAX)
        k->rest.bad = true;
    return !k->rest.bad;
}

bool keyring_bad(const struct keyring *k)
{
    return k->rest.bad;
}

/* --- writing --- */

static void put_be(struct buf *into, uint64_t value, unsigned bytes)
{
    for (unsigned shift = 8 * bytes; shift > 0; shift -= 8)
        buf_byte(into, (uint8_t)(value >> (shift - 8)));
}

static size_t written_size(const struct keyring_entry *entries, size_t count)
{
    size_t size = MAGIC_LENGTH + 4;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].name.len > KEYRING_NAME_MAX || entries[i].bytes.len > KEYRING_CERTS_SIZE)
            return SIZE_MAX;
        size += 2 + entries[i].name.len + 4 + entries[i].bytes.len;
    }
    return size;
}

enum err keyring_write(struct buf *into, enum keyring_kind kind,
                       const struct keyring_entry *entries, size_t count)
{
    size_t room = kind == KEYRING_KEYS ? KEYRING_KEYS_SIZE : KEYRING_CERTS_SIZE;
    if (count > KEYRING_ENTRIES_MAX || written_size(entries, count) > room)
        return ERR_LIMIT;
    buf_put(into, magic_of(kind));
    put_be(into, count, 4);
    for (size_t i = 0; i < count; i++) {
        put_be(into, entries[i].name.len, 2);
        buf_put(into, entries[i].name);
        put_be(into, entries[i].bytes.len, 4);
        buf_put(into, entries[i].bytes);
    }
    return into->err;
}

/* --- DER --- */

/* A length in its shortest form (X.690, 10.1), of four bytes at most. */
static size_t read_length(struct reader *r)
{
    uint8_t first = read_u8(r);
    if (first < DER_LONG)
        return first;
    size_t bytes = first & ~DER_LONG;
    if (bytes == 0 || bytes > 4)
        r->bad = true;
    size_t length = (size_t)read_big_endian(r, bytes <= 4 ? bytes : 0);
    if (length < DER_LONG || (bytes > 1 && length >> (8 * (bytes - 1)) == 0))
        r->bad = true;
    return length;
}

bool keyring_der(struct slice *rest, struct slice *value)
{
    struct reader r = reader_of(*rest);
    uint8_t tag = read_u8(&r);
    size_t length = read_length(&r);
    read_bytes(&r, length);
    if (r.bad || (tag & DER_TAG_LONG) == DER_TAG_LONG)
        return false;
    *value = slice_take(*rest, rest->len - r.rest.len);
    *rest = r.rest;
    return true;
}
