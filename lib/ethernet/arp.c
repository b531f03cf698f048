/* The form of ARP packets (RFC 826): see arp.h. */
#include "lib/ethernet/arp.h"

#include "runtime/reader.h"

#define HARDWARE_ETHERNET 1u

static struct mac read_mac(struct reader *r)
{
    struct mac m = {{0}};
    struct slice s = read_bytes(r, sizeof(m.bytes));
    if (!r->bad)
        memcpy(m.bytes, s.ptr, sizeof(m.bytes));
    return m;
}

static struct address read_v4(struct reader *r)
{
    struct slice s = read_bytes(r, 4);
    return r->bad ? address_v4(0, 0, 0, 0) : address_v4(s.ptr[0], s.ptr[1], s.ptr[2], s.ptr[3]);
}

/* A sender is one station; what it says its address is may be nothing (a probe), but not a group. */
static bool is_possible(const struct arp *a)
{
    return !mac_is_group(a->sender_mac) && !mac_is_zero(a->sender_mac) &&
           a->sender.bytes[12] < 224 && a->sender.bytes[12] != 127;
}

enum err arp_parse(struct slice packet, struct arp *into)
{
    struct reader r = reader_of(packet);
    uint16_t hardware = read_be16(&r);
    uint16_t protocol = read_be16(&r);
    uint16_t sizes = read_be16(&r);
    into->operation = read_be16(&r);
    into->sender_mac = read_mac(&r);
    into->sender = read_v4(&r);
    into->target_mac = read_mac(&r);
    into->target = read_v4(&r);
    if (r.bad)
        return ERR_MALFORMED;
    if (hardware != HARDWARE_ETHERNET || protocol != ETHERNET_IPV4 ||
        sizes != (sizeof(struct mac) << 8 | 4) ||
        (into->operation != ARP_REQUEST && into->operation != ARP_REPLY))
        return ERR_UNSUPPORTED;
    return is_possible(into) ? OK : ERR_MISMATCH;
}

void arp_put(uint8_t *into, const struct arp *a, struct mac destination)
{
    static const uint8_t fixed[] = {
        0, HARDWARE_ETHERNET, ETHERNET_IPV4 >> 8, ETHERNET_IPV4 & 0xff, sizeof(struct mac), 4, 0};
    ethernet_put(into, destination, a->sender_mac, ETHERNET_ARP);
    uint8_t *p = into + ETHERNET_HEAD_SIZE;
    memcpy(p, fixed, sizeof(fixed));
    p[7] = (uint8_t)a->operation;
    memcpy(p + 8, a->sender_mac.bytes, 6);
    memcpy(p + 14, a->sender.bytes + 12, 4);
    memcpy(p + 18, a->target_mac.bytes, 6);
    memcpy(p + 24, a->target.bytes + 12, 4);
}
