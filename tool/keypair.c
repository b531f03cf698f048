/* See keypair.h. */
#include "tool/keypair.h"

#include "lib/date/text.h"
#include "runtime/keyring.h"
#include "tool/file.h"
#include "tool/tool.h"

#include <stdlib.h>

#define FILE_MAX ((size_t)512 * 1024) /* of PEM with whatever text stands around it */

/* "ringlet: FILE: WHY" or "ringlet: FILE WHY"; always false. */
static bool refuse(const char *path, const char *why)
{
    tool_error("%s %s", path, why);
    return false;
}

static bool read_file(const char *path, struct buf *into)
{
    buf_init(into, FILE_MAX);
    const char *why = file_read(path, into);
    if (why)
        tool_error("%s cannot be read: %s", path, why);
    return !why;
}

/* --- the chain --- */

static const char *pem_fault(enum err why)
{
    switch (why) {
    case ERR_NOT_FOUND:
        return "holds no certificate in PEM form";
    case ERR_ARGUMENT:
        return "holds something else beside certificates (a private key has a file of its own)";
    case ERR_LIMIT:
        return "holds a certificate that is too large";
    default:
        return "is damaged: it is not well-formed PEM";
    }
}

static bool refuse_chain(const char *path, enum err why, size_t index)
{
    if (why == ERR_LIMIT)
        tool_error("%s holds too many certificates for a chain: %u at most", path, X509_CHAIN_MAX);
    else if (why == ERR_MISMATCH)
        tool_error("%s is out of order: certificate %zu was not issued by the one behind it (a "
                   "chain begins with the server's own, then come those of its issuers)",
                   path, index);
    else
        tool_error("%s is damaged: certificate %zu cannot be read", path, index + 1);
    return false;
}

static bool check_time(const char *path, const struct x509 *x, size_t number, int64_t now)
{
    char date[DATE_RFC3339_LEN + 1], called[X509_TEXT_MAX];
    bool over = now > x->not_after, early = now < x->not_before;
    if (!over && !early)
        return true;
    date_rfc3339_format(over ? x->not_after : x->not_before, date);
    tool_error("%s: certificate %zu (%s) %s %.10s", path, number, x509_called(x, called),
               over ? "expired on" : "is not valid before", date);
    return false;
}

static bool check_strength(const char *path, const struct x509 *x, size_t number)
{
    if (x->key != X509_KEY_RSA || x->key_bits >= PRIVATE_KEY_RSA_BITS_MIN)
        return true;
    char called[X509_TEXT_MAX];
    tool_error("%s: certificate %zu (%s) is weak: its RSA key has %u bits, not 2048 at least", path,
               number, x509_called(x, called), x->key_bits);
    return false;
}

static bool check_each(const char *path, struct slice chain, int64_t now)
{
    struct slice der;
    struct x509 x;
    for (size_t number = 1; keyring_der(&chain, &der); number++) {
        if (x509_read(der, &x) != OK)
            return refuse_chain(path, ERR_MALFORMED, number - 1);
        if (!check_time(path, &x, number, now) || !check_strength(path, &x, number))
            return false;
    }
    return true;
}

static bool read_chain(const char *path, int64_t now, struct buf *chain)
{
    struct buf text;
    size_t count, index;
    bool ok = read_file(path, &text);
    if (ok) {
        enum err e = pem_certificates(buf_slice(&text), chain, &count);
        ok = e == OK || refuse(path, pem_fault(e));
    }
    buf_deinit(&text);
    if (!ok)
        return false;
    enum err e = x509_chain_check(buf_slice(chain), &count, &index);
    if (e != OK)
        return refuse_chain(path, e, index);
    return check_each(path, buf_slice(chain), now);
}

bool keypair_leaf(struct slice chain, struct x509 *into)
{
    struct slice der;
    return keyring_der(&chain, &der) && x509_read(der, into) == OK;
}

/* --- both --- */

static bool read_key(const char *path, struct private_key *into)
{
    struct buf text;
    const char *why = NULL;
    bool ok = read_file(path, &text);
    if (ok)
        why = private_key_read(buf_slice(&text), into);
    secret_wipe(&text);
    if (why)
        tool_error("%s %s", path, why);
    return ok && !why;
}

static void warn_of_name(const char *path, const struct keypair *pair, const struct x509 *leaf)
{
    struct slice name = slice_text(pair->name);
    if (leaf->name_count == 0)
        tool_error("warning: %s is for no name at all: no client will take it", path);
    else if (!slice_is(name, "server") && !x509_is_for(leaf, name))
        tool_error("warning: %s is not for %s", path, pair->name);
}

static bool check_pair(const char *pem, const char *key, const struct keypair *pair)
{
    struct x509 leaf;
    if (!keypair_leaf(buf_slice(&pair->chain), &leaf))
        return refuse_chain(pem, ERR_MALFORMED, 0);
    if (!slice_equal(leaf.spki, buf_slice(&pair->key.spki))) {
        tool_error("%s does not fit its certificate: %s is for another key", key, pem);
        return false;
    }
    warn_of_name(pem, pair, &leaf);
    return true;
}

bool keypair_read(const char *folder, const char *name, int64_t now, struct keypair *into)
{
    char *pem = tool_text("%s/%s.pem", folder, name);
    char *key = tool_text("%s/%s.key", folder, name);
    *into = (struct keypair){.name = tool_text("%s", name)};
    buf_init(&into->chain, KEYRING_CERTS_SIZE);
    bool ok = read_key(key, &into->key) && read_chain(pem, now, &into->chain) &&
              check_pair(pem, key, into);
    if (!ok)
        keypair_release(into);
    free(pem);
    free(key);
    return ok;
}

void keypair_release(struct keypair *pair)
{
    private_key_wipe(&pair->key);
    buf_deinit(&pair->chain);
    free(pair->name);
    *pair = (struct keypair){0};
}
