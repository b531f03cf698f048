/*
 * lwIP's interface over a card: frames go out as they stand in lwIP's buffers and come in with one
 * copy; checksums are left to a card that makes them, and verified only where it did not.
 */
#include "bench/lwip/lwip.h"

#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/init.h>
#include <lwip/nd6.h>
#include <lwip/netif.h>
#include <lwip/prot/ethernet.h>
#include <lwip/prot/ip.h>
#include <lwip/timeouts.h>
#include <lwip/sys.h>
#include <netif/ethernet.h>

#include "runtime/loop.h"
#include "runtime/panic.h"
#include "signatures/clock.h"
#include "signatures/entropy.h"

#define SENDING_MAX 4096u /* frames that the card still reads; more are refused */
#define V4_HEADER   20u
#define V6_HEADER   40u
#define SUM_OFFSET  16u /* of the checksum in TCP's header */

static struct netif netif;
static struct net *card;
static struct timer timer;
static struct loop_hook hook;

static struct {
    struct pbuf *buffer;
    uint64_t number;
} sending[SENDING_MAX];
static uint32_t sending_first, sending_count;

u32_t sys_now(void)
{
    return (u32_t)(clock_monotonic() / CLOCK_MS);
}

uint32_t lwip_random(void)
{
    uint32_t r;
    entropy_fill(&r, sizeof r);
    return r;
}

/* --- out --- */

/* Frames that the card is done with. */
static void collect(void)
{
    uint64_t done = net_completed(card);
    while (sending_count && sending[sending_first].number <= done) {
        pbuf_free(sending[sending_first].buffer);
        sending_first = (sending_first + 1) % SENDING_MAX;
        sending_count--;
    }
}

static void keep(struct pbuf *p)
{
    uint32_t last = (sending_first + sending_count++) % SENDING_MAX;
    pbuf_ref(p);
    sending[last].buffer = p;
    sending[last].number = card->sent;
    collect();
}

static uint32_t add_words(const uint8_t *bytes, size_t len)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < len; i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    return sum;
}

/* Where TCP's header begins in a frame, or 0. */
static size_t tcp_at(const uint8_t *frame, size_t len)
{
    if (len >= SIZEOF_ETH_HDR + V4_HEADER && frame[12] == 8 && frame[13] == 0 &&
        frame[23] == IP_PROTO_TCP)
        return SIZEOF_ETH_HDR + (frame[14] & 15u) * 4u;
    if (len >= SIZEOF_ETH_HDR + V6_HEADER && frame[12] == 0x86 && frame[13] == 0xdd &&
        frame[20] == IP_PROTO_TCP)
        return SIZEOF_ETH_HDR + V6_HEADER;
    return 0;
}

/* The card sums what it sends, beginning with the sum of the pseudo-header (RFC 9293, 3.1). */
static void prepare_sum(struct pbuf *p, struct net_frame *f)
{
    uint8_t *frame = p->payload;
    size_t at = card->features.offloads & NET_SENDS_CHECKSUMS ? tcp_at(frame, p->len) : 0;
    if (!at || p->len < at + SUM_OFFSET + 2)
        return;
    bool v6 = frame[12] == 0x86;
    uint32_t sum =
        v6 ? add_words(frame + SIZEOF_ETH_HDR + 8, 32) : add_words(frame + SIZEOF_ETH_HDR + 12, 8);
    sum += IP_PROTO_TCP + (uint32_t)(p->tot_len - at);
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    frame[at + SUM_OFFSET] = (uint8_t)(sum >> 8);
    frame[at + SUM_OFFSET + 1] = (uint8_t)sum;
    f->checksum_start = (uint16_t)at;
    f->checksum_offset = SUM_OFFSET;
}

/* The card copies the first part, which is kept short. */
static size_t gather(struct pbuf *p, struct slice parts[NET_PARTS_MAX])
{
    struct slice first = slice_of(p->payload, p->len);
    size_t n = 0;
    parts[n++] = slice_take(first, NET_HEAD_MAX);
    if (first.len > NET_HEAD_MAX)
        parts[n++] = slice_drop(first, NET_HEAD_MAX);
    for (p = p->next; p; p = p->next) {
        if (n == NET_PARTS_MAX)
            return 0;
        parts[n++] = slice_of(p->payload, p->len);
    }
    return n;
}

