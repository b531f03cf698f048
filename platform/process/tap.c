/*
 * Opening, receiving and sending; see tap.h. Whether the link is up is tap_link.c's matter.
 */
#include "platform/process/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "platform/process/tap_link.h"
#include "platform/process/wait.h"
#include "runtime/list.h"
#include "runtime/siphash.h"
#include "signatures/memory.h"

#define TUN_DEVICE "/dev/net/tun"
#define HEAD_SIZE  12 /* struct virtio_net_hdr_mrg_rxbuf: what newer kernels like best */

/* Before each frame, both ways. */
union head {
    struct virtio_net_hdr h;
    uint8_t bytes[HEAD_SIZE];
};

struct tap {
    struct net net;
    struct source source;
    struct tap_link link;
    struct tap_counters counters;
    int fd;
    bool gone;    /* the device was deleted */
    bool blocked; /* somebody waits for room */
    char name[IFNAMSIZ];
    struct { /* what arrives: one read, for which nothing has to be gathered */
        union head head;
        uint8_t frame[NET_FRAME_MAX];
    } arrival;
};
_Static_assert(offsetof(struct tap, arrival.frame) - offsetof(struct tap, arrival) == HEAD_SIZE,
               "nothing in between");

static struct tap *tap_of(const struct net *n)
{
    return CONTAINER(n, struct tap, net);
}

/* --- receiving --- */

static uint16_t segment_size(const struct virtio_net_hdr *h)
{
    return h->gso_type == VIRTIO_NET_HDR_GSO_NONE ? 0 : h->gso_size;
}

/* A checksum that is still to be made (NEEDS_CSUM) never left the host: nothing can have harmed
 * it. */
static enum net_checksum checksum(const struct virtio_net_hdr *h)
{
    return h->flags & (VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID)
               ? NET_CHECKSUM_GOOD
               : NET_CHECKSUM_UNKNOWN;
}

static void deliver(struct tap *t, size_t len)
{
    const struct virtio_net_hdr *h = &t->arrival.head.h;
    const struct slice part = slice_of(t->arrival.frame, len);
    const struct net_arrival a = {
        .parts = &part, .count = 1, .checksum = checksum(h), .segment_size = segment_size(h)};
    if (!t->net.events) {
        t->counters.dropped_unowned++;
        return;
    }
    t->counters.received++;
    t->counters.received_bytes += len;
    t->net.events->on_frame(t->net.owner, &a);
}

/* False: nothing more is there. */
static bool receive_one(struct tap *t)
{
    ssize_t n = read(t->fd, &t->arrival, sizeof t->arrival);
    if (n < 0 && errno == EINTR)
        return true;
    if (n < 0)
        return false;
    if (n <= HEAD_SIZE)
        t->counters.dropped_malformed++;
    else
        deliver(t, (size_t)n - HEAD_SIZE);
    return true;
}

/* The device is no more: the descriptor would only wake us again and again. */
static void bury(struct tap *t)
{
    t->gone = true;
    source_remove(t->fd);
}

static void on_ready(struct source *s, uint32_t events)
{
    struct tap *t = CONTAINER(s, struct tap, source);
    if (t->gone)
        return;
    if (events & (EPOLLERR | EPOLLHUP)) {
        bury(t);
        return;
    }
    if (events & EPOLLOUT && t->blocked) {
        t->blocked = false;
        source_change(t->fd, &t->source, EPOLLIN);
        if (t->net.events)
            t->net.events->on_room(t->net.owner);
    }
    for (unsigned i = 0; i < TAP_FRAMES_ONCE && receive_one(t); i++)
        ;
}

/* --- sending --- */

static void fill_head(struct virtio_net_hdr *h, const struct net_frame *f)
{
    if (f->checksum_start) {
        h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        h->csum_start = f->checksum_start;
        h->csum_offset = f->checksum_offset;
    }
    if (f->segment_size) {
        h->gso_type = f->v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
        h->gso_type |= f->ecn ? VIRTIO_NET_HDR_GSO_ECN : 0;
        h->gso_size = f->segment_size;
        h->hdr_len = f->head_size;
    }
}

static enum err refuse(struct tap *t)
{
    switch (errno) {
    case EAGAIN:
    case ENOBUFS:
    case ENOMEM:
        t->counters.refused_full++;
        t->blocked = true;
        source_change(t->fd, &t->source, EPOLLIN | EPOLLOUT);
        return ERR_AGAIN;
    case EIO: /* the device is down */
    case EBADFD:
        return ERR_UNREACHABLE;
    default:
        t->counters.refused_host++;
        return ERR_IO;
    }
}

static enum err tap_send(struct net *n, const struct net_frame *f)
{
    struct tap *t = tap_of(n);
    union head head = {.bytes = {0}};
    struct iovec parts[NET_PARTS_MAX + 1] = {{&head, HEAD_SIZE}};
    ssize_t sent;
    if (!tap_link_up(&t->link) || t->gone)
        return ERR_UNREACHABLE;
    if (f->count == 0 || f->count > NET_PARTS_MAX)
        return ERR_LIMIT;
    fill_head(&head.h, f);
    for (size_t i = 0; i < f->count; i++) {
        union { /* the kernel only reads them */
            const uint8_t *from;
            void *to;
        } base = {.from = f->parts[i].ptr};
        parts[i + 1] = (struct iovec){base.to, f->parts[i].len};
    }
    do
        sent = writev(t->fd, parts, (int)f->count + 1);
    while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return refuse(t);
    t->counters.sent++;
    t->counters.sent_bytes += (size_t)sent - HEAD_SIZE;
    return OK;
}

