/* Messages of NDP, made by hand, into the one place of a test program. */
#ifndef TESTS_LIB_IP_MESSAGE_H
#define TESTS_LIB_IP_MESSAGE_H

#include "tests/lib/ip/place.h"

static struct place p;

#define OURS     "2001:db8::1"
#define PEER     "2001:db8::50"
#define LINK     "fe80::1"
#define ROUTER   "fe80::2"
#define ROUTER_B "fe80::3"

/* A message of NDP under construction. */
struct message {
    uint8_t bytes[1400];
    size_t len;
};

static inline void put(struct message *m, const void *bytes, size_t len)
{
    memcpy(m->bytes + m->len, bytes, len);
    m->len += len;
}

static inline void put_address(struct message *m, const char *text)
{
    put(m, A(text).bytes, 16);
}

static inline void put_station(struct message *m, uint8_t type, const uint8_t *mac)
{
    put(m, (uint8_t[]){type, 1}, 2);
    put(m, mac, 6);
}

static inline struct message begin(uint8_t type, uint32_t what)
{
    struct message m = {.bytes = {type}, .len = 8};
    sim_put32(m.bytes + 4, what);
    return m;
}

static inline void in_from(const uint8_t *mac, const char *from, const char *to, uint8_t hops,
                           const struct message *m)
{
    uint8_t frame[1600];
    struct slice s = make_ip(frame, from, to, 58, hops, slice_of(m->bytes, m->len));
    memcpy(frame + 6, mac, 6);
    place_in(&p, s);
}

static inline void in_solicitation(const char *from, const char *to, const char *target,
                                   const uint8_t *mac)
{
    struct message m = begin(135, 0);
    put_address(&m, target);
    if (mac)
        put_station(&m, 1, mac);
    in_from(mac ? mac : peer_mac, from, to, 255, &m);
}

enum { R = 0x80, S = 0x40, O = 0x20 };

static inline void in_advertisement(const char *from, const char *to, const char *target,
                                    uint8_t flags, const uint8_t *mac)
{
    struct message m = begin(136, (uint32_t)flags << 24);
    put_address(&m, target);
    if (mac)
        put_station(&m, 2, mac);
    in_from(mac ? mac : peer_mac, from, to, 255, &m);
}

/* The last frame is such a message, about that target; returns its flags. */
static inline uint8_t last(uint8_t type, const char *from, const char *to, const char *target)
{
    struct sim_frame f = place_read(&p);
    struct slice s = place_last(&p);
    assert_int_equal(f.hops, 255);
    assert_int_equal(s.ptr[f.transport], type);
    assert_memory_equal(f.source.bytes, A(from).bytes, 16);
    assert_memory_equal(f.destination.bytes, A(to).bytes, 16);
    if (target)
        assert_memory_equal(s.ptr + f.transport + 8, A(target).bytes, 16);
    return s.ptr[f.transport + 4];
}

static inline void text_of(struct address a, char into[ADDRESS_TEXT_MAX])
{
    address_format(a, into);
}

#endif
