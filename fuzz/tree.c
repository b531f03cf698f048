/* Trees: every entry's name and id lie within the bytes. */
#include "lib/git/object.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(enum oid_kind kind, struct slice bytes)
{
    struct reader r = reader_of(bytes);
    struct git_entry e;
    while (git_tree_next(kind, &r, &e)) {
        if (e.name.len == 0 || e.name.ptr < bytes.ptr ||
            e.name.ptr + e.name.len + 1 + oid_bytes(kind) > bytes.ptr + bytes.len)
            abort();
        if (e.mode == 0)
            abort();
    }
    if (!r.bad && r.rest.len != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    walk(OID_SHA1, slice_of(data, size));
    walk(OID_SHA256, slice_of(data, size));
    return 0;
}
