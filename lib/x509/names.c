/* For whom a certificate is: subject alternative names (RFC 5280, 4.2.1.6; RFC 6125, 6.4). */
#include "lib/x509/x509.h"

#include "lib/x509/internal.h"
#include "runtime/address.h"

#include <openssl/bytestring.h>

#define TAG_DNS     (CBS_ASN1_CONTEXT_SPECIFIC | 2)
#define TAG_ADDRESS (CBS_ASN1_CONTEXT_SPECIFIC | 7)

struct name {
    struct slice bytes; /* as it stands: text, or 4 or 16 bytes */
    bool is_address;
};

/* The next DNS name or address; others are passed over. */
static bool next_name(CBS *names, struct name *into)
{
    CBS value;
    CBS_ASN1_TAG tag;
    while (CBS_get_any_asn1(names, &value, &tag)) {
        size_t len = CBS_len(&value);
        into->bytes = slice_of(CBS_data(&value), len);
        into->is_address = tag == TAG_ADDRESS;
        if ((tag == TAG_DNS && len > 0) || (into->is_address && (len == 4 || len == 16)))
            return true;
    }
    return false;
}

static CBS names_of(const struct x509 *x)
{
    CBS names;
    CBS_init(&names, x->names.ptr, x->names.len);
    return names;
}

void x509_count_names(struct x509 *x)
{
    CBS names = names_of(x);
    struct name n;
    while (!x->names_cut && next_name(&names, &n)) {
        x->names_cut = x->name_count == X509_NAMES_MAX;
        x->name_count += !x->names_cut;
    }
}

static struct address address_of(struct slice bytes)
{
    struct address a = {{0}};
    if (bytes.len == 4)
        return address_v4(bytes.ptr[0], bytes.ptr[1], bytes.ptr[2], bytes.ptr[3]);
    memcpy(a.bytes, bytes.ptr, sizeof a.bytes);
    return a;
}

size_t x509_name(const struct x509 *x, size_t n, char *into, size_t size)
{
    CBS names = names_of(x);
    struct name found;
    char text[ADDRESS_TEXT_MAX];
    if (n >= x->name_count || size == 0)
        return 0;
    for (size_t i = 0; i <= n; i++)
        if (!next_name(&names, &found))
            return 0;
    if (found.is_address) {
        address_format(address_of(found.bytes), text);
        found.bytes = slice_text(text);
    }
    found.bytes = slice_take(found.bytes, size - 1);
    for (size_t i = 0; i < found.bytes.len; i++) {
        uint8_t c = found.bytes.ptr[i];
        into[i] = c <= 0x20 || c >= 0x7f ? '?' : (char)c;
    }
    into[found.bytes.len] = 0;
    return found.bytes.len;
}

const char *x509_called(const struct x509 *x, char into[X509_TEXT_MAX])
{
    if (x->subject[0])
        return x->subject;
    return x509_name(x, 0, into, X509_TEXT_MAX) ? into : "nameless";
}

static bool dns_fits(struct slice pattern, struct slice host)
{
    if (slice_starts(pattern, SLICE("*."))) {
        size_t label = slice_find(host, '.');
        if (label == 0 || slice_find(slice_drop(pattern, 2), '.') >= pattern.len - 2)
            return false; /* "*.org" is for nobody */
        pattern = slice_drop(pattern, 1);
        host = slice_drop(host, label);
    }
    return pattern.len > 0 && slice_equal_nocase(pattern, host);
}

bool x509_is_for(const struct x509 *x, struct slice host)
{
    CBS names = names_of(x);
    struct address address;
    struct name n;
    if (slice_ends(host, SLICE(".")))
        host.len--;
    bool is_address = address_parse(host, &address);
    for (size_t i = 0; i < x->name_count && next_name(&names, &n); i++) {
        if (n.is_address != is_address)
            continue;
        struct address other = is_address ? address_of(n.bytes) : address;
        if (is_address ? address_equal(&other, &address) : dns_fits(n.bytes, host))
            return true;
    }
    return false;
}
