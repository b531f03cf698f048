/* See keys.h: a thin layer over AWS-LC's EVP. */
#include "platform/crypto/keys.h"

#include "runtime/keyring.h"
#include "runtime/panic.h"
#include "signatures/memory.h"

#include <openssl/bytestring.h>
#include <openssl/digest.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/rsa.h>

struct key {
    EVP_PKEY *private;
    struct signer_key public; /* name and spki are owned */
};

struct keys {
    size_t count;
    struct key list[SIGNER_KEYS_MAX];
};

_Static_assert(KEYRING_ENTRIES_MAX <= SIGNER_KEYS_MAX, "all keys of an image have room");

/* --- schemes --- */

struct scheme {
    uint16_t number;
    enum signer_algorithm algorithm;
    bool pss;
    const EVP_MD *(*digest)(void); /* NULL: the algorithm has its own */
};

static const struct scheme schemes[] = {
    {SIGNER_ECDSA_P256_SHA256, SIGNER_ECDSA_P256, false, EVP_sha256},
    {SIGNER_ECDSA_P384_SHA384, SIGNER_ECDSA_P384, false, EVP_sha384},
    {SIGNER_PURE_ED25519, SIGNER_ED25519, false, NULL},
    {SIGNER_RSA_PSS_SHA256, SIGNER_RSA, true, EVP_sha256},
    {SIGNER_RSA_PSS_SHA384, SIGNER_RSA, true, EVP_sha384},
    {SIGNER_RSA_PSS_SHA512, SIGNER_RSA, true, EVP_sha512},
    {SIGNER_RSA_PKCS1_SHA256, SIGNER_RSA, false, EVP_sha256},
    {SIGNER_RSA_PKCS1_SHA384, SIGNER_RSA, false, EVP_sha384},
    {SIGNER_RSA_PKCS1_SHA512, SIGNER_RSA, false, EVP_sha512},
};

static const struct scheme *find_scheme(enum signer_algorithm algorithm, uint16_t number)
{
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (schemes[i].number == number && schemes[i].algorithm == algorithm)
            return &schemes[i];
    return NULL;
}

bool keys_fits(enum signer_algorithm algorithm, uint16_t scheme)
{
    return find_scheme(algorithm, scheme) != NULL;
}

/* --- reading --- */

static bool sound_rsa(const EVP_PKEY *key, const char **why)
{
    const RSA *rsa = EVP_PKEY_get0_RSA(key);
    *why = "an RSA key of less than 2048 or more than 8192 bits";
    if (RSA_bits(rsa) < KEYS_RSA_BITS_MIN || RSA_bits(rsa) > KEYS_RSA_BITS_MAX)
        return false;
    *why = "an RSA key whose numbers do not fit together";
    return RSA_check_key(rsa) == 1;
}

/* Of which kind it is; 0, and why, for one that is not taken. */
static enum signer_algorithm classify(const EVP_PKEY *key, const char **why)
{
    *why = "neither RSA, ECDSA P-256 or P-384, nor Ed25519";
    switch (EVP_PKEY_id(key)) {
    case EVP_PKEY_RSA:
        return sound_rsa(key, why) ? SIGNER_RSA : 0;
    case EVP_PKEY_ED25519:
        return SIGNER_ED25519;
    case EVP_PKEY_EC:
        switch (EC_GROUP_get_curve_name(EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(key)))) {
        case NID_X9_62_prime256v1:
            return SIGNER_ECDSA_P256;
        case NID_secp384r1:
            return SIGNER_ECDSA_P384;
        default:
            return 0;
        }
    default:
        return 0;
    }
}

static struct slice copy(struct slice bytes)
{
    uint8_t *ptr = memory_alloc(bytes.len);
    if (!ptr)
        return slice_of(NULL, 0);
    memcpy(ptr, bytes.ptr, bytes.len);
    return slice_of(ptr, bytes.len);
}

static struct slice public_half(const EVP_PKEY *key)
{
    CBB cbb;
    uint8_t *der = NULL;
    size_t len = 0;
    struct slice spki = {NULL, 0};
    if (CBB_init(&cbb, 512) && EVP_marshal_public_key(&cbb, key) && CBB_finish(&cbb, &der, &len))
        spki = copy(slice_of(der, len));
    else
        CBB_cleanup(&cbb);
    OPENSSL_free(der);
    return spki;
}

