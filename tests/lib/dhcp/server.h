/* A client of DHCP, what it said, and what a server answers by hand: what its tests share. */
#ifndef TESTS_LIB_DHCP_SERVER_H
#define TESTS_LIB_DHCP_SERVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/dhcp/dhcp.h"
#include "platform/sim/sim.h"
#include "signatures/entropy.h"
#include "signatures/memory.h"

#define SEC CLOCK_SEC

enum { DISCOVER = 1, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE };

static const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};
static const uint8_t server[4] = {192, 0, 2, 1};
static const uint8_t ours[4] = {192, 0, 2, 77};

static struct dhcp d;
static struct dhcp_step step;
static uint64_t now;

static inline void fill(void *arg, void *into, size_t len)
{
    (void)arg;
    entropy_fill(into, len);
}

static inline int setup(void **state)
{
    (void)state;
    sim_reset(7);
    now = 1000 * SEC;
    dhcp_init(&d, mac, SLICE("canopy"), fill, NULL);
    return 0;
}

/* --- what we said --- */

/* An option of the message in step, or NULL. */
static inline const uint8_t *said(uint8_t code, size_t len)
{
    for (size_t at = 240; at + 1 < step.len && step.message[at] != 255;) {
        const uint8_t *o = &step.message[at];
        if (*o == 0) {
            at++;
            continue;
        }
        if (*o == code) {
            assert_int_equal(o[1], len);
            return o + 2;
        }
        at += 2u + o[1];
    }
    return NULL;
}

static inline void assert_said(uint8_t type)
{
    static const uint8_t head[] = {1, 1, 6, 0};
    static const uint8_t cookie[] = {0x63, 0x82, 0x53, 0x63};
    assert_in_range(step.len, 300, DHCP_MESSAGE_MAX);
    assert_memory_equal(step.message, head, 4);
    assert_memory_equal(step.message + 28, mac, 6);
    assert_memory_equal(step.message + 236, cookie, 4);
    assert_int_equal(*said(53, 1), type);
    assert_non_null(said(61, 7));
}

static inline void assert_broadcast(void)
{
    static const struct address nobody = {{[10] = 0xff, 0xff}};
    static const struct address all = {{[10] = 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
    assert_memory_equal(&step.source, &nobody, sizeof nobody);
    assert_memory_equal(&step.destination, &all, sizeof all);
    assert_int_equal(step.message[10], 0x80);
}

/* --- what a server says --- */

struct reply {
    uint8_t bytes[1500];
    size_t len;
};

static inline void put(struct reply *r, uint8_t code, const void *value, size_t len)
{
    r->bytes[r->len++] = code;
    r->bytes[r->len++] = (uint8_t)len;
    memcpy(r->bytes + r->len, value, len);
    r->len += len;
}

static inline void put_seconds(struct reply *r, uint8_t code, uint32_t s)
{
    const uint8_t b[] = {(uint8_t)(s >> 24), (uint8_t)(s >> 16), (uint8_t)(s >> 8), (uint8_t)s};
    put(r, code, b, 4);
}

static inline struct reply begin(uint8_t type)
{
    struct reply r = {.bytes = {2, 1, 6, 0}, .len = 240};
    memcpy(r.bytes + 4, &(uint32_t){__builtin_bswap32(d.xid)}, 4);
    memcpy(r.bytes + 16, ours, 4);
    memcpy(r.bytes + 28, mac, 6);
    memcpy(r.bytes + 236, "\x63\x82\x53\x63", 4);
    put(&r, 53, &type, 1);
    put(&r, 54, server, 4);
    return r;
}

static inline struct reply usual(uint8_t type)
{
    struct reply r = begin(type);
    put_seconds(&r, 51, 3600);
    put(&r, 1, "\xff\xff\xff\0", 4);
    put(&r, 3, server, 4);
    put(&r, 6, "\xc0\0\x02\x35\xc0\0\x02\x36", 8);
    return r;
}

static inline void hear(struct reply r)
{
    r.bytes[r.len++] = 255;
    dhcp_input(&d, now, slice_of(r.bytes, r.len), &step);
}

static inline void wait_for_deadline(void)
{
    assert_true(dhcp_deadline(&d) != UINT64_MAX);
    now = dhcp_deadline(&d);
    dhcp_expire(&d, now, &step);
}

static inline void become_bound_by(struct reply ack)
{
    dhcp_start(&d, now, &step);
    assert_said(DISCOVER);
    hear(usual(OFFER));
    assert_said(REQUEST);
    memcpy(ack.bytes + 4, &(uint32_t){__builtin_bswap32(d.xid)}, 4);
    hear(ack);
    assert_int_equal(step.event, DHCP_LEASED);
    assert_int_equal(step.len, 0);
}

static inline void become_bound(void)
{
    become_bound_by(usual(ACK));
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

#endif
