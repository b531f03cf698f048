/* See control.h. The wish is acknowledged by making its node empty; then it is followed. */
#include "platform/xen/control.h"

#include "platform/pvh/power.h"
#include "platform/pvh/stop.h"
#include "platform/xen/bus.h"
#include "platform/xen/resume.h"
#include "runtime/log.h"

#define SOURCE   "xen"
#define NODE     "control/shutdown"
#define WISH_MAX 16u

/* What we follow, told to the toolstack. */
static const char *const features[] = {"control/feature-poweroff", "control/feature-reboot",
                                       "control/feature-suspend", NULL};

enum step { IDLE, WATCH, TELL, READ, ACKNOWLEDGE };

static struct store_watch watch;
static struct store_request request;
static enum step step;
static unsigned told;
static bool again, reboots;
static char wish[WISH_MAX];

static void answered(struct store_request *r, enum err e, struct slice answer);

static void ask(enum step next, uint32_t type, const char *path, const char *value)
{
    step = next;
    request = (struct store_request){
        .type = type, .path = slice_text(path), .value = slice_text(value), .done = answered};
    store_ask(bus_store(), &request);
}

static void look(void)
{
    again = false;
    ask(READ, XS_READ, NODE, "");
}

static void fired(struct store_watch *w)
{
    (void)w;
    again = true;
    if (step == IDLE)
        look();
}

static void follow(struct slice what)
{
    if (slice_is(what, "poweroff") || slice_is(what, "halt"))
        stop_ask();
    else if (slice_is(what, "reboot")) {
        reboots = true;
        stop_ask();
    } else if (slice_is(what, "suspend"))
        resume_suspend();
    else if (slice_is(what, "crash")) {
        log_error(SOURCE, "the toolstack asks for a crash");
        power_crash();
    } else
        log_warning(SOURCE, "the toolstack asks for \"%.*s\", which is nothing that we know",
                    SLICE_ARG(what));
}

static void keep(struct slice answer)
{
    answer = slice_take(answer, sizeof wish - 1);
    memcpy(wish, answer.ptr, answer.len);
    wish[answer.len] = '\0';
}

static void proceed(void)
{
    step = IDLE;
    if (features[told])
        ask(TELL, XS_WRITE, features[told++], "1");
    else if (again)
        look();
}

static void answered(struct store_request *r, enum err e, struct slice answer)
{
    (void)r;
    if (e && e != ERR_NOT_FOUND)
        log_warning(SOURCE, "%.*s: %s", SLICE_ARG(request.path), err_text(e));
    again |= step == READ && e == ERR_TIMEOUT; /* a wish is not lost while the store is silent */
    if (step == READ && !e && answer.len) {
        keep(answer);
        ask(ACKNOWLEDGE, XS_WRITE, NODE, "");
        return;
    }
    bool done = step == ACKNOWLEDGE;
    proceed();
    if (done)
        follow(slice_text(wish));
}

void control_begin(void)
{
    if (!bus_store())
        return;
    told = 0;
    store_listen(bus_store(), &watch, fired);
    ask(WATCH, XS_WATCH, NODE, watch.token);
}

bool control_reboots(void)
{
    return reboots;
}
