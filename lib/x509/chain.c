/* Whether certificates stand in the order in which each was issued by the next; see x509.h. */
#include "lib/x509/x509.h"

#include "lib/x509/internal.h"
#include "runtime/keyring.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

static bool issued(X509 *subject, X509 *issuer)
{
    EVP_PKEY *key = X509_get_pubkey(issuer);
    bool ok = key && X509_check_issued(issuer, subject) == X509_V_OK &&
              X509_check_ca(issuer) == 1 && X509_verify(subject, key) == 1;
    EVP_PKEY_free(key);
    ERR_clear_error();
    return ok;
}

enum err x509_chain_check(struct slice chain, size_t *count, size_t *index)
{
    struct slice der;
    X509 *last = NULL;
    enum err e = OK;
    *index = 0;
    for (*count = 0; !e && chain.len; ++*count) {
        *index = *count;
        X509 *x = keyring_der(&chain, &der) ? x509_parse(der) : NULL;
        if (!x)
            e = ERR_MALFORMED;
        else if (*count == X509_CHAIN_MAX)
            e = ERR_LIMIT;
        else if (last && !issued(last, x))
            e = ERR_MISMATCH;
        X509_free(last);
        last = x;
    }
    X509_free(last);
    return !e && *count == 0 ? ERR_NOT_FOUND : e;
}
