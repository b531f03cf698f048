/* See certificates.h. Reading the repository's is in certificates_repository.c. */
#include "apps/canopy/certificates.h"

#include "lib/x509/x509.h"
#include "runtime/keyring.h"

void certificates_init(struct certificates *c, const struct signer *signer)
{
    *c = (struct certificates){.signer = signer};
    buf_init(&c->image, KEYRING_CERTS_SIZE);
    buf_init(&c->repository, KEYRING_CERTS_SIZE);
    buf_init(&c->served, KEYRING_CERTS_SIZE);
}

void certificates_deinit(struct certificates *c)
{
    buf_deinit(&c->image);
    buf_deinit(&c->repository);
    buf_deinit(&c->served);
}

enum err certificates_from_image(struct certificates *c, struct slice section)
{
    buf_clear(&c->image);
    buf_put(&c->image, section);
    return c->image.err;
}

/* --- choosing --- */

struct choice {
    struct keyring_entry entries[KEYRING_ENTRIES_MAX];
    size_t count;
};

static bool read_leaf(struct slice chain, struct x509 *into)
{
    struct slice der;
    return keyring_der(&chain, &der) && x509_read(der, into) == OK;
}

/* Whether b is rather to be served than a. */
static bool is_better(struct slice b, struct slice a, int64_t now)
{
    struct x509 old, fresh;
    if (!read_leaf(b, &fresh))
        return false;
    if (!read_leaf(a, &old))
        return true;
    if ((fresh.not_before <= now) != (old.not_before <= now))
        return fresh.not_before <= now;
    return fresh.not_after > old.not_after;
}

static enum err add(struct choice *choice, const struct keyring_entry *entry, int64_t now)
{
    for (size_t i = 0; i < choice->count; i++) {
        struct keyring_entry *present = &choice->entries[i];
        if (!slice_equal_nocase(present->name, entry->name))
            continue;
        if (is_better(entry->bytes, present->bytes, now))
            present->bytes = entry->bytes;
        return OK;
    }
    if (choice->count == KEYRING_ENTRIES_MAX)
        return ERR_LIMIT;
    choice->entries[choice->count++] = *entry;
    return OK;
}

static enum err add_section(struct choice *choice, struct slice section, int64_t now)
{
    struct keyring ring;
    struct keyring_entry entry;
    enum err e = keyring_open(&ring, KEYRING_CERTS, section);
    while (e == OK && keyring_next(&ring, &entry))
        e = add(choice, &entry, now);
    return e == OK && keyring_bad(&ring) ? ERR_MALFORMED : e;
}

enum err certificates_choose(struct certificates *c, int64_t now)
{
    struct choice choice = {.count = 0};
    enum err e = add_section(&choice, buf_slice(&c->image), now);
    if (e == OK)
        e = add_section(&choice, buf_slice(&c->repository), now);
    buf_clear(&c->served);
    if (e == OK && choice.count > 0)
        e = keyring_write(&c->served, KEYRING_CERTS, choice.entries, choice.count);
    return e;
}

bool certificates_fit_root(const struct certificates *c)
{
    struct keyring ring;
    struct keyring_entry entry;
    struct x509 leaf;
    bool fits = c->root[0] == 0;
    if (keyring_open(&ring, KEYRING_CERTS, buf_slice(&c->served)) != OK)
        return true;
    while (!fits && keyring_next(&ring, &entry))
        fits = read_leaf(entry.bytes, &leaf) && x509_is_for(&leaf, slice_text(c->root));
    return fits;
}
