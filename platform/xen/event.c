/* See event.h. The interrupt is one by the processor's own controller, which each rise of the vcpu's
 * pending flag raises once (xen/hvm/hvm_op.h: HVMOP_set_evtchn_upcall_vector). */
#include "platform/xen/event.h"

#include "platform/pvh/cpu.h"
#include "platform/pvh/interrupt.h"
#include "platform/pvh/poll.h"
#include "platform/pvh/pvclock.h"
#include "platform/xen/guest.h"
#include "platform/xen/hypercall.h"
#include "runtime/log.h"
#include "signatures/clock.h"

#define SOURCE   "xen"
#define WORDS    (sizeof(xen_ulong_t) * 8)
#define CHANNELS 32u /* Xen gives the lowest number that is free */

/* Those that we opened: what is left of another domain's numbers is not closed in this one. */
static uint32_t ours, known; /* bits; known: those whose events end a sleep */

void event_forget(void)
{
    struct shared_info *s = guest_shared();
    struct vcpu_info *v = &s->vcpu_info[0];
    if (!__atomic_exchange_n(&v->evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST))
        return;
    uint64_t words = __atomic_exchange_n(&v->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < WORDS; i++)
        if (words >> i & 1)
            (void)__atomic_exchange_n(&s->evtchn_pending[i], 0, __ATOMIC_SEQ_CST);
}

static bool run(struct poll *p)
{
    (void)p;
    event_forget();
    return false;
}

/* What fires while devices look once more ends the sleep. */
static bool nothing(struct poll *p)
{
    (void)p;
    return false;
}

void event_resume(void)
{
    struct xen_hvm_evtchn_upcall_vector upcall = {.vcpu = 0, .vector = INTERRUPT_VECTOR};
    known &= ~ours;
    ours = 0;
    if (hypercall_on(__HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, &upcall))
        log_error(SOURCE, "no interrupt for events (Xen 4.6 or later is needed): devices are slow");
}

void event_begin(void)
{
    static struct poll forget = {.run = run, .await = nothing};
    event_resume();
    poll_add(&forget);
}

void event_know(uint32_t channel)
{
    if (channel < CHANNELS)
        known |= UINT32_C(1) << channel;
}

uint32_t event_open(uint16_t domain)
{
    struct evtchn_alloc_unbound to = {.dom = DOMID_SELF, .remote_dom = domain};
    long e = hypercall_on(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &to);
    if (e || to.port >= CHANNELS) {
        log_error(SOURCE, "no event channel to domain %u (error %ld)", domain, -e);
        return EVENT_NONE;
    }
    ours |= UINT32_C(1) << to.port;
    event_know(to.port);
    return to.port;
}

void event_close(uint32_t channel)
{
    struct evtchn_close c = {.port = channel};
    uint32_t bit = channel < CHANNELS ? UINT32_C(1) << channel : 0;
    if (ours & bit)
        (void)hypercall_on(__HYPERVISOR_event_channel_op, EVTCHNOP_close, &c);
    ours &= ~bit;
    known &= ~bit;
}

void event_notify(uint32_t channel)
{
    struct evtchn_send s = {.port = channel};
    if (channel != EVENT_NONE)
        (void)hypercall_on(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &s);
}

/* In Xen, until a channel is pending: what fires after the last look is so already. (Of interrupts, one
 * that is taken between STI and HLT would be slept over: emulated virtualisation does that.) */
bool event_sleep(uint64_t deadline)
{
    evtchn_port_t ports[CHANNELS];
    struct sched_poll poll = {.nr_ports = 0};
    uint64_t now;
    if (!guest_of_xen() ||
        !pvclock_read((const volatile void *)&guest_shared()->vcpu_info[0].time, cpu_ticks, &now))
        return false;
    for (uint32_t i = 1; i < CHANNELS; i++)
        if (known >> i & 1)
            ports[poll.nr_ports++] = i;
    set_xen_guest_handle(poll.ports, ports);
    uint64_t from = clock_monotonic();
    poll.timeout = now + (deadline > from ? deadline - from : 0);
    return hypercall_on(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll) == 0;
}
