/* See ticket.h. */
#include "lib/tls/ticket.h"

#include "lib/tls/tls.h"
#include "signatures/entropy.h"

#include <openssl/err.h>
#include <openssl/mem.h>

static void forget(struct tls_ticket_key *k)
{
    if (k->set)
        EVP_AEAD_CTX_cleanup(&k->seal);
    OPENSSL_cleanse(k, sizeof *k);
}

void tls_tickets_deinit(struct tls_tickets *t)
{
    forget(&t->keys[0]);
    forget(&t->keys[1]);
}

static void make_key(struct tls_ticket_key *k)
{
    uint8_t key[32];
    entropy_fill(key, sizeof key);
    entropy_fill(k->name, sizeof k->name);
    k->set = EVP_AEAD_CTX_init(&k->seal, EVP_aead_aes_256_gcm(), key, sizeof key,
                               EVP_AEAD_DEFAULT_TAG_LENGTH, NULL) == 1;
    OPENSSL_cleanse(key, sizeof key);
}

void tls_tickets_rotate(struct tls_tickets *t, uint64_t now)
{
    forget(&t->keys[1]);
    t->keys[1] = t->keys[0];
    t->keys[0] = (struct tls_ticket_key){0};
    t->since = now;
    make_key(&t->keys[0]);
}

static void keep_fresh(struct tls_tickets *t, uint64_t now)
{
    uint64_t age = now - t->since;
    if (t->keys[0].set && age < TLS_TICKET_KEY_NS)
        return;
    if (age >= 2 * TLS_TICKET_KEY_NS)
        forget(
            &t->keys[0]); /* nobody came for so long that it is too old for the one before, too */
    tls_tickets_rotate(t, now);
}

/* What a ticket is bound to. */
struct bound {
    uint8_t bytes[TICKET_NAME + TICKET_HOST_MAX];
    size_t len;
};

static struct bound bind_to(const uint8_t name[TICKET_NAME], struct slice host)
{
    struct bound b = {.len = TICKET_NAME};
    memcpy(b.bytes, name, TICKET_NAME);
    host = slice_take(host, TICKET_HOST_MAX);
    for (size_t i = 0; i < host.len; i++) {
        uint8_t c = host.ptr[i];
        b.bytes[b.len++] = c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
    }
    return b;
}

bool tls_ticket_seal(struct tls_tickets *t, uint64_t now, struct slice host, struct slice session,
                     uint8_t *into, size_t *len)
{
    uint8_t *nonce = into + TICKET_NAME, *body = nonce + TICKET_NONCE;
    keep_fresh(t, now);
    const struct tls_ticket_key *k = &t->keys[0];
    const struct bound to = bind_to(k->name, host);
    memcpy(into, k->name, TICKET_NAME);
    entropy_fill(nonce, TICKET_NONCE);
    bool ok =
        k->set && EVP_AEAD_CTX_seal(&k->seal, body, len, session.len + 16, nonce, TICKET_NONCE,
                                    session.ptr, session.len, to.bytes, to.len) == 1;
    *len += TICKET_NAME + TICKET_NONCE;
    return ok;
}

static const struct tls_ticket_key *find(const struct tls_tickets *t, struct slice name)
{
    for (size_t i = 0; i < 2; i++)
        if (t->keys[i].set && slice_equal(name, slice_of(t->keys[i].name, TICKET_NAME)))
            return &t->keys[i];
    return NULL;
}

bool tls_ticket_open(struct tls_tickets *t, uint64_t now, struct slice host, struct slice ticket,
                     uint8_t *into, size_t size, size_t *len)
{
    keep_fresh(t, now);
    struct slice name = slice_take(ticket, TICKET_NAME);
    struct slice nonce = slice_take(slice_drop(ticket, TICKET_NAME), TICKET_NONCE);
    struct slice body = slice_drop(ticket, TICKET_NAME + TICKET_NONCE);
    const struct tls_ticket_key *k = ticket.len > TICKET_OVERHEAD ? find(t, name) : NULL;
    if (!k)
        return false;
    const struct bound to = bind_to(k->name, host);
    bool ok = EVP_AEAD_CTX_open(&k->seal, into, len, size, nonce.ptr, nonce.len, body.ptr, body.len,
                                to.bytes, to.len) == 1;
    ERR_clear_error();
    return ok;
}
