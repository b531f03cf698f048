/* Ethernet II: see ethernet.h. */
#include "lib/ethernet/ethernet.h"

#include "runtime/reader.h"

const struct mac MAC_BROADCAST = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

bool mac_equal(struct mac a, struct mac b)
{
    return memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}

bool mac_is_group(struct mac m)
{
    return m.bytes[0] & 1;
}

bool mac_is_broadcast(struct mac m)
{
    return mac_equal(m, MAC_BROADCAST);
}

bool mac_is_zero(struct mac m)
{
    return mac_equal(m, (struct mac){{0}});
}

enum err ethernet_parse(struct slice frame, struct ethernet_head *head, struct slice *rest)
{
    struct reader r = reader_of(frame);
    struct slice stations = read_bytes(&r, sizeof(struct mac) * 2);
    head->type = read_be16(&r);
    if (r.bad)
        return ERR_MALFORMED;
    memcpy(head->destination.bytes, stations.ptr, sizeof(struct mac));
    memcpy(head->source.bytes, stations.ptr + sizeof(struct mac), sizeof(struct mac));
    *rest = r.rest;
    if (mac_is_group(head->source))
        return ERR_MALFORMED;
    return head->type < ETHERNET_TYPES ? ERR_UNSUPPORTED : OK;
}

void ethernet_put(uint8_t *into, struct mac destination, struct mac source, enum ethernet_type type)
{
    memcpy(into, destination.bytes, sizeof(struct mac));
    memcpy(into + sizeof(struct mac), source.bytes, sizeof(struct mac));
    into[12] = (uint8_t)(type >> 8);
    into[13] = (uint8_t)type;
}

struct mac ethernet_group(struct address multicast)
{
    const uint8_t *a = multicast.bytes + 12;
    if (address_is_v4(multicast))
        return (struct mac){{0x01, 0x00, 0x5e, a[1] & 0x7f, a[2], a[3]}};
    return (struct mac){{0x33, 0x33, a[0], a[1], a[2], a[3]}};
}
