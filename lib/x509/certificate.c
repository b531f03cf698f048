/* Reading a certificate; see x509.h: a thin layer over AWS-LC's parser. */
#include "lib/x509/x509.h"

#include "lib/x509/internal.h"

#include <openssl/bytestring.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/obj.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#define TBS_EXTENSIONS (CBS_ASN1_CONSTRUCTED | CBS_ASN1_CONTEXT_SPECIFIC | 3)
#define TBS_VERSION    (CBS_ASN1_CONSTRUCTED | CBS_ASN1_CONTEXT_SPECIFIC | 0)

struct x509_st *x509_parse(struct slice der)
{
    const uint8_t *at = der.ptr;
    if (der.len > X509_CERTIFICATE_MAX)
        return NULL;
    X509 *x = d2i_X509(NULL, &at, (long)der.len);
    if (x && at != der.ptr + der.len) {
        X509_free(x);
        x = NULL;
    }
    ERR_clear_error();
    return x;
}

/* --- text --- */

struct text {
    char *into;
    size_t len;
};

/* Control bytes could drive a terminal; so could the C1 controls, which are C2 80 to C2 9F. */
static void put(struct text *t, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len && t->len + 1 < X509_TEXT_MAX; i++) {
        uint8_t c = (uint8_t)bytes[i];
        if (c >= 0x80 && c <= 0x9f && t->len && (uint8_t)t->into[t->len - 1] == 0xc2)
            t->into[t->len - 1] = '?';
        else
            t->into[t->len++] = c < 0x20 || c == 0x7f ? '?' : (char)c;
    }
    t->into[t->len] = 0;
}

static void put_entry(struct text *t, const X509_NAME_ENTRY *entry)
{
    uint8_t *value = NULL;
    char name[64];
    int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
    const char *known = nid == NID_undef ? NULL : OBJ_nid2sn(nid);
    if (!known) {
        OBJ_obj2txt(name, sizeof name, X509_NAME_ENTRY_get_object(entry), 1);
        known = name;
    }
    int len = ASN1_STRING_to_UTF8(&value, X509_NAME_ENTRY_get_data(entry));
    if (t->len)
        put(t, ", ", 2);
    put(t, known, strlen(known));
    put(t, "=", 1);
    if (len > 0)
        put(t, (const char *)value, (size_t)len);
    OPENSSL_free(value);
}

/* The last first, as people read it: the common name, then whose it is. */
static void put_name(char into[X509_TEXT_MAX], const X509_NAME *name)
{
    struct text t = {into, 0};
    into[0] = 0;
    for (int i = X509_NAME_entry_count(name); i-- > 0;)
        put_entry(&t, X509_NAME_get_entry(name, i));
}

/* --- the key --- */

static void read_ec(const EVP_PKEY *key, struct x509 *into)
{
    const EC_GROUP *group = EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(key));
    int curve = EC_GROUP_get_curve_name(group);
    if (curve == NID_X9_62_prime256v1)
        into->key = X509_KEY_ECDSA_P256;
    else if (curve == NID_secp384r1)
        into->key = X509_KEY_ECDSA_P384;
}

static void read_key(const X509 *x, struct x509 *into)
{
    EVP_PKEY *key = X509_get_pubkey(x); /* NULL: of a kind that the library does not know */
    if (!key)
        return;
    into->key_bits = (uint32_t)EVP_PKEY_bits(key);
    if (EVP_PKEY_id(key) == EVP_PKEY_RSA)
        into->key = X509_KEY_RSA;
    else if (EVP_PKEY_id(key) == EVP_PKEY_ED25519)
        into->key = X509_KEY_ED25519;
    else if (EVP_PKEY_id(key) == EVP_PKEY_EC)
        read_ec(key, into);
    EVP_PKEY_free(key);
}

/* --- where things lie in the DER (RFC 5280, 4.1) --- */

static struct slice slice_of_cbs(CBS cbs)
{
    return slice_of(CBS_data(&cbs), CBS_len(&cbs));
}

