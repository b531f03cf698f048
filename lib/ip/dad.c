/* Duplicate address detection: see dad.h. */
#include "lib/ip/dad.h"

#include "signatures/wait.h"

void dad_begin(struct dad *d, uint64_t now, bool probe, uint64_t random)
{
    d->left = probe ? DAD_QUESTIONS : 0;
    d->due = now;
    if (probe)
        d->due += (random >> 48) * DAD_DELAY >> 16;
    for (size_t i = 0; i < sizeof(d->nonce); i++)
        d->nonce[i] = (uint8_t)(random >> (8 * i));
}

enum dad_action dad_expire(struct dad *d, uint64_t now)
{
    if (now < d->due)
        return DAD_NOTHING;
    if (d->left > 0) {
        d->left--;
        d->due = now + DAD_RETRANSMIT;
        return DAD_ASK;
    }
    d->due = WAIT_FOREVER;
    return DAD_READY;
}

bool dad_is_ours(const struct dad *d, struct slice nonce)
{
    return slice_equal(nonce, slice_of(d->nonce, sizeof(d->nonce)));
}
