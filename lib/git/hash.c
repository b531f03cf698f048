/* see hash.h */
#include "lib/git/hash.h"

void git_hash_init(struct git_hash *h, enum oid_kind kind)
{
    h->kind = kind;
    if (kind == OID_SHA1)
        sha1_init(&h->with.sha1);
    else
        sha256_init(&h->with.sha256);
}

void git_hash_update(struct git_hash *h, struct slice bytes)
{
    if (h->kind == OID_SHA1)
        sha1_update(&h->with.sha1, bytes);
    else
        sha256_update(&h->with.sha256, bytes);
}

bool git_hash_final(struct git_hash *h, struct oid *into)
{
    memset(into, 0, sizeof(*into));
    if (h->kind == OID_SHA1)
        return sha1_final(&h->with.sha1, into->bytes);
    sha256_final(&h->with.sha256, into->bytes);
    return true;
}
