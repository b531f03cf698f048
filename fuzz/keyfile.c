/*
 * What the building machine reads of keys: the first byte chooses among a private key's file, a
 * chain's file, an image's two sections, and the image's file itself.
 *
 * Whatever is taken must be what it says: a key reads again as itself, a chain's certificates lie one
 * after the other, entries lie within their section.
 */
#include "lib/x509/x509.h"
#include "runtime/elf.h"
#include "runtime/keyring.h"
#include "tool/private_key.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_private_key(struct slice text)
{
    struct private_key key, again;
    if (private_key_read(text, &key))
        return;
    if (private_key_parse(buf_slice(&key.pkcs8), &again))
        abort();
    if (!slice_equal(buf_slice(&key.spki), buf_slice(&again.spki)) || key.kind != again.kind)
        abort();
    private_key_wipe(&key);
    private_key_wipe(&again);
}

static void read_certificate(struct slice der)
{
    struct x509 x;
    char name[256];
    if (x509_read(der, &x) != OK)
        return;
    for (size_t n = 0; n < x.name_count; n++) {
        size_t len = x509_name(&x, n, name, sizeof name);
        if (len >= sizeof name)
            abort();
    }
    (void)x509_is_for(&x, SLICE("a.example.org"));
    (void)x509_is_for(&x, SLICE("192.0.2.1"));
    (void)x509_days_left(&x, 0);
}

static void read_chain(struct slice text)
{
    struct buf chain;
    struct slice rest, der;
    size_t count = 0, length, index, seen = 0;
    buf_init(&chain, PEM_BLOCK_MAX);
    if (pem_certificates(text, &chain, &count) == OK) {
        enum err e = x509_chain_check(buf_slice(&chain), &length, &index);
        for (rest = buf_slice(&chain); keyring_der(&rest, &der); seen++)
            read_certificate(der);
        if (count == 0 || (e == OK && (seen != length || rest.len > 0)))
            abort();
    }
    buf_deinit(&chain);
}

static void read_section(enum keyring_kind kind, struct slice section)
{
    struct keyring ring;
    struct keyring_entry entry;
    if (keyring_open(&ring, kind, section) != OK)
        return;
    for (size_t n = 0; keyring_next(&ring, &entry); n++)
        if (n == KEYRING_ENTRIES_MAX || entry.name.len > KEYRING_NAME_MAX ||
            entry.bytes.len > section.len)
            abort();
}

static void read_image(struct slice file)
{
    struct slice section;
    if (elf_section(file, ".ringlet.certs", &section) && section.len > file.len)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_drop(slice_of(data, size), 1);
    if (size == 0)
        return 0;
    switch (data[0] % 5) {
    case 0:
        read_private_key(in);
        break;
    case 1:
        read_chain(in);
        break;
    case 2:
        read_section(KEYRING_KEYS, in);
        break;
    case 3:
        read_section(KEYRING_CERTS, in);
        break;
    case 4:
        read_image(in);
        break;
    }
    return 0;
}
