/* What an acknowledgement says about the sent; see sent.h. */
#include "lib/tcp/sent_parts.h"

#include <string.h>

#define ROOM_KEPT 8u /* entries for which memory stays when all was acknowledged */

/* One acknowledgement being taken in. */
struct hearing {
    struct sent *s;
    const struct sent_report *r;
    struct sent_news *news;
    uint64_t now;
    seq_t highest; /* s->highest before it */
    bool cumulative;
};

/* (at, end) is the youngest sending that arrived, as far as we know. */
static void youngest(struct sent_news *news, uint64_t at, seq_t end)
{
    if (at > news->at || (at == news->at && seq_after(end, news->end))) {
        news->at = at;
        news->end = end;
    }
}

/* A first sending arrived after what was sent behind it. */
static void late(struct sent_news *news, const struct sent_entry *e)
{
    if (!news->reordered || e->at < news->late_at)
        news->late_at = e->at;
    news->reordered = true;
}

/* Units that were sent once arrived. */
static void once(struct hearing *h, const struct sent_entry *e, uint64_t units)
{
    struct sent_news *news = h->news;
    youngest(news, e->at, unit_end(e, units_highest(units)));
    seq_t start = e->start + (uint32_t)__builtin_ctzll(units) * e->unit;
    if (!news->original || seq_before(start, news->original_at))
        news->original_at = start;
    news->original = true;
    /* What was lost meanwhile may have arrived long ago: its answers can have been lost. */
    if (units & ~e->lost) {
        if (news->oldest == 0 || e->at < news->oldest)
            news->oldest = e->at;
        if (e->at > news->youngest)
            news->youngest = e->at;
    }
    if (seq_before(unit_end(e, (uint32_t)__builtin_ctzll(units)), h->highest))
        late(news, e);
}

/* Units that were sent more than once arrived: which sending it was is told by time alone. */
static void repeated(struct hearing *h, uint32_t number, uint64_t units)
{
    const struct sent_entry *e = sent_entry(h->s, number);
    if (h->cumulative)
        h->news->repeated = true;
    for (; units; units &= units - 1) {
        const struct sent_resent *r = sent_latest(h->s, number, units & -units);
        h->news->stale |= h->cumulative && (!r || r->at >= h->r->echo_end);
        if (!r)
            continue;
        /* Of what is beyond a gap the echo tells nothing: it is that of the last in order. */
        if (h->cumulative && r->at >= h->r->echo_end) {
            if (e->at < h->r->echo_end)
                late(h->news, e);
            continue;
        }
        if (h->now - r->at < h->r->rtt_minimum)
            continue;
        youngest(h->news, r->at, unit_end(e, (uint32_t)__builtin_ctzll(units)));
    }
}

/* These units of an entry arrived; of them those count that are new. */
static void deliver(struct hearing *h, uint32_t number, uint64_t units)
{
    struct sent *s = h->s;
    struct sent_entry *e = sent_entry(s, number);
    uint64_t fresh = units & ~e->done;
    if (!fresh)
        return;
    if (fresh & ~e->repeated)
        once(h, e, fresh & ~e->repeated);
    if (fresh & e->repeated)
        repeated(h, number, fresh & e->repeated);
    uint32_t length = units_length(e, fresh), lost = units_length(e, fresh & e->lost);
    uint32_t again = units_length(e, fresh & e->again);
    s->in_flight -= length - lost + again;
    s->again -= again;
    s->lost -= lost;
    s->waiting -= units_length(e, fresh & e->lost & ~e->again);
    e->done |= fresh;
    e->lost &= ~fresh;
    e->again &= ~fresh;
    s->highest = seq_max(s->highest, unit_end(e, units_highest(fresh)));
    h->news->delivered += length;
    if (!h->cumulative) {
        h->news->sacked += length;
        s->sacked += length;
    }
}

/* The units before n of the first entry are acknowledged for good. */
static void pass(struct hearing *h, uint32_t n)
{
    struct sent *s = h->s;
    struct sent_entry *e = sent_entry(s, s->head);
    uint64_t units = units_below(n) & ~units_below(e->first);
    s->sacked -= units_length(e, units & e->done);
    if (units & e->done & e->repeated)
        h->news->repeated = true;
    deliver(h, s->head, units);
    e->first = (uint8_t)n;
}

static void drop_first(struct sent *s)
{
    if (s->lost_from == s->head)
        s->lost_from++;
    if (s->rack_from == s->head)
        s->rack_from++;
    s->head++;
    s->count--;
}