/* What has no memory to be read looks like what is broken: memory is asked, which knows. */
static enum err refuse(struct buf *error, struct slice name, uint64_t refused, const char *why,
                       enum err e)
{
    ERR_clear_error();
    if (memory_stats().refused != refused)
        return ERR_MEMORY;
    buf_printf(error, "the key %.*s is %s", SLICE_ARG(name), why);
    return e;
}

/* What is made stays in *k also on failure: keys_close gives it back. */
static enum err read_key(struct keyring_entry entry, struct key *k, struct buf *error)
{
    const char *why;
    CBS der;
    const uint64_t refused = memory_stats().refused;
    CBS_init(&der, entry.bytes.ptr, entry.bytes.len);
    k->private = EVP_parse_private_key(&der);
    if (!k->private || CBS_len(&der) != 0)
        return refuse(error, entry.name, refused, "no unencrypted PKCS#8 private key",
                      ERR_MALFORMED);
    k->public.algorithm = classify(k->private, &why);
    if (!k->public.algorithm)
        return refuse(error, entry.name, refused, why, ERR_UNSUPPORTED);
    k->public.name = copy(entry.name);
    k->public.spki = public_half(k->private);
    return k->public.name.ptr && k->public.spki.ptr ? OK : ERR_MEMORY;
}

static enum err read_keys(struct slice section, struct keys *k, struct buf *error)
{
    struct keyring ring;
    struct keyring_entry entry;
    enum err e = keyring_open(&ring, KEYRING_KEYS, section);
    while (!e && keyring_next(&ring, &entry))
        e = read_key(entry, &k->list[k->count++], error);
    if (!e && keyring_bad(&ring))
        e = ERR_MALFORMED;
    if (e == ERR_MALFORMED && error->len == 0)
        buf_text(error, "the image's section of keys is damaged");
    return e;
}

enum err keys_open(struct slice section, struct keys **into, struct buf *error)
{
    struct keys *k = memory_zalloc(sizeof *k);
    enum err e = k ? read_keys(section, k, error) : ERR_MEMORY;
    if (e == ERR_MEMORY)
        buf_text(error, "there is not enough memory for the private keys");
    if (!e)
        *into = k;
    else if (k)
        keys_close(k);
    return e;
}

void keys_close(struct keys *k)
{
    for (size_t i = 0; i < k->count; i++) {
        EVP_PKEY_free(k->list[i].private);
        memory_free((void *)(uintptr_t)k->list[i].public.name.ptr);
        memory_free((void *)(uintptr_t)k->list[i].public.spki.ptr);
    }
    memory_free(k);
}

size_t keys_count(const struct keys *k)
{
    return k->count;
}

struct signer_key keys_key(const struct keys *k, size_t index)
{
    assert_always(index < k->count);
    return k->list[index].public;
}

/* --- signing --- */

static bool sign_with(EVP_MD_CTX *context, const struct key *k, const struct scheme *s,
                      struct slice message, uint8_t *signature, size_t *len)
{
    EVP_PKEY_CTX *options; /* the context's */
    return EVP_DigestSignInit(context, &options, s->digest ? s->digest() : NULL, NULL,
                              k->private) == 1 &&
           (!s->pss || (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
                        EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1)) &&
           EVP_DigestSign(context, signature, len, message.ptr, message.len) == 1;
}

enum err keys_sign(const struct keys *k, size_t index, uint16_t scheme, struct slice message,
                   uint8_t signature[SIGNER_SIGNATURE_MAX], size_t *len)
{
    const struct scheme *s =
        index < k->count ? find_scheme(k->list[index].public.algorithm, scheme) : NULL;
    EVP_MD_CTX context;
    if (!s)
        return ERR_ARGUMENT;
    EVP_MD_CTX_init(&context);
    *len = SIGNER_SIGNATURE_MAX;
    bool ok = sign_with(&context, &k->list[index], s, message, signature, len);
    EVP_MD_CTX_cleanup(&context);
    ERR_clear_error();
    return ok ? OK : ERR_MEMORY;
}
