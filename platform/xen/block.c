/*
 * See block.h. The device outlives its backends: the ring and channel are those of one, its pages stay. What
 * a backend still holds when it goes is never used again.
 */
#include "platform/xen/block.h"

#include <string.h>

#include "platform/pvh/poll.h"
#include "platform/xen/bus.h"
#include "platform/xen/event.h"
#include "platform/xen/guest.h"
#include "platform/xen/shared.h"
#include "runtime/log.h"
#include "signatures/memory.h"

#define SOURCE "xen"
#define MAJOR  202u /* of xvd: docs/man/xen-vbd-interface.7 */

static const char *const front_keys[] = {NULL};

enum { BACK_SECTORS, BACK_SIZE, BACK_INFO, BACK_FLUSH };
static const char *const back_keys[] = {"sectors", "sector-size", "info", "feature-flush-cache",
                                        NULL};

struct disk {
    struct block block;
    struct front front;
    struct poll poll;
    struct block_ring ring;
    struct block_ring_counters counters;
    uint8_t *page;   /* of the ring */
    uint32_t number; /* of its grant */
    uint32_t channel;
    uint32_t abandoned;
    bool flushes; /* it has a cache */
    /* To be told at the next turn: what a backend took with it, and flushes where there is no cache. */
    struct block_request *over[BLOCK_REQUESTS_MAX];
    enum err over_why[BLOCK_REQUESTS_MAX];
    unsigned over_count;
};

static struct disk *disk_of(const struct block *b)
{
    return CONTAINER(b, struct disk, block);
}

static struct disk *of_front(struct front *f)
{
    return CONTAINER(f, struct disk, front);
}

/* --- pages --- */

static bool renew_all(struct disk *d)
{
    bool good = shared_renew(&d->page, &d->number, &d->abandoned);
    for (unsigned i = 0; i < BLOCK_RING_ALL_PAGES && good; i++)
        good = shared_renew(&d->ring.pages[i], &d->ring.numbers[i], &d->abandoned);
    return good;
}

/* As far as they can be taken back: the rest is found out when there is another backend. */
static void end_all(struct disk *d)
{
    struct grants *g = guest_grants();
    (void)grant_end(g, d->number);
    for (unsigned i = 0; i < BLOCK_RING_ALL_PAGES; i++)
        (void)grant_end(g, d->ring.numbers[i]);
}

static void free_pages(struct disk *d)
{
    shared_free(d->page, d->number);
    for (unsigned i = 0; i < BLOCK_RING_ALL_PAGES; i++)
        shared_free(d->ring.pages[i], d->ring.numbers[i]);
}

/* --- the device comes and goes --- */

static bool refuse(struct disk *d, const char *why)
{
    log_error(SOURCE, "vbd %u: %s", (unsigned)d->front.number, why);
    return false;
}

static bool connect(struct front *f)
{
    struct disk *d = of_front(f);
    if (d->abandoned > SHARED_ABANDONED_MAX)
        return refuse(d, "its backends kept too many pages");
    if (!renew_all(d))
        return refuse(d, "no memory, or no grants, for its ring");
    d->channel = event_open(f->domain);
    if (d->channel == EVENT_NONE)
        return refuse(d, "no event channel");
    block_ring_open(&d->ring, guest_grants(), f->domain, (uint16_t)f->number, d->page);
    grant_give(guest_grants(), d->number, f->domain, guest_frame(d->page), true);
    front_tell(f, "ring-ref", d->number);
    front_tell(f, "event-channel", d->channel);
    front_tell_text(f, "protocol", "x86_64-abi");
    return true;
}

/* What the backend tells is there once it is connected. Of sectors of another size it has none for us: all
 * requests are beyond its end. */
static void connected(struct front *f)
{
    struct disk *d = of_front(f);
    uint64_t size = front_number(f, f->back_values[BACK_SIZE], UINT32_MAX, BLOCK_SECTOR);
    uint64_t info = front_number(f, f->back_values[BACK_INFO], UINT32_MAX, 0);
    d->block.sectors = front_number(f, f->back_values[BACK_SECTORS], UINT64_MAX, 0);
    d->block.read_only = info & VDISK_READONLY;
    d->flushes = front_number(f, f->back_values[BACK_FLUSH], 1, 0);
    if (size != BLOCK_SECTOR) {
        d->block.sectors = 0;
        (void)refuse(d, "its sectors are not of 512 bytes (sector-size): it cannot be used");
    }
    log_info(SOURCE, "vbd %u: %llu sectors", (unsigned)f->number,
             (unsigned long long)d->block.sectors);
}

static void put_over(struct disk *d, struct block_request *r, enum err why)
{
    d->over[d->over_count] = r;
    d->over_why[d->over_count++] = why;
}

