/* What of the sent is lost; see sent.h. */
#include "lib/tcp/sent_parts.h"

/* Whether number a stands before number b: both are of entries in the ring, or just behind it. */
static bool number_before(const struct sent *s, uint32_t a, uint32_t b)
{
    return a - s->head < b - s->head;
}

uint32_t sent_lose(struct sent *s, uint32_t entry, uint64_t units)
{
    struct sent_entry *e = sent_entry(s, entry);
    uint64_t live = units & entry_all(e) & ~e->done;
    uint64_t first = live & ~e->lost, again = live & e->again;
    uint32_t waiting = units_length(e, first | again);
    if (waiting == 0)
        return 0;
    uint32_t newly = units_length(e, first), twice = units_length(e, again);
    s->in_flight -= newly + twice;
    s->again -= twice;
    s->lost += newly;
    s->waiting += waiting;
    e->lost |= first;
    e->again &= ~again;
    if (number_before(s, entry, s->lost_from))
        s->lost_from = entry;
    return waiting;
}

/* The units of a set whose segment ends before a number. */
static uint64_t units_ending_before(const struct sent_entry *e, uint64_t units, seq_t end)
{
    if (seq_before(entry_end(e), end))
        return units;
    if (seq_at_most(end, e->start))
        return 0;
    return units & units_below((end - e->start - 1) / e->unit);
}

/* First sendings: they stand in the order of time, so the first that may still arrive ends it. */
static uint64_t originals_overtaken(struct sent *s, uint64_t before, seq_t end, uint64_t wait,
                                    uint64_t now, uint32_t *lost)
{
    for (uint32_t n = s->rack_from; n != s->head + s->count; n++) {
        const struct sent_entry *e = sent_entry(s, n);
        uint64_t all = entry_all(e) & ~(e->done | e->lost | e->again);
        if (all == 0) {
            if (n == s->rack_from)
                s->rack_from++;
            continue;
        }
        if (e->at > before)
            break;
        uint64_t units = e->at < before ? all : units_ending_before(e, all, end);
        if (units == 0)
            break;
        if (e->at + wait > now)
            return e->at + wait;
        *lost += sent_lose(s, n, units);
    }
    return UINT64_MAX;
}

/* Units of a retransmission that are still under way by it. */
static uint64_t resent_live(const struct sent *s, const struct sent_resent *r)
{
    if (r->entry - s->head >= s->count)
        return 0;
    return r->units & sent_entry(s, r->entry)->again;
}

static uint64_t resents_overtaken(struct sent *s, uint64_t before, seq_t end, uint64_t wait,
                                  uint64_t now, uint32_t *lost)
{
    for (uint32_t i = 0; i < s->resent_count;) {
        struct sent_resent *r = sent_resent(s, s->resent_head + i);
        uint64_t live = resent_live(s, r);
        if (live && r->at > before)
            break;
        if (live && r->at == before)
            live = units_ending_before(sent_entry(s, r->entry), live, end);
        if (live && r->at + wait > now)
            return r->at + wait;
        if (live) {
            *lost += sent_lose(s, r->entry, live);
            r->units &= ~live;
        }
        if (i == 0 && resent_live(s, r) == 0) {
            s->resent_head++;
            s->resent_count--;
        } else {
            i++;
        }
    }
    return UINT64_MAX;
}

uint64_t sent_overtaken(struct sent *s, uint64_t before, seq_t end, uint64_t wait, uint64_t now,
                        uint32_t *lost)
{
    uint64_t a = originals_overtaken(s, before, end, wait, now, lost);
    uint64_t b = resents_overtaken(s, before, end, wait, now, lost);
    return a < b ? a : b;
}

uint32_t sent_first_lost(struct sent *s)
{
    if (s->count == 0)
        return 0;
    return sent_lose(s, s->head, UINT64_C(1) << sent_entry(s, s->head)->first);
}

uint32_t sent_longer_lost(struct sent *s, uint32_t unit)
{
    uint32_t lost = 0;
    for (uint32_t n = s->head; n != s->head + s->count; n++) {
        const struct sent_entry *e = sent_entry(s, n);
        if (e->unit > unit && e->length > unit)
            lost += sent_lose(s, n, entry_all(e));
    }
    return lost;
}

void sent_all_lost(struct sent *s, bool forget)
{
    s->in_flight = s->lost = s->sacked = s->again = 0;
    for (uint32_t n = s->head; n != s->head + s->count; n++) {
        struct sent_entry *e = sent_entry(s, n);
        if (forget)
            e->done = units_below(e->first);
        e->again = 0;
        e->lost = entry_all(e) & ~e->done;
        s->lost += units_length(e, e->lost);
        s->sacked += units_length(e, e->done & ~units_below(e->first));
    }
    s->waiting = s->lost;
    s->resent_head += s->resent_count;
    s->resent_count = 0;
    s->lost_from = s->rack_from = s->head;
    if (forget)
        s->seen_count = 0;
}

void sent_none_lost(struct sent *s)
{
    for (uint32_t n = s->head; n != s->head + s->count; n++)
        sent_entry(s, n)->lost = 0;
    s->in_flight += s->lost;
    s->lost = s->waiting = 0;
    s->lost_from = s->rack_from = s->head;
}

bool sent_is_lost(const struct sent *s, seq_t n)
{
    uint32_t number = sent_find(s, n);
    if (number == s->head + s->count)
        return false;
    const struct sent_entry *e = sent_entry(s, number);
    return seq_at_most(e->start, n) && (e->lost >> (n - e->start) / e->unit & 1);
}
