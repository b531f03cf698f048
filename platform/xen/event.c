/* See event.h. The interrupt is one by the processor's own controller, which each rise of the vcpu's
 * pending flag raises once (xen/hvm/hvm_op.h: HVMOP_set_evtchn_upcall_vector). */
#include "platform/xen/event.h"

#include <string.h>

#include "platform/pvh/apic.h"
#include "platform/pvh/cpu.h"
#include "platform/pvh/interrupt.h"
#include "platform/pvh/poll.h"
#include "platform/pvh/time.h"
#include "platform/xen/guest.h"
#include "platform/xen/hypercall.h"
#include "runtime/log.h"

#define SOURCE   "xen"
#define WORDS    (sizeof(xen_ulong_t) * 8)
#define CHANNELS 4096u

/* Those that we opened: what is left of another domain's numbers is not closed in this one. */
static uint64_t ours[CHANNELS / 64];

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

void event_resume(void)
{
    struct xen_hvm_evtchn_upcall_vector upcall = {.vcpu = 0, .vector = INTERRUPT_VECTOR};
    memset(ours, 0, sizeof ours);
    if (hypercall_on(__HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, &upcall))
        log_error(SOURCE, "no interrupt for events (Xen 4.6 or later is needed): devices are slow");
}

void event_begin(void)
{
    static struct poll forget = {.run = run, .await = run};
    event_resume();
    poll_add(&forget);
}

uint32_t event_open(uint16_t domain)
{
    struct evtchn_alloc_unbound to = {.dom = DOMID_SELF, .remote_dom = domain};
    long e = hypercall_on(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &to);
    if (e || to.port >= CHANNELS) {
        log_error(SOURCE, "no event channel to domain %u (error %ld)", domain, -e);
        return EVENT_NONE;
    }
    ours[to.port / 64] |= UINT64_C(1) << to.port % 64;
    return to.port;
}

void event_close(uint32_t channel)
{
    struct evtchn_close c = {.port = channel};
    uint64_t bit = UINT64_C(1) << channel % 64, *word = &ours[channel / 64 % (CHANNELS / 64)];
    if (*word & bit)
        (void)hypercall_on(__HYPERVISOR_event_channel_op, EVTCHNOP_close, &c);
    *word &= ~bit;
}

void event_notify(uint32_t channel)
{
    struct evtchn_send s = {.port = channel};
    if (channel != EVENT_NONE)
        (void)hypercall_on(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &s);
}

void event_sleep(uint64_t deadline)
{
    apic_set_timer(time_to_ticks(deadline));
    cpu_sleep();
    apic_set_timer(UINT64_MAX);
}