/* The value of the extension for alternative names, as it stands. */
static void find_names(CBS extensions, struct x509 *into)
{
    static const uint8_t subject_alternative_name[] = {0x55, 0x1d, 0x11};
    CBS list, extension, oid, value;
    if (!CBS_get_asn1(&extensions, &list, CBS_ASN1_SEQUENCE))
        return;
    while (CBS_get_asn1(&list, &extension, CBS_ASN1_SEQUENCE)) {
        if (!CBS_get_asn1(&extension, &oid, CBS_ASN1_OBJECT) ||
            !CBS_get_optional_asn1(&extension, NULL, NULL, CBS_ASN1_BOOLEAN) ||
            !CBS_get_asn1(&extension, &value, CBS_ASN1_OCTETSTRING))
            return;
        if (CBS_mem_equal(&oid, subject_alternative_name, sizeof subject_alternative_name) &&
            CBS_get_asn1(&value, &value, CBS_ASN1_SEQUENCE))
            into->names = slice_of_cbs(value);
    }
}

static bool find_parts(struct x509 *into)
{
    CBS der, certificate, tbs, issuer, subject, spki, extensions;
    int has_extensions;
    CBS_init(&der, into->der.ptr, into->der.len);
    if (!CBS_get_asn1(&der, &certificate, CBS_ASN1_SEQUENCE) ||
        !CBS_get_asn1(&certificate, &tbs, CBS_ASN1_SEQUENCE) ||
        !CBS_get_optional_asn1(&tbs, NULL, NULL, TBS_VERSION) ||
        !CBS_get_asn1(&tbs, NULL, CBS_ASN1_INTEGER) ||  /* serial number */
        !CBS_get_asn1(&tbs, NULL, CBS_ASN1_SEQUENCE) || /* signature algorithm */
        !CBS_get_asn1_element(&tbs, &issuer, CBS_ASN1_SEQUENCE) ||
        !CBS_get_asn1(&tbs, NULL, CBS_ASN1_SEQUENCE) || /* validity */
        !CBS_get_asn1_element(&tbs, &subject, CBS_ASN1_SEQUENCE) ||
        !CBS_get_asn1_element(&tbs, &spki, CBS_ASN1_SEQUENCE) ||
        !CBS_get_optional_asn1(&tbs, NULL, NULL, CBS_ASN1_CONTEXT_SPECIFIC | 1) ||
        !CBS_get_optional_asn1(&tbs, NULL, NULL, CBS_ASN1_CONTEXT_SPECIFIC | 2) ||
        !CBS_get_optional_asn1(&tbs, &extensions, &has_extensions, TBS_EXTENSIONS))
        return false;
    into->issuer_der = slice_of_cbs(issuer);
    into->subject_der = slice_of_cbs(subject);
    into->spki = slice_of_cbs(spki);
    if (has_extensions)
        find_names(extensions, into);
    return true;
}

static bool read_parsed(X509 *x, struct x509 *into)
{
    if (!ASN1_TIME_to_posix(X509_get0_notBefore(x), &into->not_before) ||
        !ASN1_TIME_to_posix(X509_get0_notAfter(x), &into->not_after))
        return false;
    put_name(into->subject, X509_get_subject_name(x));
    put_name(into->issuer, X509_get_issuer_name(x));
    read_key(x, into);
    into->authority = X509_check_ca(x) == 1;
    into->self_issued = slice_equal(into->subject_der, into->issuer_der);
    return true;
}

enum err x509_read(struct slice der, struct x509 *into)
{
    *into = (struct x509){.der = der};
    if (der.len > X509_CERTIFICATE_MAX)
        return ERR_LIMIT;
    X509 *x = x509_parse(der);
    if (!x)
        return ERR_MALFORMED;
    bool ok = find_parts(into) && read_parsed(x, into);
    X509_free(x);
    ERR_clear_error();
    if (ok)
        x509_count_names(into);
    return ok ? OK : ERR_MALFORMED;
}

int64_t x509_days_left(const struct x509 *x, int64_t now_seconds)
{
    const int64_t day = 24 * 60 * 60;
    int64_t left = x->not_after - now_seconds;
    return left >= 0 ? left / day : -((-left + day - 1) / day);
}