static err_t send_frame(struct netif *n, struct pbuf *p)
{
    struct slice parts[NET_PARTS_MAX];
    struct net_frame f = {.parts = parts, .count = gather(p, parts)};
    (void)n;
    collect();
    if (!f.count || sending_count == SENDING_MAX)
        return ERR_BUF;
    prepare_sum(p, &f);
    switch (net_send(card, &f)) {
    case OK:
        keep(p);
        return ERR_OK;
    case ERR_AGAIN:
        return ERR_BUF;
    default:
        return ERR_IF;
    }
}

/* --- in --- */

static void on_frame(void *owner, const struct net_arrival *a)
{
    size_t len = 0, at = 0;
    (void)owner;
    for (size_t i = 0; i < a->count; i++)
        len += a->parts[i].len;
    struct pbuf *p = len <= UINT16_MAX ? pbuf_alloc(PBUF_RAW, (u16_t)len, PBUF_RAM) : NULL;
    if (!p)
        return;
    for (size_t i = 0; i < a->count; at += a->parts[i++].len)
        memcpy((uint8_t *)p->payload + at, a->parts[i].ptr, a->parts[i].len);
    u16_t checks = netif.chksum_flags & (u16_t)~NETIF_CHECKSUM_CHECK_TCP;
    if (a->checksum == NET_CHECKSUM_UNKNOWN)
        checks |= NETIF_CHECKSUM_CHECK_TCP;
    NETIF_SET_CHECKSUM_CTRL(&netif, checks);
    if (netif.input(p, &netif) != ERR_OK)
        pbuf_free(p);
}

static void on_link(void *owner, bool up)
{
    (void)owner;
    if (up)
        netif_set_link_up(&netif);
    else
        netif_set_link_down(&netif);
}

/* --- time --- */

static void on_time(struct timer *t)
{
    (void)t;
    sys_check_timeouts();
}

static void set_timer(struct loop_hook *h)
{
    u32_t ms = sys_timeouts_sleeptime();
    (void)h;
    collect();
    uint64_t due = clock_monotonic() + ms * CLOCK_MS;
    if (ms == SYS_TIMEOUTS_SLEEPTIME_INFINITE)
        timer_stop(&timer);
    else if (!timer_running(&timer) || due + CLOCK_MS < timer.deadline)
        timer_start(&timer, due);
}

/* --- the whole --- */

static err_t init_netif(struct netif *n)
{
    n->name[0] = 'e';
    n->name[1] = 'n';
    n->mtu = card->features.mtu;
    n->hwaddr_len = NET_MAC_SIZE;
    memcpy(n->hwaddr, card->features.mac, NET_MAC_SIZE);
    n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_MLD6;
    n->output = etharp_output;
    n->output_ip6 = ethip6_output;
    n->linkoutput = send_frame;
    u16_t checks = NETIF_CHECKSUM_ENABLE_ALL;
    if (card->features.offloads & NET_SENDS_CHECKSUMS)
        checks &= (u16_t)~NETIF_CHECKSUM_GEN_TCP;
    NETIF_SET_CHECKSUM_CTRL(n, checks);
    return ERR_OK;
}

void lwip_interface_open(struct net *net)
{
    static const struct net_events events = {.on_frame = on_frame, .on_link = on_link};
    card = net;
    lwip_init();
    if (!netif_add_noaddr(&netif, NULL, init_netif, ethernet_input))
        panic("lwIP has no interface");
    netif_set_default(&netif);
    netif_create_ip6_linklocal_address(&netif, 1);
    netif_set_up(&netif);
    on_link(NULL, net_link(net));
    net_own(net, &events, NULL);
    timer_init(&timer, on_time);
    loop_hook_add(&hook, set_timer);
}

void lwip_interface_address(struct address address, uint8_t prefix)
{
    ip_addr_t a = lwip_address(address);
    if (IP_IS_V4(&a)) {
        ip4_addr_t mask = {PP_HTONL(prefix ? UINT32_MAX << (32 - prefix) : 0)};
        netif_set_addr(&netif, ip_2_ip4(&a), &mask, netif_ip4_gw(&netif));
        return;
    }
    netif_ip6_addr_set(&netif, 1, ip_2_ip6(&a));
    netif_ip6_addr_set_state(&netif, 1, IP6_ADDR_PREFERRED);
}

void lwip_interface_gateway(struct address address)
{
    ip_addr_t a = lwip_address(address);
    if (IP_IS_V4(&a))
        netif_set_gw(&netif, ip_2_ip4(&a));
}
