/* Putting a question together (RFC 2131, 2 and table 5). */
#include "lib/dhcp/message.h"

#define FIXED_SIZE   236u
#define MINIMUM_SIZE 300u  /* of BOOTP, below which relays may drop (RFC 1542, 2.1) */
#define MESSAGE_SIZE 1500u /* of the largest answer that we take */

struct writer {
    uint8_t *at;
    size_t len;
};

static void put(struct writer *w, const void *bytes, size_t n)
{
    memcpy(w->at + w->len, bytes, n);
    w->len += n;
}

static void put_u8(struct writer *w, uint32_t value)
{
    w->at[w->len++] = (uint8_t)value;
}

static void put_be16(struct writer *w, uint32_t value)
{
    put_u8(w, value >> 8);
    put_u8(w, value);
}

static void put_be32(struct writer *w, uint32_t value)
{
    put_be16(w, value >> 16);
    put_be16(w, value);
}

static bool is_set(struct address a)
{
    static const uint8_t none[4];
    return memcmp(a.bytes + 12, none, 4) != 0;
}

static void put_address(struct writer *w, uint8_t option, struct address a)
{
    if (!is_set(a))
        return;
    put_u8(w, option);
    put_u8(w, 4);
    put(w, a.bytes + 12, 4);
}

static void put_fixed(struct writer *w, const struct dhcp *d, const struct dhcp_question *q)
{
    static const uint8_t head[] = {1, 1, 6, 0}; /* BOOTREQUEST, Ethernet */
    put(w, head, sizeof head);
    put_be32(w, d->xid);
    put_be16(w, q->secs);
    put_be16(w, q->broadcast ? 0x8000u : 0);
    if (is_set(q->ours))
        memcpy(w->at + w->len, q->ours.bytes + 12, 4);
    w->len += 16; /* ciaddr, and those that are not ours to fill in */
    put(w, d->mac, sizeof d->mac);
    w->len = FIXED_SIZE;
    put_be32(w, 0x63825363u);
}

/* What we would like to be told. The classless routes stand first (RFC 3442). */
static void put_wishes(struct writer *w, const struct dhcp *d)
{
    static const uint8_t wishes[] = {55, 8, 121, 1, 3, 6, 26, 51, 58, 59};
    size_t name = strlen(d->hostname);
    put(w, wishes, sizeof wishes);
    put_u8(w, 57);
    put_u8(w, 2);
    put_be16(w, MESSAGE_SIZE);
    if (!name)
        return;
    put_u8(w, 12);
    put_u8(w, (uint32_t)name);
    put(w, d->hostname, name);
}

size_t dhcp_write(const struct dhcp *d, const struct dhcp_question *q,
                  uint8_t into[DHCP_MESSAGE_MAX])
{
    struct writer w = {into, 0};
    memset(into, 0, DHCP_MESSAGE_MAX);
    put_fixed(&w, d, q);
    const uint8_t type[] = {53, 1, (uint8_t)q->type, 61, 7, 1};
    put(&w, type, sizeof type);
    put(&w, d->mac, sizeof d->mac);
    put_address(&w, 50, q->requested);
    put_address(&w, 54, q->server);
    if (q->type == DHCP_DISCOVER || q->type == DHCP_REQUEST)
        put_wishes(&w, d);
    put_u8(&w, 255);
    return w.len < MINIMUM_SIZE ? MINIMUM_SIZE : w.len;
}
