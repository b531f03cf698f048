/*
 * Xen's other side, led by bytes: the store's daemon, the network card's backend, that of a block
 * device, and who reads and fills the console's ring. Whatever they say, memory stays whole, no page is
 * read while the backend may write it, and what is granted is what is to be.
 *
 *     one byte says what: an answer of the store as it should be, or with the next bytes, or none; an
 *     event; raw bytes; a response on a ring, counters, or bytes in its page; a page held; time; a frame
 */
#include <stdlib.h>

#include "platform/pvh/memory.h"
#include "platform/pvh/poll.h"
#include "fuzz/block_owner.h"
#include "platform/xen/block.h"
#include "platform/xen/bus.h"
#include "platform/xen/byte_ring.h"
#include "platform/xen/event.h"
#include "platform/xen/guest.h"
#include "platform/xen/net.h"
#include "platform/xen/net_ring.h"
#include "runtime/format.h"
#include "runtime/log.h"
#include "runtime/reader.h"
#include "signatures/console.h"
#include "signatures/memory.h"

#define PAGES_MAX 2048u
#define TURNS_MAX 400u
#define GRANTS    1024u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct reader input;
static uint64_t now;
static struct store store;
static struct front *front;
static struct poll *card_poll;
static struct grants grants;
static struct grant_entry_v1 table[GRANTS];
static _Alignas(4096) uint8_t pages[PAGES_MAX + 1][RING_PAGE]; /* the last is no page */
static uint32_t page_count, channels;
static uint32_t receive_ring, send_ring; /* numbers of grants, as we told */
static unsigned backend_state;

/* --- what the platform has instead --- */

void *memory_zalloc(size_t size)
{
    return calloc(1, size);
}

void *memory_resize(void *block, size_t size)
{
    return realloc(block, size);
}

static bool is_page(const void *block)
{
    return (const uint8_t *)block >= pages[0] && (const uint8_t *)block < pages[PAGES_MAX];
}

/* Pages are not given out again: one that is in use after it was freed is found by its grant. */
void memory_free(void *block)
{
    if (!is_page(block))
        free(block);
}

void *memory_pages(size_t count)
{
    if (count != 1 || page_count == PAGES_MAX)
        return NULL;
    return memset(pages[page_count++], 0, RING_PAGE);
}

uint64_t clock_monotonic(void)
{
    return now;
}

int64_t clock_wall(void)
{
    return 0;
}

void console_write(struct slice bytes)
{
    (void)bytes;
}

uint32_t guest_frame(const void *page)
{
    if (!is_page(page))
        abort();
    return (uint32_t)((const uint8_t(*)[RING_PAGE])page - pages);
}

struct grants *guest_grants(void)
{
    return &grants;
}

uint32_t event_open(uint16_t domain)
{
    (void)domain;
    return ++channels;
}

void event_close(uint32_t channel)
{
    (void)channel;
}

void event_notify(uint32_t channel)
{
    (void)channel;
}

void poll_add(struct poll *p)
{
    card_poll = p;
}

struct store *bus_store(void)
{
    return &store;
}

bool bus_add(struct front *f)
{
    front = f;
    return true;
}

void bus_remove(struct front *f)
{
    front_close(f);
    front = NULL;
}

/* --- the store's daemon --- */

static void say(uint32_t type, uint32_t id, struct slice payload)
{
    struct xsd_sockmsg head = {.type = type, .req_id = id, .len = (uint32_t)payload.len};
    store_input(&store, slice_of(&head, sizeof head));
    store_input(&store, payload);
}

/* What a daemon that means well would say. */
static struct slice right_value(struct slice path, char *text, size_t size)
{
    static const char *const values[][2] = {
        {"/backend", "/b/vif"}, {"/backend-id", "0"}, {"/mac", "00:16:3e:00:00:02"},
        {"/mtu", "1500"},       {"/sectors", "100"},  {"/sector-size", "512"},
        {"/info", "0"},         {"/online", "1"}};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (slice_ends(path, slice_text(values[i][0])))
            return slice_text(values[i][1]);
    format_text(text, size, "%u", slice_ends(path, SLICE("/state")) ? backend_state : 1u);
    return slice_text(text);
}

static void note_write(struct slice path, struct slice value)
{
    uint64_t number = 0;
    slice_decimal(value, UINT32_MAX, &number);
    if (slice_ends(path, SLICE("/tx-ring-ref")) || slice_ends(path, SLICE("/ring-ref")))
        send_ring = (uint32_t)number;
    else if (slice_ends(path, SLICE("/rx-ring-ref")))
        receive_ring = (uint32_t)number;
    else if (slice_ends(path, SLICE("/state")) &&
             (number == XenbusStateConnected || number == XenbusStateInitialised))
        backend_state = XenbusStateConnected;
    else if (slice_ends(path, SLICE("/state")))
        backend_state = number == XenbusStateClosed ? XenbusStateClosed : XenbusStateInitWait;
}

