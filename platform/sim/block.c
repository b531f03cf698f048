/* See block.h. */
#include "platform/sim/block.h"

#include "platform/sim/net_internal.h"
#include "signatures/clock.h"

#include <stdlib.h>

struct slot {
    struct sim_event event;
    struct disk *disk;
    struct block_request *request; /* NULL: free */
    enum err why;
};

struct disk {
    struct block block;
    struct sim_block_ways ways;
    struct sim_random random;
    uint8_t *seen, *safe; /* what reads see; what outlasts a crash */
    size_t bytes;
    struct slot slots[BLOCK_REQUESTS_MAX];
};

static struct disk *disk_of(struct block *b)
{
    return CONTAINER(b, struct disk, block);
}

static void carry_out(struct disk *d, const struct block_request *r, enum err why)
{
    size_t at = r->sector * BLOCK_SECTOR;
    if (why && r->operation == BLOCK_READ)
        memset(r->bytes, 0xdb, r->len);
    else if (why)
        return;
    else if (r->operation == BLOCK_READ)
        memcpy(r->bytes, d->seen + at, r->len);
    else if (r->operation == BLOCK_WRITE)
        memcpy(d->seen + at, r->bytes, r->len);
    else
        memcpy(d->safe, d->seen, d->bytes);
}

static void happen(struct sim_event *e)
{
    struct slot *s = CONTAINER(e, struct slot, event);
    struct block_request *r = s->request;
    carry_out(s->disk, r, s->why);
    s->request = NULL;
    block_done(&s->disk->block, r, s->why);
}

static enum err submit(struct block *b, struct block_request *r)
{
    struct disk *d = disk_of(b);
    struct slot *s = d->slots;
    while (s->request) /* one is free: no more are under way than there are */
        s++;
    s->request = r;
    s->why = sim_random_chance(&d->random, d->ways.fail_percent) ? ERR_IO : OK;
    sim_event_schedule(&s->event,
                       clock_monotonic() +
                           sim_random_range(&d->random, d->ways.latency_min, d->ways.latency_max));
    return OK;
}

struct block *sim_block_open(uint64_t sectors, struct sim_block_ways ways, uint64_t seed)
{
    static const struct block_ops ops = {.submit = submit};
    struct disk *d = sim_zalloc(sizeof *d);
    d->block = (struct block){
        .ops = &ops, .sectors = sectors, .most = BLOCK_BYTES_MAX, .read_only = ways.read_only};
    d->ways = ways;
    sim_random_seed(&d->random, seed);
    d->bytes = sectors * BLOCK_SECTOR;
    d->seen = sim_zalloc(d->bytes);
    d->safe = sim_zalloc(d->bytes);
    for (unsigned i = 0; i < BLOCK_REQUESTS_MAX; i++)
        d->slots[i] = (struct slot){.event.happen = happen, .disk = d};
    return &d->block;
}

void sim_block_close(struct block *b)
{
    struct disk *d = disk_of(b);
    for (unsigned i = 0; i < BLOCK_REQUESTS_MAX; i++)
        sim_event_cancel(&d->slots[i].event);
    free(d->seen);
    free(d->safe);
    free(d);
}

void sim_block_crash(struct block *b)
{
    struct disk *d = disk_of(b);
    memcpy(d->seen, d->safe, d->bytes);
    for (struct slot *s = d->slots; s < d->slots + BLOCK_REQUESTS_MAX; s++)
        if (s->request) {
            s->why = ERR_RESET;
            sim_event_schedule(&s->event, clock_monotonic());
        }
}
