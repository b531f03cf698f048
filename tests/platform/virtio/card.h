/* A network card with a puppet behind it, what comes of its frames, and frames to give and send. */
#ifndef TESTS_PLATFORM_VIRTIO_CARD_H
#define TESTS_PLATFORM_VIRTIO_CARD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "platform/virtio/net.h"
#include "signatures/memory.h"
#include "tests/platform/virtio/puppet.h"

#define F(n)       (UINT64_C(1) << (n))
#define CSUM       F(0)
#define GUEST_CSUM F(1)
#define MTU        F(3)
#define MAC        F(5)
#define GUEST_TSO  (F(7) | F(8) | F(9))
#define HOST_TSO   (F(11) | F(12) | F(13))
#define MRG_RXBUF  F(15)
#define STATUS     F(16)
#define ALL                                                                      \
    (CSUM | GUEST_CSUM | MTU | MAC | GUEST_TSO | HOST_TSO | MRG_RXBUF | STATUS | \
     VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC)

#define RECEIVE 0
#define SEND    1
#define HEAD    12u /* bytes of virtio's header */

struct world {
    struct net *net;
    unsigned frames, rooms, ups, downs;
    size_t len;
    uint8_t bytes[NET_FRAME_MAX];
    struct net_arrival last;
};

static inline void on_frame(void *owner, const struct net_arrival *a)
{
    struct world *w = owner;
    w->frames++;
    w->last = *a;
    w->len = 0;
    for (size_t i = 0; i < a->count; i++) {
        assert_true(w->len + a->parts[i].len <= sizeof w->bytes);
        memcpy(w->bytes + w->len, a->parts[i].ptr, a->parts[i].len);
        w->len += a->parts[i].len;
    }
}

static inline void on_room(void *owner)
{
    ((struct world *)owner)->rooms++;
}

static inline void on_link(void *owner, bool up)
{
    struct world *w = owner;
    w->ups += up;
    w->downs += !up;
}

static inline void open_with(struct world *w, uint64_t offered)
{
    static const struct net_events events = {on_frame, on_room, on_link};
    static const uint8_t config[] = {0x52, 0x54, 0, 0x12, 0x34, 0x56, 1, 0, 0, 0, 0xdc, 5};
    if (w->net)
        memory_free(w->net);
    puppet_begin(VIRTIO_NET, offered);
    memcpy(puppet.config, config, sizeof config);
    w->net = virtio_net_open(0);
    if (w->net)
        net_own(w->net, &events, w);
}

static inline int setup(void **state)
{
    struct world *w = test_calloc(1, sizeof *w);
    open_with(w, ALL);
    assert_non_null(w->net);
    *state = w;
    return 0;
}

static inline int teardown(void **state)
{
    struct world *w = *state;
    if (w->net)
        memory_free(w->net);
    puppet_end();
    test_free(w);
    return 0;
}

static inline struct virtio_net_counters counters(const struct world *w)
{
    return virtio_net_counters(w->net);
}

static inline enum err send(struct world *w, size_t parts, const struct net_frame *like)
{
    static const uint8_t bytes[4096];
    struct slice all[NET_PARTS_MAX];
    struct net_frame f = like ? *like : (struct net_frame){0};
    for (size_t i = 0; i < parts; i++)
        all[i] = slice_of(bytes, i ? 4096 : 54);
    f.parts = all;
    f.count = parts;
    return net_send(w->net, &f);
}

/* One buffer of a frame: header where there is one, then `len` bytes of it. */
static inline void give(const uint8_t *head, size_t len)
{
    struct puppet_chain c;
    assert_true(puppet_take(RECEIVE, &c));
    assert_int_equal(c.count, 1);
    size_t at = head ? HEAD : 0;
    assert_true(at + len <= c.parts[0].size);
    if (head)
        memcpy(c.parts[0].at, head, HEAD);
    memset(c.parts[0].at + at, 0x5a, len);
    puppet_use(RECEIVE, c.number, (uint32_t)(at + len));
}

static const uint8_t plain[HEAD] = {[10] = 1};

#endif
