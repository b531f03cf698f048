/* Chunks and islands; see assembly.h. */
#include "lib/tcp/assembly.h"

#include "signatures/memory.h"

#define CHUNKS_FIRST  8u
#define ISLANDS_FIRST 8u

_Static_assert(2 * ASSEMBLY_ISLANDS_MAX <= UINT16_MAX, "they are counted so");

void assembly_init(struct assembly *a, seq_t next, struct pool *pool)
{
    *a = (struct assembly){.pool = pool, .front = next, .next = next};
}

/* --- chunks --- */

static uint8_t **chunk_of(const struct assembly *a, seq_t n)
{
    return &a->chunks[(n / ASSEMBLY_CHUNK) & (a->chunk_room - 1)];
}

static void give_chunk(struct assembly *a, uint8_t **chunk)
{
    if (!*chunk)
        return;
    pool_give(a->pool, *chunk);
    *chunk = NULL;
    a->held--;
}

static void give_all(struct assembly *a)
{
    for (uint32_t i = 0; i < a->chunk_room && a->held > 0; i++)
        give_chunk(a, &a->chunks[i]);
    memory_free(a->chunks);
    a->chunks = NULL;
    a->chunk_room = 0;
}

void assembly_deinit(struct assembly *a)
{
    give_all(a);
    memory_free(a->islands);
    a->islands = NULL;
    a->island_room = a->count = 0;
}

void assembly_idle(struct assembly *a)
{
    if (a->count)
        return;
    memory_free(a->islands);
    a->islands = NULL;
    a->island_room = 0;
}

/* Makes the ring of chunks so wide that front and end have places of their own. */
static bool widen_chunks(struct assembly *a, seq_t end)
{
    uint32_t span = (end - a->front) / ASSEMBLY_CHUNK + 2, wider = CHUNKS_FIRST;
    if (span <= a->chunk_room)
        return true;
    while (wider < span)
        wider *= 2;
    uint8_t **into = memory_zalloc(wider * sizeof *into);
    if (!into)
        return false;
    uint32_t first = a->front / ASSEMBLY_CHUNK;
    for (uint32_t i = 0; i < a->chunk_room; i++)
        into[(first + i) & (wider - 1)] = a->chunks[(first + i) & (a->chunk_room - 1)];
    memory_free(a->chunks);
    a->chunks = into;
    a->chunk_room = wider;
    return true;
}

/* Has all chunks of a range; on false those that are new and empty stay, for the next segment. */
static bool have_chunks(struct assembly *a, struct seq_range r)
{
    if (!widen_chunks(a, r.end))
        return false;
    uint32_t last = (r.end - 1) / ASSEMBLY_CHUNK;
    for (uint32_t n = r.start / ASSEMBLY_CHUNK;; n++) {
        uint8_t **chunk = &a->chunks[n & (a->chunk_room - 1)];
        if (!*chunk) {
            *chunk = pool_take_dirty(a->pool);
            if (!*chunk)
                return false;
            a->held++;
        }
        if ((n & (UINT32_MAX / ASSEMBLY_CHUNK)) == last)
            return true;
    }
}

static void copy_in(struct assembly *a, seq_t at, struct slice bytes)
{
    while (bytes.len > 0) {
        uint32_t offset = at % ASSEMBLY_CHUNK;
        struct slice piece = slice_take(bytes, ASSEMBLY_CHUNK - offset);
        memcpy(*chunk_of(a, at) + offset, piece.ptr, piece.len);
        at += (uint32_t)piece.len;
        bytes = slice_drop(bytes, piece.len);
    }
}

/* The bytes of a segment that belong to a range within it. */
static void copy_range(struct assembly *a, struct seq_range r, seq_t start,
                       const struct slice *parts, size_t count)
{
    for (size_t i = 0; i < count && seq_before(start, r.end); i++) {
        struct slice bytes = slice_take(parts[i], r.end - start);
        start += (uint32_t)parts[i].len;
        if (seq_at_most(start, r.start))
            continue;
        seq_t at = start - (uint32_t)parts[i].len;
        if (seq_before(at, r.start)) {
            bytes = slice_drop(bytes, r.start - at);
            at = r.start;
        }
        copy_in(a, at, bytes);
    }
}

/* --- islands --- */

