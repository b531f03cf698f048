/* Lines about the network. Whoever is on the link can cause them, as often as he likes: what he says changes is
 * information, and only so much of it is said. Warnings and errors are bounded by what they are about. */
#include "lib/inet/internal.h"

bool inet_says(struct inet *i, enum log_level level)
{
    if (i->config.quiet || !log_wants(level, INET_SOURCE))
        return false;
    if (level != LOG_INFO)
        return true;
    bool full = i->lines_paid <= i->now;
    uint64_t paid = (full ? i->now : i->lines_paid) + INET_LINES_EVERY;
    i->lines_short &= !full;
    if (paid - i->now <= INET_LINES_MAX * INET_LINES_EVERY) {
        i->lines_paid = paid;
        return true;
    }
    if (!i->lines_short)
        log_warning(INET_SOURCE,
                    "the network changes all the time: from now on a line a minute says how, "
                    "others are left out");
    i->lines_short = true;
    i->lines_left_out++;
    return false;
}