static void cumulative(struct hearing *h)
{
    struct sent *s = h->s;
    seq_t ack = h->r->ack;
    h->cumulative = true;
    h->news->acked = ack - s->una;
    s->una = ack;
    while (s->count > 0) {
        struct sent_entry *e = sent_entry(s, s->head);
        if (seq_after(entry_end(e), ack)) {
            if (seq_after(ack, e->start))
                pass(h, (ack - e->start) / e->unit);
            break;
        }
        pass(h, e->units);
        drop_first(s);
    }
    s->highest = seq_max(s->highest, ack);
    h->cumulative = false;
    /* An acknowledgement by the sum of many: how long the first of them waited is not told, where
     * something among them was sent again. */
    if (h->news->repeated)
        h->news->oldest = h->news->youngest = 0;
}

/* Beyond the last segment that the same blocks of the last acknowledgement covered. */
static struct seq_range unseen(const struct sent *s, struct seq_range b)
{
    for (uint8_t i = 0; i < s->seen_count; i++) {
        struct seq_range x = s->seen[i];
        if (seq_at_most(x.start, b.start) && seq_after(x.end, b.start))
            b.start = seq_min(x.end, b.end);
        if (seq_at_least(x.end, b.end) && seq_before(x.start, b.end))
            b.end = seq_max(x.start, b.start);
    }
    return b;
}

/* Units of an entry that lie within a block as a whole. */
static uint64_t covered(const struct sent_entry *e, struct seq_range b)
{
    uint32_t from = 0, to = e->units;
    if (seq_after(b.start, e->start))
        from = (b.start - e->start + e->unit - 1) / e->unit;
    if (seq_before(b.end, entry_end(e)))
        to = seq_after(b.end, e->start) ? (b.end - e->start) / e->unit : 0;
    return units_below(to) & ~units_below(from) & ~units_below(e->first);
}

static void selective(struct hearing *h, struct seq_range b)
{
    struct sent *s = h->s;
    struct seq_range walk = unseen(s, b);
    if (walk.start == walk.end)
        return;
    for (uint32_t n = sent_find(s, walk.start); n != s->head + s->count; n++) {
        const struct sent_entry *e = sent_entry(s, n);
        if (seq_at_least(e->start, walk.end))
            break;
        deliver(h, n, covered(e, b));
    }
}

/* Whether a block lies between una and next. */
static bool valid(const struct sent *s, struct seq_range b)
{
    return seq_before(b.start, b.end) && seq_at_least(b.start, s->una) &&
           seq_at_most(b.end, s->next);
}

/* RFC 2883, 4: the first block lies below the acknowledgement, or within the second. */
static bool duplicates(struct sent *s, const struct sent_report *r, struct sent_news *news)
{
    if (r->count == 0)
        return false;
    struct seq_range b = r->blocks[0];
    if (!seq_before(b.start, b.end) || seq_after(b.end, s->next))
        return false;
    bool inside = r->count > 1 && seq_at_least(b.start, r->blocks[1].start) &&
                  seq_at_most(b.end, r->blocks[1].end);
    if (!inside && seq_after(b.end, r->ack))
        return false;
    news->duplicate = true;
    news->duplicate_range = b;
    news->duplicates = s->unit ? (seq_length(b) + s->unit - 1) / s->unit : 1;
    return true;
}

void sent_acknowledge(struct sent *s, const struct sent_report *r, uint64_t now,
                      struct sent_news *news)
{
    *news = (struct sent_news){0};
    struct hearing h = {s, r, news, now, s->highest, false};
    uint8_t from = duplicates(s, r, news) ? 1 : 0, seen = 0;
    cumulative(&h);
    struct seq_range blocks[SENT_BLOCKS_MAX];
    for (uint8_t i = from; i < r->count && i < SENT_BLOCKS_MAX; i++) {
        struct seq_range b = r->blocks[i];
        if (!valid(s, b))
            continue;
        selective(&h, b);
        blocks[seen++] = b;
    }
    memcpy(s->seen, blocks, seen * sizeof blocks[0]);
    s->seen_count = seen;
    if (s->count == 0) {
        s->resent_head += s->resent_count;
        s->resent_count = 0;
        if (s->room > ROOM_KEPT || s->resent_room > ROOM_KEPT)
            sent_shrink(s);
    }
    news->reneged = sent_reneged(s);
}
