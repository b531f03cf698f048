/* Reductions that prove needless; see recovery.h. */
#include "lib/tcp/recovery_parts.h"

/* RFC 3522: una passed something that was sent again, by an answer to what was sent before. Losses
 * beside it may be real, so that all retransmissions must have come to an end. */
static bool by_echo(const struct recovery *r, const struct recovery_input *in,
                    const struct sent_news *news)
{
    if (!news->acked || !news->repeated || r->trouble_at < in->report.echo_end)
        return false;
    return r->phase == RECOVERY_TIMED || r->sent.again == 0 || seq_at_least(r->sent.una, r->high);
}

/* RFC 3708: everything that was sent again had arrived already. */
static bool by_duplicates(struct recovery *r, const struct sent_news *news)
{
    if (!news->duplicate || r->again == 0 || seq_before(news->duplicate_range.start, r->low))
        return false;
    r->again -= news->duplicates < r->again ? news->duplicates : r->again;
    return r->again == 0;
}

/* RFC 5682: after a timeout, with nothing but una's segment sent again, another arrived. */
static bool by_original(const struct recovery *r, const struct sent_news *news)
{
    return r->phase == RECOVERY_TIMED && r->frto && news->original &&
           seq_before(news->original_at, r->high);
}

bool recovery_undo(struct recovery *r, const struct recovery_input *in,
                   const struct sent_news *news)
{
    if (!r->undoable || r->trouble_at == 0)
        return false;
    bool duplicates = by_duplicates(r, news);
    if (by_echo(r, in, news))
        r->counters->undone_echo++;
    else if (duplicates)
        r->counters->undone_duplicates++;
    else if (by_original(r, news))
        r->counters->undone_original++;
    else
        return false;
    r->undoable = false;
    r->frto = 0;
    r->duplicates = 0;
    r->phase = RECOVERY_OPEN;
    cubic_undo(&r->cubic);
    sent_none_lost(&r->sent);
    return true;
}
