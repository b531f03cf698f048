/*
 * The chains that a server has, each with the key that its leaf certifies and the names for which it
 * is: read when they are taken into use, chosen by name in each handshake.
 */
#include "lib/tls/internal.h"
#include "lib/x509/x509.h"
#include "runtime/keyring.h"
#include "signatures/memory.h"

#include <openssl/ssl.h>

#define NAMES_ARENA_MAX ((size_t)1 << 20)

static enum err refuse(struct buf *error, struct slice name, enum err e, const char *why)
{
    buf_printf(error, "the certificate %.*s %s", SLICE_ARG(name), why);
    return e;
}

/* --- reading --- */

/* The key of the signer with this public half; its count where there is none. */
static size_t find_key(const struct signer *signer, struct slice spki)
{
    size_t i = 0;
    while (i < signer_count(signer) && !slice_equal(signer_key(signer, i).spki, spki))
        i++;
    return i;
}

static struct slice lower(struct arena *a, struct slice text, bool *ok)
{
    struct slice copy = arena_copy(a, text, ok);
    uint8_t *p = (uint8_t *)(uintptr_t)copy.ptr;
    for (size_t i = 0; i < copy.len; i++)
        if (p[i] >= 'A' && p[i] <= 'Z')
            p[i] = (uint8_t)(p[i] - 'A' + 'a');
    return copy;
}

static enum err read_names(struct arena *a, struct tls_identity *id, struct slice entry,
                           const struct x509 *leaf)
{
    char name[SIGNER_NAME_MAX + 1];
    bool ok = true;
    id->names = arena_alloc(a, (leaf->name_count + 1) * sizeof *id->names);
    if (!id->names)
        return ERR_MEMORY;
    id->names[id->name_count++] = lower(a, entry, &ok);
    for (size_t i = 0; i < leaf->name_count; i++) {
        struct slice text = slice_of(name, x509_name(leaf, i, name, sizeof name));
        id->names[id->name_count++] = lower(a, text, &ok);
    }
    return ok ? OK : ERR_MEMORY;
}

static enum err check_chain(struct slice name, struct slice chain, struct x509 *leaf,
                            struct buf *error)
{
    size_t count, index;
    struct slice first;
    enum err e = x509_chain_check(chain, &count, &index);
    if (e == ERR_MISMATCH)
        return refuse(error, name, e, "has a chain in which one was not issued by the next");
    if (e == ERR_LIMIT || (!e && count > TLS_CHAIN_MAX))
        return refuse(error, name, ERR_LIMIT, "has too long a chain");
    if (e || !keyring_der(&chain, &first) || x509_read(first, leaf) != OK)
        return refuse(error, name, ERR_MALFORMED, "cannot be read");
    return OK;
}

static enum err read_identity(const struct tls_server *s, struct tls_identities *ids,
                              struct keyring_entry entry, struct buf *error)
{
    struct tls_identity *id = &ids->list[ids->count++];
    struct x509 leaf;
    enum err e = check_chain(entry.name, entry.bytes, &leaf, error);
    if (e)
        return e;
    id->key = find_key(s->signer, leaf.spki);
    if (id->key == signer_count(s->signer))
        return refuse(error, entry.name, ERR_MISMATCH, "fits none of the image's private keys");
    id->context = tls_server_context(s);
    if (!id->context)
        return ERR_MEMORY;
    e = tls_identity_set(id->context, entry.bytes, signer_key(s->signer, id->key).algorithm);
    if (e == ERR_UNSUPPORTED)
        return refuse(error, entry.name, e, "is not for TLS servers: its key may not sign");
    return e ? e : read_names(&ids->arena, id, entry.name, &leaf);
}

static enum err read_section(const struct tls_server *s, struct tls_identities *ids,
                             struct slice section, struct buf *error)
{
    struct keyring ring;
    struct keyring_entry entry;
    enum err e = keyring_open(&ring, KEYRING_CERTS, section);
    while (!e && keyring_next(&ring, &entry))
        e = read_identity(s, ids, entry, error);
    if (!e && keyring_bad(&ring))
        e = ERR_MALFORMED;
    if (!e && ids->count == 0) {
        buf_text(error, "there is no certificate");
        e = ERR_NOT_FOUND;
    }
    if (e && error->len == 0)
        buf_printf(error, "the certificates cannot be read: %s", err_text(e));
    return e;
}

_Static_assert(KEYRING_ENTRIES_MAX <= SIGNER_KEYS_MAX, "all chains of an image have room");

enum err tls_identities_open(const struct tls_server *s, struct slice section,
                             struct tls_identities **into, struct buf *error)
{
    struct tls_identities *ids = memory_zalloc(sizeof *ids);
    if (!ids)
        return ERR_MEMORY;
    arena_init(&ids->arena, NAMES_ARENA_MAX);
    uint64_t refused = memory_stats().refused;
    enum err e = read_section(s, ids, section, error);
    if (e && memory_stats().refused != refused) { /* a sound one looks like a broken one then */
        buf_clear(error);
        buf_text(error, "there is not enough memory for the certificates");
        e = ERR_MEMORY;
    }
    if (e)
        tls_identities_close(ids);
    else
        *into = ids;
    return e;
}

void tls_identities_close(struct tls_identities *ids)
{
    if (!ids)
        return;
    for (size_t i = 0; i < ids->count; i++)
        SSL_CTX_free(ids->list[i].context);
    arena_deinit(&ids->arena);
    memory_free(ids);
}

/* --- choosing --- */

/* "*.example.org" is for one label more (RFC 6125, 6.4.3). */
static bool wildcard_fits(struct slice pattern, struct slice host)
{
    size_t label = slice_find(host, '.');
    return slice_starts(pattern, SLICE("*.")) && label > 0 &&
           slice_equal_nocase(slice_drop(pattern, 1), slice_drop(host, label));
}

static bool name_fits(struct slice name, struct slice host, bool wildcard)
{
    return wildcard ? wildcard_fits(name, host) : slice_equal_nocase(name, host);
}

static bool identity_fits(const struct tls_identity *id, struct slice host, bool wildcard)
{
    for (size_t i = 1; i < id->name_count; i++)
        if (name_fits(id->names[i], host, wildcard))
            return true;
    return false;
}

const struct tls_identity *tls_identities_choose(const struct tls_identities *ids,
                                                 struct slice host)
{
    if (slice_ends(host, SLICE(".")))
        host.len--;
    if (host.len == 0)
        return &ids->list[0];
    for (size_t i = 0; i < ids->count; i++)
        if (slice_equal_nocase(ids->list[i].names[0], host))
            return &ids->list[i];
    for (int wildcard = 0; wildcard < 2; wildcard++)
        for (size_t i = 0; i < ids->count; i++)
            if (identity_fits(&ids->list[i], host, wildcard))
                return &ids->list[i];
    return &ids->list[0];
}
