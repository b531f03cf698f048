/* See private_key.h. The formats are read by AWS-LC. */
#include "tool/private_key.h"

#include <openssl/bytestring.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/rsa.h>

#define ENCRYPTED \
    "is encrypted: an image has nobody to ask for the passphrase (openssl pkey removes it)"
#define MALFORMED "is damaged, or not a private key in PEM form"
#define KIND      "is of a kind that is not supported: RSA, ECDSA P-256, ECDSA P-384 or Ed25519 are"

void secret_wipe(struct buf *secret)
{
    if (secret->ptr)
        OPENSSL_cleanse(secret->ptr, secret->cap);
    buf_deinit(secret);
}

void private_key_wipe(struct private_key *key)
{
    secret_wipe(&key->pkcs8);
    buf_deinit(&key->spki);
}

void private_key_put_kind(struct buf *into, enum x509_key kind, uint32_t bits)
{
    static const char *const names[] = {
        [X509_KEY_OTHER] = "of another kind",  [X509_KEY_RSA] = "RSA",
        [X509_KEY_ECDSA_P256] = "ECDSA P-256", [X509_KEY_ECDSA_P384] = "ECDSA P-384",
        [X509_KEY_ED25519] = "Ed25519",
    };
    buf_text(into, names[kind]);
    if (kind == X509_KEY_RSA)
        buf_printf(into, " %u", bits);
}

/* --- what kind of key it is --- */

static enum x509_key kind_of(const EVP_PKEY *pkey)
{
    const EC_KEY *ec = EVP_PKEY_get0_EC_KEY(pkey);
    switch (EVP_PKEY_id(pkey)) {
    case EVP_PKEY_RSA:
        return X509_KEY_RSA;
    case EVP_PKEY_ED25519:
        return X509_KEY_ED25519;
    case EVP_PKEY_EC:
        switch (EC_GROUP_get_curve_name(EC_KEY_get0_group(ec))) {
        case NID_X9_62_prime256v1:
            return X509_KEY_ECDSA_P256;
        case NID_secp384r1:
            return X509_KEY_ECDSA_P384;
        }
    }
    return X509_KEY_OTHER;
}

static const char *check(const struct private_key *key)
{
    if (key->kind == X509_KEY_OTHER)
        return KIND;
    if (key->kind == X509_KEY_RSA && key->bits < PRIVATE_KEY_RSA_BITS_MIN)
        return "is weak: an RSA key has to have 2048 bits at least";
    if (key->kind == X509_KEY_RSA && key->bits > PRIVATE_KEY_RSA_BITS_MAX)
        return "is too large: an RSA key may have 8192 bits at most";
    return NULL;
}

/* --- the two forms that an image and its checks need --- */

static bool put_marshalled(struct buf *into, const EVP_PKEY *pkey,
                           int (*marshal)(CBB *, const EVP_PKEY *))
{
    CBB cbb;
    uint8_t *room = buf_reserve(into, PRIVATE_KEY_DER_MAX);
    size_t len = 0;
    bool done = room && CBB_init_fixed(&cbb, room, PRIVATE_KEY_DER_MAX) && marshal(&cbb, pkey) &&
                CBB_finish(&cbb, NULL, &len);
    buf_commit(into, len);
    return done;
}

static const char *take(const EVP_PKEY *pkey, struct private_key *into)
{
    *into = (struct private_key){.kind = kind_of(pkey), .bits = (uint32_t)EVP_PKEY_bits(pkey)};
    const char *why = check(into);
    if (why)
        return why;
    buf_init(&into->pkcs8, PRIVATE_KEY_DER_MAX);
    buf_init(&into->spki, PRIVATE_KEY_DER_MAX);
    if (put_marshalled(&into->pkcs8, pkey, EVP_marshal_private_key) &&
        put_marshalled(&into->spki, pkey, EVP_marshal_public_key))
        return NULL;
    private_key_wipe(into);
    return MALFORMED;
}

/* --- the forms that files have --- */

static EVP_PKEY *parse_pkcs8(CBS *der)
{
    return EVP_parse_private_key(der);
}

static EVP_PKEY *parse_pkcs1(CBS *der)
{
    RSA *rsa = RSA_parse_private_key(der);
    EVP_PKEY *pkey = rsa ? EVP_PKEY_new() : NULL;
    if (pkey && EVP_PKEY_assign_RSA(pkey, rsa))
        return pkey;
    EVP_PKEY_free(pkey);
    RSA_free(rsa);
    return NULL;
}

static EVP_PKEY *parse_sec1(CBS *der)
{
    EC_KEY *ec = EC_KEY_parse_private_key(der, NULL);
    EVP_PKEY *pkey = ec ? EVP_PKEY_new() : NULL;
    if (pkey && EVP_PKEY_assign_EC_KEY(pkey, ec))
        return pkey;
    EVP_PKEY_free(pkey);
    EC_KEY_free(ec);
    return NULL;
}

static const struct form {
    const char *label;
    EVP_PKEY *(*parse)(CBS *der);
} forms[] = {
    {"PRIVATE KEY", parse_pkcs8},
    {"RSA PRIVATE KEY", parse_pkcs1},
    {"EC PRIVATE KEY", parse_sec1},
};

static const struct form *find_form(struct slice label)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if (slice_is(label, forms[i].label))
            return &forms[i];
    return NULL;
}

static const char *parse_der(EVP_PKEY *(*parse)(CBS *), struct slice der, struct private_key *into)
{
    CBS cbs;
    CBS_init(&cbs, der.ptr, der.len);
    EVP_PKEY *pkey = parse(&cbs);
    const char *why = !pkey || CBS_len(&cbs) > 0 ? MALFORMED : take(pkey, into);
    EVP_PKEY_free(pkey);
    return why;
}

const char *private_key_parse(struct slice pkcs8, struct private_key *into)
{
    return parse_der(parse_pkcs8, pkcs8, into);
}

/* One block: *found tells whether it was the key. What else such files hold is passed over: a
 * curve's parameters, the certificates of a file for both. */
static const char *read_block(const struct pem_block *block, struct slice der,
                              struct private_key *into, bool *found)
{
    const struct form *form = find_form(block->label);
    if (slice_is(block->label, "ENCRYPTED PRIVATE KEY") ||
        (form && slice_search(block->headers, SLICE("ENCRYPTED")) < block->headers.len))
        return ENCRYPTED;
    if (!form)
        return slice_ends(block->label, SLICE("PRIVATE KEY")) ? KIND : NULL;
    if (*found)
        return "holds more than one private key";
    const char *why = parse_der(form->parse, der, into);
    *found = !why;
    return why;
}

const char *private_key_read(struct slice text, struct private_key *into)
{
    struct pem_block block;
    struct buf der;
    bool found = false;
    const char *why = NULL;
    enum err e = OK;
    buf_init(&der, PEM_BLOCK_MAX);
    while (!why && (e = pem_next(&text, &block, &der)) == OK) {
        why = read_block(&block, buf_slice(&der), into, &found);
        buf_clear(&der);
    }
    secret_wipe(&der);
    if (!why && e != ERR_NOT_FOUND)
        why = MALFORMED;
    if (!why && !found)
        why = "holds no private key in PEM form";
    if (why && found)
        private_key_wipe(into);
    return why;
}
