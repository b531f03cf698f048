/* What an acknowledgement means for the sender; see recovery.h. */
#include "lib/tcp/recovery_parts.h"

/* Karn's rule: what was sent twice is measured by the echo only. After a timeout an echo of an
 * earlier sending does not count: a receiver that had it already, whose answer was lost, echoes
 * that one, however long ago it was. */
static void measure(struct recovery *r, const struct recovery_input *in,
                    const struct sent_news *news, uint64_t now)
{
    if (news->oldest)
        rtt_sample(&r->rtt, now - news->oldest, now - news->youngest, now);
    else if (news->acked && in->echo_rtt && !(news->stale && r->timeouts))
        rtt_sample(&r->rtt, in->echo_rtt, 0, now);
}

/* --- losses --- */

uint32_t recovery_find_lost(struct recovery *r, uint64_t now)
{
    uint32_t lost = 0;
    if (!r->sack)
        return 0;
    r->reorder_at = rack_detect(&r->rack, &r->sent, &r->rtt, r->phase >= RECOVERY_LOST,
                                (r->sent.sacked + r->cubic.mss - 1) / r->cubic.mss, now, &lost);
    return lost;
}

/* RFC 6582, for peers without SACK: three duplicates, then each acknowledgement of a part, tell of
 * one lost segment. */
static uint32_t count_duplicates(struct recovery *r, const struct recovery_input *in,
                                 struct sent_news *news)
{
    if (news->acked) {
        uint32_t segments = (news->acked + r->cubic.mss - 1) / r->cubic.mss;
        bool part = r->phase == RECOVERY_LOST && seq_before(r->sent.una, r->high);
        r->duplicates = part && r->duplicates > segments ? r->duplicates - segments : 0;
        return part ? sent_first_lost(&r->sent) : 0;
    }
    if (!in->duplicate || recovery_flight(r) == 0)
        return 0;
    news->delivered += r->cubic.mss;
    if (++r->duplicates == RECOVERY_DUPLICATES && r->phase < RECOVERY_LOST &&
        seq_after(r->sent.una, r->high))
        return sent_first_lost(&r->sent);
    return 0;
}

bool recovery_is_congestion(struct recovery *r, uint32_t lost)
{
    struct seq_range p = r->path_probe;
    if (lost == 0)
        return false;
    if (seq_length(p) == 0 || !sent_is_lost(&r->sent, p.start))
        return true;
    r->path_probe = (struct seq_range){0, 0};
    r->path_probe_lost = true;
    return r->sent.waiting > seq_length(p);
}

/* --- phases --- */

static void reduce(struct recovery *r)
{
    r->low = r->sent.una;
    r->high = r->sent.next;
    r->again = 0;
    r->trouble_at = 0;
    r->say_reduced = r->ecn;
    r->hystart.phase = HYSTART_DONE;
    prr_begin(&r->prr, sent_outstanding(&r->sent));
    cubic_reduce(&r->cubic);
}

void recovery_begin(struct recovery *r)
{
    r->counters->recoveries++;
    r->undoable = r->phase != RECOVERY_REDUCED;
    if (r->phase != RECOVERY_REDUCED) /* else it has just been reduced */
        reduce(r);
    r->high = r->sent.next;
    r->phase = RECOVERY_LOST;
    r->probe_at = UINT64_MAX;
}

void recovery_shrink(struct recovery *r, uint32_t delivered, bool advanced, uint32_t lost)
{
    bool first = r->phase == RECOVERY_LOST && r->trouble_at == 0;
    uint32_t window = prr_window(&r->prr, delivered, recovery_flight(r), r->cubic.s.threshold,
                                 r->cubic.mss, advanced && lost == 0, first);
    cubic_set_window(&r->cubic, window);
}

/* RFC 3168, 6.1.2: as for a loss, once a round trip. */
static void heed_mark(struct recovery *r)
{
    r->counters->marks++;
    r->undoable = false;
    reduce(r);
    r->phase = RECOVERY_REDUCED;
}

/* RFC 5682, 2.1: after the first answer to a timeout new data goes out, and the next one tells. */
static void continue_frto(struct recovery *r, const struct recovery_input *in,
                          const struct sent_news *news)
{
    if (r->frto == 2 && (news->sacked || in->duplicate || news->acked))
        r->frto = 0;
    if (r->frto != 1 || !news->acked)
        return;
    r->frto = in->fresh ? 2 : 0;
    if (r->frto)
        r->high = r->sent.next;
}

