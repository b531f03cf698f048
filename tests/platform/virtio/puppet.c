/* See puppet.h. */
#include "tests/platform/virtio/puppet.h"

#include <stdlib.h>
#include <string.h>

#include "platform/pvh/interrupt.h"
#include "platform/pvh/machine.h"
#include "platform/pvh/memory.h"
#include "platform/pvh/poll.h"
#include "platform/pvh/stop.h"
#include "platform/pvh/trap.h"

#define BLOCKS_MAX 32
#define POLLS_MAX  8
#define INDIRECT   4u

struct puppet puppet;
struct machine machine; /* all zero: what is virtual is physical */

static struct virtio *device; /* as the drivers have it */
static uint32_t kind_now;
static uint64_t places;
static void *blocks[BLOCKS_MAX];
static size_t block_count;
static struct poll *polls[POLLS_MAX];
static size_t poll_count;
static bool interrupted;

/* --- in the place of a machine --- */

void *memory_pages(size_t pages)
{
    if (block_count == BLOCKS_MAX)
        abort();
    void *block = aligned_alloc(PAGE_SIZE, pages * PAGE_SIZE);
    blocks[block_count++] = block;
    return memset(block, 0, pages * PAGE_SIZE);
}

void poll_add(struct poll *p)
{
    for (size_t i = 0; i < poll_count; i++)
        if (polls[i] == p)
            return;
    if (poll_count == POLLS_MAX)
        abort();
    polls[poll_count++] = p;
}

bool trap_take(uint32_t vector)
{
    bool was = interrupted && vector == INTERRUPT_VECTOR;
    interrupted = interrupted && !was;
    return was;
}

void stop_ask(void)
{
    puppet.stops++;
}

/* --- in the place of a transport --- */

static uint64_t features(struct virtio *v)
{
    (void)v;
    return puppet.offered;
}

static void accept(struct virtio *v, uint64_t f)
{
    (void)v;
    puppet.accepted = f;
}

static uint8_t status(struct virtio *v)
{
    (void)v;
    return puppet.status;
}

static void set_status(struct virtio *v, uint8_t s)
{
    device = v;
    if (puppet.never_resets && !s)
        return;
    puppet.status = s;
    if (puppet.refuses_features)
        puppet.status &= (uint8_t)~VIRTIO_FEATURES_OK;
    if (s)
        return;
    puppet.resets++;
    memset(puppet.queues, 0, sizeof puppet.queues);
}

static uint16_t queue_size(struct virtio *v, uint16_t queue)
{
    (void)v;
    return queue < VIRTIO_QUEUES_MAX ? puppet.queue_most : 0;
}

static bool queue_enable(struct virtio *v, uint16_t queue, uint16_t size, uint64_t descriptors,
                         uint64_t available, uint64_t used)
{
    (void)v;
    puppet.queues[queue] =
        (struct puppet_queue){size, (void *)descriptors, (void *)available, (void *)used, 0};
    return !puppet.refuses_queues;
}

static void notify(struct virtio *v, uint16_t queue)
{
    (void)v;
    puppet.notified[queue]++;
}

/* A field is read as wide as it is (4.2.2.2): a card's address is one of bytes, its others have two, a block
 * device's have four. */
static uint32_t config(struct virtio *v, size_t offset, size_t size)
{
    uint32_t value = 0;
    size_t width = v->kind == VIRTIO_BLOCK ? 4 : offset < 6 ? 1 : 2;
    if (size != width || offset % size || offset + size > sizeof puppet.config)
        abort();
    memcpy(&value, puppet.config + offset, size);
    return value;
}

static uint8_t generation(struct virtio *v)
{
    (void)v;
    return puppet.generation;
}

static uint32_t acknowledge(struct virtio *v)
{
    bool was = puppet.config_interrupt, late = puppet.config_interrupt_late;
    (void)v;
    puppet.config_interrupt = late;
    puppet.config_interrupt_late = false;
    return was ? VIRTIO_INTERRUPT_OTHER : late ? VIRTIO_INTERRUPT_QUEUE : 0;
}

void virtio_find_pci(void)
{
    static const struct virtio_ops ops = {
        .features = features,
        .accept = accept,
        .status = status,
        .set_status = set_status,
        .queue_size = queue_size,
        .queue_enable = queue_enable,
        .notify = notify,
        .config = config,
        .generation = generation,
        .acknowledge = acknowledge,
    };
    const struct virtio v = {.ops = &ops, .kind = kind_now, .place = places};
    virtio_add(&v);
}

void virtio_find_mmio(const char *command_line)
{
    (void)command_line;
}

/* --- its strings --- */

/* There is but one device: it is given away again and again. */
void puppet_begin(uint32_t kind, uint64_t offered)
{
    puppet_end();
    puppet = (struct puppet){.offered = offered | VIRTIO_F_VERSION_1, .queue_most = QUEUE_SIZE_MAX};
    kind_now = kind;
    if (!places++)
        virtio_find("");
    if (!device) {
        device = virtio_take(kind, 0);
        if (!device)
            abort();
    }
    device->taken = device->changed = false;
    device->restarts = 0;
    device->restarts_since = 0;
    device->kind = kind;
}

void puppet_end(void)
{
    for (size_t i = 0; i < block_count; i++)
        free(blocks[i]);
    block_count = 0;
    if (poll_count > 1)
        poll_count = 1; /* the first is that of all devices */
}

bool puppet_run(bool interrupt)
{
    bool any = false;
    interrupted = interrupt;
    for (size_t i = 0; i < poll_count; i++)
        any = polls[i]->run(polls[i]); /* the driver's is the last */
    for (size_t i = 0; i < poll_count; i++)
        polls[i]->await(polls[i]);
    return any;
}

void puppet_pass(uint64_t ns)
{
    device->restarts_since -= ns;
    if (device->look_at != UINT64_MAX)
        device->look_at -= ns;
}

static void add_part(struct puppet_chain *c, const struct puppet_descriptor *d)
{
    if (c->count == PUPPET_PARTS_MAX)
        abort();
    c->parts[c->count++] = (struct puppet_part){(void *)d->address, d->size, d->flags & 2};
}

/* A table, or the ring's own descriptors: the driver's, and good. */
static void follow(struct puppet_chain *c, const struct puppet_descriptor *table, size_t at)
{
    add_part(c, &table[at]);
    while (table[at].flags & 1) {
        at = table[at].next;
        add_part(c, &table[at]);
    }
}

bool puppet_take(uint16_t queue, struct puppet_chain *into)
{
    struct puppet_queue *q = &puppet.queues[queue];
    if (!q->size || q->next == q->available->index)
        return false;
    uint16_t number = q->available->entries[q->next++ % q->size];
    const struct puppet_descriptor *d = &q->descriptors[number];
    *into = (struct puppet_chain){.number = number, .indirect = d->flags & INDIRECT};
    if (into->indirect)
        follow(into, (const void *)d->address, 0);
    else
        follow(into, q->descriptors, number);
    return true;
}

void puppet_use(uint16_t queue, uint32_t number, uint32_t written)
{
    struct puppet_queue *q = &puppet.queues[queue];
    if (!q->size)
        return;
    uint16_t at = q->used->index % q->size;
    q->used->entries[at].number = number;
    q->used->entries[at].written = written;
    q->used->index++;
}