/* Index of the first island that ends at or behind n; a->count: none. */
static uint32_t island_at(const struct assembly *a, seq_t n)
{
    uint32_t low = 0, high = a->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (seq_before(a->islands[middle].end, n))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void remove_islands(struct assembly *a, uint32_t from, uint32_t to)
{
    if (from == to)
        return;
    memmove(a->islands + from, a->islands + to, (a->count - to) * sizeof *a->islands);
    a->count = (uint16_t)(a->count - (to - from));
}

static enum err have_island(struct assembly *a)
{
    if (a->count < a->island_room)
        return OK;
    if (a->count >= ASSEMBLY_ISLANDS_MAX)
        return ERR_FULL;
    uint32_t room = a->island_room ? 2u * a->island_room : ISLANDS_FIRST;
    struct seq_range *wider = memory_resize(a->islands, room * sizeof *wider);
    if (!wider)
        return ERR_MEMORY;
    a->islands = wider;
    a->island_room = (uint16_t)room;
    return OK;
}

/* The islands i..j touch r: they and r become one. */
static void join_islands(struct assembly *a, uint32_t i, uint32_t j, struct seq_range r)
{
    if (i == j) {
        memmove(a->islands + i + 1, a->islands + i, (a->count - i) * sizeof *a->islands);
        a->count++;
    } else {
        r.start = seq_min(r.start, a->islands[i].start);
        r.end = seq_max(r.end, a->islands[j - 1].end);
        remove_islands(a, i + 1, j);
    }
    a->islands[i] = r;
}

/* next has moved up: what lies before it is no island any more. */
static void settle(struct assembly *a)
{
    uint32_t i = 0;
    while (i < a->count && seq_at_most(a->islands[i].start, a->next)) {
        a->next = seq_max(a->next, a->islands[i].end);
        i++;
    }
    remove_islands(a, 0, i);
}

/* --- what is told to the sender --- */

void assembly_duplicate(struct assembly *a, struct seq_range range)
{
    a->duplicate = range;
}

/* RFC 2018, 4: the island of the latest segment comes first, then those reported before it. */
static void remember(struct assembly *a, struct seq_range island)
{
    seq_t kept[ASSEMBLY_RECENT] = {island.start};
    uint8_t n = 1;
    for (uint8_t i = 0; i < a->recents && n < ASSEMBLY_RECENT; i++)
        if (!seq_within(island, a->recent[i]))
            kept[n++] = a->recent[i];
    memcpy(a->recent, kept, sizeof kept);
    a->recents = n;
}

size_t assembly_blocks(struct assembly *a, struct seq_range *into, size_t max)
{
    size_t count = 0;
    uint8_t kept = 0;
    if (max > 0 && seq_length(a->duplicate) > 0) {
        into[count++] = a->duplicate;
        a->duplicate = (struct seq_range){0, 0};
    }
    for (uint8_t i = 0; i < a->recents; i++) {
        seq_t at = a->recent[i];
        uint32_t island = island_at(a, at + 1);
        if (island == a->count || !seq_within(a->islands[island], at))
            continue; /* it has become part of what is acknowledged */
        a->recent[kept++] = at;
        if (count < max)
            into[count++] = a->islands[island];
    }
    a->recents = kept;
    return count;
}

/* --- segments --- */

static uint32_t total(const struct slice *parts, size_t count)
{
    uint64_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += parts[i].len;
    return n < UINT32_MAX / 4 ? (uint32_t)n : 0;
}

/* RFC 2883, 4: the first contiguous part of a segment that had arrived before. */
static void note_duplicate(struct assembly *a, struct seq_range r, uint32_t island)
{
    if (seq_before(r.start, a->next)) {
        a->duplicate = (struct seq_range){r.start, seq_min(r.end, a->next)};
        return;
    }
    if (island < a->count && a->islands[island].end == r.start)
        island++;
    if (island >= a->count)
        return;
    seq_t from = seq_max(r.start, a->islands[island].start);
    seq_t to = seq_min(r.end, a->islands[island].end);
    if (seq_before(from, to))
        a->duplicate = (struct seq_range){from, to};
}

/* Copies what the islands i..j leave of r. */
static void copy_gaps(struct assembly *a, struct seq_range r, uint32_t i, uint32_t j, seq_t start,
                      const struct slice *parts, size_t count)
{
    seq_t at = r.start;
    for (; i < j; i++) {
        if (seq_before(at, a->islands[i].start))
            copy_range(a, (struct seq_range){at, a->islands[i].start}, start, parts, count);
        at = seq_max(at, a->islands[i].end);
    }
    if (seq_before(at, r.end))
        copy_range(a, (struct seq_range){at, r.end}, start, parts, count);
}

enum err assembly_put(struct assembly *a, seq_t start, const struct slice *parts, size_t count)
{
    struct seq_range r = {start, start + total(parts, count)};
    if (r.start == r.end)
        return OK;
    uint32_t i = island_at(a, r.start), j = i;
    note_duplicate(a, r, i);
    r.start = seq_max(r.start, a->next);
    if (seq_at_most(r.end, r.start))
        return OK;
    while (j < a->count && seq_at_most(a->islands[j].start, r.end))
        j++;
    bool in_order = r.start == a->next;
    enum err e = in_order || i < j ? OK : have_island(a);
    if (e)
        return e;
    if (!have_chunks(a, r))
        return ERR_MEMORY;
    copy_gaps(a, r, i, j, start, parts, count);
    if (in_order) {
        a->next = r.end;
        settle(a);
    } else {
        join_islands(a, i, j, r);
        remember(a, a->islands[i]);
    }
    return OK;
}

/* The front moves up: chunks behind it are given back, all of them where nothing is left. */
static void advance(struct assembly *a, uint32_t bytes)
{
    uint32_t from = a->front / ASSEMBLY_CHUNK;
    a->front += bytes;
    if (a->chunk_room == 0)
        return;
    if (a->front == a->next && a->count == 0) {
        give_all(a);
        return;
    }
    uint32_t to = from + ((a->front - from * ASSEMBLY_CHUNK) / ASSEMBLY_CHUNK);
    for (uint32_t n = from; n != to && a->held > 0; n++)
        give_chunk(a, &a->chunks[n & (a->chunk_room - 1)]);
}

void assembly_pass(struct assembly *a, uint32_t bytes)
{
    a->next += bytes;
    settle(a);
    advance(a, bytes);
}

struct slice assembly_ready(const struct assembly *a)
{
    uint32_t bytes = a->next - a->front, offset = a->front % ASSEMBLY_CHUNK;
    if (bytes == 0)
        return slice_of(NULL, 0);
    if (bytes > ASSEMBLY_CHUNK - offset)
        bytes = ASSEMBLY_CHUNK - offset;
    return slice_of(*chunk_of(a, a->front) + offset, bytes);
}

void assembly_take(struct assembly *a, uint32_t bytes)
{
    uint32_t ready = assembly_ready_bytes(a);
    advance(a, bytes < ready ? bytes : ready);
}
