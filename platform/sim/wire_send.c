/*
 * The sending half of a card: takes frames as signatures/net.h says, looks at each as a strict peer
 * would, and holds on to lent bytes for as long as hardware does.
 */
#include "platform/sim/wire_internal.h"
#include "signatures/clock.h"

static struct port *self(const struct net *n)
{
    return (struct port *)(uintptr_t)n;
}

/* --- lent bytes --- */

/* Tells two states of the same bytes apart. */
static uint64_t print_of(const struct slice *parts, size_t count)
{
    uint64_t print = 0;
    for (size_t i = 0; i < count; i++) {
        struct slice s = parts[i];
        for (; s.len >= 8; s = slice_drop(s, 8)) {
            uint64_t word;
            memcpy(&word, s.ptr, 8);
            print = (print ^ word) * UINT64_C(0x9e3779b97f4a7c15);
            print ^= print >> 29;
        }
        for (size_t k = 0; k < s.len; k++)
            print = (print ^ s.ptr[k]) * UINT64_C(0x9e3779b97f4a7c15);
    }
    return print;
}

static struct slot *slot_of(struct port *p, uint64_t number)
{
    return &p->slots[number % p->card.ring];
}

static void hold(struct port *p, const struct net_frame *f)
{
    struct slot *s = slot_of(p, p->taken++);
    if (!p->card.completes) {
        p->done = p->taken;
        return;
    }
    uint64_t now = clock_monotonic();
    s->count = f->count - 1;
    memcpy(s->lent, f->parts + 1, s->count * sizeof *s->lent);
    s->print = print_of(s->lent, s->count);
    s->done_at = now + sim_random_range(&p->wire->random, 0, p->card.completes);
    if (p->taken - p->done > 1 && s->done_at < slot_of(p, p->taken - 2)->done_at)
        s->done_at = slot_of(p, p->taken - 2)->done_at; /* in order */
    if (!p->completion.scheduled)
        sim_event_schedule(&p->completion, slot_of(p, p->done)->done_at);
}

void sim_card_on_completion(struct sim_event *e)
{
    struct port *p = CONTAINER(e, struct port, completion);
    for (; p->done < p->taken && slot_of(p, p->done)->done_at <= clock_monotonic(); p->done++) {
        const struct slot *s = slot_of(p, p->done);
        if (print_of(s->lent, s->count) != s->print)
            sim_wire_found(p->wire, "lent bytes changed before the card was done with them");
    }
    if (p->done < p->taken)
        sim_event_schedule(&p->completion, slot_of(p, p->done)->done_at);
    if (p->wants_room)
        sim_event_schedule(&p->room, clock_monotonic());
}

void sim_card_on_room(struct sim_event *e)
{
    struct port *p = CONTAINER(e, struct port, room);
    p->wants_room = false;
    if (p->net.events && p->net.events->on_room)
        p->net.events->on_room(p->net.owner);
}

/* --- what a card is given --- */

static const char *check_tcp(const uint8_t *bytes, const struct sim_frame *f)
{
    const struct sim_tcp *t = &f->tcp;
    if (bytes[f->transport + 12] & 0x0f)
        return "TCP: reserved bits are set";
    if ((t->flags & SIM_SYN) && (t->flags & (SIM_FIN | SIM_RST)))
        return "TCP: SYN with FIN or RST";
    if (!(t->flags & (SIM_SYN | SIM_RST | SIM_ACK)))
        return "TCP: neither SYN nor RST nor ACK";
    if (!(t->flags & SIM_SYN) && (t->options & (SIM_HAS_MSS | SIM_HAS_SCALE | SIM_HAS_SACK_OK)))
        return "TCP: an option of SYN without it";
    if (t->options & SIM_HAS_OTHERS)
        return "TCP: an option that nobody knows";
    if ((t->flags & SIM_URG) || t->urgent)
        return "TCP: urgent data";
    for (size_t i = 0; i < t->sack_count; i++)
        if ((int32_t)(t->sacks[i][1] - t->sacks[i][0]) <= 0)
            return "TCP: an empty SACK block";
    return NULL;
}

static const char *check_packet(const struct port *p, struct slice bytes, const struct sim_frame *f)
{
    if (memcmp(f->from, p->card.mac, NET_MAC_SIZE) != 0)
        return "Ethernet: from an address that is not the card's";
    if (!f->ip)
        return f->type == SIM_ARP ? NULL : "Ethernet: a type that nobody knows";
    if (f->end != bytes.len)
        return "IP: bytes behind the packet's end";
    if (!sim_frame_ip_sum_good(bytes, f))
        return "IPv4: checksum";
    if (f->hops == 0)
        return "IP: no hops";
    return f->protocol == SIM_TCP && !f->fragment ? check_tcp(bytes.ptr, f) : NULL;
}

