/* See stop.h. */
#include "platform/pvh/stop.h"

#include "runtime/log.h"
#include "runtime/loop.h"
#include "signatures/clock.h"
#include "signatures/program.h"

#define STATUS_INSISTED 1 /* what was in flight was cut off */

static uint64_t asked_at;

void stop_ask(void)
{
    if (asked_at || !program.stop) {
        loop_stop(asked_at ? STATUS_INSISTED : 0);
        return;
    }
    asked_at = clock_monotonic();
    log_info("machine", "asked to end");
    program.stop();
}

uint64_t stop_asked_at(void)
{
    return asked_at;
}
