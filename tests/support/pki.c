/* See pki.h: by AWS-LC's own means. */
#include "tests/support/pki.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bytestring.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "lib/x509/x509.h"
#include "runtime/keyring.h"
#include "runtime/panic.h"

static struct slice keep(uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len);
    assert_always(bytes && copy);
    memcpy(copy, bytes, len);
    OPENSSL_free(bytes);
    return slice_of(copy, len);
}

/* --- keys --- */

static EVP_PKEY *generate(int type, int parameter)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_id(type, NULL);
    assert_always(c && EVP_PKEY_keygen_init(c) == 1);
    if (type == EVP_PKEY_EC)
        assert_always(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(c, parameter) == 1);
    if (type == EVP_PKEY_RSA)
        assert_always(EVP_PKEY_CTX_set_rsa_keygen_bits(c, parameter) == 1);
    assert_always(EVP_PKEY_keygen(c, &key) == 1);
    EVP_PKEY_CTX_free(c);
    return key;
}

static EVP_PKEY *make_key(const struct pki_request *r)
{
    switch (r->algorithm) {
    case SIGNER_RSA:
        return generate(EVP_PKEY_RSA, r->rsa_bits ? (int)r->rsa_bits : 2048);
    case SIGNER_ECDSA_P384:
        return generate(EVP_PKEY_EC, NID_secp384r1);
    case SIGNER_ED25519:
        return generate(EVP_PKEY_ED25519, 0);
    default:
        return generate(EVP_PKEY_EC, NID_X9_62_prime256v1);
    }
}

static struct slice key_bytes(const EVP_PKEY *key)
{
    CBB cbb;
    uint8_t *der;
    size_t len;
    assert_always(CBB_init(&cbb, 256) && EVP_marshal_private_key(&cbb, key) &&
                  CBB_finish(&cbb, &der, &len));
    return keep(der, len);
}

static EVP_PKEY *read_key(struct slice der)
{
    CBS cbs;
    CBS_init(&cbs, der.ptr, der.len);
    EVP_PKEY *key = EVP_parse_private_key(&cbs);
    assert_always(key);
    return key;
}

/* --- certificates --- */

static void extend(X509 *x, int nid, const char *value)
{
    X509V3_CTX c;
    X509V3_set_ctx(&c, x, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_nconf_nid(NULL, &c, nid, value);
    assert_always(e && X509_add_ext(x, e, -1) == 1);
    X509_EXTENSION_free(e);
}

static void add_extensions(X509 *x, const struct pki_request *r)
{
    const char *usage = r->authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature";
    extend(x, NID_basic_constraints, r->authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    extend(x, NID_key_usage, r->usage ? r->usage : usage);
    if (!r->authority && (!r->extended || r->extended[0]))
        extend(x, NID_ext_key_usage, r->extended ? r->extended : "serverAuth,clientAuth");
    if (r->hosts)
        extend(x, NID_subject_alt_name, r->hosts);
}

static void set_names(X509 *x, const struct pki_request *r, const struct pki *issuer)
{
    X509_NAME *name = X509_NAME_new();
    assert_always(
        r->name[0] == 0 ||
        (X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const uint8_t *)"Test", -1, -1, 0) &&
         X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)r->name, -1, -1,
                                    0)));
    assert_always(X509_set_subject_name(x, name));
    if (issuer) {
        const uint8_t *at = issuer->cert.ptr;
        X509 *i = d2i_X509(NULL, &at, (long)issuer->cert.len);
        assert_always(i && X509_set_issuer_name(x, X509_get_subject_name(i)));
        X509_free(i);
    } else {
        assert_always(X509_set_issuer_name(x, name));
    }
    X509_NAME_free(name);
}

static X509 *make_certificate(const struct pki_request *r, const struct pki *issuer, EVP_PKEY *key)
{
    static long serial;
    X509 *x = X509_new();
    int64_t before = r->not_before ? r->not_before : PKI_NOW - 50 * PKI_DAY;
    int64_t after = r->not_after ? r->not_after : PKI_NOW + 50 * PKI_DAY;
    assert_always(x && X509_set_version(x, X509_VERSION_3) &&
                  ASN1_INTEGER_set_int64(X509_get_serialNumber(x), ++serial) &&
                  ASN1_TIME_set_posix(X509_getm_notBefore(x), before) &&
                  ASN1_TIME_set_posix(X509_getm_notAfter(x), after) && X509_set_pubkey(x, key));
    set_names(x, r, issuer);
    add_extensions(x, r);
    return x;
}

struct pki pki_make(const struct pki_request *r, const struct pki *issuer)
{
    EVP_PKEY *key = r->key.len ? read_key(r->key) : make_key(r);
    EVP_PKEY *signer = issuer ? read_key(issuer->key) : key;
    X509 *x = make_certificate(r, issuer, key);
    const EVP_MD *digest = r->sha1 ? EVP_sha1() : EVP_sha256();
    uint8_t *der = NULL;
    if (EVP_PKEY_id(signer) == EVP_PKEY_ED25519)
        digest = NULL;
    assert_always(X509_sign(x, signer, digest) > 0);
    int len = i2d_X509(x, &der);
    assert_always(len > 0);
    struct pki p = {key_bytes(key), keep(der, (size_t)len)};
    if (signer != key)
        EVP_PKEY_free(signer);
    EVP_PKEY_free(key);
    X509_free(x);
    return p;
}

void pki_free(struct pki *p)
{
    free((void *)(uintptr_t)p->key.ptr);
    free((void *)(uintptr_t)p->cert.ptr);
    *p = (struct pki){{NULL, 0}, {NULL, 0}};
}

struct slice pki_spki(const struct pki *p)
{
    struct x509 x;
    assert_always(x509_read(p->cert, &x) == OK);
    return x.spki;
}

/* --- sections --- */

void pki_keys(struct buf *into, const struct pki_entry *entries, size_t count)
{
    struct keyring_entry list[KEYRING_ENTRIES_MAX] = {0};
    assert_always(count <= KEYRING_ENTRIES_MAX);
    for (size_t i = 0; i < count; i++)
        list[i] = (struct keyring_entry){slice_text(entries[i].name), entries[i].chain[0]->key};
    assert_always(keyring_write(into, KEYRING_KEYS, list, count) == OK);
}

void pki_certs(struct buf *into, const struct pki_entry *entries, size_t count)
{
    struct keyring_entry list[KEYRING_ENTRIES_MAX] = {0};
    struct buf chains[KEYRING_ENTRIES_MAX];
    assert_always(count <= KEYRING_ENTRIES_MAX);
    for (size_t i = 0; i < count; i++) {
        buf_init(&chains[i], KEYRING_CERTS_SIZE);
        for (const struct pki *const *p = entries[i].chain; *p; p++)
            buf_put(&chains[i], (*p)->cert);
        list[i] = (struct keyring_entry){slice_text(entries[i].name), buf_slice(&chains[i])};
    }
    assert_always(keyring_write(into, KEYRING_CERTS, list, count) == OK);
    for (size_t i = 0; i < count; i++)
        buf_deinit(&chains[i]);
}