/* Whether the card is asked to sum as it can, and finds the sum that it shall carry on. */
static const char *check_offload(const struct port *p, struct slice bytes,
                                 const struct sim_frame *f, const struct net_frame *given)
{
    if (!given->checksum_start)
        return given->segment_size                           ? "segmentation without checksum"
               : f->fragment || sim_frame_sum_good(bytes, f) ? NULL
                                                             : "checksum of the transport";
    if (!(p->card.offloads & NET_SENDS_CHECKSUMS))
        return "the card sums nothing";
    if (!f->checksum || f->protocol == SIM_ICMP || f->protocol == SIM_ICMPV6)
        return "the card sums TCP and UDP only";
    if (given->checksum_start != f->transport ||
        (size_t)given->checksum_start + given->checksum_offset != f->checksum)
        return "where the checksum is to be";
    if (sim_get16(bytes.ptr + f->checksum) != sim_sum_pseudo(f))
        return "the pseudo-header's sum";
    return NULL;
}

static const char *examine(struct port *p, struct slice bytes, struct sim_frame *f,
                           const struct net_frame *given)
{
    const char *fault = sim_frame_read(bytes, f);
    if (p->card.liberal && !given->checksum_start)
        return NULL;
    if (!fault)
        fault = check_packet(p, bytes, f);
    if (!fault)
        fault = check_offload(p, bytes, f, given);
    return fault;
}

/* --- sending --- */

static void write_record(FILE *file, struct slice frame)
{
    uint64_t now = clock_monotonic();
    const uint32_t head[] = {(uint32_t)(now / CLOCK_SEC), (uint32_t)(now % CLOCK_SEC),
                             (uint32_t)frame.len, (uint32_t)frame.len};
    fwrite(head, sizeof head, 1, file);
    fwrite(frame.ptr, frame.len, 1, file);
}

void sim_card_record(struct port *p, struct slice frame)
{
    if (p->record)
        write_record(p->record, frame);
}

void sim_card_leaves(struct port *p, struct slice frame)
{
    sim_card_record(p, frame);
    if (p->wire->watch)
        p->wire->watch(p->wire->watch_arg, &p->net, frame);
    if (p->gone)
        p->wire->counts.unheard++;
    else
        sim_lane_enter(p, SIM_OUT, frame);
}

static size_t gather(uint8_t *into, const struct net_frame *f)
{
    size_t len = 0;
    for (size_t i = 0; i < f->count; i++) {
        memcpy(into + len, f->parts[i].ptr, f->parts[i].len);
        len += f->parts[i].len;
    }
    return len;
}

static void transmit(struct port *p, const struct net_frame *given)
{
    static uint8_t bytes[NET_FRAME_MAX];
    struct sim_frame f;
    size_t len = gather(bytes, given);
    const char *fault = examine(p, slice_of(bytes, len), &f, given);
    if (!fault && given->segment_size) {
        fault = sim_card_cut(p, bytes, &f, given);
    } else if (!fault) {
        if (given->checksum_start)
            sim_frame_sum(bytes, &f);
        sim_card_leaves(p, slice_of(bytes, len));
    }
    sim_wire_found(p->wire, fault);
}

static size_t length_of(const struct net_frame *f)
{
    size_t len = 0;
    for (size_t i = 0; i < f->count; i++)
        len += f->parts[i].len;
    return len;
}

static enum err card_send(struct net *n, const struct net_frame *f)
{
    struct port *p = self(n);
    if (f->count < 1 || f->count > NET_PARTS_MAX || f->parts[0].len < SIM_ETHERNET_SIZE) {
        sim_wire_found(p->wire, "a frame of too few or too many parts");
        return ERR_LIMIT;
    }
    size_t len = length_of(f), max = p->card.mtu + SIM_ETHERNET_SIZE;
    if (len > (f->segment_size ? NET_FRAME_MAX : max))
        return ERR_LIMIT;
    if (!p->up)
        return ERR_UNREACHABLE;
    if (p->taken - p->done == p->card.ring) {
        p->wants_room = true;
        return ERR_AGAIN;
    }
    transmit(p, f);
    hold(p, f);
    return OK;
}

static uint64_t card_completed(struct net *n)
{
    return self(n)->done;
}

static bool card_link(const struct net *n)
{
    return self(n)->told_up;
}

const struct net_ops sim_card_ops = {
    .send = card_send,
    .completed = card_completed,
    .link = card_link,
};