static void answer_well(const struct xsd_sockmsg *q, struct slice payload)
{
    char text[FRONT_TEXT_MAX];
    struct slice path, value;
    slice_cut(payload, '\0', &path, &value);
    if (q->type == XS_WRITE)
        note_write(path, value);
    say(q->type, q->req_id,
        q->type == XS_READ ? right_value(path, text, sizeof text) : SLICE("OK\0"));
}

static void answer(const struct xsd_sockmsg *q, struct slice payload)
{
    uint8_t how = read_u8(&input);
    if (how < 200)
        answer_well(q, payload);
    else if (how < 220)
        say(XS_ERROR, q->req_id, how & 1 ? SLICE("ENOENT\0") : SLICE("EINVAL"));
    else if (how < 240)
        say(q->type, q->req_id, read_bytes(&input, how - 220u));
    else if (how < 245)
        say(how, q->req_id + how, SLICE("1"));
}

static void serve_store(void)
{
    struct slice out;
    for (unsigned i = 0; i < TURNS_MAX && (out = store_output(&store, now)).len && !store.closed;
         i++) {
        struct xsd_sockmsg q;
        if (out.len < sizeof q)
            abort();
        memcpy(&q, out.ptr, sizeof q);
        if (out.len != sizeof q + q.len)
            abort();
        uint8_t payload[sizeof store.out];
        memcpy(payload, out.ptr + sizeof q, q.len);
        store_sent(&store, out.len);
        answer(&q, slice_of(payload, q.len));
    }
}

static void fire(uint8_t which)
{
    char text[FRONT_TEXT_MAX];
    size_t n = format_text(text, sizeof text, "path%c%u", 0, which % 4u);
    say(XS_WATCH_EVENT, 0, slice_of(text, n + 1));
}

bool bus_wait(bool (*ready)(void *arg), void *arg, uint64_t deadline)
{
    (void)deadline;
    for (unsigned i = 0; i < 8 && !ready(arg); i++) {
        serve_store();
        if (front->kind->published ==
            XenbusStateInitialised) /* one that is opened only if it is up */
            fire(2);
    }
    return ready(arg);
}

/* --- the backend --- */

static struct ring_shared *ring_at(uint32_t number)
{
    if (number >= GRANTS || !table[number].flags)
        return NULL;
    return (struct ring_shared *)(void *)pages[table[number].frame];
}

/* The next response: of the next bytes, or one that fits what was asked. */
static void respond(bool receive, uint8_t how)
{
    struct ring_shared *s = ring_at(receive ? receive_ring : send_ring);
    size_t entry =
        receive ? sizeof(union netif_rx_sring_entry) : sizeof(union netif_tx_sring_entry);
    if (!s)
        return;
    uint8_t *at = s->entries + s->response_producer % NET_RING_PAGES * entry;
    struct netif_rx_response good = {.id = (uint16_t)(s->response_producer % NET_RING_PAGES),
                                     .flags = read_u8(&input) & 15,
                                     .status = (int16_t)(read_u8(&input) * 17)};
    struct slice bytes = read_bytes(&input, how & 64 ? 8 : 0);
    if (bytes.len)
        memcpy(at, bytes.ptr, bytes.len);
    else if (receive)
        memcpy(at, &good, sizeof good);
    else {
        struct netif_tx_response sent = {.id = ((struct netif_tx_request *)(void *)at)->id};
        memcpy(at, &sent, sizeof sent);
    }
    s->response_producer++;
}

static void scribble(bool receive)
{
    struct ring_shared *s = ring_at(receive ? receive_ring : send_ring);
    size_t at = read_le16(&input) % RING_PAGE;
    struct slice bytes = slice_take(read_bytes(&input, read_u8(&input) & 31), RING_PAGE - at);
    if (s && bytes.len)
        memcpy((uint8_t *)s + at, bytes.ptr, bytes.len);
}

/* --- our own side --- */

static void on_frame(void *owner, const struct net_arrival *a)
{
    size_t total = 0;
    (void)owner;
    for (size_t i = 0; i < a->count; i++) {
        for (uint32_t g = 0; g < GRANTS; g++)
            if (table[g].flags && !(table[g].flags & GTF_readonly) && is_page(a->parts[i].ptr) &&
                guest_frame(a->parts[i].ptr) == table[g].frame)
                abort(); /* the backend could change it */
        for (size_t k = 0; k < a->parts[i].len; k++)
            total += 1 + (a->parts[i].ptr[k] & 0);
    }
    if (!a->count || (a->count > 1 && a->parts[0].len < NET_HEAD_MAX && total > NET_HEAD_MAX))
        abort();
}

static void on_room(void *owner)
{
    (void)owner;
}

static void on_link(void *owner, bool up)
{
    (void)owner;
    (void)up;
}

