/* The states of a client, one function each; see dhcp.h for the picture. */
#include "lib/dhcp/dhcp.h"

#include "lib/dhcp/message.h"

#define NEVER UINT64_MAX

static const struct address NOBODY = {{[10] = 0xff, [11] = 0xff}};
static const struct address EVERYBODY = {
    {[10] = 0xff, [11] = 0xff, [12] = 0xff, [13] = 0xff, [14] = 0xff, [15] = 0xff}};

const char *dhcp_state_text(enum dhcp_state s)
{
    static const char *const texts[] = {
        [DHCP_STOPPED] = "stopped",       [DHCP_INIT] = "waiting",
        [DHCP_SELECTING] = "discovering", [DHCP_REQUESTING] = "requesting",
        [DHCP_REBOOTING] = "confirming",  [DHCP_BOUND] = "bound",
        [DHCP_RENEWING] = "renewing",     [DHCP_REBINDING] = "rebinding"};
    return texts[s];
}

/* --- chance and time --- */

static uint64_t chance(struct dhcp *d, uint64_t below)
{
    uint64_t n;
    d->random(d->arg, &n, sizeof n);
    return n % below;
}

/* Twice as long each time, one second more or less. */
static uint64_t patience(struct dhcp *d)
{
    uint64_t ns = DHCP_FIRST_NS << (d->tries < 4 ? d->tries : 4);
    if (ns > DHCP_LAST_NS)
        ns = DHCP_LAST_NS;
    return ns - CLOCK_SEC + chance(d, 2 * CLOCK_SEC);
}

static void new_transaction(struct dhcp *d, uint64_t now)
{
    d->random(d->arg, &d->xid, sizeof d->xid);
    d->tries = 0;
    d->began = now;
}

static uint16_t secs(const struct dhcp *d, uint64_t now)
{
    uint64_t s = (now - d->began) / CLOCK_SEC;
    return s > UINT16_MAX ? UINT16_MAX : (uint16_t)s;
}

/* --- sending --- */

static void send(struct dhcp *d, struct dhcp_step *step, const struct dhcp_question *q,
                 struct address to)
{
    step->source = q->ours;
    step->destination = to;
    step->len = dhcp_write(d, q, step->message);
    d->counters.sent++;
}

static void send_discover(struct dhcp *d, uint64_t now, struct dhcp_step *step)
{
    send(d, step,
         &(struct dhcp_question){.type = DHCP_DISCOVER,
                                 .secs = secs(d, now),
                                 .broadcast = true,
                                 .ours = NOBODY,
                                 .requested = NOBODY,
                                 .server = NOBODY},
         EVERYBODY);
    d->deadline = now + patience(d);
    d->tries++;
}

/* For an address that is not ours (any more): in REQUESTING of a server, in REBOOTING of any. */
static void send_request(struct dhcp *d, uint64_t now, struct dhcp_step *step)
{
    send(d, step,
         &(struct dhcp_question){.type = DHCP_REQUEST,
                                 .secs = secs(d, now),
                                 .broadcast = true,
                                 .ours = NOBODY,
                                 .requested = d->lease.address,
                                 .server = d->state == DHCP_REQUESTING ? d->lease.server : NOBODY},
         EVERYBODY);
    d->requested_at = now;
    d->deadline = now + patience(d);
    d->tries++;
}

/* For more time: of its server, then of any. Again after half of what is left, but not at once. */
static void send_renewal(struct dhcp *d, uint64_t now, struct dhcp_step *step)
{
    uint64_t end = d->state == DHCP_RENEWING ? d->rebind_at : d->expires_at;
    uint64_t pause = end > now ? (end - now) / 2 : 0;
    send(d, step,
         &(struct dhcp_question){.type = DHCP_REQUEST,
                                 .secs = secs(d, now),
                                 .ours = d->lease.address,
                                 .requested = NOBODY,
                                 .server = NOBODY},
         d->state == DHCP_RENEWING ? d->lease.server : EVERYBODY);
    d->requested_at = now;
    if (pause < DHCP_RENEW_NS)
        pause = DHCP_RENEW_NS;
    d->deadline = now + pause < end ? now + pause : end;
}

/* --- the way through the states --- */

static void wait_to_begin(struct dhcp *d, uint64_t at)
{
    d->state = DHCP_INIT;
    d->deadline = at;
}

static void discover(struct dhcp *d, uint64_t now, struct dhcp_step *step)
{
    d->state = DHCP_SELECTING;
    new_transaction(d, now);
    send_discover(d, now, step);
}

