/* What goes out, and when time has passed; see recovery.h. */
#include "lib/tcp/recovery_parts.h"

void recovery_init(struct recovery *r, const struct recovery_options *o, seq_t first,
                   struct recovery_counters *counters)
{
    *r = (struct recovery){
        .counters = counters,
        .reorder_at = UINT64_MAX,
        .probe_at = UINT64_MAX,
        .timeout_at = UINT64_MAX,
        .high = first - 1,
        .limited_end = first,
        .sack = o->sack,
        .ecn = o->ecn,
    };
    sent_init(&r->sent, first);
    rtt_init(&r->rtt);
    rack_init(&r->rack);
    cubic_init(&r->cubic, o->mss);
    hystart_init(&r->hystart, first);
}

void recovery_deinit(struct recovery *r)
{
    sent_deinit(&r->sent);
}

void recovery_established(struct recovery *r, uint64_t rtt, bool again, uint64_t now)
{
    if (rtt)
        rtt_sample(&r->rtt, rtt, again ? 0 : rtt, now);
    if (again)
        cubic_set_window(&r->cubic, r->cubic.mss);
}

void recovery_idle(struct recovery *r)
{
    sent_shrink(&r->sent);
}

void recovery_set_mss(struct recovery *r, uint32_t mss)
{
    cubic_set_mss(&r->cubic, mss);
}

/* --- output --- */

/* Idle for longer than a timeout: what the window was says little about the path now. */
static void restart(struct recovery *r, uint64_t now)
{
    uint64_t timeout = rtt_timeout(&r->rtt);
    if (sent_outstanding(&r->sent) > 0 || r->sent_at == 0 || now - r->sent_at <= timeout)
        return;
    cubic_restart(&r->cubic, now - r->sent_at, timeout);
    r->sent_at = now;
    r->limited = false;
    r->peak = 0;
}

uint32_t recovery_room(struct recovery *r, uint64_t now)
{
    restart(r, now);
    uint32_t window = cubic_window(&r->cubic), flight = recovery_flight(r);
    if (flight == 0)
        return window;
    return window > flight ? window - flight : 0;
}

bool recovery_ready(struct recovery *r)
{
    if (sent_may(&r->sent))
        return true;
    r->counters->full++;
    return false;
}

bool recovery_next(struct recovery *r, uint32_t max, struct seq_range *range)
{
    uint32_t window = cubic_window(&r->cubic), flight = recovery_flight(r);
    if (r->frto == 2 || !sent_waiting(&r->sent, max, range))
        return false;
    uint32_t length = seq_length(*range), least = length < r->cubic.mss ? length : r->cubic.mss;
    return flight == 0 || flight + least <= window;
}

void recovery_arm_timeout(struct recovery *r, uint64_t now)
{
    bool any = sent_outstanding(&r->sent) > 0;
    r->timeout_at = any ? now + rtt_timeout(&r->rtt) : UINT64_MAX;
}

/* RFC 8985, 7.2: while nothing is wrong, two round trips after the last that was sent or heard. */
void recovery_arm_probe(struct recovery *r, uint64_t now)
{
    const struct sent *s = &r->sent;
    r->probe_at = UINT64_MAX;
    if (!r->sack || r->phase >= RECOVERY_LOST || s->sacked > 0 || r->rack.probing ||
        sent_outstanding(s) == 0)
        return;
    uint64_t at = now + rack_probe_timeout(&r->rack, &r->rtt, sent_outstanding(s) <= s->unit);
    r->probe_at = at < r->timeout_at ? at : r->timeout_at;
}

/* How far the window is used in a round trip: up, or else how much of it at most. */
static void note_use(struct recovery *r)
{
    uint32_t flight = recovery_flight(r);
    bool up = flight + r->cubic.mss > cubic_window(&r->cubic);
    bool over = seq_at_least(r->sent.una, r->limited_end);
    if (!up && !over && (r->limited || flight <= r->peak))
        return;
    r->limited = up;
    r->peak = flight;
    r->limited_end = r->sent.next;
}

static void note_sent(struct recovery *r, uint32_t bytes, uint64_t now)
{
    r->sent_at = now;
    if (r->phase == RECOVERY_LOST || r->phase == RECOVERY_REDUCED)
        prr_sent(&r->prr, bytes);
    note_use(r);
    if (r->timeout_at == UINT64_MAX)
        recovery_arm_timeout(r, now);
}

