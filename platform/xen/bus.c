/* See bus.h. */
#include "platform/xen/bus.h"

#include "platform/pvh/paging.h"
#include "platform/pvh/poll.h"
#include "platform/xen/byte_ring.h"
#include "platform/xen/event.h"
#include "platform/xen/guest.h"
#include "platform/xen/ring.h"
#include "runtime/log.h"
#include "signatures/timer.h"

#define SOURCE "xen"
#define GLANCE (100 * CLOCK_MS) /* longest sleep where no timer runs yet */

static struct store store;
static struct byte_ring out, in;
static uint32_t channel;
static bool open;
static struct front *fronts[BUS_FRONTS_MAX];
static size_t count;
static struct timer timer;

/* --- the ring --- */

static void lose(const char *why)
{
    log_error(SOURCE, "the connection to the store ended: %s", why);
    store_end(&store);
}

static bool receive(void)
{
    uint8_t bytes[XENSTORE_RING_SIZE];
    uint64_t malformed = in.malformed;
    size_t n = byte_ring_take(&in, bytes, sizeof bytes);
    if (in.malformed != malformed)
        lose("its ring makes no sense");
    bool was_closed = store.closed;
    store_input(&store, slice_of(bytes, n));
    if (store.closed && !was_closed)
        lose("a message is too long");
    return n > 0;
}

static bool transmit(uint64_t now)
{
    uint64_t malformed = out.malformed;
    struct slice bytes;
    bool any = false, room = true;
    while (room && (bytes = store_output(&store, now)).len) {
        size_t n = byte_ring_put(&out, bytes);
        store_sent(&store, n);
        any |= n > 0;
        room = n == bytes.len;
    }
    if (out.malformed != malformed)
        lose("its ring makes no sense");
    return any;
}

/* --- time --- */

static uint64_t next_deadline(void)
{
    uint64_t next = store_deadline(&store);
    for (size_t i = 0; i < count; i++)
        if (front_deadline(fronts[i]) < next)
            next = front_deadline(fronts[i]);
    return next;
}

/* The timer runs all the time, so that it is only moved, which does not fail. It only wakes: the turn looks at
 * the time. */
static void fire(struct timer *t)
{
    (void)timer_start(t, UINT64_MAX); /* it takes the place that it has just left */
}

/* True: it is set for another time than the loop knows of that is about to sleep. */
static bool set_timer(void)
{
    uint64_t next = next_deadline();
    if (timer.deadline == next)
        return false;
    (void)timer_start(&timer, next);
    return true;
}

/* --- the turn --- */

static bool turn(void)
{
    uint64_t now = clock_monotonic();
    bool any = !store.closed && receive();
    for (size_t i = 0; i < count; i++)
        front_expire(fronts[i]);
    store_expire(&store, now);
    any |= !store.closed && transmit(now);
    if (any)
        event_notify(channel);
    return any;
}

static bool run(struct poll *p)
{
    (void)p;
    bool any = turn();
    return set_timer() || any;
}

static bool await(struct poll *p)
{
    (void)p;
    return !store.closed && byte_ring_waits(&in);
}

static bool map_ring(void)
{
    static struct xenstore_domain_interface *page;
    static uint64_t frame;
    uint64_t now_at = guest_parameter(HVM_PARAM_STORE_PFN);
    store_init(&store);
    if (!now_at)
        return false;
    if (now_at != frame)
        page = paging_map_shared(now_at * RING_PAGE, RING_PAGE);
    frame = now_at;
    if (!page)
        return false;
    channel = (uint32_t)guest_parameter(HVM_PARAM_STORE_EVTCHN);
    event_know(channel);
    byte_ring_init(&out, page->req, sizeof page->req, &page->req_cons, &page->req_prod);
    byte_ring_init(&in, page->rsp, sizeof page->rsp, &page->rsp_prod, &page->rsp_cons);
    return true;
}

bool bus_begin(void)
{
    static struct poll poll = {.run = run, .await = await};
    open = map_ring();
    if (!open) {
        log_error(SOURCE, "the toolstack left no connection to the store: there are no devices");
        return false;
    }
    timer_init(&timer, fire);
    (void)timer_start(&timer, UINT64_MAX); /* one of the first, for which no memory is taken */
    poll_add(&poll);
    return true;
}

void bus_resume(void)
{
    if (!map_ring())
        lose("the restored domain has none");
    for (size_t i = 0; i < count; i++)
        front_restart(fronts[i]);
}

struct store *bus_store(void)
{
    return open ? &store : NULL;
}

bool bus_add(struct front *f)
{
    if (count == BUS_FRONTS_MAX)
        return false;
    fronts[count++] = f;
    return true;
}

void bus_remove(struct front *f)
{
    size_t i = 0;
    while (i < count && fronts[i] != f)
        i++;
    if (i < count)
        fronts[i] = fronts[--count];
    front_close(f);
}

bool bus_wait(bool (*ready)(void *arg), void *arg, uint64_t deadline)
{
    for (;;) {
        event_forget();
        bool any = turn();
        uint64_t now = clock_monotonic();
        if (ready(arg))
            return true;
        if (now >= deadline)
            return false;
        if (!any)
            (void)event_sleep(now + GLANCE < deadline ? now + GLANCE : deadline);
    }
}
