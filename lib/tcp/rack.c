/* Loss by time; see rack.h. */
#include "lib/tcp/rack.h"

void rack_init(struct rack *k)
{
    *k = (struct rack){.quarters = 1};
}

/* Whether a D-SACK is about the probe: then the window is not to blame (7.4.1). */
static bool about_probe(const struct rack *k, const struct sent_news *news)
{
    return k->probing && k->probe_again && news->duplicate_range.end == k->probe_end;
}

static void widen(struct rack *k, const struct sent *s, const struct sent_news *news)
{
    if (k->widened && seq_at_least(s->una, k->round))
        k->widened = false;
    if (!news->duplicate || k->widened || about_probe(k, news))
        return;
    k->widened = true;
    k->round = s->next;
    k->persist = RACK_PERSIST;
    if (k->quarters < RACK_QUARTERS)
        k->quarters++;
}

/* A segment arrived after younger ones: by how much longer than theirs its journey was. */
static void late(struct rack *k, const struct sent_news *news, uint64_t now)
{
    uint64_t journey = now - news->late_at;
    uint64_t by = journey > k->rtt ? journey - k->rtt : 0;
    k->reordering = true;
    k->persist = RACK_PERSIST;
    if (by > k->lateness)
        k->lateness = by;
}

void rack_heard(struct rack *k, const struct sent *s, const struct sent_news *news, uint64_t now)
{
    if (news->reordered)
        late(k, news, now);
    if (news->at > k->at || (news->at && news->at == k->at && seq_after(news->end, k->end))) {
        k->at = news->at;
        k->end = news->end;
        k->rtt = now - news->at;
    }
    widen(k, s, news);
}

static uint64_t window(const struct rack *k, const struct rtt *r, bool recovering,
                       uint32_t overtaken)
{
    if (!k->reordering && (recovering || overtaken >= RACK_OVERTAKEN))
        return 0;
    uint64_t w = rtt_minimum(r) / 4 * k->quarters;
    uint64_t seen = k->lateness + k->lateness / 8;
    if (w < seen)
        w = seen;
    return w < r->smoothed ? w : r->smoothed;
}

uint64_t rack_detect(struct rack *k, struct sent *s, const struct rtt *r, bool recovering,
                     uint32_t overtaken, uint64_t now, uint32_t *lost)
{
    if (k->at == 0)
        return UINT64_MAX;
    uint64_t wait = k->rtt + window(k, r, recovering, overtaken);
    return sent_overtaken(s, k->at, k->end, wait, now, lost);
}

void rack_recovered(struct rack *k)
{
    if (k->persist == 0 || --k->persist > 0)
        return;
    k->quarters = 1;
    k->lateness = 0;
}

uint64_t rack_probe_timeout(const struct rack *k, const struct rtt *r, bool single)
{
    uint64_t delay = k->patient ? RACK_PROBE_DELAY_MAX : RACK_PROBE_DELAY;
    if (r->smoothed == 0)
        return RACK_PROBE_FIRST;
    return 2 * r->smoothed + (single ? delay : RACK_PROBE_FLOOR);
}

void rack_probed(struct rack *k, const struct sent *s, bool again)
{
    k->probing = true;
    k->probe_again = again;
    k->probe_end = s->next;
}

bool rack_probe_repaired(struct rack *k, const struct sent *s, const struct sent_news *news,
                         bool duplicate)
{
    if (!k->probing || seq_before(s->una, k->probe_end))
        return false;
    if (!k->probe_again || about_probe(k, news)) {
        k->patient |= k->probe_again;
        k->probing = false; /* a new segment, or both copies arrived */
        return false;
    }
    if (seq_after(s->una, k->probe_end)) {
        k->probing = false; /* one answer for two sendings */
        return true;
    }
    if (duplicate && !news->duplicate) { /* two answers, from a receiver without D-SACK */
        k->patient = true;
        k->probing = false;
    }
    return false;
}
