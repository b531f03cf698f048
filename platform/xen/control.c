/* See control.h. The wish is acknowledged by making its node empty; then it is followed. It is read once more in
 * the transaction that does so, which fails where another has been written meanwhile: then that is read. All
 * that is part of it is asked at once, so that a store which falls silent costs one STORE_DEADLINE. */
#include "platform/xen/control.h"

#include "platform/pvh/power.h"
#include "platform/pvh/stop.h"
#include "platform/xen/bus.h"
#include "platform/xen/resume.h"
#include "runtime/log.h"

#define SOURCE   "xen"
#define NODE     "control/shutdown"
#define WISH_MAX 16u
#define TRIES    8u /* with a transaction, of one wish; then it is done without */

/* What we follow, told to the toolstack. */
static const char *const features[] = {"control/feature-poweroff", "control/feature-reboot",
                                       "control/feature-suspend", NULL};

enum step { IDLE, WATCH, TELL, READ, BEGIN, TAKE, CLEAR };

static struct store_watch watch;
static struct store_request request, reading, clearing; /* the last two: of a transaction */
static enum step step;
static unsigned told, tries;
static bool again, reboots;
static char wish[WISH_MAX];
static enum err not_cleared;

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

static void complain(enum err e)
{
    log_warning(SOURCE, NODE ": %s", err_text(e));
}

static void proceed(void)
{
    step = IDLE;
    tries = 0;
    if (features[told])
        ask(TELL, XS_WRITE, features[told++], "1");
    else if (again)
        look();
}

/* Whatever came of clearing it. One that was taken back is empty. */
static void finish(enum err e)
{
    if (e)
        complain(e);
    proceed();
    if (wish[0])
        follow(slice_text(wish));
}

/* --- the transaction --- */

static void was_read(struct store_request *r, enum err e, struct slice answer)
{
    (void)r;
    if (!e)
        keep(answer);
    else if (e == ERR_NOT_FOUND)
        wish[0] = '\0';
}

static void was_cleared(struct store_request *r, enum err e, struct slice answer)
{
    (void)r;
    (void)answer;
    not_cleared = e;
}

static void take(uint32_t transaction)
{
    reading = (struct store_request){
        .type = XS_READ, .transaction = transaction, .path = SLICE(NODE), .done = was_read};
    clearing = (struct store_request){
        .type = XS_WRITE, .transaction = transaction, .path = SLICE(NODE), .done = was_cleared};
    store_ask(bus_store(), &reading);
    store_ask(bus_store(), &clearing);
    ask(TAKE, XS_TRANSACTION_END, "T", "");
    request.transaction = transaction;
}

static void found(struct slice what)
{
    keep(what);
    if (tries++ < TRIES)
        ask(BEGIN, XS_TRANSACTION_START, "", "");
    else
        ask(CLEAR, XS_WRITE, NODE, "");
}

static void began(enum err e, struct slice answer)
{
    uint64_t number;
    if (e == ERR_TIMEOUT || e == ERR_CLOSED)
        finish(e);
    else if (!e && slice_ends(answer, SLICE("\0")) &&
             slice_decimal(slice_take(answer, answer.len - 1), UINT32_MAX, &number) && number)
        take((uint32_t)number);
    else
        ask(CLEAR, XS_WRITE, NODE, "");
}

/* --- what follows from the answers --- */

static void looked(enum err e, struct slice answer)
{
    again |= e == ERR_TIMEOUT; /* a wish is not lost while the store is silent */
    if (e && e != ERR_NOT_FOUND)
        complain(e);
    if (!e && answer.len)
        found(answer);
    else
        proceed();
}

static void answered(struct store_request *r, enum err e, struct slice answer)
{
    switch (step) {
    case READ:
        looked(e, answer);
        break;
    case BEGIN:
        began(e, answer);
        break;
    case TAKE:
        if (e == ERR_AGAIN)
            look();
        else
            finish(e ? e : not_cleared);
        break;
    case CLEAR:
        finish(e);
        break;
    default:
        if (e)
            log_warning(SOURCE, "%.*s: %s", SLICE_ARG(r->path), err_text(e));
        proceed();
    }
}

void control_begin(void)
{
    if (!bus_store())
        return;
    told = tries = 0;
    store_listen(bus_store(), &watch, fired);
    ask(WATCH, XS_WATCH, NODE, watch.token);
}

bool control_reboots(void)
{
    return reboots;
}
