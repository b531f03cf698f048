/* See port.h: a packet socket with a ring of the second version for what arrives. */
#include "tests/system/wire/port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define SLOT_SIZE   2048u
#define BLOCK_SIZE  (256u * 1024)
#define BLOCKS      32u
#define SLOTS       (BLOCKS * (BLOCK_SIZE / SLOT_SIZE))
#define RING_SIZE   ((size_t)BLOCKS * BLOCK_SIZE)
#define SEND_BUFFER (4 << 20)

static bool set(int fd, int level, int option, const void *value, size_t size)
{
    return setsockopt(fd, level, option, value, (socklen_t)size) == 0;
}

static bool prepare(struct port *p, const char *interface)
{
    const int on = 1, version = TPACKET_V2, buffer = SEND_BUFFER;
    const struct tpacket_req ring = {BLOCK_SIZE, BLOCKS, SLOT_SIZE, SLOTS};
    struct sockaddr_ll local = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    struct packet_mreq all = {.mr_type = PACKET_MR_PROMISC};
    local.sll_ifindex = all.mr_ifindex = (int)if_nametoindex(interface);
    if (!local.sll_ifindex || !set(p->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) ||
        !set(p->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) ||
        !set(p->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) ||
        !set(p->fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer) ||
        !set(p->fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof ring))
        return false;
    p->ring = mmap(NULL, RING_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, p->fd, 0);
    return p->ring != MAP_FAILED && bind(p->fd, (void *)&local, sizeof local) == 0 &&
           set(p->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all);
}

bool port_open(struct port *p, const char *interface)
{
    p->next = 0;
    p->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0); /* deaf until it is bound */
    return p->fd >= 0 && prepare(p, interface);
}

static struct tpacket2_hdr *slot(const struct port *p)
{
    return (void *)(p->ring + (size_t)p->next * SLOT_SIZE);
}

bool port_peek(const struct port *p, struct arrived *into)
{
    const struct tpacket2_hdr *h = slot(p);
    uint32_t status = __atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE);
    if (!(status & TP_STATUS_USER))
        return false;
    into->bytes = (const uint8_t *)h + h->tp_mac;
    into->len = h->tp_snaplen;
    into->at = (uint64_t)h->tp_sec * 1000000000u + h->tp_nsec;
    into->cut = h->tp_snaplen < h->tp_len || h->tp_len > PORT_FRAME_MAX;
    into->unsummed = status & TP_STATUS_CSUMNOTREADY;
    return true;
}

void port_taken(struct port *p)
{
    __atomic_store_n(&slot(p)->tp_status, (uint32_t)TP_STATUS_KERNEL, __ATOMIC_RELEASE);
    p->next = (p->next + 1) % SLOTS;
}

unsigned port_send(const struct port *p, struct iovec *frames, unsigned count)
{
    struct mmsghdr messages[PORT_SEND_MAX] = {0};
    unsigned n = count < PORT_SEND_MAX ? count : PORT_SEND_MAX;
    for (unsigned i = 0; i < n; i++) {
        messages[i].msg_hdr.msg_iov = &frames[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    int sent = sendmmsg(p->fd, messages, n, MSG_DONTWAIT);
    return sent < 0 ? 0 : (unsigned)sent;
}

unsigned port_overruns(const struct port *p)
{
    struct tpacket_stats stats = {0};
    socklen_t size = sizeof stats;
    getsockopt(p->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size);
    return stats.tp_drops;
}
