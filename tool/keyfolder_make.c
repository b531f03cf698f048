/*
 * A key and a certificate for localhost, signed by itself: to try HTTPS with. See keyfolder.h.
 *
 * It is good for a year, and for no other name: a browser warns of it until it is told to trust it.
 */
#include "tool/file.h"
#include "tool/keyfolder.h"
#include "tool/tool.h"

#include "lib/x509/x509.h"
#include "tool/private_key.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/bytestring.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define HOUR        (60L * 60)
#define VALID       (365L * 24 * HOUR)
#define SERIAL_BITS 127 /* positive, and not to be guessed (RFC 5280, 4.1.2.2) */
#define DER_MAX     ((size_t)4096)

static EVP_PKEY *make_key(void)
{
    EC_KEY *ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
    EVP_PKEY *pkey = EVP_PKEY_new();
    if (ec && pkey && EC_KEY_generate_key(ec) && EVP_PKEY_set1_EC_KEY(pkey, ec)) {
        EC_KEY_free(ec);
        return pkey;
    }
    EC_KEY_free(ec);
    EVP_PKEY_free(pkey);
    return NULL;
}

static bool set_serial(X509 *x)
{
    BIGNUM *number = BN_new();
    bool done = number && BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
                BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x));
    BN_free(number);
    return done;
}

static bool set_name(X509 *x)
{
    X509_NAME *name = X509_get_subject_name(x);
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)"localhost", -1,
                                      -1, 0) &&
           X509_set_issuer_name(x, name);
}

static bool add_extension(X509 *x, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, x, x, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, &context, nid, value);
    bool done = extension && X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
    return done;
}

static X509 *make_certificate(EVP_PKEY *pkey)
{
    X509 *x = X509_new();
    if (x && X509_set_version(x, X509_VERSION_3) && set_serial(x) && set_name(x) &&
        X509_gmtime_adj(X509_getm_notBefore(x), -HOUR) &&
        X509_gmtime_adj(X509_getm_notAfter(x), VALID) && X509_set_pubkey(x, pkey) &&
        add_extension(x, NID_basic_constraints, "critical,CA:FALSE") &&
        add_extension(x, NID_key_usage, "critical,digitalSignature") &&
        add_extension(x, NID_ext_key_usage, "serverAuth") &&
        add_extension(x, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1") &&
        X509_sign(x, pkey, EVP_sha256()))
        return x;
    X509_free(x);
    return NULL;
}

/* The two as PEM. */
static bool write_texts(EVP_PKEY *pkey, X509 *x, struct buf *key, struct buf *pem)
{
    uint8_t der[DER_MAX], *at = der;
    CBB cbb;
    size_t len = 0;
    bool done = CBB_init_fixed(&cbb, der, sizeof(der)) && EVP_marshal_private_key(&cbb, pkey) &&
                CBB_finish(&cbb, NULL, &len);
    if (done)
        pem_write(key, "PRIVATE KEY", slice_of(der, len));
    int size = i2d_X509(x, NULL);
    done = done && size > 0 && (size_t)size <= sizeof(der) && i2d_X509(x, &at) == size;
    if (done)
        pem_write(pem, "CERTIFICATE", slice_of(der, (size_t)size));
    return done && !key->err && !pem->err;
}

static bool write_pair(const char *folder, struct slice key, struct slice pem)
{
    char *key_path = tool_text("%s/server.key", folder);
    char *pem_path = tool_text("%s/server.pem", folder);
    bool done = file_replace(key_path, S_IRUSR | S_IWUSR, &key, 1) &&
                file_replace(pem_path, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH, &pem, 1);
    free(key_path);
    free(pem_path);
    return done;
}

static bool make_folder(const char *path)
{
    bool made = mkdir(path, S_IRWXU) == 0 || errno == EEXIST;
    if (!made)
        tool_error("cannot make the folder %s: %s", path, strerror(errno));
    return made;
}

bool keyfolder_make(const char *folder)
{
    struct buf key, pem;
    buf_init(&key, 2 * DER_MAX);
    buf_init(&pem, 2 * DER_MAX);
    (void)buf_reserve(&key, DER_MAX);
    EVP_PKEY *pkey = make_key();
    X509 *x = pkey ? make_certificate(pkey) : NULL;
    bool made = x && write_texts(pkey, x, &key, &pem);
    if (!made)
        tool_error("cannot make a key: out of memory");
    bool done = made && make_folder(folder) && write_pair(folder, buf_slice(&key), buf_slice(&pem));
    X509_free(x);
    EVP_PKEY_free(pkey);
    secret_wipe(&key);
    buf_deinit(&pem);
    return done;
}