static void lose(struct dhcp *d, struct dhcp_step *step)
{
    if (dhcp_has_lease(d))
        step->event = DHCP_LOST;
    d->expires_at = 0;
}

static uint64_t after(uint64_t from, uint64_t seconds)
{
    return from + seconds * CLOCK_SEC;
}

/* T1 and T2 as the server says, if that can be, or one half and seven eighths of the time, less up
 * to a thirty-second (4.4.5). */
static void set_times(struct dhcp *d, const struct dhcp_answer *a)
{
    uint64_t from = d->requested_at, ns = a->lease.seconds * CLOCK_SEC;
    d->renew_at = d->rebind_at = d->expires_at = NEVER;
    if (a->lease.seconds == DHCP_FOREVER)
        return;
    d->expires_at = from + ns;
    if (a->renew > 0 && a->renew < a->rebind && a->rebind < a->lease.seconds) {
        d->renew_at = after(from, a->renew);
        d->rebind_at = after(from, a->rebind);
        return;
    }
    uint64_t less = chance(d, ns / 32 + 1);
    d->renew_at = from + ns / 2 - less;
    d->rebind_at = from + ns / 8 * 7 - less;
}

static void bind(struct dhcp *d, const struct dhcp_answer *a, struct dhcp_step *step)
{
    step->event = dhcp_has_lease(d) ? DHCP_RENEWED : DHCP_LEASED;
    d->lease = a->lease;
    set_times(d, a);
    d->state = DHCP_BOUND;
    d->deadline = d->renew_at;
}

static void on_offer(struct dhcp *d, uint64_t now, const struct dhcp_answer *a,
                     struct dhcp_step *step)
{
    if (d->state != DHCP_SELECTING) {
        d->counters.dropped_state++;
        return;
    }
    d->counters.received++;
    d->lease = a->lease;
    d->state = DHCP_REQUESTING;
    d->tries = 0;
    send_request(d, now, step);
}

/* Who may answer: in REQUESTING and RENEWING the one that was asked. */
static bool asked(const struct dhcp *d, const struct dhcp_answer *a)
{
    return (d->state != DHCP_REQUESTING && d->state != DHCP_RENEWING) ||
           address_equal(&a->lease.server, &d->lease.server);
}

static bool waits(const struct dhcp *d)
{
    return d->state == DHCP_REQUESTING || d->state == DHCP_REBOOTING || d->state == DHCP_RENEWING ||
           d->state == DHCP_REBINDING;
}

static void on_ack(struct dhcp *d, const struct dhcp_answer *a, struct dhcp_step *step)
{
    if (!waits(d)) {
        d->counters.dropped_state++;
    } else if (!asked(d, a) || !address_equal(&a->lease.address, &d->lease.address)) {
        d->counters.dropped_foreign++;
    } else {
        d->counters.received++;
        bind(d, a, step);
    }
}

static void on_nak(struct dhcp *d, uint64_t now, const struct dhcp_answer *a,
                   struct dhcp_step *step)
{
    if (!waits(d)) {
        d->counters.dropped_state++;
    } else if (!asked(d, a)) {
        d->counters.dropped_foreign++;
    } else {
        d->counters.naks++;
        lose(d, step);
        wait_to_begin(d, now + DHCP_NAK_NS + chance(d, DHCP_NAK_NS));
    }
}

static void refuse(struct dhcp *d, enum err why)
{
    if (why == ERR_MISMATCH)
        d->counters.dropped_foreign++;
    else if (why == ERR_ARGUMENT)
        d->counters.dropped_content++;
    else
        d->counters.dropped_malformed++;
}

void dhcp_input(struct dhcp *d, uint64_t now, struct slice bytes, struct dhcp_step *step)
{
    struct dhcp_answer a;
    step->event = DHCP_NOTHING;
    step->len = 0;
    enum err e = dhcp_read(d, bytes, &a);
    if (e)
        refuse(d, e);
    else if (a.type == DHCP_OFFER)
        on_offer(d, now, &a, step);
    else if (a.type == DHCP_ACK)
        on_ack(d, &a, step);
    else
        on_nak(d, now, &a, step);
}

/* --- time --- */

/* A lease that runs on although nobody confirmed it (3.2). */
static void resume(struct dhcp *d, uint64_t now)
{
    d->state = DHCP_BOUND;
    d->deadline = d->renew_at > now ? d->renew_at : now;
}