static uint64_t tap_completed(struct net *n)
{
    return n->sent;
}

static bool tap_is_up(const struct net *n)
{
    return tap_link_up(&tap_of(n)->link);
}

static void on_link(void *arg, bool up)
{
    struct tap *t = arg;
    if (t->net.events)
        t->net.events->on_link(t->net.owner, up);
}

/* --- opening --- */

static enum err complain(const struct tap *t, struct buf *error, const char *what, int number)
{
    buf_printf(error, "--net tap:%s: ", t->name);
    switch (number) {
    case EPERM:
    case EACCES:
        buf_printf(error,
                   "no permission to open it: make the device for this user (ip tuntap add %s mode "
                   "tap user NAME)",
                   t->name);
        return ERR_DENIED;
    case EBUSY:
        buf_text(error, "another program has it open");
        return ERR_EXISTS;
    case ENOENT:
    case ENODEV:
    case ENXIO:
        buf_text(error, "this host has no " TUN_DEVICE " (modprobe tun)");
        return ERR_NOT_FOUND;
    case EINVAL:
        buf_text(error, "it is not a TAP device");
        return ERR_ARGUMENT;
    default:
        buf_printf(error, "%s: %s", what, strerror(number));
        return ERR_IO;
    }
}

/* What the device was made with has to be named again, or it is EINVAL: many queues are tried
 * next. */
static bool attach(struct tap *t)
{
    const int flags[] = {IFF_TAP | IFF_NO_PI | IFF_VNET_HDR,
                         IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        struct ifreq r = {.ifr_flags = (short)flags[i]};
        memcpy(r.ifr_name, t->name, IFNAMSIZ);
        if (ioctl(t->fd, TUNSETIFF, &r) == 0)
            return true;
        if (errno != EINVAL)
            break;
    }
    return false;
}

/* What both ends may leave to the other; older kernels know less, and then do it themselves. */
static bool offload(struct tap *t)
{
    const int head = HEAD_SIZE;
    const unsigned all = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
    t->net.features.offloads =
        NET_SENDS_CHECKSUMS | NET_SEGMENTS_V4 | NET_SEGMENTS_V6 | NET_SEGMENTS_ECN;
    return ioctl(t->fd, TUNSETVNETHDRSZ, &head) == 0 && ioctl(t->fd, TUNSETOFFLOAD, all) == 0;
}

/* The device's own address is the host's end; ours is another, the same at every start while the
 * device stays: locally administered, for one station. */
static void derive_mac(struct tap *t, const uint8_t theirs[NET_MAC_SIZE])
{
    static const struct sipkey key = {0x7461703a72696e67, 0x6c65743a6d616300};
    uint64_t hash = siphash(key, slice_of(theirs, NET_MAC_SIZE));
    for (size_t i = 0; i < NET_MAC_SIZE; i++)
        t->net.features.mac[i] = (uint8_t)(hash >> (8 * i));
    t->net.features.mac[0] = (uint8_t)((t->net.features.mac[0] & 0xfc) | 2);
}

/* Asks the device for its address and its MTU. */
static bool inspect(struct tap *t)
{
    struct ifreq r = {.ifr_flags = 0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    memcpy(r.ifr_name, t->name, IFNAMSIZ);
    bool done = fd >= 0 && ioctl(fd, SIOCGIFHWADDR, &r) == 0;
    if (done)
        derive_mac(t, (const uint8_t *)r.ifr_hwaddr.sa_data);
    done = done && ioctl(fd, SIOCGIFMTU, &r) == 0;
    if (done)
        t->net.features.mtu = (uint16_t)(r.ifr_mtu > UINT16_MAX ? UINT16_MAX : r.ifr_mtu);
    int number = errno;
    if (fd >= 0)
        close(fd);
    errno = number;
    return done;
}

static enum err open_device(struct tap *t, struct buf *error)
{
    unsigned index = if_nametoindex(t->name);
    if (index == 0) {
        buf_printf(
            error,
            "--net tap:%s: there is no such device; make it with: ip tuntap add %s mode tap, "
            "ip link set %s up",
            t->name, t->name, t->name);
        return ERR_NOT_FOUND;
    }
    t->fd = open(TUN_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (t->fd < 0 || !attach(t))
        return complain(t, error, "opening", errno);
    if (!offload(t) || !inspect(t))
        return complain(t, error, "setting it up", errno);
    if (!tap_link_open(&t->link, index, on_link, t) || !source_add(t->fd, &t->source, EPOLLIN))
        return complain(t, error, "watching", errno);
    return OK;
}

enum err tap_open(struct slice name, struct net **into, struct buf *error)
{
    static const struct net_ops ops = {
        .send = tap_send, .completed = tap_completed, .link = tap_is_up};
    struct tap *t = memory_zalloc(sizeof *t);
    if (!t)
        return ERR_MEMORY;
    t->net.ops = &ops;
    t->source.ready = on_ready;
    t->fd = t->link.fd = -1;
    memcpy(t->name, name.ptr, name.len < IFNAMSIZ ? name.len : IFNAMSIZ - 1);
    enum err e = open_device(t, error);
    if (e)
        tap_close(&t->net);
    else
        *into = &t->net;
    return e;
}

void tap_close(struct net *n)
{
    struct tap *t = tap_of(n);
    tap_link_close(&t->link);
    if (t->fd >= 0)
        close(t->fd);
    memory_free(t);
}

struct tap_counters tap_counters(const struct net *n)
{
    return tap_of(n)->counters;
}
