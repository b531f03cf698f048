/*
 * See block.h. A request is a chain of three: a header for the device, the bytes themselves, which it
 * reads or writes where they lie, and the status that it gives (5.2.6). What is asked is told to it once
 * a turn of the loop.
 */
#include "platform/virtio/block.h"

#include <string.h>

#include "platform/pvh/machine.h"
#include "platform/pvh/memory.h"
#include "platform/pvh/poll.h"
#include "platform/virtio/device.h"
#include "runtime/list.h"
#include "runtime/log.h"
#include "signatures/memory.h"

#define SOURCE          "virtio"
#define QUEUE           0u
#define QUEUE_SIZE      64u
#define PARTS           3u
#define CONFIG_CAPACITY 0u
#define CONFIG_SIZE_MAX 8u
#define CAPACITY_TRIES  8

#define F_SIZE_MAX (UINT64_C(1) << 1)
#define F_RO       (UINT64_C(1) << 5)
#define F_FLUSH    (UINT64_C(1) << 9)
#define WANTED     (F_SIZE_MAX | F_RO | F_FLUSH | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC)

enum { TYPE_IN, TYPE_OUT, TYPE_FLUSH = 4 };
enum { STATUS_OK, STATUS_IOERR, STATUS_UNSUPPORTED, STATUS_NONE = 255 };

/* What the device sees of a request beside its bytes. */
struct frame {
    uint32_t type, reserved;
    uint64_t sector;
    uint8_t status;
};

struct disk {
    struct block block;
    struct virtio *device;
    struct poll poll;
    struct queue queue;
    struct virtio_block_counters counters;
    struct frame *frames; /* one for each of the requests: the device's to read and write */
    struct block_request *requests[BLOCK_REQUESTS_MAX]; /* under way; NULL: free */
    uint8_t place_of[QUEUE_SIZE];                       /* of a request, by number of the queue */
    bool trivial[BLOCK_REQUESTS_MAX]; /* flushes of a device without a cache: done already */
    bool dead;
};

static struct disk *disk_of(const struct block *b)
{
    return CONTAINER(b, struct disk, block);
}

/* --- requests --- */

/* One is free: no more are under way than there are. */
static uint8_t take_place(const struct disk *d)
{
    uint8_t place = 0;
    while (d->requests[place])
        place++;
    return place;
}

static bool add(struct disk *d, const struct block_request *r, uint8_t place)
{
    static const uint32_t types[] = {TYPE_IN, TYPE_OUT, TYPE_FLUSH};
    bool reads = r->operation == BLOCK_READ, flushes = r->operation == BLOCK_FLUSH;
    struct frame *f = &d->frames[place];
    struct queue_part parts[PARTS];
    size_t count = 0;
    uint16_t number;
    *f = (struct frame){
        .type = types[r->operation], .sector = flushes ? 0 : r->sector, .status = STATUS_NONE};
    parts[count++] = (struct queue_part){machine_physical(f), offsetof(struct frame, status)};
    if (!flushes)
        parts[count++] = (struct queue_part){machine_physical(r->bytes), (uint32_t)r->len};
    parts[count++] = (struct queue_part){machine_physical(&f->status), sizeof f->status};
    size_t writable = reads ? 2 : 1;
    if (!queue_add(&d->queue, parts, count - writable, writable, &number))
        return false;
    d->place_of[number] = place;
    return true;
}

static enum err submit(struct block *b, struct block_request *r)
{
    struct disk *d = disk_of(b);
    if (d->dead || d->queue.broken)
        return ERR_UNREACHABLE;
    uint8_t place = take_place(d);
    d->trivial[place] = r->operation == BLOCK_FLUSH && !(d->device->features & F_FLUSH);
    if (!d->trivial[place] && !add(d, r, place))
        return ERR_AGAIN;
    d->requests[place] = r;
    return OK;
}

/* What it says, and how much it says it has written: all bytes of a read and the status, or the status. */
static enum err judge(struct disk *d, const struct block_request *r, uint8_t status,
                      uint32_t written)
{
    size_t whole = (r->operation == BLOCK_READ ? r->len : 0) + 1;
    if (status == STATUS_OK && written == whole)
        return OK;
    if (status == STATUS_UNSUPPORTED)
        return ERR_UNSUPPORTED;
    d->counters.malformed += status != STATUS_IOERR;
    return ERR_IO;
}

static void finish(struct disk *d, uint8_t place, enum err why)
{
    struct block_request *r = d->requests[place];
    d->requests[place] = NULL;
    d->counters.done += !why;
    d->counters.failed += why != OK;
    block_done(&d->block, r, why);
}

static bool collect(struct disk *d)
{
    uint16_t number;
    uint32_t written;
    bool any = false;
    for (uint8_t i = 0; i < BLOCK_REQUESTS_MAX; i++)
        if (d->requests[i] && d->trivial[i]) {
            any = true;
            finish(d, i, OK);
        }
    for (unsigned i = 0; i < QUEUE_SIZE && queue_take(&d->queue, &number, &written); i++) {
        uint8_t place = d->place_of[number];
        uint8_t status = *(volatile uint8_t *)&d->frames[place].status;
        any = true;
        finish(d, place, judge(d, d->requests[place], status, written));
    }
    return any;
}

static bool is_trivially_done(const struct disk *d)
{
    for (uint8_t i = 0; i < BLOCK_REQUESTS_MAX; i++)
        if (d->requests[i] && d->trivial[i])
            return true;
    return false;
}