void recovery_resent(struct recovery *r, struct seq_range range, uint64_t now)
{
    uint32_t length = seq_length(range), segments = (length + r->cubic.mss - 1) / r->cubic.mss;
    sent_again(&r->sent, range, now);
    r->again += segments;
    r->resent += segments;
    r->counters->retransmitted += segments;
    if (r->trouble_at == 0)
        r->trouble_at = now;
    note_sent(r, length, now);
    if (range.start == r->sent.una)
        recovery_arm_timeout(r, now);
}

void recovery_sent(struct recovery *r, uint32_t length, uint16_t unit, uint64_t now)
{
    if (sent_append(&r->sent, length, unit, now)) {
        r->counters->full++;
        return;
    }
    note_sent(r, length, now);
    recovery_arm_probe(r, now);
}

bool recovery_says_reduced(struct recovery *r)
{
    bool say = r->say_reduced;
    r->say_reduced = false;
    return say;
}

/* --- time --- */

uint64_t recovery_deadline(const struct recovery *r)
{
    uint64_t at = r->timeout_at;
    if (r->reorder_at < at)
        at = r->reorder_at;
    return r->probe_at < at ? r->probe_at : at;
}

/* RFC 6298, 5.4 to 5.6, and RFC 8985, 6.3; at most one reduction for the same data. */
static void timed_out(struct recovery *r, uint64_t now)
{
    bool again = r->phase == RECOVERY_TIMED && r->timeouts > 0;
    bool first = !again && r->phase != RECOVERY_LOST;
    r->counters->timeouts++;
    if (first) {
        r->low = r->sent.una;
        r->again = 0;
        r->trouble_at = 0;
        r->undoable = true;
    }
    r->frto = r->phase != RECOVERY_LOST;
    cubic_timeout(&r->cubic, first);
    /* What the receiver reported at una and did not acknowledge, it no longer has. */
    sent_all_lost(&r->sent, sent_reneged(&r->sent));
    r->phase = RECOVERY_TIMED;
    r->high = r->sent.next;
    r->say_reduced = r->ecn;
    r->duplicates = 0;
    r->hystart.phase = HYSTART_DONE;
    r->rack.probing = false;
    r->reorder_at = r->probe_at = UINT64_MAX;
    if (r->timeouts < UINT8_MAX)
        r->timeouts++;
    rtt_back_off(&r->rtt);
    recovery_arm_timeout(r, now);
}

static enum recovery_action look_again(struct recovery *r, uint64_t now)
{
    uint32_t lost = recovery_find_lost(r, now);
    if (lost == 0)
        return RECOVERY_WAIT;
    if (r->phase < RECOVERY_LOST && recovery_is_congestion(r, lost))
        recovery_begin(r);
    if (r->phase == RECOVERY_LOST)
        recovery_shrink(r, 0, false, lost);
    return RECOVERY_OUTPUT;
}

enum recovery_action recovery_expired(struct recovery *r, uint64_t now)
{
    if (r->reorder_at <= now)
        return look_again(r, now);
    if (r->probe_at <= now) {
        r->probe_at = UINT64_MAX;
        return RECOVERY_PROBE;
    }
    if (r->timeout_at > now)
        return RECOVERY_WAIT;
    timed_out(r, now);
    return RECOVERY_TIMEOUT;
}

bool recovery_probe(const struct recovery *r, struct seq_range *range)
{
    return sent_last(&r->sent, range);
}

void recovery_probed(struct recovery *r, bool again, uint64_t now)
{
    r->counters->probes++;
    rack_probed(&r->rack, &r->sent, again);
    r->probe_at = UINT64_MAX;
    recovery_arm_timeout(r, now);
}

/* --- path MTU --- */

void recovery_path_probe(struct recovery *r, struct seq_range range)
{
    r->path_probe = range;
}

bool recovery_path_probe_lost(struct recovery *r)
{
    bool lost = r->path_probe_lost;
    r->path_probe_lost = false;
    return lost;
}

void recovery_too_big(struct recovery *r)
{
    sent_longer_lost(&r->sent, r->cubic.mss);
}
