/* The two rings of what is in flight, and what goes into them; see sent.h. */
#include "lib/tcp/sent_parts.h"

#include <string.h>

#include "signatures/memory.h"

#define ROOM_FIRST 4u

void sent_init(struct sent *s, seq_t first)
{
    *s = (struct sent){.una = first, .next = first, .highest = first};
}

void sent_deinit(struct sent *s)
{
    memory_free(s->entries);
    memory_free(s->resents);
    *s = (struct sent){0};
}

void sent_shrink(struct sent *s)
{
    if (s->count > 0)
        return;
    memory_free(s->entries);
    memory_free(s->resents);
    s->entries = NULL;
    s->resents = NULL;
    s->room = s->resent_room = s->resent_count = 0;
}

/* A ring of twice the room with the same items at their new places, or NULL. */
static void *grown(void *ring, size_t size, uint32_t room, uint32_t head, uint32_t count)
{
    uint32_t wider = room ? 2 * room : ROOM_FIRST;
    uint8_t *into = memory_alloc(wider * size), *from = ring;
    if (!into)
        return NULL;
    for (uint32_t n = head; n != head + count; n++)
        memcpy(into + (n & (wider - 1)) * size, from + (n & (room - 1)) * size, size);
    memory_free(ring);
    return into;
}

static enum err make_room(struct sent *s)
{
    if (s->count < s->room)
        return OK;
    void *wider = s->room < SENT_ENTRIES_MAX
                      ? grown(s->entries, sizeof *s->entries, s->room, s->head, s->count)
                      : NULL;
    if (!wider) {
        s->refused++;
        return s->room < SENT_ENTRIES_MAX ? ERR_MEMORY : ERR_FULL;
    }
    s->entries = wider;
    s->room = s->room ? 2 * s->room : ROOM_FIRST;
    return OK;
}

static bool make_resent_room(struct sent *s)
{
    if (s->resent_count < s->resent_room)
        return true;
    void *wider =
        s->resent_room < SENT_ENTRIES_MAX
            ? grown(s->resents, sizeof *s->resents, s->resent_room, s->resent_head, s->resent_count)
            : NULL;
    if (!wider) {
        s->refused++;
        return false;
    }
    s->resents = wider;
    s->resent_room = s->resent_room ? 2 * s->resent_room : ROOM_FIRST;
    return true;
}

bool sent_may(struct sent *s)
{
    return make_room(s) == OK;
}

enum err sent_append(struct sent *s, uint32_t length, uint16_t unit, uint64_t now)
{
    if (length == 0 || unit == 0 || length > SENT_UNITS_MAX * unit)
        return ERR_LIMIT;
    enum err e = make_room(s);
    if (e)
        return e;
    *sent_entry(s, s->head + s->count) = (struct sent_entry){
        .at = now,
        .start = s->next,
        .length = length,
        .unit = unit,
        .units = (uint8_t)((length + unit - 1) / unit),
    };
    s->count++;
    s->next += length;
    s->in_flight += length;
    s->unit = unit;
    return OK;
}

uint32_t sent_find(const struct sent *s, seq_t n)
{
    uint32_t low = 0, high = s->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (seq_at_most(entry_end(sent_entry(s, s->head + middle)), n))
            low = middle + 1;
        else
            high = middle;
    }
    return s->head + low;
}

struct sent_resent *sent_latest(const struct sent *s, uint32_t entry, uint64_t unit)
{
    const struct sent_entry *e = sent_entry(s, entry);
    if (!(e->repeated & unit))
        return NULL;
    for (uint32_t n = e->resent; n - s->resent_head < s->resent_count;) {
        struct sent_resent *r = sent_resent(s, n);
        if (r->units & unit)
            return r;
        if (r->previous == n)
            break;
        n = r->previous;
    }
    return NULL;
}

/* The units of one entry within a range that begins in it. */
static uint64_t units_in(const struct sent_entry *e, struct seq_range range)
{
    uint32_t from = (range.start - e->start) / e->unit;
    uint32_t to = (range.end - e->start + e->unit - 1) / e->unit;
    return entry_all(e) & units_below(to) & ~units_below(from);
}

/* Units that go out once more: older retransmissions of them no longer count. */
static void supersede(struct sent *s, const struct sent_entry *e, uint64_t units)
{
    if (!(e->repeated & units))
        return;
    for (uint32_t n = e->resent; n - s->resent_head < s->resent_count;) {
        struct sent_resent *r = sent_resent(s, n);
        r->units &= ~units;
        if (r->previous == n)
            return;
        n = r->previous;
    }
}

void sent_again(struct sent *s, struct seq_range range, uint64_t now)
{
    uint32_t number = sent_find(s, range.start);
    if (number == s->head + s->count)
        return;
    struct sent_entry *e = sent_entry(s, number);
    uint64_t units = units_in(e, range) & ~e->done;
    if (!units)
        return;
    supersede(s, e, units);
    uint32_t more = units_length(e, units & ~e->again);
    s->in_flight += more;
    s->again += more;
    s->waiting -= units_length(e, units & e->lost & ~e->again);
    if (make_resent_room(s)) {
        uint32_t mine = s->resent_head + s->resent_count++;
        *sent_resent(s, mine) = (struct sent_resent){
            .at = now,
            .units = units,
            .entry = number,
            .previous = e->repeated ? e->resent : mine,
        };
        e->resent = mine;
    } else if (!e->repeated) {
        e->resent = s->resent_head - 1; /* none that is known */
    }
    e->again |= units;
    e->repeated |= units;
}

/* The range of a run of `count` units from unit i, without what una has passed. */
static struct seq_range run(const struct sent *s, const struct sent_entry *e, uint32_t i,
                            uint32_t count)
{
    struct seq_range r = {e->start + i * e->unit, unit_end(e, i + count - 1)};
    r.start = seq_max(r.start, s->una);
    return r;
}

bool sent_waiting(struct sent *s, uint32_t max, struct seq_range *range)
{
    if (s->waiting == 0)
        return false;
    for (; s->lost_from != s->head + s->count; s->lost_from++) {
        const struct sent_entry *e = sent_entry(s, s->lost_from);
        uint64_t units = e->lost & ~e->again;
        if (!units)
            continue;
        uint32_t i = (uint32_t)__builtin_ctzll(units);
        uint64_t above = ~(units >> i);
        uint32_t count = above ? (uint32_t)__builtin_ctzll(above) : 64;
        uint32_t fit = max / e->unit;
        if (count > fit)
            count = fit ? fit : 1;
        *range = run(s, e, i, count);
        return true;
    }
    return false;
}

bool sent_last(const struct sent *s, struct seq_range *range)
{
    for (uint32_t n = s->head + s->count; n != s->head; n--) {
        const struct sent_entry *e = sent_entry(s, n - 1);
        uint64_t units = entry_all(e) & ~e->done;
        if (!units)
            continue;
        *range = run(s, e, units_highest(units), 1);
        return true;
    }
    return false;
}

bool sent_reneged(const struct sent *s)
{
    if (s->count == 0)
        return false;
    const struct sent_entry *e = sent_entry(s, s->head);
    return e->done >> e->first & 1;
}
