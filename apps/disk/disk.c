/*
 * What a new driver of block devices has to run first: overwrites the device with a pattern, flushes, reads
 * it back, says the sum of its sectors' checksums (Adler-32, RFC 1950, 8.2), and ends, or begins again. As
 * many requests are under way as can be.
 */
#include "apps/disk/settings.h"
#include "runtime/format.h"
#include "runtime/list.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "signatures/clock.h"
#include "signatures/console.h"
#include "signatures/memory.h"
#include "signatures/timer.h"

#define SOURCE     "disk"
#define STATUS_MAX ((size_t)4096)
#define AGAIN      (100 * CLOCK_MS) /* from the end to the next beginning, and between two tries */

struct lane {
    struct block_request request;
    uint8_t bytes[BLOCK_BYTES_MAX];
};

static struct block *disk;
static struct lane *lanes; /* BLOCK_REQUESTS_MAX of them */
static enum block_operation now;
static uint64_t end, next; /* sectors: where it ends, and goes on */
static unsigned busy;
static uint32_t sum; /* of what was read */
static bool failed, away;
static struct timer timer;

static void on_done(struct block_request *r, enum err why);

/* Each sector says which one it is, and differs in every byte from its neighbours. */
static uint8_t pattern(uint64_t sector, size_t i)
{
    return (uint8_t)(i < 8 ? sector >> (8 * i) : i * 7 + sector * 13);
}

static void fill(struct lane *l)
{
    for (size_t i = 0; i < l->request.len; i++)
        l->bytes[i] = pattern(l->request.sector + i / BLOCK_SECTOR, i % BLOCK_SECTOR);
}

/* The first time also with what the device has counted. */
static void fail(const char *what, enum err why)
{
    static const char *const names[] = {"reading", "writing", "flushing"};
    struct buf counted;
    log_error(SOURCE, "%s: %s: %s", names[now], what, err_text(why));
    loop_stop(1);
    if (failed)
        return;
    failed = true;
    buf_init(&counted, STATUS_MAX);
    block_status(disk, &counted);
    console_write(buf_slice(&counted));
    buf_deinit(&counted);
}

static void start_later(void)
{
    if (!timer_start(&timer, clock_monotonic() + AGAIN))
        fail("not begun again", ERR_MEMORY);
}

/* Once all is given back it is tried from the start. */
static void wait_for_it(enum err why)
{
    if (!away)
        log_warning(SOURCE, "the device is away: %s", err_text(why));
    away = true;
    if (!busy)
        start_later();
}

static bool is_awaited(enum err why)
{
    return disk_forever && (why == ERR_RESET || why == ERR_UNREACHABLE);
}

static bool is_right(const struct lane *l)
{
    for (size_t i = 0; i < l->request.len; i++)
        if (l->bytes[i] != pattern(l->request.sector + i / BLOCK_SECTOR, i % BLOCK_SECTOR))
            return false;
    return true;
}

static uint32_t adler32(const uint8_t *sector)
{
    uint32_t low = 1, high = 0;
    for (size_t i = 0; i < BLOCK_SECTOR; i++) {
        low = (low + sector[i]) % 65521;
        high = (high + low) % 65521;
    }
    return high << 16 | low;
}

static void add_up(const struct lane *l)
{
    for (size_t at = 0; at < l->request.len; at += BLOCK_SECTOR)
        sum += adler32(l->bytes + at);
}

static void ask(struct lane *l)
{
    uint64_t left = end - next, most = disk->most / BLOCK_SECTOR;
    l->request = (struct block_request){.operation = now,
                                        .sector = next,
                                        .bytes = l->bytes,
                                        .len = (size_t)(left < most ? left : most) * BLOCK_SECTOR,
                                        .done = on_done};
    if (now == BLOCK_WRITE)
        fill(l);
    enum err e = block_submit(disk, &l->request);
    if (is_awaited(e)) {
        wait_for_it(e);
        return;
    }
    if (e && (e != ERR_AGAIN || !busy)) {
        fail("not taken", e);
        return;
    }
    if (e)
        return;
    away = false;
    busy++;
    next = now == BLOCK_FLUSH ? end : next + l->request.len / BLOCK_SECTOR;
}

static void begin(enum block_operation operation)
{
    now = operation;
    next = 0;
    for (unsigned i = 0; i < BLOCK_REQUESTS_MAX && next < end; i++)
        ask(&lanes[i]);
}

static void write_all(void)
{
    sum = 0;
    end = disk_sectors < disk->sectors ? disk_sectors : disk->sectors;
    if (end)
        begin(BLOCK_WRITE);
    else
        wait_for_it(ERR_UNREACHABLE);
}

static void try_again(struct timer *t)
{
    (void)t;
    write_all();
}

static void say(void)
{
    char line[96];
    size_t n =
        format_text(line, sizeof line, "disk: %llu of %llu sectors, sum %08x\n",
                    (unsigned long long)end, (unsigned long long)disk->sectors, (unsigned)sum);
    console_write(slice_of(line, n));
    if (disk_forever)
        start_later();
    else
        loop_stop(0);
}

static void on_done(struct block_request *r, enum err why)
{
    struct lane *l = CONTAINER(r, struct lane, request);
    busy--;
    if (!why && now == BLOCK_READ)
        add_up(l);
    if (away || is_awaited(why))
        wait_for_it(why);
    else if (why)
        fail("not done", why);
    else if (now == BLOCK_READ && !is_right(l))
        fail("not what was written", ERR_MISMATCH);
    else if (next < end)
        ask(l);
    else if (!busy && now == BLOCK_READ)
        say();
    else if (!busy)
        begin(now == BLOCK_WRITE ? BLOCK_FLUSH : BLOCK_READ);
}

static enum err start(const struct world *w)
{
    disk = w->block;
    lanes = disk ? memory_zalloc(BLOCK_REQUESTS_MAX * sizeof *lanes) : NULL;
    if (!lanes) {
        log_error(SOURCE, disk ? "no memory" : "there is no block device");
        return disk ? ERR_MEMORY : ERR_NOT_FOUND;
    }
    if (!disk_sectors || !disk->sectors) {
        log_error(SOURCE, "nothing to write: the device, or --sectors, is empty");
        return ERR_ARGUMENT;
    }
    timer_init(&timer, try_again);
    write_all();
    return OK;
}

const struct program program = {
    .name = "disk",
    .summary = "overwrites a block device with a pattern, and reads it back",
    .start = start,
};