/* Bytes were copied: what was under way may be given back, whatever the backend does. */
static void disconnect(struct front *f)
{
    struct disk *d = of_front(f);
    event_close(d->channel);
    d->channel = EVENT_NONE;
    d->ring.ring.broken = true;
    end_all(d);
    for (unsigned i = 0; i < BLOCK_REQUESTS_MAX; i++)
        if (d->ring.requests[i]) {
            d->counters.failed++;
            put_over(d, d->ring.requests[i], ERR_RESET);
            d->ring.requests[i] = NULL;
        }
}

static const struct front_kind kind = {.class = "vbd",
                                       .front_keys = front_keys,
                                       .back_keys = back_keys,
                                       .published = XenbusStateInitialised,
                                       .connect = connect,
                                       .connected = connected,
                                       .disconnect = disconnect};

/* --- signatures/block.h --- */

static enum err submit(struct block *b, struct block_request *r)
{
    struct disk *d = disk_of(b);
    if (!d->front.up)
        return ERR_UNREACHABLE;
    if (r->operation != BLOCK_FLUSH || d->flushes)
        return block_ring_submit(&d->ring, r);
    put_over(d, r, OK);
    return OK;
}

static void status(const struct block *b, struct buf *into)
{
    const struct disk *d = disk_of(b);
    const struct {
        const char *name;
        uint64_t value;
    } all[] = {
        {"done", d->counters.done},
        {"failed", d->counters.failed},
        {"malformed", d->counters.malformed},
        {"refused", b->refused},
        {"connects", d->front.counters.connects},
        {"disconnects", d->front.counters.disconnects},
        {"backend_late", d->front.counters.late},
        {"store_malformed", d->front.counters.malformed},
        {"pages_abandoned", d->abandoned},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buf_printf(into, "xen-blk %s: %llu\n", all[i].name, (unsigned long long)all[i].value);
}

/* --- the loop --- */

/* Who is told may submit again at once. */
static bool tell_over(struct disk *d)
{
    struct block_request *over[BLOCK_REQUESTS_MAX];
    enum err why[BLOCK_REQUESTS_MAX];
    unsigned count = d->over_count;
    memcpy(over, d->over, sizeof over);
    memcpy(why, d->over_why, sizeof why);
    d->over_count = 0;
    for (unsigned i = 0; i < count; i++)
        block_done(&d->block, over[i], why[i]);
    return count > 0;
}

static void tell(struct disk *d)
{
    if (d->front.linked && ring_push(&d->ring.ring))
        event_notify(d->channel);
}

static bool run(struct poll *p)
{
    struct disk *d = CONTAINER(p, struct disk, poll);
    struct block_request *r;
    enum err why = OK;
    bool any = tell_over(d);
    if (!d->front.up)
        return any;
    tell(d);
    for (unsigned i = 0;
         i < BLOCK_REQUESTS_MAX && (r = block_ring_take(&d->ring, &why, &d->counters)); i++) {
        any = true;
        block_done(&d->block, r, why);
    }
    tell(d);
    if (d->ring.ring.broken)
        front_fail(&d->front, "the backend breaks the rules of its ring");
    return any;
}

static bool await(struct poll *p)
{
    struct disk *d = CONTAINER(p, struct disk, poll);
    return d->over_count || (d->front.up && ring_await(&d->ring.ring));
}

/* --- opening --- */

static bool settled(void *arg)
{
    const struct front *f = arg;
    return f->up || (f->looked && !f->present);
}

static struct disk *open_disk(void)
{
    static const struct block_ops ops = {.submit = submit, .status = status};
    struct disk *d = memory_zalloc(sizeof *d);
    if (!d)
        return NULL;
    d->block.ops = &ops;
    d->block.most = BLOCK_BYTES_MAX;
    d->number = GRANT_NONE;
    for (unsigned i = 0; i < BLOCK_RING_ALL_PAGES; i++)
        d->ring.numbers[i] = GRANT_NONE;
    d->ring.ring.broken = true;
    return d;
}

/* A program finds out the size when it starts, so the backend has to be there by then. */
struct block *xen_block_open(uint32_t number)
{
    struct store *s = bus_store();
    struct disk *d = s && number < BLOCK_NUMBERS_MAX ? open_disk() : NULL;
    if (!d)
        return NULL;
    front_open(&d->front, &kind, s, MAJOR << 8 | number << 4, clock_monotonic);
    if (!bus_add(&d->front)) {
        front_close(&d->front);
        memory_free(d);
        return NULL;
    }
    if (!bus_wait(settled, &d->front, clock_monotonic() + FRONT_DEADLINE))
        (void)refuse(d, "its backend does not come");
    if (!d->front.up) {
        bus_remove(&d->front);
        free_pages(d);
        memory_free(d);
        return NULL;
    }
    d->poll = (struct poll){.run = run, .await = await};
    poll_add(&d->poll);
    return &d->block;
}