static void finish(struct recovery *r)
{
    if (r->phase == RECOVERY_LOST || r->phase == RECOVERY_REDUCED)
        cubic_settle(&r->cubic);
    if (r->phase >= RECOVERY_LOST)
        rack_recovered(&r->rack);
    r->phase = RECOVERY_OPEN;
    r->frto = 0;
    r->duplicates = 0;
}

/* From one phase to the next. */
static void proceed(struct recovery *r, const struct recovery_input *in,
                    const struct sent_news *news, uint32_t lost)
{
    bool over = seq_at_least(r->sent.una, r->high);
    if (r->phase == RECOVERY_TIMED)
        continue_frto(r, in, news);
    if (r->phase != RECOVERY_OPEN && over)
        finish(r);
    if (r->phase < RECOVERY_LOST && recovery_is_congestion(r, lost))
        recovery_begin(r);
    else if (r->phase == RECOVERY_OPEN && in->congestion && r->ecn && over)
        heed_mark(r);
}

/* --- the window --- */

static void grow(struct recovery *r, const struct sent_news *news, uint64_t now)
{
    uint32_t window = cubic_window(&r->cubic);
    bool slow = cubic_slow_start(&r->cubic);
    bool limited = r->limited || (slow && window < 2 * (uint64_t)r->peak);
    if (slow && news->acked && limited &&
        hystart_acked(&r->hystart, r->sent.una, r->sent.next,
                      news->youngest ? now - news->youngest : 0))
        cubic_leave_slow_start(&r->cubic);
    /* What arrives beyond a gap may be the sign of a loss, unless the path is known to reorder. */
    if (news->acked || r->rack.reordering)
        cubic_acked(&r->cubic, news->delivered, limited, hystart_divisor(&r->hystart),
                    r->rtt.smoothed, now);
}

static bool shrinking(const struct recovery *r)
{
    return r->phase == RECOVERY_LOST || r->phase == RECOVERY_REDUCED;
}

/* What ends a reduction tells of the window before it: it does not grow by that. */
static void set_window(struct recovery *r, const struct sent_news *news, uint32_t lost,
                       bool was_shrinking, uint64_t now)
{
    if (shrinking(r))
        recovery_shrink(r, news->delivered, news->acked > 0, lost);
    else if (!was_shrinking)
        grow(r, news, now);
}

/* A probe that repaired the only loss hides it: it is answered as one (RFC 8985, 7.4.2). */
static void heed_probe(struct recovery *r, const struct recovery_input *in,
                       const struct sent_news *news)
{
    if (!rack_probe_repaired(&r->rack, &r->sent, news, in->duplicate))
        return;
    r->counters->probe_repairs++;
    if (r->phase != RECOVERY_OPEN)
        return;
    reduce(r);
    r->undoable = false;
    cubic_settle(&r->cubic);
}

static void arm(struct recovery *r, const struct sent_news *news, uint64_t now)
{
    if (sent_outstanding(&r->sent) == 0)
        r->reorder_at = UINT64_MAX;
    if (news->acked)
        recovery_arm_timeout(r, now);
    if (news->acked || news->sacked)
        recovery_arm_probe(r, now);
    if (seq_at_least(r->sent.una, r->path_probe.end))
        r->path_probe = (struct seq_range){0, 0};
}

void recovery_acknowledged(struct recovery *r, const struct recovery_input *in, uint64_t now,
                           struct sent_news *news)
{
    struct sent_report report = in->report;
    report.rtt_minimum = rtt_minimum(&r->rtt);
    sent_acknowledge(&r->sent, &report, now, news);
    measure(r, in, news, now);
    r->counters->reneged += news->reneged;
    r->counters->duplicates += news->duplicate;
    if (news->acked)
        r->timeouts = 0;
    uint32_t lost = r->sack ? 0 : count_duplicates(r, in, news);
    rack_heard(&r->rack, &r->sent, news, now);
    recovery_undo(r, in, news);
    bool was_shrinking = shrinking(r);
    lost += recovery_find_lost(r, now);
    proceed(r, in, news, lost);
    set_window(r, news, lost, was_shrinking, now);
    heed_probe(r, in, news);
    arm(r, news, now);
}
