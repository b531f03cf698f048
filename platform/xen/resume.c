/* See resume.h. In another domain nothing stands of what Xen and the toolstack gave us, but our memory;
 * backends that we knew are gone. */
#include "platform/xen/resume.h"

#include "platform/xen/bus.h"
#include "platform/xen/console.h"
#include "platform/xen/control.h"
#include "platform/xen/event.h"
#include "platform/xen/guest.h"
#include "runtime/log.h"
#include "signatures/timer.h"

#define SOURCE "xen"

static void suspend(struct task *t)
{
    (void)t;
    log_info(SOURCE, "suspended");
    xen_console_flush();
    if (guest_shutdown(SHUTDOWN_suspend)) {
        log_info(SOURCE, "the suspension was called off");
        return;
    }
    guest_resume();
    event_resume();
    console_resume();
    bus_resume();
    control_begin();
    log_info(SOURCE, "resumed");
}

void resume_suspend(void)
{
    static struct task task;
    task_init(&task, suspend);
    task_post(&task);
}