static void status(const struct block *b, struct buf *into)
{
    const struct virtio_block_counters *k = &disk_of(b)->counters;
    const struct {
        const char *name;
        uint64_t value;
    } all[] = {
        {"done", k->done},     {"failed", k->failed},     {"malformed", k->malformed},
        {"broken", k->broken}, {"restarts", k->restarts}, {"refused", b->refused},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buf_printf(into, "virtio-blk %s: %llu\n", all[i].name, (unsigned long long)all[i].value);
}

/* --- beginning, and beginning anew --- */

static bool begin(struct disk *d, uint64_t features)
{
    struct virtio *v = d->device;
    if (!virtio_begin(v, features) || !virtio_queue(v, QUEUE, QUEUE_SIZE, PARTS, &d->queue))
        return false;
    if (!queue_fits(&d->queue, PARTS)) {
        log_error(SOURCE, "a block device has too short a queue: it is not used");
        (void)virtio_reset(v);
        return false;
    }
    virtio_ready(v);
    return true;
}

/* It has been reset, and touches nothing any more. Who is told may submit again at once. */
static void end_all(struct disk *d)
{
    struct block_request *ended[BLOCK_REQUESTS_MAX];
    memcpy(ended, d->requests, sizeof ended);
    memset(d->requests, 0, sizeof d->requests);
    for (unsigned i = 0; i < BLOCK_REQUESTS_MAX; i++)
        if (ended[i]) {
            d->counters.failed++;
            block_done(&d->block, ended[i], ERR_RESET);
        }
}

/* Of a device that does not even reset nothing can be given back: it may still write there. */
static void give_up(struct disk *d, const char *why)
{
    d->dead = true;
    log_error(SOURCE, "the block device %s: it is not used any more", why);
    if (virtio_reset(d->device))
        end_all(d);
}

/* All that it had agreed to it has to agree to again. */
static void restart(struct disk *d)
{
    uint64_t features = d->device->features;
    if (!virtio_restart(d->device)) {
        give_up(d, "needs a reset too often");
        return;
    }
    d->counters.restarts++;
    log_warning(SOURCE, "the block device needs a reset: it is begun anew");
    if (!begin(d, features) || d->device->features != features)
        give_up(d, "is not what it was before its reset");
    else
        end_all(d);
}

/* Eight bytes are read in halves: the upper one has to be the same before and after. */
static void read_capacity(struct disk *d)
{
    uint32_t low = 0, high = 0, after = virtio_config(d->device, CONFIG_CAPACITY + 4, 4);
    for (int i = 0; i < CAPACITY_TRIES && (i == 0 || high != after); i++) {
        high = after;
        low = virtio_config(d->device, CONFIG_CAPACITY, 4);
        after = virtio_config(d->device, CONFIG_CAPACITY + 4, 4);
    }
    d->block.sectors = (uint64_t)high << 32 | low;
}

/* --- the loop --- */

/* True: there was one. */
static bool look_at_change(struct disk *d)
{
    if (!virtio_take_change(d->device))
        return false;
    if (virtio_needs_reset(d->device))
        restart(d);
    if (!d->dead)
        read_capacity(d);
    return true;
}

static bool run(struct poll *p)
{
    struct disk *d = CONTAINER(p, struct disk, poll);
    if (d->dead)
        return false;
    virtio_tell(d->device, QUEUE, &d->queue);
    bool any = collect(d);
    virtio_tell(d->device, QUEUE, &d->queue);
    any |= look_at_change(d);
    if (!d->dead && d->queue.broken) {
        d->counters.broken++;
        give_up(d, "breaks the rules of its queue");
        any = true;
    }
    return any;
}

static bool await(struct poll *p)
{
    struct disk *d = CONTAINER(p, struct disk, poll);
    return !d->dead && d->block.under_way && (is_trivially_done(d) || queue_await(&d->queue));
}

/* --- opening --- */

static bool describe(struct disk *d)
{
    uint64_t f = d->device->features;
    uint32_t piece =
        f & F_SIZE_MAX ? virtio_config(d->device, CONFIG_SIZE_MAX, 4) : BLOCK_BYTES_MAX;
    d->block.most = piece < BLOCK_BYTES_MAX ? piece - piece % BLOCK_SECTOR : BLOCK_BYTES_MAX;
    d->block.read_only = f & F_RO;
    read_capacity(d);
    if (d->block.most)
        return true;
    log_error(SOURCE, "a block device takes less than a sector at once: it is not used");
    (void)virtio_reset(d->device);
    return false;
}

struct block *virtio_block_open(uint32_t number)
{
    static const struct block_ops ops = {.submit = submit, .status = status};
    struct virtio *device = virtio_take(VIRTIO_BLOCK, number);
    struct disk *d = device ? memory_zalloc(sizeof *d) : NULL;
    if (!d)
        return NULL;
    d->device = device;
    d->block.ops = &ops;
    d->frames = memory_pages(1);
    if (!d->frames || !begin(d, WANTED) || !describe(d)) {
        memory_free(d);
        return NULL;
    }
    d->poll = (struct poll){.run = run, .await = await};
    poll_add(&d->poll);
    return &d->block;
}

struct virtio_block_counters virtio_block_counters(const struct block *b)
{
    return disk_of(b)->counters;
}