static void send(struct net *card, uint8_t how)
{
    static const uint8_t bytes[65536];
    struct slice parts[3] = {slice_of(bytes, 14 + how % 200u),
                             slice_of(bytes, read_u8(&input) * 128u), slice_of(bytes, how * 64u)};
    struct net_frame f = {.parts = parts, .count = 1 + how % 3u};
    if (how & 8) {
        f.checksum_start = 34;
        f.checksum_offset = 16;
        f.segment_size = how & 16 ? 1448 : 0;
        f.head_size = 54;
    }
    if (net_send(card, &f) == OK && net_completed(card) != card->sent)
        abort();
}

/* What can happen to every device. */
static void act_on_any(uint8_t what)
{
    switch (what % 16) {
    case 6: { /* a page is held, or let go of */
        uint32_t number = read_le16(&input) % GRANTS;
        if (table[number].flags & GTF_permit_access)
            table[number].flags ^= GTF_reading;
        break;
    }
    case 7:
        fire(read_u8(&input));
        break;
    case 8:
        backend_state = read_u8(&input) % 10u;
        fire(2);
        break;
    case 9:
        store_input(&store, read_bytes(&input, read_u8(&input) & 63));
        break;
    case 10:
        now += CLOCK_SEC * (what >> 4);
        store_expire(&store, now);
        front_expire(front);
        break;
    default:
        serve_store();
        card_poll->run(card_poll);
        (void)card_poll->await(card_poll);
    }
}

static void act(struct net *card, uint8_t what)
{
    switch (what % 16) {
    case 0:
    case 1:
    case 2:
        respond(true, what);
        break;
    case 3:
        respond(false, what);
        break;
    case 4:
        scribble(what & 16);
        break;
    case 5: {
        struct ring_shared *s = ring_at(what & 16 ? receive_ring : send_ring);
        if (s)
            s->response_producer = (uint32_t)read_little_endian(&input, 4);
        break;
    }
    case 11:
    case 12:
        send(card, what);
        break;
    default:
        act_on_any(what);
    }
}

/* A ring of bytes with counters that the other side moves as it likes. */
static void drive_bytes(void)
{
    char bytes[64];
    uint8_t into[80];
    uint32_t theirs = (uint32_t)read_little_endian(&input, 4), ours = read_u8(&input);
    struct byte_ring r;
    memset(bytes, 'x', sizeof bytes);
    byte_ring_init(&r, bytes, sizeof bytes, &theirs, &ours);
    while (!input.bad && input.rest.len) {
        uint8_t what = read_u8(&input);
        if (what & 1 && byte_ring_put(&r, read_bytes(&input, what >> 1)) > sizeof bytes)
            abort();
        if (what & 2 && byte_ring_take(&r, into, what >> 2) > (size_t)what >> 2)
            abort();
        if (what & 4)
            theirs = ours + read_u8(&input);
    }
}

/* --- a block device --- */

static void answer_block(uint8_t what)
{
    struct ring_shared *s = ring_at(send_ring);
    size_t entry = sizeof(union blkif_sring_entry);
    if (!s)
        return;
    struct blkif_response said = {.id = read_u8(&input) % 20u, .operation = what >> 6};
    if (what & 32 && said.id < BLOCK_REQUESTS_MAX) /* as it was asked, or would have been */
        said.operation = requests[said.id].operation == BLOCK_FLUSH
                             ? BLKIF_OP_FLUSH_DISKCACHE
                             : (uint8_t)requests[said.id].operation;
    if (what & 16)
        said.status = (int16_t)read_le16(&input);
    memcpy(s->entries + s->response_producer++ % 32 * entry, &said, sizeof said);
}

static void act_on_block(struct block *b, uint8_t what)
{
    if (what % 16 < 4)
        answer_block(what);
    else if (what % 16 == 4)
        scribble(false);
    else if (what % 16 == 11 || what % 16 == 12)
        ask_block(b, &input);
    else
        act_on_any(what);
    check_block(b);
}

static void drive_block(void)
{
    memset(under_way, 0, sizeof under_way);
    struct block *b = xen_block_open(0);
    for (unsigned i = 0; b && i < TURNS_MAX && !input.bad && input.rest.len; i++)
        act_on_block(b, read_u8(&input));
    if (b)
        bus_remove(front);
    memory_free(b);
}

static void begin(struct slice bytes)
{
    log_configure(SLICE("quiet"));
    input = reader_of(bytes);
    now = CLOCK_SEC;
    page_count = channels = receive_ring = send_ring = 0;
    front = NULL;
    card_poll = NULL;
    backend_state = XenbusStateInitWait;
    memset(table, 0, sizeof table);
    grants_init(&grants, table, GRANTS);
    store_init(&store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct net_events events = {on_frame, on_room, on_link};
    begin(slice_of(data, size));
    uint8_t which = read_u8(&input);
    if (which & 1) {
        if (which & 2)
            drive_block();
        else
            drive_bytes();
        return 0;
    }
    struct net *card = xen_net_open(0);
    if (card) {
        net_own(card, &events, NULL);
        for (unsigned i = 0; i < TURNS_MAX && !input.bad && input.rest.len; i++)
            act(card, read_u8(&input));
        bus_remove(front);
        memory_free(card);
    }
    return 0;
}
