/* See keyshow.h. */
#include "tool/keyshow.h"

#include "lib/date/text.h"
#include "lib/hash/sha256.h"
#include "runtime/keyring.h"
#include "signatures/clock.h"
#include "tool/keypair.h"
#include "tool/tool.h"

#include <stdio.h>

/* Whether one of the section's keys is the one that a certificate is for. */
static bool has_key(struct slice keys, struct slice spki)
{
    struct keyring ring;
    struct keyring_entry entry;
    bool found = false;
    if (keyring_open(&ring, KEYRING_KEYS, keys) != OK)
        return false;
    while (!found && keyring_next(&ring, &entry)) {
        struct private_key key;
        if (private_key_parse(entry.bytes, &key))
            continue;
        found = slice_equal(buf_slice(&key.spki), spki);
        private_key_wipe(&key);
    }
    return found;
}

static size_t chain_length(struct slice chain)
{
    struct slice der;
    size_t count = 0;
    while (keyring_der(&chain, &der))
        count++;
    return count;
}

static void print_names(const struct x509 *leaf)
{
    char name[256];
    for (size_t n = 0; x509_name(leaf, n, name, sizeof(name)) > 0; n++)
        printf("%s%s", n ? ", " : "", name);
    printf("%s\n", leaf->name_count == 0 ? "none" : leaf->names_cut ? ", and more" : "");
}

static void print_days(int64_t days)
{
    if (days < 0)
        printf("EXPIRED");
    else
        printf("%lld day%s left", (long long)days, days == 1 ? "" : "s");
}

static void print_time(const struct x509 *leaf)
{
    char from[DATE_DAY_LEN + 1], to[DATE_DAY_LEN + 1];
    int64_t now = clock_wall() / (int64_t)CLOCK_SEC;
    date_day_format(leaf->not_before, from);
    date_day_format(leaf->not_after, to);
    printf("%s to %s, ", from, to);
    if (now < leaf->not_before)
        printf("NOT YET VALID");
    else
        print_days(x509_days_left(leaf, now));
    printf("\n");
}

static void print_key(const struct x509 *leaf, struct slice keys)
{
    struct buf kind;
    buf_init(&kind, 64);
    private_key_put_kind(&kind, leaf->key, leaf->key_bits);
    printf("%.*s%s\n", SLICE_ARG(buf_slice(&kind)),
           has_key(keys, leaf->spki) ? "" : ", but the image has NOT this key");
    buf_deinit(&kind);
}

static void print_digest(struct slice der)
{
    uint8_t digest[SHA256_BYTES];
    sha256_of(der, digest);
    for (size_t i = 0; i < sizeof(digest); i++)
        printf("%02x", digest[i]);
    printf("\n");
}

static void print_chain(const struct keyring_entry *entry, struct slice keys)
{
    struct x509 leaf;
    printf("%.*s\n", SLICE_ARG(entry->name));
    if (!keypair_leaf(entry->bytes, &leaf)) {
        printf("  a chain that cannot be read\n");
        return;
    }
    printf("  subject  %s\n", leaf.subject[0] ? leaf.subject : "none");
    printf("  names    ");
    print_names(&leaf);
    printf("  issuer   %s\n", leaf.self_issued ? "itself" : leaf.issuer);
    printf("  valid    ");
    print_time(&leaf);
    printf("  key      ");
    print_key(&leaf, keys);
    printf("  chain    %zu certificate%s\n", chain_length(entry->bytes),
           chain_length(entry->bytes) == 1 ? "" : "s");
    printf("  sha256   ");
    print_digest(leaf.der);
}

bool keyshow_sections(struct slice keys, struct slice certs)
{
    struct keyring ring;
    struct keyring_entry entry;
    size_t count = 0;
    enum err e = keyring_open(&ring, KEYRING_CERTS, certs);
    while (e == OK && keyring_next(&ring, &entry)) {
        print_chain(&entry, keys);
        count++;
    }
    if (e != OK || keyring_bad(&ring)) {
        tool_error("the image's certificates are damaged");
        return false;
    }
    if (count == 0)
        printf("no keys\n");
    return true;
}

void keyshow_summary(struct slice certs)
{
    struct keyring ring;
    struct keyring_entry entry;
    struct x509 leaf;
    char until[DATE_DAY_LEN + 1], called[X509_TEXT_MAX];
    bool any = false;
    if (keyring_open(&ring, KEYRING_CERTS, certs) != OK)
        return;
    printf("keys\n");
    while (keyring_next(&ring, &entry)) {
        any = true;
        bool readable = keypair_leaf(entry.bytes, &leaf);
        date_day_format(readable ? leaf.not_after : 0, until);
        printf("  %.*s: %s, until %s\n", SLICE_ARG(entry.name),
               readable ? x509_called(&leaf, called) : "unreadable", readable ? until : "?");
    }
    if (!any)
        printf("  none\n");
}