static void on_no_answer(struct dhcp *d, uint64_t now, struct dhcp_step *step)
{
    if (d->tries < DHCP_REQUESTS)
        send_request(d, now, step);
    else if (d->state == DHCP_REBOOTING)
        resume(d, now);
    else
        discover(d, now, step);
}

static void on_lease_time(struct dhcp *d, uint64_t now, struct dhcp_step *step)
{
    if (d->state == DHCP_BOUND)
        new_transaction(d, now);
    d->state = now < d->rebind_at ? DHCP_RENEWING : DHCP_REBINDING;
    send_renewal(d, now, step);
}

static void on_lease_end(struct dhcp *d, uint64_t now, struct dhcp_step *step)
{
    d->counters.expired++;
    lose(d, step);
    if (d->state == DHCP_STOPPED)
        d->deadline = NEVER;
    else
        discover(d, now, step);
}

static void on_deadline(struct dhcp *d, uint64_t now, struct dhcp_step *step)
{
    switch (d->state) {
    case DHCP_STOPPED:
        return;
    case DHCP_INIT:
        discover(d, now, step);
        return;
    case DHCP_SELECTING:
        send_discover(d, now, step);
        return;
    case DHCP_REQUESTING:
    case DHCP_REBOOTING:
        on_no_answer(d, now, step);
        return;
    case DHCP_BOUND:
    case DHCP_RENEWING:
    case DHCP_REBINDING:
        on_lease_time(d, now, step);
        return;
    }
}

void dhcp_expire(struct dhcp *d, uint64_t now, struct dhcp_step *step)
{
    step->event = DHCP_NOTHING;
    step->len = 0;
    if (dhcp_has_lease(d) && now >= d->expires_at)
        on_lease_end(d, now, step);
    else if (now >= d->deadline)
        on_deadline(d, now, step);
}

uint64_t dhcp_deadline(const struct dhcp *d)
{
    if (dhcp_has_lease(d) && d->expires_at < d->deadline)
        return d->expires_at;
    return d->deadline;
}

/* --- from outside --- */

bool dhcp_has_lease(const struct dhcp *d)
{
    return d->expires_at != 0;
}

static bool is_hostname(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i], letter = c | 0x20;
        if (!(letter >= 'a' && letter <= 'z') && !(c >= '0' && c <= '9') && c != '-')
            return false;
    }
    return name.len <= DHCP_HOSTNAME_MAX;
}

void dhcp_init(struct dhcp *d, const uint8_t mac[6], struct slice hostname,
               void (*random)(void *arg, void *into, size_t len), void *arg)
{
    *d = (struct dhcp){.random = random, .arg = arg, .deadline = NEVER};
    memcpy(d->mac, mac, sizeof d->mac);
    if (hostname.len && is_hostname(hostname))
        memcpy(d->hostname, hostname.ptr, hostname.len);
}

void dhcp_start(struct dhcp *d, uint64_t now, struct dhcp_step *step)
{
    step->event = DHCP_NOTHING;
    step->len = 0;
    if (!dhcp_has_lease(d)) {
        discover(d, now, step);
        return;
    }
    d->state = DHCP_REBOOTING;
    new_transaction(d, now);
    send_request(d, now, step);
}

void dhcp_pause(struct dhcp *d)
{
    d->state = DHCP_STOPPED;
    d->deadline = NEVER;
}

/* To its server alone: a decline is broadcast, a release is not (4.4.4). */
void dhcp_release(struct dhcp *d, uint64_t now, struct dhcp_step *step)
{
    step->event = DHCP_NOTHING;
    step->len = 0;
    if (dhcp_has_lease(d)) {
        new_transaction(d, now);
        send(d, step,
             &(struct dhcp_question){.type = DHCP_RELEASE,
                                     .ours = d->lease.address,
                                     .requested = NOBODY,
                                     .server = d->lease.server},
             d->lease.server);
    }
    lose(d, step);
    dhcp_pause(d);
}

void dhcp_conflict(struct dhcp *d, uint64_t now, struct dhcp_step *step)
{
    step->event = DHCP_NOTHING;
    step->len = 0;
    if (!dhcp_has_lease(d))
        return;
    d->counters.declines++;
    new_transaction(d, now);
    send(d, step,
         &(struct dhcp_question){.type = DHCP_DECLINE,
                                 .ours = NOBODY,
                                 .requested = d->lease.address,
                                 .server = d->lease.server},
         EVERYBODY);
    lose(d, step);
    wait_to_begin(d, now + DHCP_DECLINE_NS);
}
